-- Every list, and how it is. $1 audience.
select s.name, s.state, s.reason, s.detail, s.url, s.weight, s.version, s.updating, s.updating_to, s.n_entries,
       s.n_lines, s.n_rejected, s.n_special, s.n_bytes, s.n_failures, s.next_at, s.last_ok_at, s.last_failed_at,
       s.needs_baseline_since, s.orphan_since, s.first_seen, (array['clear', 'green', 'amber'])[s.tlp] as tlp
from tip.v_source as s
where s.tlp <= $1::smallint
order by s.name
limit $2
