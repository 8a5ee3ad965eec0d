-- One list, with what was wrong in it. $1 its name, $2 audience.
select s.name, s.state, s.reason, s.detail, s.url, s.weight, s.stream, s.version, s.updating, s.updating_to,
       s.n_entries, s.n_lines, s.n_rejected, s.n_special, s.n_bytes, s.n_failures, s.next_at, s.last_ok_at,
       s.last_failed_at, s.needs_baseline_since, s.needs_baseline_reason, s.orphan_since, s.first_seen, s.updated_at,
       s.rejected, s.reject_sample, (array['clear', 'green', 'amber'])[s.tlp] as tlp
from tip.v_source as s
where s.name = $1 and s.tlp <= $2::smallint
limit $3
