-- What was listed and told at a time of the past: for questions "as of". And how far a verdict reaches: `subtree` of a
-- domain means all below it, `whole` of a network each address in it.

alter table tip.verdict add column subtree boolean not null default false;

alter table tip.verdict add column whole boolean not null default false;

create or replace view tip.v_verdict as
    select v.ikey, v.kind, tip.kind_name(v.kind) as kind_name, v.value, v.net, v.score, v.tier,
           tip.tier_name(v.tier) as tier_name, v.families, v.reasons, v.n_reasons, v.cause_source, v.cause_version,
           v.next_change_at, v.expires_at, v.first_seen, v.updated_at, v.tlp, v.subtree, v.whole
    from tip.verdict as v;

create table tip.verdict_history (
    ikey bigint not null,
    kind smallint not null,
    value text collate "C" not null,
    from_at timestamptz not null,
    to_at timestamptz,
    score double precision not null,
    tier smallint not null,
    families jsonb not null,
    reasons jsonb not null,
    n_reasons integer not null,
    cause_source text not null,
    cause_version bigint not null,
    next_change_at timestamptz,
    expires_at timestamptz,
    subtree boolean not null default false,
    whole boolean not null default false,
    tlp smallint not null,
    primary key (ikey, kind, value, from_at)
) with (fillfactor = 80);

create index verdict_history_over on tip.verdict_history (to_at) where to_at is not null;

comment on table tip.verdict_history is
    'What was told of an indicator from when to when, by commit time; to_at is null for what holds. A time without a row is one without a verdict: withdrawals end a row and begin none. Read by v_verdict_history. Grows by a row whenever a verdict changes; what ended before keep_history goes.';

create table tip.listing_history (
    ikey bigint not null,
    source_id integer not null,
    kind smallint not null,
    value text collate "C" not null,
    listed_at timestamptz not null,
    removed_at timestamptz not null,
    flags integer not null,
    version bigint not null,
    line bigint not null,
    raw bytea not null,
    tlp smallint not null,
    primary key (ikey, source_id, kind, value, listed_at)
);

create index listing_history_removed on tip.listing_history (removed_at);

comment on table tip.listing_history is
    'The times before the last one that a source has listed an indicator, with the evidence of each; the last one is in tip.listing. Read by v_listing_history. Grows by a row whenever an indicator comes back to a list; what ended before keep_history goes.';

-- What is told now was told when it was stored last; what was told before is not known.
insert into tip.verdict_history (ikey, kind, value, from_at, score, tier, families, reasons, n_reasons, cause_source,
                                 cause_version, next_change_at, expires_at, tlp)
    select v.ikey, v.kind, v.value, v.updated_at, v.score, v.tier, v.families, v.reasons, v.n_reasons, v.cause_source,
           v.cause_version, v.next_change_at, v.expires_at, v.tlp
    from tip.verdict as v
    where v.tier > 0;

-- A list that is marked stricter now takes along what was told because of it.
create view tip.v_verdict_history as
    select h.ikey, h.kind, tip.kind_name(h.kind) as kind_name, h.value, h.from_at, h.to_at, h.score, h.tier,
           tip.tier_name(h.tier) as tier_name, h.families, h.reasons, h.n_reasons, h.cause_source, h.cause_version,
           h.next_change_at, h.expires_at, h.subtree, h.whole,
           greatest(h.tlp, (select max(s.tlp) from tip.source as s
                            where s.name = h.cause_source
                               or s.name in (select r ->> 'source' from jsonb_array_elements(h.reasons) as r))) as tlp
    from tip.verdict_history as h
    where h.to_at is null or h.to_at > h.from_at;

create view tip.v_listing_history as
    select h.ikey, h.kind, tip.kind_name(h.kind) as kind_name, h.value, h.source_id, s.name as source, h.listed_at,
           h.removed_at, h.flags, h.version, h.line, h.raw, greatest(h.tlp, s.tlp) as tlp
    from tip.listing_history as h
    join tip.source as s on s.id = h.source_id;

-- At most n_max rows a call: it is called again while there may be more.
create function tip.verdict_history_drop(keep_from timestamptz, n_max bigint) returns bigint
    language sql security definer set search_path = tip, pg_temp
as $$
    with old as (
        select h.ikey, h.kind, h.value, h.from_at from tip.verdict_history as h where h.to_at < keep_from limit n_max
    ), gone as (
        delete from tip.verdict_history as h using old as o
        where h.ikey = o.ikey and h.kind = o.kind and h.value = o.value and h.from_at = o.from_at
        returning 1
    )
    select count(*) from gone
$$;

create function tip.listing_history_drop(keep_from timestamptz, n_max bigint) returns bigint
    language sql security definer set search_path = tip, pg_temp
as $$
    with old as (
        select h.ikey, h.source_id, h.kind, h.value, h.listed_at from tip.listing_history as h
        where h.removed_at < keep_from limit n_max
    ), gone as (
        delete from tip.listing_history as h using old as o
        where h.ikey = o.ikey and h.source_id = o.source_id and h.kind = o.kind and h.value = o.value
          and h.listed_at = o.listed_at
        returning 1
    )
    select count(*) from gone
$$;

revoke all on function tip.verdict_history_drop(timestamptz, bigint), tip.listing_history_drop(timestamptz, bigint)
    from public;

grant execute on function tip.verdict_history_drop(timestamptz, bigint), tip.listing_history_drop(timestamptz, bigint)
    to tip_maintenance;

grant select, insert, update on tip.verdict_history, tip.listing_history to tip_storage;

grant select on tip.v_verdict_history, tip.v_listing_history to tip_reader, tip_maintenance;
