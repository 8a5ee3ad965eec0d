-- The versions of one list, newest first. $1 its name, $2 audience.
select h.version, h.at, h.reason, h.n_entries, h.n_added, h.n_removed, h.n_changed, h.n_lines, h.n_rejected, h.n_bytes,
       h.stream
from tip.v_source_history as h
where h.source = $1 and h.tlp <= $2::smallint
order by h.at desc, h.version desc
limit $3
