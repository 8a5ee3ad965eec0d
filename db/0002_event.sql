-- Every event, as it came, under the broker's stamp.

create table tip.event (
    commit_time timestamptz not null,
    journal smallint not null,
    seq bigint not null,
    tlp smallint not null,
    topic text collate "C" not null,
    kind text collate "C" not null,
    publisher text collate "C" not null,
    observed_at timestamptz not null,
    bytes bytea compression lz4 not null,
    primary key (commit_time, journal, seq)
) partition by range (commit_time);

create index event_commit_time on tip.event using brin (commit_time);

comment on table tip.event is
    'The journal, for good: one row an event, bytes is a tip.v1.Event. Partitions of one UTC day of commit time, made ahead by event_partitions_make. Read by v_event. Grows by every event; whole days are dropped, and classes with a shorter retention swept from closed days.';

create table tip.event_default partition of tip.event default;

comment on table tip.event_default is
    'Events of days that have no partition. Must be empty: anything here raises an alarm and is moved by the next event_partitions_make.';

create table tip.event_sweep (
    day date not null,
    class text collate "C" not null,
    swept_at timestamptz not null default now(),
    n_events bigint not null,
    primary key (day, class)
);

comment on table tip.event_sweep is
    'Which classes have been swept from which closed days, so that no day is read twice. Read by event_class_sweep. A row a day and class, dropped with the day.';

create table tip.event_reject (
    journal smallint not null,
    seq bigint not null,
    commit_time timestamptz not null,
    topic text collate "C" not null,
    publisher text collate "C" not null,
    reason text not null,
    bytes bytea not null,
    rejected_at timestamptz not null default now(),
    primary key (journal, seq)
);

comment on table tip.event_reject is
    'Events that could not be stored, with the reason; everything else went on. Read by v_reject. Should stay empty; grows by what broken publishers send.';

-- Makes the partitions of yesterday to today + days, and of every day that event_default holds, which it empties.
create function tip.event_partitions_make(days integer) returns integer
    language plpgsql security definer set search_path = tip, pg_temp set timezone = 'UTC'
as $$
declare
    today constant date := now()::date;
    wanted date;
    part text;
    made integer := 0;
begin
    for wanted in
        select today + i from generate_series(-1, days) as i
        union
        (select distinct commit_time::date from tip.event_default limit 64)
        order by 1
    loop
        part := 'event_' || to_char(wanted, 'YYYYMMDD');
        continue when to_regclass('tip.' || part) is not null;
        execute format('create table tip.%I (like tip.event including all)', part);
        execute format(
            'with moved as (delete from tip.event_default where commit_time >= %L and commit_time < %L returning *)
             insert into tip.%I select * from moved', wanted, wanted + 1, part);
        execute format('alter table tip.event attach partition tip.%I for values from (%L) to (%L)',
                       part, wanted, wanted + 1);
        made := made + 1;
    end loop;
    return made;
end
$$;

-- The days that have a partition.
create view tip.v_partition as
    select c.relname::text as name,
           to_date(substr(c.relname, 7), 'YYYYMMDD') as day,
           pg_total_relation_size(c.oid) as size_bytes
    from pg_inherits as i
    join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'tip.event'::regclass and c.relname ~ '^event_[0-9]{8}$';

-- Drops the days that ended before keep_from.
create function tip.event_partitions_drop(keep_from timestamptz) returns integer
    language plpgsql security definer set search_path = tip, pg_temp set timezone = 'UTC'
as $$
declare
    old record;
    dropped integer := 0;
begin
    for old in select name, day from tip.v_partition where day + 1 <= keep_from order by day loop
        execute format('drop table tip.%I', old.name);
        delete from tip.event_sweep where day = old.day;
        dropped := dropped + 1;
    end loop;
    return dropped;
end
$$;

-- Deletes the events of one class from the days that ended before keep_from; each day once.
create function tip.event_class_sweep(class_name text, keep_from timestamptz) returns bigint
    language plpgsql security definer set search_path = tip, pg_temp set timezone = 'UTC'
as $$
declare
    old record;
    n bigint;
    swept bigint := 0;
begin
    for old in
        select name, day from tip.v_partition as p
        where day + 1 <= keep_from
          and not exists (select from tip.event_sweep as s where s.day = p.day and s.class = class_name)
        order by day
    loop
        execute format('delete from tip.%I where split_part(topic, ''.'', 2) = %L', old.name, class_name);
        get diagnostics n = row_count;
        insert into tip.event_sweep (day, class, n_events) values (old.day, class_name, n);
        swept := swept + n;
    end loop;
    return swept;
end
$$;

select tip.event_partitions_make(7);
