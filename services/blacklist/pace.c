/* How often a source may be asked, and when it must not be. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <tip/clock.h>

#include "collect.h"
#include "core/etiquette.h"

#define PACE_PUBLISHER "its publisher wants to be asked less often than that"
#define PACE_TOLD      "its server asked to be left alone for now"

#define PACE_TRIED_MS (6 * TIP_HOUR_MS) /* as the default of `interval` */

#define COLLECT_HELD_MS (15 * TIP_MINUTE_MS) /* at most, until what the guard holds is fetched again */

uint64_t collect_chance(void)
{
    struct tip_id id = tip_id_random();
    uint64_t chance;

    memcpy(&chance, id.bytes, sizeof(chance));
    return chance;
}

int64_t collect_interval(const struct app_source *source)
{
    const struct bl_spec *spec = source->spec;
    int64_t floor_ms = source->app->interval_floor_ms;
    int64_t interval_ms = spec ? spec->interval_ms : TIP_DAY_MS;

    if (source->stored.guard.held_since_unix_ms && interval_ms > COLLECT_HELD_MS)
        interval_ms = COLLECT_HELD_MS;
    if (!spec)
        return interval_ms;
    floor_ms = spec->host_floor_ms > floor_ms ? spec->host_floor_ms : floor_ms;
    return bl_etiquette_jitter(interval_ms, spec->jitter, floor_ms, collect_chance());
}

/* ---- what servers ask for ---- */

/* What an answer asks for. `usual_ms`: too often, and it does not say how often is right. */
static int64_t pace_rest(const struct bl_fetched *fetched, int64_t usual_ms)
{
    bool is_too_often = !strcmp(fetched->reason, "http_429") || !strcmp(fetched->reason, "http_509");

    return fetched->retry_after_ms || !is_too_often ? fetched->retry_after_ms : usual_ms;
}

static int64_t pace_until(int64_t rest_ms)
{
    return rest_ms ? tip_loop_wall_ms() + (rest_ms < BL_SOURCE_REST_MAX_MS ? rest_ms : BL_SOURCE_REST_MAX_MS) : 0;
}

int64_t pace_heard(struct app_source *source, const struct bl_fetched *fetched)
{
    int64_t rest_ms = pace_rest(fetched, source->spec ? source->spec->interval_ms : 0);

    source->stored.told_unix_ms = pace_until(rest_ms);
    return rest_ms;
}

void pace_keep(struct app_source *source)
{
    struct tip_outbox_txn *txn = app_begin(source->app);

    app_commit(source->app, &txn, app_source_put(txn, source));
}

static bool pace_is_told(int64_t told_unix_ms)
{
    int64_t told = told_unix_ms - tip_loop_wall_ms();

    return told > 0 && told <= BL_SOURCE_REST_MAX_MS;
}

/* ---- publishers ---- */

bool pace_shares(const struct app_source *a, const struct app_source *b)
{
    if (!a->spec || !b->spec || !a->spec->publisher || a->spec->publisher != b->spec->publisher)
        return false;
    return a->spec->publisher->is_whole || !strcmp(a->spec->url, b->spec->url);
}

bool pace_goes_before(const struct app_source *a, const struct app_source *b)
{
    if (a->stored.asked_unix_ms != b->stored.asked_unix_ms)
        return a->stored.asked_unix_ms < b->stored.asked_unix_ms;
    return strcmp(a->name, b->name) < 0;
}

static int64_t pace_later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool pace_is_resting(int64_t asked_unix_ms, int64_t floor_ms)
{
    int64_t rest = asked_unix_ms + floor_ms - tip_loop_wall_ms();

    return rest > 0 && rest <= floor_ms; /* more means that the clock has jumped */
}

static bool pace_is_coming(const struct app_source *source)
{
    return source->machine.phase == BL_SOURCE_QUEUED || source->machine.phase == BL_SOURCE_FETCHING;
}

/* Of all that share the floor with it: is one about to be asked, or when was one? */
static bool pace_publisher_rests(const struct app_source *source)
{
    const struct bl_publisher *publisher = source->spec->publisher;
    struct app_source *other, *next;
    int64_t asked_unix_ms = 0;

    if (!publisher)
        return false;
    tip_hash_each (source->app->sources, other, next) {
        if (!pace_shares(source, other))
            continue;
        if (other != source && pace_is_coming(other))
            return true;
        asked_unix_ms = pace_later(asked_unix_ms, other->stored.asked_unix_ms);
    }
    if (publisher->is_whole)
        asked_unix_ms = pace_later(asked_unix_ms, tried_of(source->app, publisher->domain).asked_unix_ms);
    return pace_is_resting(asked_unix_ms, publisher->floor_ms);
}

