-- What the scheduler started, newest first. $1 a module, or null for all; $2 the cursor of the last row of the page before,
-- or null: its time in microseconds, and the run.
select r.run_id, r.job, r.module, r.target, r.state, r.summary, r.n_ok, r.n_failed, r.n_skipped, r.forced, r.due_at,
       r.deadline_at, r.started_at, r.ended_at,
       coalesce(extract(epoch from coalesce(r.started_at, r.ended_at)) * 1000000, 0)::bigint::text || ':' || r.run_id::text
from tip.v_run as r
where ($1::text is null or r.module = $1)
  and ($2::text is null
       or (coalesce(extract(epoch from coalesce(r.started_at, r.ended_at)) * 1000000, 0)::bigint, r.run_id)
          < (split_part($2::text, ':', 1)::bigint, nullif(split_part($2::text, ':', 2), '')::uuid))
order by coalesce(r.started_at, r.ended_at) desc nulls last, r.run_id desc
limit $3
