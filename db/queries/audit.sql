-- What operators have done, newest first. $1 a service, or null for all.
select c.applied_at, c.service, c.actor, c.action, c.target, c.reason, c.ok, c.result, c.call_id
from tip.v_control as c
where $1::text is null or c.service = $1
order by c.applied_at desc
limit $2
