-- Sources, what they list, and what they have listed.

create table tip.source (
    id integer generated always as identity primary key,
    name text collate "C" not null unique,

    stream uuid,
    version bigint not null default 0,
    exact boolean not null default false,
    updating_to bigint not null default 0,
    updating_part integer not null default 0,
    updating_parts integer not null default 0,
    baseline_id uuid,
    baseline_stream uuid,
    baseline_version bigint not null default 0,
    baseline_part integer not null default 0,
    baseline_parts integer not null default 0,
    closed_baseline_id uuid,
    mark integer not null default 0,
    progress_at timestamptz,
    needs_baseline_since timestamptz,
    needs_baseline_reason text,
    orphan_since timestamptz,

    state text collate "C" not null default 'new',
    reason text not null default '',
    detail text not null default '',
    url text not null default '',
    weight double precision not null default 0,
    n_entries bigint not null default 0,
    n_lines bigint not null default 0,
    n_rejected bigint not null default 0,
    n_special bigint not null default 0,
    n_bytes bigint not null default 0,
    n_failures integer not null default 0,
    rejected jsonb not null default '{}',
    reject_sample jsonb not null default '[]',
    next_at timestamptz,
    last_ok_at timestamptz,
    last_failed_at timestamptz,
    first_seen timestamptz not null default now(),
    updated_at timestamptz not null default now()
) with (fillfactor = 50);

comment on table tip.source is
    'One row a list. First half: which version the listed rows of the source are (stream, version, if exact), how far a delta or a baseline under way has come, whether the owner is to be asked for a baseline, whether the owner has disowned it. Second half: the last word of the collector. Read by v_source and by every batch. Grows with the configuration.';

create table tip.source_history (
    source_id integer not null,
    stream uuid not null,
    version bigint not null,
    at timestamptz not null,
    reason text not null,
    n_entries bigint not null,
    n_added bigint not null,
    n_removed bigint not null,
    n_changed bigint not null,
    n_lines bigint not null,
    n_rejected bigint not null,
    n_bytes bigint not null,
    primary key (source_id, stream, version)
);

comment on table tip.source_history is
    'One row a version of a source, from its source.ok event. Read by v_source_history. Grows by one row whenever a list has changed.';

create table tip.listing (
    ikey bigint not null,
    source_id integer not null,
    kind smallint not null,
    value text collate "C" not null,
    net inet,
    flags integer not null,
    listed boolean not null,
    first_seen timestamptz not null,
    listed_at timestamptz not null,
    last_seen timestamptz not null,
    removed_at timestamptz,
    n_times integer not null,
    version bigint not null,
    line bigint not null,
    mark integer not null,
    raw bytea not null,
    primary key (ikey, source_id, kind, value)
) with (fillfactor = 80);

create index listing_of_source on tip.listing (source_id, ikey) where listed;

create index listing_net on tip.listing using spgist (net) where net is not null;

create index listing_domain on tip.listing (reverse(value)) where kind = 3;

comment on table tip.listing is
    'One row for all the times a source has listed an indicator. The rows with listed are the set of the source''s version. ikey is SipHash-2-4 of kind and value under tip.site; net is the address or prefix of an ip, net or endpoint; first_seen, listed_at and last_seen: of the first time, the last time, and when that was last confirmed; version, line and raw are the evidence; mark is the baseline that has last confirmed it. Read by v_listing. Grows by every indicator a source lists for the first time; nothing is deleted.';
