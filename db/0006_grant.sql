-- Who may do what. Nobody but the owner deletes or drops, except through the functions named here.

revoke all on schema tip from public;

revoke all on all functions in schema tip from public;

grant usage on schema tip to tip_storage, tip_reader, tip_maintenance;

grant select, insert, update on all tables in schema tip to tip_storage;

revoke insert, update on tip.site, tip.schema_migration from tip_storage;

grant execute on function tip.kind_name(smallint), tip.tier_name(smallint) to tip_storage, tip_reader;

grant select on
    tip.v_site, tip.v_offset, tip.v_gap, tip.v_event, tip.v_reject, tip.v_source, tip.v_source_history, tip.v_listing,
    tip.v_verdict, tip.v_run, tip.v_control, tip.v_alarm, tip.v_partition, tip.v_migration
    to tip_reader, tip_maintenance;

grant select on tip.event_default to tip_maintenance;

grant execute on function
    tip.event_partitions_make(integer), tip.event_partitions_drop(timestamptz),
    tip.event_class_sweep(text, timestamptz), tip.schedule_run_drop(timestamptz)
    to tip_maintenance;
