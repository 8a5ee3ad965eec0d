/* How a collection ends: kept, told, and the source rests. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/log.h>
#include <tip/utf8.h>

#include "collect.h"

void collect_text(char *to, size_t room, const char *text)
{
    (void)tip_utf8_copy(to, room, text, strlen(text)); /* its length */
    for (; *to; to++) {
        if ((unsigned char)*to < ' ' || *to == 0x7f)
            *to = ' ';
    }
}

void collect_end(struct app_source *source, bool ok, const char *reason, const char *detail)
{
    source->end.is_set = true;
    source->end.ok = ok;
    collect_text(source->end.reason, sizeof(source->end.reason), reason);
    collect_text(source->end.detail, sizeof(source->end.detail), detail);
}

static void collect_rest(struct app_source *source)
{
    const struct bl_source_pace pace = {.interval_ms = collect_interval(source),
                                        .asked_unix_ms = source->asked_unix_ms,
                                        .retry_after_ms = source->retry_after_ms};

    bl_source_rest(&source->machine, &pace, tip_loop_wall_ms());
    if (app_source_is_over(source)) /* nobody will ask for it; if it comes back it is due */
        source->machine.next_unix_ms = 0;
    source->stored.next_unix_ms = source->machine.next_unix_ms;
    source->stored.n_failures = source->machine.n_failures;
    source->retry_after_ms = 0;
}

static void collect_log(const struct app_source *source, const struct app_end *end)
{
    const char *event = end->is_held ? "source.held" : end->ok ? "source.ok" : "source.failed";

    tip_log_write(end->ok && !end->is_guarded ? TIP_LOG_INFO : TIP_LOG_WARN, event,
                  " source=%s reason=%s version=%" PRIu64 " entries=%" PRIu64 " added=%" PRIu64 " removed=%" PRIu64
                  " failures=%" PRId64 " detail=%s",
                  source->name, end->reason, source->stored.version, source->stored.n_entries, source->stored.n_added,
                  source->stored.n_removed, source->stored.n_failures, end->detail);
}

/* State, event and runs, in one transaction. */
static int collect_tell(struct app_source *source, struct tip_outbox_txn *txn, const struct app_end *end)
{
    struct app *app = source->app;
    struct codec_source_scratch scratch;
    struct codec_source told = {.name = source->name,
                                .url = source->spec ? source->spec->url : "",
                                .stored = &source->stored,
                                .report = end->report,
                                .weight = source->stored.weight,
                                .stream = *tip_outbox_stream(app->outbox),
                                .ok = end->ok,
                                .is_held = end->is_held};
    struct tip_event event;
    const char *prefix;
    int r;

    collect_rest(source);
    strcpy(source->stored.reason, end->reason);
    strcpy(source->stored.detail, end->detail);
    if (end->ok && !end->is_guarded && strcmp(end->reason, "retired") != 0)
        source->stored.ok_unix_ms = tip_loop_wall_ms();
    prefix = codec_source(&event, &told, &scratch);
    collect_log(source, end);
    tip_metric_inc(app->m[end->ok ? APP_M_OK : APP_M_FAILED]);
    r = app_publish(app, txn, prefix, source->name, app_source_tlp(source), &event);
    r = r ? r : app_source_put(txn, source);
    return r ? r : runs_mark(app, txn, source->name, end->ok);
}

void collect_settle(struct app_source *source)
{
    struct app *app = source->app;
    struct tip_outbox_txn *txn;

    if (!source->end.is_set || !app_has_room(app, APP_ROOM_SMALL))
        return;
    txn = app_begin(app);
    app_commit(app, &txn, collect_tell(source, txn, &source->end));
    free(source->end.report);
    source->end = (struct app_end){0};
}

int collect_published(struct app_source *source, struct tip_outbox_txn *txn, const char *reason)
{
    struct app_end end = {.ok = true};
    int r;

    (void)bl_source_step(&source->machine, BL_SOURCE_EV_PUBLISHED); /* nothing more is to be done */
    strcpy(end.reason, reason);
    (void)snprintf(end.detail, sizeof(end.detail), "%" PRIu64 " entries: %" PRIu64 " added, %" PRIu64 " removed",
                   source->stored.n_entries, source->stored.n_added, source->stored.n_removed);
    end.report = app_report_get(txn, source->name);
    r = collect_tell(source, txn, &end);
    free(end.report);
    return r;
}
