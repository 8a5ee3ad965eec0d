-- What storage has missed, newest first.
select g.noted_at, g.journal_id, g.from_seq, g.to_seq, g.source, g.reason, g.closed_at
from tip.v_gap as g
order by g.id desc
limit $1
