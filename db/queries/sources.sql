-- Every list, and how it is. $1 audience. lead is that of the newest weight; null where too little is shared to tell.
select s.name, s.state, s.reason, s.detail, s.url, s.weight, s.version, s.updating, s.updating_to, s.n_entries,
       s.n_lines, s.n_rejected, s.n_special, s.n_bytes, s.n_failures, s.next_at, s.last_ok_at, s.last_failed_at,
       s.needs_baseline_since, s.orphan_since, s.first_seen, (array['clear', 'green', 'amber'])[s.tlp] as tlp, w.lead
from tip.v_source as s
left join lateral (select case when (w.counts ->> 'n_shared')::double precision >= 30 then w.lead end as lead
                   from tip.v_source_weight as w
                   where w.source = s.name and w.tlp <= $1::smallint and w.measured_at is not null
                   order by w.at desc limit 1) as w on true
where s.tlp <= $1::smallint
order by s.name
limit $2
