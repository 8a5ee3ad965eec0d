-- `allow_on` as of a time. $1 kind, $2 value, $4 its address or net, $5 the names above it (a URL's host first), $7 a
-- URL's host; $3, $6 and $8 are there for all questions of this kind; $9 the time. An entry that was removed and added
-- again is known since it was added last.
select a.rule, a.kind_name, a.value, a.scope, a.reason, a.actor, a.since, a.until, a.configured,
       a.kind = $1::smallint and a.value = $2 as is_self
from tip.v_allow as a
where a.since <= $9::timestamptz and (a.removed_at is null or a.removed_at > $9::timestamptz)
  and (a.until is null or a.until > $9::timestamptz)
  and ((a.net >>= $4::inet and (a.scope = 'subtree' or a.net = $4::inet))
       or (a.kind = 3 and (a.value = coalesce($7::text, case when $1::smallint = 3 then $2 end)
                           or (a.scope = 'subtree' and a.value = any ($5::text[])))))
  and ($3::bigint is not null or $6::bigint[] is not null or $8::text is not null)
order by a.configured desc, masklen(a.net) desc nulls last, length(a.value) desc
limit $10
