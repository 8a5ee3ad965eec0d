-- Events that could not be stored, newest first.
select r.journal_id, r.seq, r.commit_time, r.topic, r.publisher, r.reason, length(r.bytes), r.rejected_at
from tip.v_reject as r
order by r.commit_time desc, r.seq desc
limit $1
