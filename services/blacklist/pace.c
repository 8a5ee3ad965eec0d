/* How often a source may be asked, and when it must not be. */
#include <string.h>

#include <tip/clock.h>

#include "collect.h"
#include "core/etiquette.h"

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

const char *collect_refuses(const struct app_source *source)
{
    const struct bl_spec *spec = source->spec;
    int64_t now_unix_ms = tip_loop_wall_ms();
    int64_t told = source->stored.told_unix_ms - now_unix_ms;
    int64_t rest = source->stored.asked_unix_ms + (spec ? spec->host_floor_ms : 0) - now_unix_ms;

    if (!spec)
        return "its file is gone";
    if (spec->is_public && !source->stored.terms_unix_ms)
        return "its terms were not accepted yet: tip source enable NAME --accept-terms";
    if (spec->is_public && !source->app->has_contact)
        return "blacklist.contact is not set: publishers have to find out who fetches";
    if (told > 0 && told <= BL_SOURCE_REST_MAX_MS)
        return "its server asked to be left alone for now";
    if (spec->host_floor_ms && rest > 0 && rest <= spec->host_floor_ms)
        return "its publisher wants to be asked less often than that";
    return NULL;
}
