-- Who may see what: listings, verdicts and sources carry the marking (1 clear, 2 green, 3 amber) of the events they came
-- with. What was stored before counts as amber until its next event. And the order in which verdicts are paged.

alter table tip.source add column tlp smallint not null default 3;

alter table tip.source_history add column tlp smallint not null default 3;

alter table tip.listing add column tlp smallint not null default 3;

alter table tip.verdict add column tlp smallint not null default 3;

comment on column tip.source.tlp is 'The marking of the last event of this source; what the source lists is never shown to more than this.';

comment on column tip.listing.tlp is 'The marking of the last event that named this entry.';

comment on column tip.verdict.tlp is 'The marking of the event that brought this verdict: the strictest of what it rests on.';

create index verdict_page on tip.verdict (tier desc, score desc, ikey desc) where tier > 0;

drop index tip.verdict_top;

create or replace view tip.v_source as
    select s.id, s.name, s.state, s.reason, s.detail, s.url, s.weight, s.stream, s.version,
           s.updating_to > 0 or s.baseline_part > 0 as updating,
           case when s.baseline_part > 0 then s.baseline_version else nullif(s.updating_to, 0) end as updating_to,
           s.needs_baseline_since, s.needs_baseline_reason, s.orphan_since,
           s.n_entries, s.n_lines, s.n_rejected, s.n_special, s.n_bytes, s.n_failures, s.rejected, s.reject_sample,
           s.next_at, s.last_ok_at, s.last_failed_at, s.first_seen, s.updated_at, s.tlp
    from tip.source as s;

create or replace view tip.v_source_history as
    select s.name as source, h.stream, h.version, h.at, h.reason, h.n_entries, h.n_added, h.n_removed, h.n_changed,
           h.n_lines, h.n_rejected, h.n_bytes, greatest(h.tlp, s.tlp) as tlp
    from tip.source_history as h
    join tip.source as s on s.id = h.source_id;

create or replace view tip.v_listing as
    select l.ikey, l.kind, tip.kind_name(l.kind) as kind_name, l.value, l.net, l.flags, l.source_id, s.name as source,
           s.weight, l.listed, l.first_seen, l.listed_at, l.last_seen, l.removed_at, l.n_times, l.version, l.line,
           l.raw, greatest(l.tlp, s.tlp) as tlp
    from tip.listing as l
    join tip.source as s on s.id = l.source_id;

create or replace view tip.v_verdict as
    select v.ikey, v.kind, tip.kind_name(v.kind) as kind_name, v.value, v.net, v.score, v.tier,
           tip.tier_name(v.tier) as tier_name, v.families, v.reasons, v.n_reasons, v.cause_source, v.cause_version,
           v.next_change_at, v.expires_at, v.first_seen, v.updated_at, v.tlp
    from tip.verdict as v;

-- When events came, and of which class: for rates, without reading the events.
create view tip.v_event_class as
    select e.commit_time, split_part(e.topic, '.', 2) as class, e.tlp
    from tip.event as e;

-- How many verdicts there are of each tier that an audience may see: counted while they are at most 100,000, beyond that
-- what ANALYZE has seen of tiers and markings, each by itself. tip_reader may not see statistics: hence the definer.
create function tip.verdict_tiers(audience smallint, out tier smallint, out n bigint, out about boolean)
    returns setof record
    language plpgsql stable security definer set search_path = tip, pg_catalog, pg_temp
as $$
declare
    n_rows double precision;
    visible double precision;
begin
    if (select count(*) from (select from tip.verdict as v where v.tier > 0 limit 100001) as capped) <= 100000 then
        return query
            select v.tier, count(*), false from tip.verdict as v
            where v.tier > 0 and v.tlp <= verdict_tiers.audience group by v.tier;
        return;
    end if;
    select greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0) into n_rows
    from pg_class as c where c.oid = 'tip.verdict'::regclass;
    select coalesce(sum(u.freq), 0) into visible
    from pg_stats as s, unnest(s.most_common_vals::text::smallint[], s.most_common_freqs) as u(val, freq)
    where s.schemaname = 'tip' and s.tablename = 'verdict' and s.attname = 'tlp' and u.val <= verdict_tiers.audience;
    if verdict_tiers.audience >= 3 then
        visible := 1;
    end if;
    return query
        select u.val, (u.freq * n_rows * visible)::bigint, true
        from pg_stats as s, unnest(s.most_common_vals::text::smallint[], s.most_common_freqs) as u(val, freq)
        where s.schemaname = 'tip' and s.tablename = 'verdict' and s.attname = 'tier' and u.val > 0;
end
$$;

revoke all on function tip.verdict_tiers(smallint) from public;

grant execute on function tip.verdict_tiers(smallint) to tip_reader;

grant select on tip.v_event_class to tip_reader, tip_maintenance;
