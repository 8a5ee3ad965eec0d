-- How fast what a list says fades, as it is in force rather than as it was measured; and when a list last named what it
-- has removed: from then on it fades.

alter table tip.source_weight add column law_half_life_ms bigint;

alter table tip.source_weight add column law_basis text;

alter table tip.source_weight add column law_append boolean;

comment on column tip.source_weight.law_basis is
    'law_*: the half-life in force from then on, why it is that ("file", or as half_life_basis in counts), and whether entries fade from when they came. Null: told before there were these.';

-- What was told before is as it was measured.
create or replace view tip.v_source_weight as
    select s.name as source, w.at, w.weight, w.before, w.reason, w.fixed, w.measured_at, w.measured, w.trust,
           w.independence, w.lead, w.freshness, w.half_life_ms, w.counts, greatest(w.tlp, s.tlp) as tlp,
           coalesce(w.law_half_life_ms, nullif(w.half_life_ms, 0)) as law_half_life_ms,
           coalesce(w.law_basis, w.counts ->> 'half_life_basis') as law_basis,
           coalesce(w.law_append, w.counts ->> 'half_life_basis' = 'append_only') as law_append
    from tip.source_weight as w
    join tip.source as s on s.id = w.source_id;

alter table tip.listing add column confirmed_at timestamptz;

alter table tip.listing_history add column confirmed_at timestamptz;

comment on column tip.listing.confirmed_at is
    'Of what was removed: when the list last named it, as its collector says. Null while it is listed, and when nobody said.';

create or replace view tip.v_listing as
    select l.ikey, l.kind, tip.kind_name(l.kind) as kind_name, l.value, l.net, l.flags, l.source_id, s.name as source,
           s.weight, l.listed, l.first_seen, l.listed_at, l.last_seen, l.removed_at, l.n_times, l.version, l.line,
           l.raw, greatest(l.tlp, s.tlp) as tlp, l.confirmed_at
    from tip.listing as l
    join tip.source as s on s.id = l.source_id;

create or replace view tip.v_listing_history as
    select h.ikey, h.kind, tip.kind_name(h.kind) as kind_name, h.value, h.source_id, s.name as source, h.listed_at,
           h.removed_at, h.flags, h.version, h.line, h.raw, greatest(h.tlp, s.tlp) as tlp, h.confirmed_at
    from tip.listing_history as h
    join tip.source as s on s.id = h.source_id;

-- How far and for how long a list was trusted at a time; no row before the first word on it. For `explain` ('infinity':
-- now), `explain_at` and `search_at`; the planner puts its text in their place.
create function tip.law_as_of(list text, as_of timestamptz, tlp_max smallint)
    returns table (weight double precision, half_life_ms bigint, half_life_basis text, append_only boolean)
    language sql stable
as $$
    select w.weight, w.law_half_life_ms, w.law_basis, w.law_append from tip.v_source_weight as w
    where w.source = list and w.at <= as_of and w.tlp <= tlp_max
    order by w.at desc
    limit 1
$$;

-- A row of tip.v_listing as it was at a time: for `explain_at` and `search_at`, likewise. `listed` is null for a time that
-- is not kept any more, and with it all that is not known of the first times.
create function tip.listing_as_of(known tip.v_listing, as_of timestamptz, tlp_max smallint)
    returns table (listed boolean, listed_at timestamptz, last_seen timestamptz, removed_at timestamptz,
                   confirmed_at timestamptz, n_times integer, flags integer, version bigint, line bigint, raw bytea)
    language sql stable
as $$
    select case when t.listed_at is not null then t.removed_at is null or t.removed_at > as_of end, t.listed_at,
           case when t.is_last then least(known.last_seen, as_of) else t.removed_at end,
           case when t.removed_at <= as_of then t.removed_at end,
           case when t.removed_at <= as_of then t.confirmed_at end,
           case when t.is_last then known.n_times end, t.flags, t.version, t.line, t.raw
    from (
        select true as is_last, known.listed_at, known.removed_at, known.confirmed_at, known.flags, known.version, known.line, known.raw
        where known.listed_at <= as_of
        union all
        (select false, h.listed_at, h.removed_at, h.confirmed_at, h.flags, h.version, h.line, h.raw
         from (select 1) as one
         left join tip.v_listing_history as h
             on h.ikey = known.ikey and h.source_id = known.source_id and h.kind = known.kind and h.value = known.value
                and h.listed_at <= as_of and h.tlp <= tlp_max
         where known.listed_at > as_of
         order by h.listed_at desc
         limit 1)
    ) as t
    where known.first_seen <= as_of
$$;
