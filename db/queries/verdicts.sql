-- The worst there is. $1 a tier, or null for all that are at least watched; $2 at least this tier, or null; $3 a kind, or
-- null; $4 a family that took part, or null; $5 the cursor of the last row of the page before, or null; $6 audience. Equal
-- tiers and scores go by ikey, as the index has them: a page costs the same wherever it begins.
select v.kind_name, v.value, v.score, v.tier_name, v.families, v.reasons, v.n_reasons, v.cause_source, v.cause_version,
       v.first_seen, v.updated_at, v.next_change_at, v.expires_at, v.subtree, v.whole,
       v.tier::text || ':' || v.score::text || ':' || v.ikey::text || ':' || v.kind::text || ':' || v.value
from tip.v_verdict as v
where v.tier > 0 and ($1::text is null or v.tier_name = $1)
  and v.tier >= coalesce(array_position(array['none', 'watch', 'slow', 'block'], $2::text) - 1, 0)
  and ($3::text is null or v.kind_name = $3)
  and ($4::text is null or v.families ? $4)
  and ($5::text is null
       or (v.tier, v.score, v.ikey, v.kind, v.value)
          < (split_part($5::text, ':', 1)::smallint, split_part($5::text, ':', 2)::double precision,
             split_part($5::text, ':', 3)::bigint, split_part($5::text, ':', 4)::smallint,
             (regexp_match($5::text, '^[^:]*:[^:]*:[^:]*:[^:]*:(.*)$'))[1] collate "C"))
  and v.tlp <= $6::smallint
order by v.tier desc, v.score desc, v.ikey desc, v.kind desc, v.value desc
limit $7
