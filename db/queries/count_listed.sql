-- How many entries each list holds, counted row by row. $1 a source, or null for all; $2 audience.
select s.name, s.version, s.updating, count(l.source_id)
from tip.v_source as s
left join tip.v_listing as l on l.source_id = s.id and l.listed and l.tlp <= $2::smallint
where ($1::text is null or s.name = $1) and s.tlp <= $2::smallint
group by s.name, s.version, s.updating
order by s.name
limit $3
