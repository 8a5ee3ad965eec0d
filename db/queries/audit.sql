-- What operators have done, newest first. $1 a service, or null for all; $2 the cursor of the last row of the page before,
-- or null: its time in microseconds, and the call.
select c.applied_at, c.service, c.actor, c.action, c.target, c.reason, c.ok, c.result, c.call_id,
       (extract(epoch from c.applied_at) * 1000000)::bigint::text || ':' || c.call_id::text
from tip.v_control as c
where ($1::text is null or c.service = $1)
  and ($2::text is null
       or ((extract(epoch from c.applied_at) * 1000000)::bigint, c.call_id)
          < (split_part($2::text, ':', 1)::bigint, nullif(split_part($2::text, ':', 2), '')::uuid))
order by c.applied_at desc, c.call_id desc
limit $3
