#include "core/etiquette.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    ETIQUETTE_NEAR_MS = MINUTE_MS,
    ETIQUETTE_NEAR_SHARE = 15, /* of an interval; from a quarter of an hour on it is the whole minute */
    ETIQUETTE_LATER = 4        /* times as long as it keeps off */
};

/* Their own pages say so. Where many lists lie whose pace is said of each, the floor is that of a list. */
static const struct bl_publisher etiquette_publishers[] = {
    {"spamhaus.org", 60 * MINUTE_MS, true}, /* more often is a ban */
    {"dan.me.uk", 30 * MINUTE_MS, true},    /* more often is answered with 403 */
    {"phishtank.com", 60 * MINUTE_MS, true},       {"openphish.com", 60 * MINUTE_MS, true},
    {"stopforumspam.com", 60 * MINUTE_MS, true},   {"cinsscore.com", 60 * MINUTE_MS, true},
    {"emergingthreats.net", 60 * MINUTE_MS, true}, {"dataplane.org", 60 * MINUTE_MS, false},
    {"blocklist.de", 15 * MINUTE_MS, false},       {"abuse.ch", 5 * MINUTE_MS, false},
};

const struct bl_publisher *bl_etiquette_publisher(const char *host)
{
    size_t len = strlen(host);

    if (len && host[len - 1] == '.') /* the same host, written in full */
        len--;
    for (size_t i = 0; i < sizeof(etiquette_publishers) / sizeof(*etiquette_publishers); i++) {
        const char *domain = etiquette_publishers[i].domain;
        size_t n = strlen(domain);

        if (len >= n && !strncasecmp(host + len - n, domain, n) && (len == n || host[len - n - 1] == '.'))
            return &etiquette_publishers[i];
    }
    return NULL;
}

int64_t bl_etiquette_floor_ms(const char *host)
{
    const struct bl_publisher *publisher = bl_etiquette_publisher(host);

    return publisher ? publisher->floor_ms : 0;
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
    int64_t near_ms = interval_ms / ETIQUETTE_NEAR_SHARE;
    int64_t rest_ms;

    near_ms = near_ms < ETIQUETTE_NEAR_MS ? near_ms : ETIQUETTE_NEAR_MS;
    if (past_ms >= near_ms && past_ms < HOUR_MS - near_ms)
        return 0;
    rest_ms = (past_ms < near_ms ? 0 : HOUR_MS) + near_ms - past_ms;
    return rest_ms + (int64_t)(random % (uint64_t)(ETIQUETTE_LATER * near_ms + 1));
}
