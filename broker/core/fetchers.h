#pragma once
/*
 * Who waits for which part of the journal. There are so many places; whoever finds none free stands in line, and who
 * waits the longest is next. One request a connection: a newer one takes the place of an older in the line, but a place
 * among those that are read for is given up. Pure: reading and answering happen elsewhere.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/access.h"
#include "core/peer.h"

enum {
    FETCH_PREFIXES_MAX = 64,
    FETCH_PREFIX_BYTES_MAX = 255,
    FETCH_BYTES_MAX = 4 << 20,
    FETCH_WAIT_MAX_MS = 30000,
    FETCH_NAME_MAX = 64,
    FETCH_OUTSIDE_MAX = 4,         /* connections of one outside key that wait at once */
    FETCH_LINE_MAX = 256,          /* of these half for outside keys */
    FETCH_TURN_MS = 1000,          /* so long nobody waits in vain while others stand in line */
    FETCH_LINE_PATIENCE_MS = 10000 /* who has not asked again so long after its time was up has left the line */
};

struct fetch_request {
    uint64_t from;  /* moves past what was filtered */
    uint64_t asked; /* as it came; set by fetchers_ask */
    uint32_t max_bytes, max_events;
    int64_t until_ms; /* monotonic: then an empty answer goes out */
    uint64_t request;
    char consumer[FETCH_NAME_MAX + 1]; /* "" for none */
    char *const *prefixes;             /* owned by the fetcher */
    size_t n_prefixes;
};

struct fetcher {
    struct broker_peer peer;
    uint64_t id;       /* of this request, never used again */
    bool waiting;      /* has a place; false: an answer is on its way, nothing is asked for */
    bool reading;      /* a job reads for it */
    bool stirred;      /* there is something it wants, not looked at yet */
    unsigned readable; /* markings that its key may read: bit 1 << tlp */
    bool is_outside;   /* waits behind the others, under a byte budget */
    int64_t rest_ms;   /* of an outside one: not read for before; 0: may be at once */
    int64_t placed_ms;
    struct fetch_request request;
};

struct fetchers {
    struct fetcher *items; /* places */
    size_t n, max;
    struct fetcher *line; /* the first is next */
    size_t n_line;
    uint64_t last_id;
};

void fetchers_init(struct fetchers *fetchers, size_t max);
void fetchers_deinit(struct fetchers *fetchers);

/**
 * Puts a request in line; its prefixes are copied, its bounds applied. fetchers_next has it when its turn comes.
 *
 * @return false when the line is full; for an outside key also when it waits FETCH_OUTSIDE_MAX times already
 */
bool fetchers_ask(struct fetchers *fetchers, const struct broker_peer *peer, const struct fetch_request *request);

/**
 * Gives a free place to the first in line: those inside first, but one place of several is for those outside; these
 * have less than half of all.
 * To be called until it returns NULL, whenever somebody has asked or was answered. Pointers live until the next call.
 */
struct fetcher *fetchers_next(struct fetchers *fetchers, int64_t now_ms);

/** Who is to be answered now, with nothing, because others stand in line and there is nothing for it; or NULL. */
struct fetcher *fetchers_yielding(const struct fetchers *fetchers, int64_t now_ms);

/**
 * Takes one who has left the line out of it. Asking again in line keeps the turn and begins a new time, so whoever is
 * still there is never found here.
 *
 * @param fetcherp  set on success: to be answered with nothing, then fetchers_answered
 */
bool fetchers_forsaken(struct fetchers *fetchers, int64_t now_ms, struct fetcher *fetcherp);

/** By the id of its request; NULL when that was answered or replaced. */
struct fetcher *fetchers_get(const struct fetchers *fetchers, uint64_t id);

/** True if a consumer has asked from `committed` + 1 or before, and there is nothing for it: it has all it wants. */
bool fetchers_is_content(const struct fetchers *fetchers, const char *consumer, uint64_t committed);

/** The request was answered. */
void fetchers_answered(struct fetcher *fetcher);

/** Takes a connection's request away, wherever it waits. `peer` may be the one that stands in line. */
void fetchers_forget(struct fetchers *fetchers, const struct broker_peer *peer);

/** Whether a record with this marking and topic is what it waits for, and may read. */
bool fetcher_wants(const struct fetcher *fetcher, uint8_t tlp, const char *topic, size_t len);

/**
 * When the next one's time is up, or may be read for again; INT64_MAX for never. Who waits for the pool or the journal,
 * stirred and not resting, is looked at when these move, whatever its time is.
 */
int64_t fetchers_next_ms(const struct fetchers *fetchers);
