#include "io/upkeep.h"

#include <stdio.h>

static const char upkeep_sql_default[] = "select exists (select from tip.event_default)::integer";
static const char upkeep_sql_make[] = "select tip.event_partitions_make($1::integer)";
static const char upkeep_sql_drop[] = "select tip.event_partitions_drop(to_timestamp($1::double precision))";
static const char upkeep_sql_sweep[] = "select tip.event_class_sweep($2, to_timestamp($1::double precision))";
static const char upkeep_sql_runs[] = "select tip.schedule_run_drop(to_timestamp($1::double precision))";

static const char upkeep_sql_rejects[] = "select tip.event_reject_drop(to_timestamp($1::double precision))";

static const char upkeep_sql_verdicts[] =
    "select tip.verdict_history_drop(to_timestamp($1::double precision), $2::bigint)";
static const char upkeep_sql_listings[] =
    "select tip.listing_history_drop(to_timestamp($1::double precision), $2::bigint)";

enum { UPKEEP_PIECE = 50000 }; /* rows a statement: nobody waits long for it */

static int upkeep_number(struct store_db *db, const char *sql, const struct store_args *args, int64_t *numberp)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    int r = store_db_run(db, sql, args, &result);

    if (!r)
        *numberp += store_field_int(result, 0, 0);
    return r;
}

static int upkeep_keep(struct store_db *db, const char *sql, int64_t from_unix_ms, const char *class_name,
                       int64_t *numberp)
{
    struct store_args args = {.n = 0};
    char seconds[32];

    snprintf(seconds, sizeof(seconds), "%lld", (long long)(from_unix_ms / 1000));
    store_arg_text(&args, seconds);
    if (class_name)
        store_arg_text(&args, class_name);
    return upkeep_number(db, sql, &args, numberp);
}

static int upkeep_partitions(struct store_db *db, struct store_upkeep *upkeep)
{
    struct store_args days = {.n = 0};
    int64_t filled = 0;
    int r = upkeep_number(db, upkeep_sql_default, NULL, &filled);

    store_arg_int(&days, upkeep->partitions_ahead);
    upkeep->default_filled = filled;
    if (!r)
        r = upkeep_number(db, upkeep_sql_make, &days, &upkeep->n_made);
    if (!r)
        r = upkeep_keep(db, upkeep_sql_drop, upkeep->now_unix_ms - upkeep->keep_events_ms, NULL, &upkeep->n_dropped);
    return r;
}

static int upkeep_classes(struct store_db *db, struct store_upkeep *upkeep)
{
    int r = 0;

    for (int i = 0; !r && i < STORE_CLASS_COUNT; i++) {
        if (upkeep->keep_ms[i] < upkeep->keep_events_ms)
            r = upkeep_keep(db, upkeep_sql_sweep, upkeep->now_unix_ms - upkeep->keep_ms[i],
                            store_class_name((enum store_class)i), &upkeep->n_swept);
    }
    if (!r)
        r = upkeep_keep(db, upkeep_sql_runs, upkeep->now_unix_ms - upkeep->keep_ms[STORE_CLASS_SCHEDULE], NULL,
                        &upkeep->n_runs);
    if (!r)
        r = upkeep_keep(db, upkeep_sql_rejects, upkeep->now_unix_ms - upkeep->keep_events_ms, NULL, &upkeep->n_rejects);
    return r;
}

static int upkeep_history(struct store_db *db, const char *sql, int64_t from_unix_ms, int64_t *numberp)
{
    char seconds[32];
    int64_t before;
    int r;

    snprintf(seconds, sizeof(seconds), "%lld", (long long)(from_unix_ms / 1000));
    do {
        struct store_args args = {.n = 0};

        before = *numberp;
        store_arg_text(&args, seconds);
        store_arg_int(&args, UPKEEP_PIECE);
        r = upkeep_number(db, sql, &args, numberp);
    } while (!r && *numberp - before == UPKEEP_PIECE);
    return r;
}

void store_upkeep_run(struct store_upkeep *upkeep)
{
    /* Partitions need a lock on the parent; readers must not be made to queue behind it for long. */
    struct store_db_options options = {.conninfo = upkeep->conninfo,
                                       .password = upkeep->password,
                                       .role = "tip_maintenance",
                                       .silence_ms = upkeep->silence_ms,
                                       .lock_timeout_ms = 2000};
    tip_auto(store_db_destroy) struct store_db *db = NULL;

    upkeep->code = store_db_open(&db, &options, upkeep->why);
    if (upkeep->code)
        return;
    upkeep->code = upkeep_partitions(db, upkeep);
    if (!upkeep->code)
        upkeep->code = upkeep_classes(db, upkeep);
    if (!upkeep->code)
        upkeep->code =
            upkeep_history(db, upkeep_sql_verdicts, upkeep->now_unix_ms - upkeep->keep_history_ms, &upkeep->n_history);
    if (!upkeep->code)
        upkeep->code =
            upkeep_history(db, upkeep_sql_listings, upkeep->now_unix_ms - upkeep->keep_history_ms, &upkeep->n_history);
    if (upkeep->code)
        snprintf(upkeep->why, sizeof(upkeep->why), "%s", store_db_why(db));
}
