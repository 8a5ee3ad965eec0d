/* When the bus takes nothing: whatever is fetched could only wait, so nothing is, and that is said. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tip/admin.h>
#include <tip/log.h>
#include <topics.h>

#include "app.h"

enum { PAUSE_SAY_MS = 5000, PAUSE_AGAIN_MS = 60000 }; /* a broker that starts again, a long list: that is no pause */

bool pause_is_on(struct app *app)
{
    return !tip_outbox_has_room(app->outbox, APP_ROOM_TURN);
}

/* Events wait, and not one was taken since the last look. */
static bool pause_is_stalled(struct app *app)
{
    uint64_t acked = tip_bus_stats(app->bus)->acked;
    bool moved = acked != app->pause.acked;

    app->pause.acked = acked;
    return !moved && tip_outbox_n_waiting(app->outbox);
}

/* Live only: the outbox is what is full, or stands still. */
static void pause_alarm(struct app *app, bool raised, const char *detail)
{
    const struct tip_event event = {
        .id = tip_id_new(app->loop),
        .kind = TIP_EVENT_SYSTEM_ALARM,
        .kind_name = "",
        .observed_unix_ms = tip_loop_wall_ms(),
        .system_alarm = {
            .service = tip_service_name(app->service), .name = "paused", .detail = detail, .raised = raised}};
    char topic[TIP_TOPIC_MAX + 1];
    int r = tip_topic(topic, TIP_TOPIC_SYSTEM_ALARM, tip_service_name(app->service));

    if (!r)
        r = tip_bus_live(app->bus, topic, TIP_TLP_AMBER, &event);
    if (r)
        tip_warn("alarm.lost", "name=%s error=%s", "paused", strerror(-r));
}

static void pause_say(struct app *app, int64_t now_ms)
{
    char detail[128];

    (void)snprintf(detail, sizeof(detail), "paused: the bus takes nothing, %" PRIu64 " events wait",
                   tip_outbox_n_waiting(app->outbox)); /* it fits */
    tip_admin_ready(tip_service_admin(app->service), "outbox", false, "%s", detail);
    tip_metric_set(app->m[APP_M_PAUSED], 1);
    if (app->pause.said_ms && now_ms - app->pause.said_ms < PAUSE_AGAIN_MS)
        return;
    tip_warn("collect.paused", "why=%s", detail);
    app->pause.said_ms = now_ms;
    pause_alarm(app, true, detail);
}

static void pause_end(struct app *app)
{
    tip_admin_ready(tip_service_admin(app->service), "outbox", true, "it has room");
    tip_metric_set(app->m[APP_M_PAUSED], 0);
    if (app->pause.said_ms) {
        tip_info("collect.resumed", "");
        pause_alarm(app, false, "the bus takes events again");
    }
    app->pause.since_ms = app->pause.said_ms = 0;
}

void pause_tick(struct app *app)
{
    int64_t now_ms = tip_loop_now_ms();
    bool is_stalled = pause_is_stalled(app);

    if (!pause_is_on(app) && !is_stalled) {
        pause_end(app);
        return;
    }
    if (!app->pause.since_ms)
        app->pause.since_ms = now_ms;
    if (now_ms - app->pause.since_ms >= PAUSE_SAY_MS)
        pause_say(app, now_ms);
}
