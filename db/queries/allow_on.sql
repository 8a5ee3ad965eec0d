-- What of the allow and deny list bears on an indicator; the first row decides: a configured one, else the most specific.
-- $1 kind, $2 value, $4 its address or net, $5 the names above it (a URL's host first), $7 a URL's host; $3, $6 and $8
-- are there for all questions of this kind.
select a.rule, a.kind_name, a.value, a.scope, a.reason, a.actor, a.since, a.until, a.configured,
       a.kind = $1::smallint and a.value = $2 as is_self
from tip.v_allow as a
where a.removed_at is null
  and ((a.net >>= $4::inet and (a.scope = 'subtree' or a.net = $4::inet))
       or (a.kind = 3 and (a.value = coalesce($7::text, case when $1::smallint = 3 then $2 end)
                           or (a.scope = 'subtree' and a.value = any ($5::text[])))))
  and ($3::bigint is not null or $6::bigint[] is not null or $8::text is not null)
order by a.configured desc, masklen(a.net) desc nulls last, length(a.value) desc
limit $9
