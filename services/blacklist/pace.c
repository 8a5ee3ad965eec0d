/* How often a source may be asked, and when it must not be. */
#include <string.h>
#include <strings.h>

#include <tip/clock.h>

#include "collect.h"
#include "core/etiquette.h"

#define PACE_PUBLISHER "its publisher wants to be asked less often than that"

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
        if (other != source && (other->machine.phase == BL_SOURCE_QUEUED || other->machine.phase == BL_SOURCE_FETCHING))
            return true;
        asked_unix_ms = pace_later(asked_unix_ms, other->stored.asked_unix_ms);
    }
    if (publisher->is_whole)
        asked_unix_ms = pace_later(asked_unix_ms, source->app->tried_unix_ms[bl_etiquette_number(publisher)]);
    return pace_is_resting(asked_unix_ms, publisher->floor_ms);
}

const char *pace_try(struct app *app, const char *url)
{
    struct app_source *source, *next;
    const struct bl_publisher *publisher;
    char host[BL_HOST];
    int64_t *triedp;

    bl_spec_host(url, host);
    if (pace_host_is_busy(app, host))
        return "another list of its host is being fetched: try again";
    publisher = bl_etiquette_publisher(host);
    if (!publisher)
        return NULL;
    triedp = &app->tried_unix_ms[bl_etiquette_number(publisher)];
    if (pace_is_resting(*triedp, publisher->floor_ms))
        return PACE_PUBLISHER;
    tip_hash_each (app->sources, source, next) {
        if (source->spec && source->spec->publisher == publisher &&
            (publisher->is_whole || !strcmp(source->spec->url, url)) &&
            pace_is_resting(source->stored.asked_unix_ms, publisher->floor_ms))
            return PACE_PUBLISHER;
    }
    *triedp = tip_loop_wall_ms();
    return NULL;
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
    int64_t told = source->stored.told_unix_ms - tip_loop_wall_ms();

    if (!spec)
        return "its file is gone";
    if (source->stored.override == BL_OVERRIDE_RETIRED)
        return "an operator has retired it: tip source enable NAME undoes that";
    if (spec->is_public && !source->stored.terms_unix_ms)
        return "its terms were not accepted yet: tip source enable NAME --accept-terms";
    if (spec->is_public && !source->app->has_contact)
        return "blacklist.contact is not set: publishers have to find out who fetches";
    if (told > 0 && told <= BL_SOURCE_REST_MAX_MS)
        return "its server asked to be left alone for now";
    return pace_publisher_rests(source) ? PACE_PUBLISHER : NULL;
}
