#include "core/hoard.h"

static uint64_t hoard_bytes_max(uint64_t message_bytes_max)
{
    return message_bytes_max + HOARD_MARGIN_BYTES;
}

static void hoard_forgive(struct hoard *hoard, int64_t now_ms)
{
    hoard->from += (uint64_t)(now_ms - hoard->at_ms) * HOARD_HEARTBEAT_BYTES_PER_S / 1000;
    if (hoard->from > hoard->taken)
        hoard->from = hoard->taken;
}

/* What was taken at the look before is judged by what came since. */
static void hoard_judge(struct hoard *hoard, const struct hoard_facts *facts)
{
    if (hoard->n_heard > 0) {
        hoard->is_watched = false;
        hoard->from = hoard->told = facts->taken;
        hoard->proven = 0;
    } else if (facts->swept) {
        hoard->proven = hoard->taken - hoard->from;
    }
}

static bool hoard_is_conspicuous(const struct hoard *hoard, uint64_t message_bytes_max)
{
    uint64_t most = hoard_bytes_max(message_bytes_max);

    return hoard->taken - hoard->from > (most < HOARD_WATCH_BYTES ? most : HOARD_WATCH_BYTES);
}

void hoard_look(struct hoard *hoard, const struct hoard_facts *facts)
{
    if (facts->taken < hoard->taken)
        return; /* cannot be */
    if (hoard->is_watched)
        hoard_judge(hoard, facts);
    hoard->n_heard = 0;
    hoard->taken = facts->taken;
    hoard_forgive(hoard, facts->now_ms);
    hoard->at_ms = facts->now_ms;
    if (!hoard->is_watched && hoard_is_conspicuous(hoard, facts->message_bytes_max)) {
        hoard->is_watched = true;
        hoard->from = hoard->taken; /* messages before were not counted */
    }
}

bool hoard_is_too_much(const struct hoard *hoard, uint64_t message_bytes_max)
{
    return hoard->proven > hoard_bytes_max(message_bytes_max);
}

void hoard_watch(struct hoard *hoard)
{
    if (hoard->is_watched)
        return;
    hoard->is_watched = true;
    hoard->from = hoard->told;
}

bool hoard_heard(struct hoard *hoard)
{
    return ++hoard->n_heard >= HOARD_TURNS;
}

uint64_t hoard_unclear(const struct hoard *hoard)
{
    return hoard->taken - hoard->told;
}
