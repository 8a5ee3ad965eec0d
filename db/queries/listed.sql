-- What one list holds, page by page. $1 its name, $2 the cursor of the last row of the page before, or null; $3 audience.
select l.kind_name, l.value, l.flags, l.line, l.version, l.listed_at,
       l.ikey::text || ':' || l.kind::text || ':' || l.value
from tip.v_listing as l
where l.source_id = (select s.id from tip.v_source as s where s.name = $1) and l.listed and l.tlp <= $3::smallint
  and l.ikey >= coalesce(split_part($2::text, ':', 1)::bigint, -9223372036854775808)
  and ($2::text is null
       or (l.ikey, l.kind, l.value) > (split_part($2::text, ':', 1)::bigint, split_part($2::text, ':', 2)::smallint,
                                       substr($2::text, length(split_part($2::text, ':', 1)) +
                                                        length(split_part($2::text, ':', 2)) + 3) collate "C"))
order by l.ikey, l.kind, l.value
limit $4
