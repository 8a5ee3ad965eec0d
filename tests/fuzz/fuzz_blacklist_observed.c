/* Whatever an event says: what is believed of it is canonical, in bounds, and not TIP's own doing. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "observed.h"

enum { COMMIT_S = 1767225600 };

static void check_taken(const struct tip_event *event, const struct bl_observation *seen)
{
    struct tip_indicator indicator;

    assert(!tip_indicator_parse(&indicator, seen->kind, seen->value, seen->len));
    assert(indicator.len == seen->len && !memcmp(indicator.value, seen->value, seen->len));
    assert(bl_evidence_counts(seen) && event->depth <= BL_EVIDENCE_DEPTH_MAX);
    assert(seen->at_s <= COMMIT_S + OBSERVED_AHEAD_S && seen->at_s >= COMMIT_S - OBSERVED_LATE_S);
    for (size_t i = 0; i < event->n_causes; i++) { /* no list that led to it is confirmed by it */
        const char *source = event->causes[i].source;

        assert(!*source || strchr(source, ' ') || !bl_evidence_confirms(seen, source, seen->at_s));
    }
}

static int check_one(void *ctx, const struct bl_observation *seen, enum observed_fate fate)
{
    const struct tip_event *event = ctx;

    assert(fate < OBSERVED_FATE_COUNT && *observed_fate_name(fate));
    assert(!seen->because_of || strlen(seen->because_of) < OBSERVED_BECAUSE);
    if (fate == OBSERVED_TAKEN)
        check_taken(event, seen);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    struct observed_order order = {.tlp = TIP_TLP_AMBER,
                                   .commit_unix_ms = (int64_t)COMMIT_S * 1000,
                                   .now_unix_ms = (int64_t)COMMIT_S * 1000,
                                   .each = check_one};

    if (tip_event_decode(data, size, &event, NULL) || !observed_is(event))
        return 0;
    order.event = order.ctx = event;
    assert(!observed_walk(&order));
    return 0;
}
