/* What the bus brings: runs, and what TIP saw itself. Each batch and where the next one begins are one transaction. */
#include <errno.h>
#include <inttypes.h>

#include <tip/clock.h>
#include <tip/log.h>
#include <topics.h>

#include "app.h"

#define INPUT_CONSUMER "blacklist"
#define INPUT_RETRY_MS TIP_SECOND_MS

enum { INPUT_BYTES = 128 << 10 /* of a batch: a thousand observations and a short turn */ };

int input_load(struct app *app, struct tip_outbox_txn *txn)
{
    int r = tip_outbox_input_get(txn, INPUT_CONSUMER, &app->journal_id, &app->next_seq);

    return r == -ENOENT ? 0 : r;
}

int input_put(struct app *app, struct tip_outbox_txn *txn)
{
    return app->next_seq ? tip_outbox_input_put(txn, INPUT_CONSUMER, &app->journal_id, app->next_seq) : 0;
}

static int input_hear(struct app *app, struct tip_outbox_txn *txn, const struct tip_record *record)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    const char *reason = "";

    if (!tip_event_decode(record->event, record->event_len, &event, &reason)) {
        bool is_under = tip_event_is_under(event, record->stamp.topic);

        if (is_under && event->kind == TIP_EVENT_SCHEDULE_DUE)
            return runs_take(app, txn, &event->schedule_due);
        if (is_under && observed_is(event))
            return observe_hear(app, txn, event, &record->stamp);
        if (event->kind == TIP_EVENT_NONE)
            return 0; /* of a later version */
        reason = "its kind does not belong under this topic";
    }
    tip_metric_inc(app->m[APP_M_MALFORMED]);
    tip_warn("input.malformed", "topic=%s seq=%" PRIu64 " reason=%s", record->stamp.topic, record->stamp.seq, reason);
    return 0;
}

static void input_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct app *app = ctx;
    struct tip_outbox_txn *txn;
    int r = 0;

    if (!app_has_room(app, APP_ROOM_SMALL + batch->n_records * TIP_TEXT_MAX * 2)) {
        tip_fetch_retry(app->fetch, INPUT_RETRY_MS);
        return;
    }
    app->journal_id = batch->journal_id;
    app->next_seq = batch->next_seq;
    if (batch->n_records) {
        txn = app_begin(app);
        for (size_t i = 0; !r && i < batch->n_records; i++)
            r = input_hear(app, txn, &batch->records[i]);
        r = r ? r : input_put(app, txn);
        app_commit(app, &txn, r);
        runs_go_on(app);
        collect_go_on(app);
    }
    if (!app->is_stopping)
        tip_fetch_done(app->fetch, &batch->journal_id, batch->next_seq);
}

/* Runs may be lost: the scheduler finds them overdue and starts others. Observations are: they count no more. */
static void input_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    static const char *const names[] = {
        [TIP_FETCH_NEW_JOURNAL] = "new_journal", [TIP_FETCH_TRIMMED] = "trimmed", [TIP_FETCH_DAMAGED] = "damaged"};
    struct app *app = ctx;
    struct tip_outbox_txn *txn = app_begin(app);

    tip_warn("input.break", "why=%s next_seq=%" PRIu64, names[why], next_seq);
    tip_metric_inc(app->m[APP_M_BREAKS]);
    app->journal_id = *journal_id;
    app->next_seq = next_seq;
    app_commit(app, &txn, input_put(app, txn));
    tip_fetch_done(app->fetch, journal_id, next_seq);
}

int input_open(struct app *app)
{
    static const char *const prefixes[] = {TIP_TOPIC_SCHEDULE_DUE "blacklist.", TIP_TOPIC_MAIL_SEEN,
                                           TIP_TOPIC_FLUX_AGENT, TIP_TOPIC_SMTP_BEHAVIOUR, NULL};
    const struct tip_fetch_config config = {
        .consumer = INPUT_CONSUMER,
        .prefixes = prefixes,
        .max_bytes = INPUT_BYTES,
        .journal_id = app->journal_id,
        .from_seq = app->next_seq,
        .on_batch = input_on_batch,
        .on_break = input_on_break,
        .ctx = app,
    };

    return tip_fetch_open(&app->fetch, app->bus, &config);
}
