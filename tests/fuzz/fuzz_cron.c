/*
 * Cron expressions: the first 8 bytes are a time, the rest is the text. What is accepted has a next time, but for an
 * hour that a zone's clock passes over each time: 02:00 on Sundays that are March 29, in Berlin.
 */
#include <assert.h>
#include <string.h>

#include <tip/buf.h>

#include "core/cron.h"
#include "fuzz.h"
#include "zones.h"

#define CRON_CENTURY_MS (100 * 366 * TIP_DAY_MS)

static void cron_check(const struct sched_cron *cron, const struct sched_zone *zone, int64_t after_ms)
{
    int64_t next = sched_cron_next(cron, zone, after_ms);

    if (next == SCHED_NEVER && zone->offset_s)
        return;
    assert(next > after_ms && next != SCHED_NEVER);
    assert(next % TIP_MINUTE_MS == 0);
    assert(sched_cron_next(cron, zone, next - 1) == next);
    assert(sched_cron_next(cron, zone, next) > next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sched_zone zones[] = {{0}, {.offset_s = zone_berlin}, {.offset_s = zone_new_york}};
    tip_auto(tip_buf_deinit) struct tip_buf text;
    struct sched_cron cron;
    const char *why = NULL;
    int64_t after_ms;

    tip_buf_init(&text, 4096);
    if (size < sizeof(after_ms))
        return 0;
    memcpy(&after_ms, data, sizeof(after_ms));
    after_ms = (int64_t)((uint64_t)after_ms % (uint64_t)CRON_CENTURY_MS);
    if (tip_buf_append(&text, data + sizeof(after_ms), size - sizeof(after_ms)))
        return 0;
    if (sched_cron_parse(&cron, tip_buf_text(&text), &why)) {
        assert(why);
        return 0;
    }
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
        cron_check(&cron, &zones[i], after_ms);
    return 0;
}
