-- The last word on each alarm, raised ones first.
select a.service, a.name, a.raised, a.detail, a.since, a.updated_at, a.n_times
from tip.v_alarm as a
order by a.raised desc, a.updated_at desc
limit $1
