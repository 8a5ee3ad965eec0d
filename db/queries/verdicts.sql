-- The worst there is. $1 a tier, or null for all that are at least watched.
select v.kind_name, v.value, v.score, v.tier_name, v.families, v.reasons, v.n_reasons, v.cause_source, v.cause_version,
       v.first_seen, v.updated_at
from tip.v_verdict as v
where v.tier > 0 and ($1::text is null or v.tier_name = $1)
order by v.tier desc, v.score desc, v.value
limit $2
