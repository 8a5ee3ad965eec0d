-- The operators' allow and deny list, in the order of kind and value. $1 a rule (allow, deny), or null for both; $2 the
-- cursor of the last row seen, or null.
select a.rule, a.kind_name, a.value, a.scope, a.reason, a.actor, a.since, a.until, a.configured,
       a.kind || ' ' || a.value as cursor
from tip.v_allow as a
where a.removed_at is null and ($1::text is null or a.rule = $1)
  and ($2::text is null or (a.kind, a.value) >
       (split_part($2, ' ', 1)::smallint, substr($2, strpos($2, ' ') + 1) collate "C"))
order by a.kind, a.value
limit $3
