-- The allow and deny list of the operators.

create table tip.allow (
    kind smallint not null,
    value text collate "C" not null,
    net inet,
    rule text collate "C" not null,
    scope text collate "C" not null,
    reason text not null,
    actor text not null,
    since timestamptz not null,
    until timestamptz,
    configured boolean not null,
    removed_at timestamptz,
    updated_at timestamptz not null,
    primary key (kind, value)
) with (fillfactor = 80);

create index allow_net on tip.allow using spgist (net) where net is not null and removed_at is null;

comment on table tip.allow is
    'One row an indicator that is, or was (removed_at), on the operators'' allow and deny list; the last word on it. until is when it ends by itself; configured entries are those of tip.yaml. Read by v_allow. Grows by what operators add; nothing is deleted.';

create view tip.v_allow as
    select a.rule, a.kind, tip.kind_name(a.kind) as kind_name, a.value, a.net, a.scope, a.reason, a.actor, a.since,
           a.until, a.configured, a.removed_at, a.updated_at
    from tip.allow as a;

grant select, insert, update on tip.allow to tip_storage;

grant select on tip.v_allow to tip_reader, tip_maintenance;
