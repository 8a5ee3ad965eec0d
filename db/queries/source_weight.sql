-- The weights of one list as they were told, newest first. $1 its name, $2 audience.
select w.at, w.weight, w.before, w.reason, w.fixed, w.measured_at, w.measured, w.trust, w.independence, w.lead,
       w.freshness, w.half_life_ms, w.law_half_life_ms, w.law_basis, w.law_append, w.counts
from tip.v_source_weight as w
where w.source = $1 and w.tlp <= $2::smallint
order by w.at desc
limit $3
