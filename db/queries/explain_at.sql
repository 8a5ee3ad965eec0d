-- `explain` as of a time: every source that had listed exactly this indicator by then, with the evidence of that time;
-- and the verdict that was told then beside each. `listed` is null for a time that is not kept any more. $1 kind,
-- $2 value, $3 ikey, $4 the time, $5 audience.
with listing as (
    select l.*, case when l.listed_at <= $4::timestamptz then l.listed_at else h.listed_at end as since,
           case when l.listed_at <= $4::timestamptz then l.removed_at else h.removed_at end as gone,
           l.listed_at <= $4::timestamptz as is_last, h.flags as h_flags, h.version as h_version, h.line as h_line,
           h.raw as h_raw
    from tip.v_listing as l
    left join lateral (
        select * from tip.v_listing_history as h
        where l.listed_at > $4::timestamptz and h.ikey = l.ikey and h.source_id = l.source_id and h.kind = l.kind
          and h.value = l.value and h.listed_at <= $4::timestamptz and h.tlp <= $5::smallint
        order by h.listed_at desc
        limit 1
    ) as h on true
    where l.ikey = $3::bigint and l.kind = $1::smallint and l.value = $2 and l.first_seen <= $4::timestamptz
      and l.tlp <= $5::smallint
), verdict as (
    select v.* from tip.v_verdict_history as v
    where v.ikey = $3::bigint and v.kind = $1::smallint and v.value = $2 and v.from_at <= $4::timestamptz
      and (v.to_at is null or v.to_at > $4::timestamptz) and v.tlp <= $5::smallint
    order by v.from_at desc
    limit 1
)
select l.source, w.weight,
       case when l.since is not null then l.gone is null or l.gone > $4::timestamptz end as listed,
       l.first_seen, l.since, case when l.is_last then least(l.last_seen, $4::timestamptz) else l.gone end,
       case when l.gone <= $4::timestamptz then l.gone end,
       case when l.is_last then l.n_times end, case when l.is_last then l.flags else l.h_flags end,
       case when l.is_last then l.version else l.h_version end, case when l.is_last then l.line else l.h_line end,
       case when l.is_last then l.raw else l.h_raw end,
       v.score, v.tier_name, v.families, v.reasons, v.n_reasons, v.cause_source, v.cause_version, v.from_at,
       v.next_change_at, v.expires_at, v.subtree, v.whole, w.half_life_ms, w.half_life_basis
from (select 1) as one
left join listing as l on true
left join verdict as v on true
left join lateral (
    select coalesce(t.weight, l.weight) as weight, t.half_life_ms, t.half_life_basis
    from (select 1) as one
    left join lateral (
        select t.weight, t.half_life_ms, t.counts ->> 'half_life_basis' as half_life_basis from tip.v_source_weight as t
        where t.source = l.source and t.at <= $4::timestamptz and t.tlp <= $5::smallint
        order by t.at desc
        limit 1
    ) as t on true
) as w on true
where l.ikey is not null or v.ikey is not null
order by 3 desc nulls last, w.weight desc, l.source
limit $6
