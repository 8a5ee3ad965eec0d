-- One list, with what was wrong in it. $1 its name, $2 audience. lead as in sources.
select s.name, s.state, s.reason, s.detail, s.url, s.weight, s.stream, s.version, s.updating, s.updating_to,
       s.n_entries, s.n_lines, s.n_rejected, s.n_special, s.n_bytes, s.n_failures, s.next_at, s.last_ok_at,
       s.last_failed_at, s.needs_baseline_since, s.needs_baseline_reason, s.orphan_since, s.first_seen, s.updated_at,
       s.rejected, s.reject_sample, (array['clear', 'green', 'amber'])[s.tlp] as tlp, w.lead
from tip.v_source as s
left join lateral (select case when (w.counts ->> 'n_shared')::double precision >= 30 then w.lead end as lead
                   from tip.v_source_weight as w
                   where w.source = s.name and w.tlp <= $2::smallint and w.measured_at is not null
                   order by w.at desc limit 1) as w on true
where s.name = $1 and s.tlp <= $2::smallint
limit $3
