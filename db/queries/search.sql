-- All that is listed and bears on an indicator, by how it does. For an address: the nets around it and the endpoints on
-- it; for a net: what is around and inside; for a name: parents listed with all below them, and names below; for a URL:
-- its host. $1 kind, $2 value, $3 ikey, $4 its address or net, $5 the names above it (a URL's host first) and
-- $6 their ikeys, $7 a URL's host, $8 the reversed name with its dot, $9 audience. Of more than 10,000 inside a net or
-- below a name the strongest of the first ones found.
with found as (
    (select 0 as rank, 'exact' as relation, l.*
     from tip.v_listing as l
     where l.ikey = $3::bigint and l.kind = $1::smallint and l.value = $2 and l.tlp <= $9::smallint)
    union all
    (select 1, 'host', l.*
     from tip.v_listing as l
     where l.kind = 1 and l.net = $4::inet and $1::smallint in (4, 5) and l.tlp <= $9::smallint
     limit $10)
    union all
    (select 1, 'host', l.*
     from tip.v_listing as l
     where l.ikey = any ($6::bigint[]) and l.kind = 3 and l.value = $7 and l.tlp <= $9::smallint)
    union all
    (select 2, 'parent', l.*
     from tip.v_listing as l
     where l.ikey = any ($6::bigint[]) and l.kind = 3 and l.value = any ($5::text[]) and l.flags & 1 = 1
       and l.value is distinct from $7 and l.tlp <= $9::smallint
     limit $10)
    union all
    (select 3, 'around', l.*
     from tip.v_listing as l
     where l.kind = 2 and l.net >>= $4::inet and not ($1::smallint = 2 and l.net = $4::inet) and l.tlp <= $9::smallint
     limit $10)
    union all
    (select 4, 'on', l.*
     from tip.v_listing as l
     where l.kind = 5 and l.net = $4::inet and $1::smallint = 1 and l.tlp <= $9::smallint
     limit $10)
    union all
    (select 5, 'inside', l.*
     from (select * from tip.v_listing as l
           where l.net << $4::inet and $1::smallint = 2 and l.tlp <= $9::smallint
           limit 10000) as l
     order by l.listed desc, l.weight desc, l.value, l.source
     limit $10)
    union all
    (select 6, 'below', l.*
     from (select * from tip.v_listing as l
           where l.kind = 3 and reverse(l.value) >= $8 collate "C" and reverse(l.value) < (left($8, -1) || '/') collate "C"
             and l.tlp <= $9::smallint
           limit 10000) as l
     order by l.listed desc, l.weight desc, l.value, l.source
     limit $10)
)
select f.relation, f.kind_name, f.value, f.source, f.weight, f.listed, f.flags, f.first_seen, f.listed_at, f.last_seen,
       f.removed_at, f.n_times, f.version, f.line, v.score, v.tier_name, v.subtree, v.whole
from found as f
left join tip.v_verdict as v on v.ikey = f.ikey and v.kind = f.kind and v.value = f.value and v.tlp <= $9::smallint
order by f.rank, f.listed desc, f.weight desc, f.value, f.source
limit $10
