-- What lists have in common with others, as it was told last: for `tip source overlaps` and the map of overlaps.

create table tip.source_overlap (
    source_id integer not null,
    tlp smallint not null,
    at timestamptz not null,
    n_scored double precision not null,
    n_pairs integer not null,
    pairs jsonb not null,
    primary key (source_id, tlp)
);

comment on table tip.source_overlap is
    'The newest overlaps of a source under each marking that they were told with: a stricter event leaves what a wider audience knows. pairs is SourceWeight.overlaps of the event, strongest first; n_pairs is how many there are, told or not; at is when they were counted. Read by v_source_overlap. At most three rows a source, of 32 pairs each; nothing is deleted.';

-- own_tlp is the marking of the source, told_tlp that of the event: an event names nobody who is marked stricter.
create view tip.v_source_overlap as
    select s.name as source, o.at, o.n_scored, jsonb_array_length(o.pairs) >= o.n_pairs as is_whole, o.pairs,
           o.tlp as told_tlp, s.tlp as own_tlp, greatest(o.tlp, s.tlp) as tlp
    from tip.source_overlap as o
    join tip.source as s on s.id = o.source_id;

grant select, insert, update on tip.source_overlap to tip_storage;

grant select on tip.v_source_overlap to tip_reader, tip_maintenance;
