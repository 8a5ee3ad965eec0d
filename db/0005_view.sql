-- What readers may rely on. Tables change, views grow at their end.

create function tip.kind_name(kind smallint) returns text
    language sql immutable parallel safe
as $$
    select (array['ip', 'net', 'domain', 'url', 'endpoint'])[kind]
$$;

create function tip.tier_name(tier smallint) returns text
    language sql immutable parallel safe
as $$
    select (array['none', 'watch', 'slow', 'block'])[tier + 1]
$$;

create view tip.v_site as
    select s.ikey_key, s.made_at from tip.site as s;

create view tip.v_offset as
    select o.name, j.journal_id, o.next_seq, o.updated_at, o.needs_all_since, o.needs_all_reason
    from tip.consumer_offset as o
    left join tip.journal as j on j.id = o.journal;

create view tip.v_gap as
    select g.id, g.noted_at, j.journal_id, g.from_seq, g.to_seq, s.name as source, g.reason, g.closed_at
    from tip.gap as g
    left join tip.journal as j on j.id = g.journal
    left join tip.source as s on s.id = g.source_id;

create view tip.v_event as
    select e.commit_time, j.journal_id, e.seq, e.tlp, e.topic, e.kind, e.publisher, e.observed_at, e.bytes
    from tip.event as e
    join tip.journal as j on j.id = e.journal;

create view tip.v_reject as
    select j.journal_id, r.seq, r.commit_time, r.topic, r.publisher, r.reason, r.bytes, r.rejected_at
    from tip.event_reject as r
    join tip.journal as j on j.id = r.journal;

create view tip.v_source as
    select s.id, s.name, s.state, s.reason, s.detail, s.url, s.weight, s.stream, s.version,
           s.updating_to > 0 or s.baseline_part > 0 as updating,
           case when s.baseline_part > 0 then s.baseline_version else nullif(s.updating_to, 0) end as updating_to,
           s.needs_baseline_since, s.needs_baseline_reason, s.orphan_since,
           s.n_entries, s.n_lines, s.n_rejected, s.n_special, s.n_bytes, s.n_failures, s.rejected, s.reject_sample,
           s.next_at, s.last_ok_at, s.last_failed_at, s.first_seen, s.updated_at
    from tip.source as s;

create view tip.v_source_history as
    select s.name as source, h.stream, h.version, h.at, h.reason, h.n_entries, h.n_added, h.n_removed, h.n_changed,
           h.n_lines, h.n_rejected, h.n_bytes
    from tip.source_history as h
    join tip.source as s on s.id = h.source_id;

create view tip.v_listing as
    select l.ikey, l.kind, tip.kind_name(l.kind) as kind_name, l.value, l.net, l.flags, l.source_id, s.name as source,
           s.weight, l.listed, l.first_seen, l.listed_at, l.last_seen, l.removed_at, l.n_times, l.version, l.line, l.raw
    from tip.listing as l
    join tip.source as s on s.id = l.source_id;

create view tip.v_verdict as
    select v.ikey, v.kind, tip.kind_name(v.kind) as kind_name, v.value, v.net, v.score, v.tier,
           tip.tier_name(v.tier) as tier_name, v.families, v.reasons, v.n_reasons, v.cause_source, v.cause_version,
           v.next_change_at, v.expires_at, v.first_seen, v.updated_at
    from tip.verdict as v;

create view tip.v_run as
    select r.run_id, r.job, r.module, r.target, r.state, r.summary, r.n_ok, r.n_failed, r.n_skipped, r.forced,
           r.due_at, r.deadline_at, r.started_at, r.ended_at
    from tip.schedule_run as r;

create view tip.v_control as
    select c.call_id, c.applied_at, c.service, c.actor, c.action, c.target, c.reason, c.result, c.ok
    from tip.control_applied as c;

create view tip.v_alarm as
    select a.service, a.name, a.raised, a.detail, a.since, a.updated_at, a.n_times
    from tip.system_alarm as a;

create view tip.v_migration as
    select m.version, m.name, m.sha256, m.applied_at
    from tip.schema_migration as m;
