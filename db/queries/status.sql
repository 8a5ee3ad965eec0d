-- One row: how storage is. $1 lag, in records; -1 while it is not known. A table that has not been analysed yet has no
-- reltuples: then the count of its live rows is the estimate.
select o.name, o.journal_id, o.next_seq, nullif($1::bigint, -1), o.updated_at,
       (select sum(greatest(c.reltuples, pg_catalog.pg_stat_get_live_tuples(c.oid), 0))::bigint from tip.v_partition as p
        join pg_catalog.pg_class as c on c.relname = p.name and c.relnamespace = 'tip'::pg_catalog.regnamespace),
       (select greatest(c.reltuples, pg_catalog.pg_stat_get_live_tuples(c.oid), 0)::bigint from pg_catalog.pg_class as c
        where c.oid = pg_catalog.to_regclass('tip.listing')),
       (select greatest(c.reltuples, pg_catalog.pg_stat_get_live_tuples(c.oid), 0)::bigint from pg_catalog.pg_class as c
        where c.oid = pg_catalog.to_regclass('tip.verdict')),
       (select count(*) from tip.v_reject),
       (select count(*) from tip.v_gap where closed_at is null),
       (select count(*) from tip.v_source),
       (select count(*) from tip.v_source where state in ('failed', 'held')),
       (select count(*) from tip.v_source where needs_baseline_since is not null),
       (select count(*) from tip.v_source where orphan_since is not null),
       o.needs_all_since is not null,
       (select count(*) from tip.v_partition),
       (select max(day)::text from tip.v_partition),
       (select max(version) from tip.v_migration),
       pg_catalog.pg_database_size(pg_catalog.current_database())
from tip.v_offset as o
order by o.name
limit $2
