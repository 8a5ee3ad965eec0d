-- What each two lists have in common, those first that are most alike. $1 one list, which then stands first in each row,
-- or null: each pair once; $2 the cursor of the last row of the page before, or null; $3 audience. Either list may have
-- told of a pair: the newer count holds. A newer one of the other list that is whole, might have named this one and does
-- not, says that they have nothing in common any more.
with told as materialized (
    select distinct on (o.source) o.source, o.at, o.n_scored, o.is_whole, o.pairs, o.told_tlp, o.own_tlp
    from tip.v_source_overlap as o
    where o.tlp <= $3::smallint
    order by o.source, o.at desc
), pair as (
    select t.source, s.name as other, t.at, t.n_scored, p.n_scored as n_scored_other, p.n_shared, p.n_first, p.n_late
    from told as t
    cross join lateral jsonb_to_recordset(t.pairs) as p(source text, n_scored double precision, n_shared double precision,
                                                        n_first double precision, n_late double precision)
    join tip.v_source as s on s.name = p.source collate "C" and s.tlp <= $3::smallint
    where not exists (select from told as n
                      where n.source = s.name and n.at > t.at and n.is_whole and n.told_tlp >= t.own_tlp
                        and not n.pairs @> jsonb_build_array(jsonb_build_object('source', t.source)))
), side as (
    select * from pair
    union all
    select other, source, at, n_scored_other, n_scored, n_shared, n_late, n_first from pair
), newest as (
    select distinct on (o.source, o.other) o.*,
           o.n_shared / nullif(o.n_scored + o.n_scored_other - o.n_shared, 0) as similarity
    from side as o
    where case when $1::text is null then o.source < o.other else o.source = $1 end
    order by o.source, o.other, o.at desc
)
select o.source, o.other, coalesce(o.similarity, 0), coalesce(o.n_shared / nullif(o.n_scored, 0), 0),
       coalesce(o.n_shared / nullif(o.n_scored_other, 0), 0), o.n_shared, o.n_first, o.n_late, o.n_scored,
       o.n_scored_other, o.at, coalesce(o.similarity, 0)::text || ':' || o.source || ':' || o.other
from newest as o
where $2::text is null
   or coalesce(o.similarity, 0) < split_part($2::text, ':', 1)::double precision
   or (coalesce(o.similarity, 0) = split_part($2::text, ':', 1)::double precision
       and (o.source, o.other) > (split_part($2::text, ':', 2) collate "C", split_part($2::text, ':', 3) collate "C"))
order by coalesce(o.similarity, 0) desc, o.source, o.other
limit $4