/* A source beside a URL that is none: is it the same list, or does it keep the floor together with it? */
static const char *pace_try_beside(const struct app_source *source, const struct bl_publisher *publisher,
                                   const char *url)
{
    bool is_same = source->spec && !strcmp(source->spec->url, url);

    if (is_same && pace_is_told(source->stored.told_unix_ms))
        return PACE_TOLD;
    if (!source->spec || !publisher || source->spec->publisher != publisher || !(publisher->is_whole || is_same))
        return NULL;
    return pace_is_coming(source) || pace_is_resting(source->stored.asked_unix_ms, publisher->floor_ms) ? PACE_PUBLISHER
                                                                                                        : NULL;
}

/* Of two times 0 says nothing new. */
static void pace_tried(struct app *app, const char *host, int64_t asked_unix_ms, int64_t told_unix_ms)
{
    struct bl_tried tried = tried_of(app, host);
    struct tip_outbox_txn *txn = app_begin(app);

    (void)snprintf(tried.host, sizeof(tried.host), "%s", host);
    tried.asked_unix_ms = asked_unix_ms ? asked_unix_ms : tried.asked_unix_ms;
    tried.told_unix_ms = told_unix_ms ? told_unix_ms : tried.told_unix_ms;
    app_commit(app, &txn, tried_put(app, txn, &tried));
}

void pace_try_heard(struct app *app, const char *host, const struct bl_fetched *fetched)
{
    int64_t rest_ms = pace_rest(fetched, PACE_TRIED_MS);

    if (rest_ms)
        pace_tried(app, host, 0, pace_until(rest_ms));
}

/* It counts as a fetch of the publisher, and of each source that has the URL. */
static void pace_try_note(struct app *app, const struct bl_publisher *publisher, const char *url)
{
    struct app_source *source, *next;

    if (publisher)
        pace_tried(app, publisher->domain, tip_loop_wall_ms(), 0);
    tip_hash_each (app->sources, source, next) {
        if (!source->spec || strcmp(source->spec->url, url))
            continue;
        source->stored.asked_unix_ms = tip_loop_wall_ms();
        pace_keep(source);
    }
}

const char *pace_try(struct app *app, const char *url)
{
    struct app_source *source, *next;
    const struct bl_publisher *publisher;
    const char *why = NULL;
    char host[BL_HOST];

    bl_spec_host(url, host);
    if (pace_host_is_busy(app, host))
        return "another list of its host is being fetched: try again";
    publisher = bl_etiquette_publisher(host);
    if (pace_is_told(tried_of(app, host).told_unix_ms))
        return PACE_TOLD;
    if (publisher && pace_is_resting(tried_of(app, publisher->domain).asked_unix_ms, publisher->floor_ms))
        return PACE_PUBLISHER;
    tip_hash_each (app->sources, source, next)
        why = why ? why : pace_try_beside(source, publisher, url);
    if (!why)
        pace_try_note(app, publisher, url);
    return why;
}

bool pace_host_is_busy(struct app *app, const char *host)
{
    struct app_source *source, *next;

    tip_hash_each (app->sources, source, next) {
        if (source->fetch && !strcasecmp(source->host, host))
            return true;
    }
    return control_is_trying(app, host);
}

const char *collect_refuses(const struct app_source *source)
{
    const struct bl_spec *spec = source->spec;

    if (!spec)
        return "its file is gone";
    if (source->stored.override == BL_OVERRIDE_RETIRED)
        return "an operator has retired it: tip source enable NAME undoes that";
    if (spec->is_public && !source->stored.terms_unix_ms)
        return "its terms were not accepted yet: tip source enable NAME --accept-terms";
    if (spec->is_public && !source->app->has_contact)
        return "blacklist.contact is not set: publishers have to find out who fetches";
    if (pace_is_told(source->stored.told_unix_ms))
        return PACE_TOLD;
    return pace_publisher_rests(source) ? PACE_PUBLISHER : NULL;
}
