#pragma once
/*
 * One source as a machine: when it may be asked, what it is doing, and what comes next. It performs nothing; whoever
 * steps it performs the action and feeds back what happened. Times are wall clock, since they outlive the process.
 */
#include <stdbool.h>
#include <stdint.h>

enum bl_source_phase {
    BL_SOURCE_IDLE,       /* waiting until it is due */
    BL_SOURCE_QUEUED,     /* asked for; other fetches go first */
    BL_SOURCE_FETCHING,   /* HTTP runs */
    BL_SOURCE_PARSING,    /* the body is being read and compared */
    BL_SOURCE_PUBLISHING, /* a new version travels; it becomes current with its last part */
    BL_SOURCE_BACKOFF,    /* the last attempt failed: as idle, but counting */
    BL_SOURCE_PHASE_COUNT
};

enum bl_source_event {
    BL_SOURCE_EV_ASK,          /* a run wants it */
    BL_SOURCE_EV_SLOT,         /* a fetch may start */
    BL_SOURCE_EV_BODY,         /* a body came */
    BL_SOURCE_EV_NOT_MODIFIED, /* 304, or the same bytes as last time */
    BL_SOURCE_EV_SAME,         /* parsed: the same set */
    BL_SOURCE_EV_CHANGED,      /* parsed: a new version */
    BL_SOURCE_EV_FAILED,       /* anything that changes nothing */
    BL_SOURCE_EV_PUBLISHED,    /* the last part of the version is in the outbox */
    BL_SOURCE_EV_RESUME,       /* at start: a version was being published */
    BL_SOURCE_EVENT_COUNT
};

enum bl_source_action {
    BL_SOURCE_ACT_NONE,
    BL_SOURCE_ACT_WAIT,    /* put it in the queue for a fetch */
    BL_SOURCE_ACT_FETCH,   /* start the transfer */
    BL_SOURCE_ACT_PARSE,   /* give the body to the pool */
    BL_SOURCE_ACT_PUBLISH, /* make a job of the version */
    BL_SOURCE_ACT_END_OK,  /* tell everybody that it ended well */
    BL_SOURCE_ACT_END_FAILED,
};

struct bl_source {
    enum bl_source_phase phase;
    uint32_t n_failures;  /* in a row */
    int64_t next_unix_ms; /* not due before */
};

const char *bl_source_phase_name(enum bl_source_phase phase);
const char *bl_source_event_name(enum bl_source_event event);

/** Is anything under way? */
bool bl_source_busy(const struct bl_source *source);

/** A pair that the table does not know changes nothing and is ACT_NONE: the caller counts it. */
enum bl_source_action bl_source_step(struct bl_source *source, enum bl_source_event event);

/** How long the source rests. */
struct bl_source_pace {
    int64_t interval_ms;
    int64_t asked_unix_ms;  /* when it was last asked for; 0: not known */
    int64_t retry_after_ms; /* what the server asked for; 0: nothing */
};

enum { BL_SOURCE_REST_MAX_MS = 24 * 60 * 60 * 1000 };

/**
 * Moves `next_unix_ms` after an end: after a success the interval, counted from when it was asked for, so that a source
 * keeps step with its schedule; after the n-th failure in a row a share of it that doubles with n (from 1/4, at least
 * 10 s), at most 24 h; never less than the server asked for, which counts up to 24 h.
 */
void bl_source_rest(struct bl_source *source, const struct bl_source_pace *pace, int64_t now_unix_ms);

/**
 * Due by its own interval? A twentieth of it, at most 30 s, does not count: schedules are never that exact. A `next`
 * further away than any rest can be means the clock has jumped: then it is due.
 */
bool bl_source_due(const struct bl_source *source, const struct bl_source_pace *pace, int64_t now_unix_ms);
