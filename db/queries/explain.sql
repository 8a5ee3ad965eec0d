-- Every source that lists or has listed exactly this indicator, with its evidence; and the verdict beside each;
-- half_life_* and append_only are how fast what the source says of an entry fades: the law in force.
-- $1 kind, $2 value, $3 ikey, $4 audience.
select l.source, l.weight, l.listed, l.first_seen, l.listed_at, l.last_seen, l.removed_at, l.n_times, l.flags,
       l.version, l.line, l.raw, v.score, v.tier_name, v.families, v.reasons, v.n_reasons, v.cause_source,
       v.cause_version, v.updated_at, v.next_change_at, v.expires_at, v.subtree, v.whole, w.half_life_ms,
       w.half_life_basis, w.append_only, l.confirmed_at, l.stated_at
from (select 1) as one
left join tip.v_listing as l on l.ikey = $3::bigint and l.kind = $1::smallint and l.value = $2
                                and l.tlp <= $4::smallint
left join tip.v_verdict as v on v.ikey = $3::bigint and v.kind = $1::smallint and v.value = $2
                                and v.tlp <= $4::smallint
left join lateral tip.law_as_of(l.source, 'infinity', $4::smallint) as w on true
where l.ikey is not null or v.ikey is not null
order by l.listed desc, l.weight desc, l.source
limit $5
