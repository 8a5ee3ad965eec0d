-- What was told of exactly this indicator, newest first; to_at is null for what holds. $1 kind, $2 value, $3 ikey,
-- $4 audience.
select h.from_at, h.to_at, h.score, h.tier_name, h.families, h.reasons, h.n_reasons, h.cause_source, h.cause_version,
       h.next_change_at, h.expires_at, h.subtree, h.whole
from tip.v_verdict_history as h
where h.ikey = $3::bigint and h.kind = $1::smallint and h.value = $2 and h.tlp <= $4::smallint
order by h.from_at desc
limit $5
