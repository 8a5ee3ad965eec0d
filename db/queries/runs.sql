-- What the scheduler started, newest first. $1 a module, or null for all.
select r.run_id, r.job, r.module, r.target, r.state, r.summary, r.n_ok, r.n_failed, r.n_skipped, r.forced, r.due_at,
       r.deadline_at, r.started_at, r.ended_at
from tip.v_run as r
where $1::text is null or r.module = $1
order by coalesce(r.started_at, r.ended_at) desc nulls last, r.run_id desc
limit $2
