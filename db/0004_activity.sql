-- What follows from the lists, and what the services do.

create table tip.verdict (
    ikey bigint not null,
    kind smallint not null,
    value text collate "C" not null,
    net inet,
    score double precision not null,
    tier smallint not null,
    families jsonb not null,
    reasons jsonb not null,
    n_reasons integer not null,
    cause_source text not null,
    cause_version bigint not null,
    next_change_at timestamptz,
    expires_at timestamptz,
    first_seen timestamptz not null,
    updated_at timestamptz not null,
    primary key (ikey, kind, value)
) with (fillfactor = 80);

create index verdict_top on tip.verdict (tier desc, score desc) where tier > 0;

comment on table tip.verdict is
    'The last verdict on an indicator; tier 0 is a verdict that has been withdrawn. Read by v_verdict. Grows by every indicator that has ever had a verdict.';

create table tip.schedule_run (
    run_id uuid primary key,
    job text not null,
    module text not null,
    target text not null,
    state text not null,
    summary text not null default '',
    n_ok integer not null default 0,
    n_failed integer not null default 0,
    n_skipped integer not null default 0,
    forced boolean not null default false,
    due_at timestamptz,
    deadline_at timestamptz,
    expires_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz
);

create index schedule_run_started on tip.schedule_run using brin (started_at);

comment on table tip.schedule_run is
    'One row a run the scheduler has started: due, then done, failed or overdue. Read by v_run. Grows by every run; old ones go with the retention of class schedule.';

create table tip.control_applied (
    call_id uuid primary key,
    applied_at timestamptz not null,
    service text not null,
    actor text not null,
    action text not null,
    target text not null,
    reason text not null,
    result text not null,
    ok boolean not null
);

comment on table tip.control_applied is
    'The audit log: every operator''s action that a service has applied or refused. Read by v_control. Grows by what people do; nothing is deleted.';

create table tip.system_alarm (
    service text not null,
    name text not null,
    raised boolean not null,
    detail text not null,
    since timestamptz not null,
    updated_at timestamptz not null,
    n_times integer not null,
    primary key (service, name)
);

comment on table tip.system_alarm is
    'The last word on each alarm. Read by v_alarm. One row an alarm a service can raise.';

-- Deletes runs that ended, or were due, before keep_from.
create function tip.schedule_run_drop(keep_from timestamptz) returns bigint
    language sql security definer set search_path = tip, pg_temp
as $$
    with gone as (
        delete from tip.schedule_run
        where coalesce(ended_at, due_at, started_at) < keep_from
        returning 1
    )
    select count(*) from gone
$$;
