-- When a list itself says that it saw an entry: of a list that removes hardly anything the age counts from then.

alter table tip.listing add column stated_at timestamptz;

alter table tip.listing_history add column stated_at timestamptz;

comment on column tip.listing.stated_at is
    'When the list itself says that it saw it, while the age of its entries counts from that (law_append). Null: it counts from listed_at, or nobody told yet.';

create or replace view tip.v_listing as
    select l.ikey, l.kind, tip.kind_name(l.kind) as kind_name, l.value, l.net, l.flags, l.source_id, s.name as source,
           s.weight, l.listed, l.first_seen, l.listed_at, l.last_seen, l.removed_at, l.n_times, l.version, l.line,
           l.raw, greatest(l.tlp, s.tlp) as tlp, l.confirmed_at, l.stated_at
    from tip.listing as l
    join tip.source as s on s.id = l.source_id;

create or replace view tip.v_listing_history as
    select h.ikey, h.kind, tip.kind_name(h.kind) as kind_name, h.value, h.source_id, s.name as source, h.listed_at,
           h.removed_at, h.flags, h.version, h.line, h.raw, greatest(h.tlp, s.tlp) as tlp, h.confirmed_at, h.stated_at
    from tip.listing_history as h
    join tip.source as s on s.id = h.source_id;

-- As it was, and with the time that the list itself said then.
drop function tip.listing_as_of(tip.v_listing, timestamptz, smallint);

create function tip.listing_as_of(known tip.v_listing, as_of timestamptz, tlp_max smallint)
    returns table (listed boolean, listed_at timestamptz, last_seen timestamptz, removed_at timestamptz,
                   confirmed_at timestamptz, n_times integer, flags integer, version bigint, line bigint, raw bytea,
                   stated_at timestamptz)
    language sql stable
as $$
    select case when t.listed_at is not null then t.removed_at is null or t.removed_at > as_of end, t.listed_at,
           case when t.is_last then least(known.last_seen, as_of) else t.removed_at end,
           case when t.removed_at <= as_of then t.removed_at end,
           case when t.removed_at <= as_of then t.confirmed_at end,
           case when t.is_last then known.n_times end, t.flags, t.version, t.line, t.raw, t.stated_at
    from (
        select true as is_last, known.listed_at, known.removed_at, known.confirmed_at, known.flags, known.version,
               known.line, known.raw, known.stated_at
        where known.listed_at <= as_of
        union all
        (select false, h.listed_at, h.removed_at, h.confirmed_at, h.flags, h.version, h.line, h.raw, h.stated_at
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
