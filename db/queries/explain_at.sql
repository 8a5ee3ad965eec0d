-- `explain` as of a time: every source that had listed exactly this indicator by then, with the evidence of that time;
-- and the verdict that was told then beside each. `listed` is null for a time that is not kept any more. $1 kind,
-- $2 value, $3 ikey, $4 the time, $5 audience.
with listing as (
    select l.source, l.weight as weight_now, l.first_seen, p.*
    from tip.v_listing as l
    cross join lateral tip.listing_as_of(l, $4::timestamptz, $5::smallint) as p
    where l.ikey = $3::bigint and l.kind = $1::smallint and l.value = $2 and l.tlp <= $5::smallint
), verdict as (
    select v.* from tip.v_verdict_history as v
    where v.ikey = $3::bigint and v.kind = $1::smallint and v.value = $2 and v.from_at <= $4::timestamptz
      and (v.to_at is null or v.to_at > $4::timestamptz) and v.tlp <= $5::smallint
    order by v.from_at desc
    limit 1
)
select l.source, coalesce(w.weight, l.weight_now) as weight_then, l.listed, l.first_seen, l.listed_at, l.last_seen,
       l.removed_at, l.n_times, l.flags, l.version, l.line, l.raw, v.score, v.tier_name, v.families, v.reasons,
       v.n_reasons, v.cause_source, v.cause_version, v.from_at, v.next_change_at, v.expires_at, v.subtree, v.whole,
       w.half_life_ms, w.half_life_basis, w.append_only, l.confirmed_at, l.stated_at
from (select 1) as one
left join listing as l on true
left join verdict as v on true
left join lateral tip.law_as_of(l.source, $4::timestamptz, $5::smallint) as w on true
where l.source is not null or v.ikey is not null
order by l.listed desc nulls last, weight_then desc, l.source
limit $6
