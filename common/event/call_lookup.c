/* Bodies of calls that look verdicts up. */
#include <tip/call.h>

#include <tip/v1/call.pb-c.h>

#include "wire.h"

static const struct wire_field item_rows[] = {
    WIRE_NAMED("kind", Indicator, tip_lookup_item, kind, TIP_KIND_NONE, TIP_KIND_COUNT - 1, NULL),
    WIRE_ROW(TEXT, Indicator, tip_lookup_item, value, 0, TIP_INDICATOR_MAX),
};
static const struct wire_table item_table = WIRE_TABLE(tip__v1__indicator__descriptor, tip_lookup_item, item_rows, );

static const struct wire_field lookup_rows[] = {
    WIRE_MANY(LIST, VerdictLookup, indicators, tip_verdict_lookup, items, TIP_LOOKUP_MAX, &item_table),
};
static const struct wire_table lookup_table =
    WIRE_TABLE(tip__v1__verdict_lookup__descriptor, tip_verdict_lookup, lookup_rows, );

static const struct wire_field found_rows[] = {
    WIRE_ROW(TEXT, VerdictFound, tip_verdict_found, unreadable, 0, TIP_NAME_MAX),
    WIRE_ROW(REAL, VerdictFound, tip_verdict_found, score, 0, 1),
    WIRE_NAMED("tier", VerdictFound, tip_verdict_found, tier, TIP_TIER_NONE, TIP_TIER_COUNT - 1, NULL),
    WIRE_ROW(BOOL, VerdictFound, tip_verdict_found, inherited, 0, 0),
    WIRE_ROW(REAL, VerdictFound, tip_verdict_found, share, 0, 1),
    WIRE_ROW(BOOL, VerdictFound, tip_verdict_found, allowed, 0, 0),
    WIRE_ROW(BOOL, VerdictFound, tip_verdict_found, denied, 0, 0),
    WIRE_MANY(LIST, VerdictFound, verdicts, tip_verdict_found, verdicts, TIP_FOUND_VERDICTS_MAX, &wire_verdict),
};
static const struct wire_table found_table =
    WIRE_TABLE(tip__v1__verdict_found__descriptor, tip_verdict_found, found_rows, );

static const struct wire_field answer_rows[] = {
    WIRE_MANY(LIST, VerdictAnswer, found, tip_verdict_answer, found, TIP_LOOKUP_MAX, &found_table),
    WIRE_AT("scored_at", VerdictAnswer, tip_verdict_answer, scored_unix_ms),
    WIRE_AT("built_at", VerdictAnswer, tip_verdict_answer, built_unix_ms),
};
static const struct wire_table answer_table =
    WIRE_TABLE(tip__v1__verdict_answer__descriptor, tip_verdict_answer, answer_rows, );

int tip_verdict_lookup_encode(const struct tip_verdict_lookup *lookup, struct tip_buf *out)
{
    return wire_body_encode(&lookup_table, lookup, out);
}

int tip_verdict_answer_encode(const struct tip_verdict_answer *answer, struct tip_buf *out)
{
    return wire_body_encode(&answer_table, answer, out);
}

int tip_verdict_lookup_decode(const uint8_t *bytes, size_t n, struct tip_verdict_lookup **lookupp)
{
    void *plain;
    int r = wire_body_decode(&lookup_table, bytes, n, &plain);

    if (!r)
        *lookupp = plain;
    return r;
}

int tip_verdict_answer_decode(const uint8_t *bytes, size_t n, struct tip_verdict_answer **answerp)
{
    void *plain;
    int r = wire_body_decode(&answer_table, bytes, n, &plain);

    if (!r)
        *answerp = plain;
    return r;
}
