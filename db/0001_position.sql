-- Where the storage service stands: the site's key, the journals it has read, its offset, the gaps it has seen.

create table tip.site (
    one boolean primary key default true check (one),
    ikey_key bytea not null check (octet_length(ikey_key) = 16),
    made_at timestamptz not null default now()
);

comment on table tip.site is
    'One row, made by tip-storage migrate: the key under which indicators are hashed (ikey). Read by storage when it connects. Never grows, never changes.';

create table tip.journal (
    id smallint generated always as identity primary key,
    journal_id uuid not null unique,
    first_seen timestamptz not null default now()
);

comment on table tip.journal is
    'The journals of the broker that storage has read, so that events carry two bytes instead of sixteen. Read by storage and v_offset. One row whenever the broker starts with an empty volume.';

create table tip.consumer_offset (
    name text primary key,
    journal smallint references tip.journal,
    next_seq bigint not null default 0,
    needs_all_since timestamptz,
    needs_all_reason text,
    updated_at timestamptz not null default now()
);

comment on table tip.consumer_offset is
    'How far a consumer has stored the journal; locked by every transaction that writes, which is what fences a second writer. needs_all_*: every owner of state is to be asked for all of it. Read by storage and v_offset. One row a consumer name.';

create table tip.gap (
    id bigint generated always as identity primary key,
    noted_at timestamptz not null default now(),
    journal smallint references tip.journal,
    from_seq bigint,
    to_seq bigint,
    source_id integer,
    reason text not null,
    closed_at timestamptz
);

create index gap_open on tip.gap (noted_at) where closed_at is null;

comment on table tip.gap is
    'What storage has missed (a new journal, trimmed or damaged records, a break in the versions of one source) and when baselines had closed it. Read by v_gap. A few rows an accident.';
