-- Rejects go with the retention of all events.

create function tip.event_reject_drop(keep_from timestamptz) returns bigint
    language sql security definer set search_path = tip, pg_temp
as $$
    with gone as (
        delete from tip.event_reject
        where commit_time < keep_from
        returning 1
    )
    select count(*) from gone
$$;

revoke all on function tip.event_reject_drop(timestamptz) from public;

grant execute on function tip.event_reject_drop(timestamptz) to tip_maintenance;
