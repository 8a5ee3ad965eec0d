#include "core/etiquette.h"

#include <stddef.h>
#include <string.h>

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    ETIQUETTE_NEAR_MS = MINUTE_MS,
    ETIQUETTE_LATER_MS = 4 * MINUTE_MS
};

/* Host, or the domain that it lies below. Their own pages say so. */
static const struct {
    const char *host;
    int64_t floor_ms;
} etiquette_floors[] = {
    {"spamhaus.org", 60 * MINUTE_MS}, /* more often is a ban */
    {"dan.me.uk", 30 * MINUTE_MS},    /* more often is answered with 403 */
    {"phishtank.com", 60 * MINUTE_MS},     {"openphish.com", 60 * MINUTE_MS}, {"dataplane.org", 60 * MINUTE_MS},
    {"stopforumspam.com", 60 * MINUTE_MS}, {"cinsscore.com", 60 * MINUTE_MS}, {"emergingthreats.net", 60 * MINUTE_MS},
    {"blocklist.de", 15 * MINUTE_MS},      {"abuse.ch", 5 * MINUTE_MS},
};

int64_t bl_etiquette_floor_ms(const char *host)
{
    size_t len = strlen(host);

    for (size_t i = 0; i < sizeof(etiquette_floors) / sizeof(*etiquette_floors); i++) {
        size_t n = strlen(etiquette_floors[i].host);

        if (len >= n && !strcmp(host + len - n, etiquette_floors[i].host) && (len == n || host[len - n - 1] == '.'))
            return etiquette_floors[i].floor_ms;
    }
    return 0;
}

int64_t bl_etiquette_jitter(int64_t interval_ms, double jitter, int64_t floor_ms, uint64_t random)
{
    double share = (double)(random >> 11) / 9007199254740992.0; /* 2^53: 0 to 1 */
    int64_t made = interval_ms + (int64_t)((double)interval_ms * jitter * (2 * share - 1));

    return made > floor_ms ? made : floor_ms;
}

int64_t bl_etiquette_wait(int64_t interval_ms, int64_t now_unix_ms, uint64_t random)
{
    int64_t past_ms = now_unix_ms % HOUR_MS;

    if (interval_ms < 15 * MINUTE_MS || (past_ms >= ETIQUETTE_NEAR_MS && past_ms < HOUR_MS - ETIQUETTE_NEAR_MS))
        return 0;
    return 2 * ETIQUETTE_NEAR_MS + (int64_t)(random % ETIQUETTE_LATER_MS);
}
