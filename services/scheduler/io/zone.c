#include "io/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tip/alloc.h>
#include <tip/buf.h>

#define ZONE_DIR    "/usr/share/zoneinfo"
#define ZONE_DAY_S  86400
#define ZONE_PAST_S (2 * 366 * INT64_C(86400))
#define ZONE_SPAN_S (60 * 366 * INT64_C(86400)) /* longer than any process runs */

enum { ZONE_CHANGES_MAX = 1024 };

struct zone_change {
    int64_t unix_s;
    int32_t offset_s; /* from then on */
};

struct zone {
    char *name;
    struct zone_change changes[ZONE_CHANGES_MAX];
    size_t n;
};

/* RFC 8536, section 3.1: each begins with "TZif"; tables of names lie beside them. */
static bool zone_exists(const char *name)
{
    tip_auto(tip_buf_deinit) struct tip_buf path;
    tip_auto(tip_file_close) FILE *file = NULL;
    char magic[4];

    tip_buf_init(&path, 256);
    if (*name == '/' || strstr(name, "..") || tip_buf_append_format(&path, ZONE_DIR "/%s", name))
        return false;
    file = fopen(tip_buf_text(&path), "re");
    return file && fread(magic, sizeof(magic), 1, file) == 1 && memcmp(magic, "TZif", sizeof(magic)) == 0;
}

/* Under the zone's TZ. */
static int32_t zone_system_offset(int64_t unix_s)
{
    time_t at = (time_t)unix_s;
    struct tm civil = {0};

    localtime_r(&at, &civil);
    return (int32_t)civil.tm_gmtoff;
}

static int64_t zone_find_change(int64_t low, int64_t high)
{
    int32_t offset = zone_system_offset(high);

    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (zone_system_offset(middle) == offset)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static void zone_read(struct zone *zone, int64_t from)
{
    zone->changes[zone->n++] = (struct zone_change){from, zone_system_offset(from)};
    for (int64_t at = from + ZONE_DAY_S; at < from + ZONE_SPAN_S && zone->n < ZONE_CHANGES_MAX; at += ZONE_DAY_S) {
        int32_t offset = zone_system_offset(at);

        if (offset != zone->changes[zone->n - 1].offset_s)
            zone->changes[zone->n++] = (struct zone_change){zone_find_change(at - ZONE_DAY_S, at), offset};
    }
}

/* localtime_r knows but one zone, that of TZ: it is set for the while, by the only thread that reads it. */
int zone_open(struct zone **zonep, const char *name)
{
    tip_auto(tip_free) char *before = tip_strdup(getenv("TZ"));
    struct zone *zone;

    if (!zone_exists(name))
        return -ENOENT;
    zone = tip_new(struct zone);
    zone->name = tip_strdup(name);
    setenv("TZ", name, 1);
    tzset();
    zone_read(zone, (int64_t)time(NULL) - ZONE_PAST_S);
    if (before)
        setenv("TZ", before, 1);
    else
        unsetenv("TZ");
    tzset();
    *zonep = zone;
    return 0;
}

void zone_destroy(struct zone **zonep)
{
    if (!*zonep)
        return;
    free((*zonep)->name);
    free(*zonep);
    *zonep = NULL;
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

static int32_t zone_offset(const void *ctx, int64_t unix_s)
{
    const struct zone *zone = ctx;
    size_t low = 0, high = zone->n;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (zone->changes[middle].unix_s <= unix_s)
            low = middle;
        else
            high = middle;
    }
    return zone->changes[low].offset_s;
}

struct sched_zone zone_clock(const struct zone *zone)
{
    return (struct sched_zone){.offset_s = zone_offset, .ctx = zone};
}
