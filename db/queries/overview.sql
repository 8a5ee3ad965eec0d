-- One row for the first page; cheap however much there is. $1 audience. Listings are what the collectors have said of their
-- current versions. Verdicts are counted up to 100,000 and estimated beyond (verdicts_about). Of the last minute's events
-- at most the newest 50,000 are looked at, and their rate stands for all of it (events_about).
with recent as materialized (
    select e.commit_time, e.class, e.tlp
    from tip.v_event_class as e
    where e.commit_time > now() - interval '1 minute'
    order by e.commit_time desc
    limit 50000
), span as (
    select count(*) >= 50000 as cut,
           case when count(*) < 50000 then 1
                else 60 / greatest(extract(epoch from now() - min(commit_time)), 0.001) end as factor
    from recent
), class as (
    select r.class, round(count(*) * (select s.factor from span as s))::bigint as n
    from recent as r
    where r.tlp <= $1::smallint
    group by r.class
), tiers as materialized (
    select t.tier, t.n, t.about from tip.verdict_tiers($1::smallint) as t
)
select (select count(*) from tip.v_source where tlp <= $1::smallint),
       (select count(*) from tip.v_source where tlp <= $1::smallint and state in ('failed', 'held')),
       (select coalesce(sum(n_entries), 0)::bigint from tip.v_source where tlp <= $1::smallint),
       coalesce((select t.n from tiers as t where t.tier = 1), 0),
       coalesce((select t.n from tiers as t where t.tier = 2), 0),
       coalesce((select t.n from tiers as t where t.tier = 3), 0),
       coalesce((select bool_or(t.about) from tiers as t), false),
       coalesce((select sum(c.n)::bigint from class as c), 0),
       coalesce((select jsonb_object_agg(c.class, c.n) from class as c), '{}'),
       (select s.cut from span as s),
       now()
limit $2
