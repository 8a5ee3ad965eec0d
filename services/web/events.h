#pragma once
/*
 * /api/v1/events. One fetch follows the end of the journal and fills the ring that all streams read; who is behind it
 * reads the journal by a fetch of his own, a bounded number at once, until the ring has what comes next.
 */
#include <jansson.h>

#include "app.h"

struct events;

enum { EVENTS_FETCHES_MAX = 32 };

struct events *events_new(struct app *app);
void events_destroy(struct events **eventsp);

/** Begins to follow, once the broker says where its journal ends. */
void events_start(struct events *events);
void events_stop(struct events *events);

/** A new stream; answers the request. @param grant_id  the stream ends with it */
void events_open(struct events *events, struct web_request **requestp, const struct web_uri *uri,
                 const struct web_right *right, uint64_t grant_id);

/** Ends the streams of those who were revoked. */
void events_recheck(struct events *events);

/** The newest records that an audience may see, newest first, small. The caller's. */
json_t *events_recent(const struct events *events, uint8_t audience, size_t n);
