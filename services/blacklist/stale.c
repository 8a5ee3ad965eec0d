/* Sources that died and do not say so: an alarm that names them, until they move again. */
#include <stdio.h>
#include <string.h>

#include <tip/log.h>
#include <topics.h>

#include "app.h"
#include "core/cadence.h"

int64_t app_source_moved(const struct app_source *source)
{
    int64_t held = source->stored.guard.held_since_unix_ms;

    return held > source->stored.changed_unix_ms ? held : source->stored.changed_unix_ms;
}

int64_t app_source_cadence(const struct app_source *source)
{
    return source->spec
               ? bl_cadence_expected(&source->stored.guard, source->spec->cadence_ms, source->spec->interval_ms)
               : 0;
}

static bool stale_is(const struct app_source *source, int64_t now_unix_ms)
{
    return bl_is_enabled(source->spec, &source->stored) && source->stored.version &&
           bl_cadence_is_stale(app_source_cadence(source), app_source_moved(source), now_unix_ms);
}

/* Their names, as many as fit. */
static size_t stale_names(struct app *app, char *text, size_t room)
{
    struct app_source *source, *next;
    size_t n = 0, used = 0;

    *text = '\0';
    tip_hash_each (app->sources, source, next) {
        if (!source->stored.is_stale)
            continue;
        if (used + strlen(source->name) + 3 < room)
            used += (size_t)snprintf(text + used, room - used, "%s%s", n ? ", " : "", source->name);
        n++;
    }
    return n;
}

static int stale_tell(struct app *app, struct tip_outbox_txn *txn)
{
    char names[STATE_DETAIL], detail[STATE_DETAIL + 80];
    size_t n = stale_names(app, names, sizeof(names));
    struct tip_event event = {
        .kind = TIP_EVENT_SYSTEM_ALARM,
        .kind_name = "",
        .system_alarm = {
            .service = tip_service_name(app->service), .name = "stale", .detail = detail, .raised = n != 0}};

    if (n)
        (void)snprintf(detail, sizeof(detail), "%zu sources have not changed for too long: %s", n, names);
    else
        (void)snprintf(detail, sizeof(detail), "every source changes as it used to");
    return app_publish(app, txn, TIP_TOPIC_SYSTEM_ALARM, tip_service_name(app->service), TIP_TLP_AMBER, &event);
}

void stale_tick(struct app *app)
{
    int64_t now_unix_ms = tip_loop_wall_ms();
    struct tip_outbox_txn *txn = NULL;
    struct app_source *source, *next;
    int r = 0;

    tip_hash_each (app->sources, source, next) {
        bool is_stale = stale_is(source, now_unix_ms);

        if (is_stale == source->stored.is_stale || r)
            continue;
        if (!txn && !app_has_room(app, APP_ROOM_SMALL))
            return;
        txn = txn ? txn : app_begin(app);
        source->stored.is_stale = is_stale;
        tip_warn(is_stale ? "source.stale" : "source.moves", "source=%s", source->name);
        r = app_source_put(txn, source);
    }
    if (txn)
        app_commit(app, &txn, r ? r : stale_tell(app, txn));
}
