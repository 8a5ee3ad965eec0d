-- `search` as of a time: what was listed by then and bears on an indicator, and the verdict that was told then.
-- `listed` is null for a time that is not kept any more. $1 to $8 as in search.sql, $9 the time, $10 audience. Of more than
-- 10,000 inside a net or below a name the strongest of the first ones found.
-- Weights are looked up of the lists that were found, each once: that of all lists takes longer than all the rest.
with found as (
    (select 0 as rank, 'exact' as relation, l
     from tip.v_listing as l
     where l.ikey = $3::bigint and l.kind = $1::smallint and l.value = $2
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint)
    union all
    (select 1, 'host', l
     from tip.v_listing as l
     where l.kind = 1 and l.net = $4::inet and $1::smallint in (4, 5)
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit $11)
    union all
    (select 1, 'host', l
     from tip.v_listing as l
     where l.ikey = any ($6::bigint[]) and l.kind = 3 and l.value = $7
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint)
    union all
    (select 2, 'parent', l
     from tip.v_listing as l
     where l.ikey = any ($6::bigint[]) and l.kind = 3 and l.value = any ($5::text[]) and l.flags & 1 = 1
       and l.value is distinct from $7 and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit $11)
    union all
    (select 3, 'around', l
     from tip.v_listing as l
     where l.kind = 2 and l.net >>= $4::inet and not ($1::smallint = 2 and l.net = $4::inet)
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit $11)
    union all
    (select 4, 'on', l
     from tip.v_listing as l
     where l.kind = 5 and l.net = $4::inet and $1::smallint = 1
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit $11)
    union all
    (select 5, 'inside', l
     from tip.v_listing as l
     where l.net << $4::inet and $1::smallint = 2
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit 10000)
    union all
    (select 6, 'below', l
     from tip.v_listing as l
     where l.kind = 3 and reverse(l.value) >= $8 collate "C" and reverse(l.value) < (left($8, -1) || '/') collate "C"
       and l.first_seen <= $9::timestamptz and l.tlp <= $10::smallint
     limit 10000)
), law as materialized (
    select s.source, w.weight
    from (select distinct (f.l).source as source from found as f) as s
    cross join lateral tip.law_as_of(s.source, $9::timestamptz, $10::smallint) as w
), strongest as (
    select f.rank, f.relation, f.l, coalesce(w.weight, (f.l).weight) as weight_then, p.listed, p.flags, p.listed_at,
           p.last_seen, p.removed_at, p.n_times, p.version, p.line
    from found as f
    cross join lateral tip.listing_as_of(f.l, $9::timestamptz, $10::smallint) as p
    left join law as w on w.source = (f.l).source
    order by f.rank, p.listed desc nulls last, weight_then desc, (f.l).value, (f.l).source
    limit $11
)
select f.relation, (f.l).kind_name, (f.l).value, (f.l).source, f.weight_then, f.listed, f.flags, (f.l).first_seen,
       f.listed_at, f.last_seen, f.removed_at, f.n_times, f.version, f.line, v.score, v.tier_name, v.subtree, v.whole
from strongest as f
left join lateral (
    select v.score, v.tier_name, v.subtree, v.whole from tip.v_verdict_history as v
    where v.ikey = (f.l).ikey and v.kind = (f.l).kind and v.value = (f.l).value and v.from_at <= $9::timestamptz
      and (v.to_at is null or v.to_at > $9::timestamptz) and v.tlp <= $10::smallint
    order by v.from_at desc
    limit 1
) as v on true
order by f.rank, f.listed desc nulls last, f.weight_then desc, (f.l).value, (f.l).source
