#pragma once
/*
 * What an event lets TIP observe: of each entry an observation, and whether it is believed. Pure: no state, no clock.
 *
 *   mail.seen       each sender, URL and domain: distinct by trap and day
 *   flux.agent      each agent: distinct by the name it serves, names of one flux network are one; and the name:
 *                   distinct by the /24 or /48 each agent lies in, those of one system (prefix, while that is not
 *                   known) are one
 *   smtp.behaviour  each client: distinct by day
 *
 * Values are taken in their canonical form (tip_indicator_parse), as those of lists. Days are those of UTC. The sources
 * among the causes of an event and of an entry led to it; where all places for causes are taken any source may have.
 */
#include <tip/addr.h>
#include <tip/event.h>

#include "core/evidence.h"

enum observed_fate {
    OBSERVED_TAKEN,
    OBSERVED_MALFORMED, /* no indicator of its kind */
    OBSERVED_DEEP,      /* derived more than three steps deep */
    OBSERVED_TREATED,   /* TIP's own treatment caused it, or it is that a client left */
    OBSERVED_UNSCORED,  /* special-use or a public suffix: nothing may come of it */
    OBSERVED_LATE,      /* more than 30 days before it was published */
    OBSERVED_FATE_COUNT
};

/** "taken", "malformed", "deep", "treated", "unscored", "late". */
const char *observed_fate_name(enum observed_fate fate);

enum {
    OBSERVED_LATE_S = 30 * 24 * 60 * 60,
    OBSERVED_AHEAD_S = 5 * 60, /* clocks of publishers may go before by so much; further is cut to it */
    OBSERVED_BECAUSE = 2 * (TIP_EVENT_CAUSES_MAX - 1) * (TIP_NAME_MAX + 1)
};

struct observed_order {
    const struct tip_event *event;
    enum tip_tlp tlp;
    int64_t commit_unix_ms, now_unix_ms; /* by the clock of the bus, and by one's own */
    const struct tip_prefix *ordinary;   /* special-use networks that count like any other */
    size_t n_ordinary;
    /** @param observation  lives until it returns. @return not 0 ends the walk */
    int (*each)(void *ctx, const struct bl_observation *observation, enum observed_fate fate);
    void *ctx;
};

/** Is it an event that something can be observed in? */
bool observed_is(const struct tip_event *event);

/** @return 0, or what `each` returned */
tip_nodiscard int observed_walk(const struct observed_order *order);
