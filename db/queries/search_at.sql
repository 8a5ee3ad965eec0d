-- `search` as of a time: what was listed by then and bears on an indicator, and the verdict that was told then.
-- `listed` is null for a time that is not kept any more. $1 to $8 as in search.sql, $9 the time, $10 audience.
with found as (
    (select 0 as rank, 'exact' as relation, l.*
     from tip.v_listing as l
     where l.ikey = $3::bigint and l.kind = $1::smallint and l.value = $2
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint)
    union all
    (select 1, 'host', l.*
     from tip.v_listing as l
     where l.kind = 1 and l.net = $4::inet and $1::smallint in (4, 5)
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit $11)
    union all
    (select 1, 'host', l.*
     from tip.v_listing as l
     where l.ikey = any ($6::bigint[]) and l.kind = 3 and l.value = $7
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint)
    union all
    (select 2, 'parent', l.*
     from tip.v_listing as l
     where l.ikey = any ($6::bigint[]) and l.kind = 3 and l.value = any ($5::text[]) and l.flags & 1 = 1
       and l.value is distinct from $7 and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit $11)
    union all
    (select 3, 'around', l.*
     from tip.v_listing as l
     where l.kind = 2 and l.net >>= $4::inet and not ($1::smallint = 2 and l.net = $4::inet)
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit $11)
    union all
    (select 4, 'on', l.*
     from tip.v_listing as l
     where l.kind = 5 and l.net = $4::inet and $1::smallint = 1
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit $11)
    union all
    (select 5, 'inside', l.*
     from tip.v_listing as l
     where l.net << $4::inet and $1::smallint = 2
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit $11)
    union all
    (select 6, 'below', l.*
     from tip.v_listing as l
     where l.kind = 3 and reverse(l.value) >= $8 collate "C" and reverse(l.value) < (left($8, -1) || '/') collate "C"
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit $11)
), past as (
    select f.*, case when f.listed_at <= $9::timestamptz then f.listed_at else h.listed_at end as since,
           case when f.listed_at <= $9::timestamptz then f.removed_at else h.removed_at end as gone,
           f.listed_at <= $9::timestamptz as is_last, h.flags as h_flags, h.version as h_version, h.line as h_line
    from found as f
    left join lateral (
        select * from tip.v_listing_history as h
        where f.listed_at > $9::timestamptz and h.ikey = f.ikey and h.source_id = f.source_id and h.kind = f.kind
          and h.value = f.value and h.listed_at <= $9::timestamptz and h.tlp <= $10::smallint
        order by h.listed_at desc
        limit 1
    ) as h on true
)
select p.relation, p.kind_name, p.value, p.source, w.weight,
       case when p.since is not null then p.gone is null or p.gone > $9::timestamptz end as listed,
       case when p.is_last then p.flags else p.h_flags end, p.first_seen, p.since,
       case when p.is_last then least(p.last_seen, $9::timestamptz) else p.gone end,
       case when p.gone <= $9::timestamptz then p.gone end, case when p.is_last then p.n_times end,
       case when p.is_last then p.version else p.h_version end, case when p.is_last then p.line else p.h_line end,
       v.score, v.tier_name
from past as p
left join lateral (
    select coalesce((select t.weight from tip.v_source_weight as t
                     where t.source = p.source and t.at <= $9::timestamptz and t.tlp <= $10::smallint
                     order by t.at desc
                     limit 1), p.weight) as weight
) as w on true
left join lateral (
    select v.score, v.tier_name from tip.v_verdict_history as v
    where v.ikey = p.ikey and v.kind = p.kind and v.value = p.value and v.from_at <= $9::timestamptz
      and (v.to_at is null or v.to_at > $9::timestamptz) and v.tlp <= $10::smallint
    order by v.from_at desc
    limit 1
) as v on true
order by p.rank, 6 desc nulls last, w.weight desc, p.value, p.source
limit $11
