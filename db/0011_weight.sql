-- Weights of sources as they were told, with everything they were computed from: for `source show`, and for pages that
-- draw them over time.

create table tip.source_weight (
    source_id integer not null,
    at timestamptz not null,
    weight double precision not null,
    before double precision not null,
    reason text not null,
    fixed boolean not null,
    measured_at timestamptz,
    measured double precision not null,
    trust double precision not null,
    independence double precision not null,
    lead double precision not null,
    freshness double precision not null,
    half_life_ms bigint not null,
    counts jsonb not null,
    tlp smallint not null,
    primary key (source_id, at)
);

comment on table tip.source_weight is
    'One row a source.weight event. counts is the whole event: with it anybody can do the arithmetic again. measured_at is null when only a configured weight was told. Read by v_source_weight. Grows by at most a row an hour and source; nothing is deleted.';

create view tip.v_source_weight as
    select s.name as source, w.at, w.weight, w.before, w.reason, w.fixed, w.measured_at, w.measured, w.trust,
           w.independence, w.lead, w.freshness, w.half_life_ms, w.counts, greatest(w.tlp, s.tlp) as tlp
    from tip.source_weight as w
    join tip.source as s on s.id = w.source_id;

grant select, insert, update on tip.source_weight to tip_storage;

grant select on tip.v_source_weight to tip_reader, tip_maintenance;
