#include "core/source.h"

#include <stddef.h>

struct source_move {
    enum bl_source_phase phase;
    enum bl_source_action action;
};

static const struct source_move source_moves[BL_SOURCE_PHASE_COUNT][BL_SOURCE_EVENT_COUNT] = {
    [BL_SOURCE_IDLE] = {[BL_SOURCE_EV_ASK] = {BL_SOURCE_QUEUED, BL_SOURCE_ACT_WAIT},
                        [BL_SOURCE_EV_RESUME] = {BL_SOURCE_PUBLISHING, BL_SOURCE_ACT_PUBLISH}},
    [BL_SOURCE_BACKOFF] = {[BL_SOURCE_EV_ASK] = {BL_SOURCE_QUEUED, BL_SOURCE_ACT_WAIT},
                           [BL_SOURCE_EV_RESUME] = {BL_SOURCE_PUBLISHING, BL_SOURCE_ACT_PUBLISH}},
    [BL_SOURCE_QUEUED] = {[BL_SOURCE_EV_SLOT] = {BL_SOURCE_FETCHING, BL_SOURCE_ACT_FETCH},
                          [BL_SOURCE_EV_FAILED] = {BL_SOURCE_BACKOFF, BL_SOURCE_ACT_END_FAILED}},
    [BL_SOURCE_FETCHING] = {[BL_SOURCE_EV_BODY] = {BL_SOURCE_PARSING, BL_SOURCE_ACT_PARSE},
                            [BL_SOURCE_EV_NOT_MODIFIED] = {BL_SOURCE_IDLE, BL_SOURCE_ACT_END_OK},
                            [BL_SOURCE_EV_FAILED] = {BL_SOURCE_BACKOFF, BL_SOURCE_ACT_END_FAILED}},
    [BL_SOURCE_PARSING] = {[BL_SOURCE_EV_CHANGED] = {BL_SOURCE_PUBLISHING, BL_SOURCE_ACT_PUBLISH},
                           [BL_SOURCE_EV_SAME] = {BL_SOURCE_IDLE, BL_SOURCE_ACT_END_OK},
                           [BL_SOURCE_EV_FAILED] = {BL_SOURCE_BACKOFF, BL_SOURCE_ACT_END_FAILED}},
    [BL_SOURCE_PUBLISHING] = {[BL_SOURCE_EV_PUBLISHED] = {BL_SOURCE_IDLE, BL_SOURCE_ACT_END_OK}},
};

const char *bl_source_phase_name(enum bl_source_phase phase)
{
    static const char *const names[BL_SOURCE_PHASE_COUNT] = {
        [BL_SOURCE_IDLE] = "idle",       [BL_SOURCE_QUEUED] = "queued",         [BL_SOURCE_FETCHING] = "fetching",
        [BL_SOURCE_PARSING] = "parsing", [BL_SOURCE_PUBLISHING] = "publishing", [BL_SOURCE_BACKOFF] = "backoff",
    };

    return phase < BL_SOURCE_PHASE_COUNT ? names[phase] : "";
}

const char *bl_source_event_name(enum bl_source_event event)
{
    static const char *const names[BL_SOURCE_EVENT_COUNT] = {
        [BL_SOURCE_EV_ASK] = "ask",       [BL_SOURCE_EV_SLOT] = "slot",
        [BL_SOURCE_EV_BODY] = "body",     [BL_SOURCE_EV_NOT_MODIFIED] = "not_modified",
        [BL_SOURCE_EV_SAME] = "same",     [BL_SOURCE_EV_CHANGED] = "changed",
        [BL_SOURCE_EV_FAILED] = "failed", [BL_SOURCE_EV_PUBLISHED] = "published",
        [BL_SOURCE_EV_RESUME] = "resume",
    };

    return event < BL_SOURCE_EVENT_COUNT ? names[event] : "";
}

bool bl_source_busy(const struct bl_source *source)
{
    return source->phase != BL_SOURCE_IDLE && source->phase != BL_SOURCE_BACKOFF;
}

enum bl_source_action bl_source_step(struct bl_source *source, enum bl_source_event event)
{
    const struct source_move *move = &source_moves[source->phase][event];

    if (move->action == BL_SOURCE_ACT_NONE)
        return BL_SOURCE_ACT_NONE;
    source->phase = move->phase;
    if (move->action == BL_SOURCE_ACT_END_OK)
        source->n_failures = 0;
    if (move->action == BL_SOURCE_ACT_END_FAILED)
        source->n_failures++;
    return move->action;
}

enum {
    SOURCE_FIRST_SHARE = 4,
    SOURCE_REST_MIN_MS = 10 * 1000,
    SOURCE_DOUBLINGS = 20,
    SOURCE_SLACK_SHARE = 20,
    SOURCE_SLACK_MAX_MS = 30 * 1000
};

static int64_t source_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t source_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* After the n-th failure in a row. */
static int64_t source_back_off(uint32_t n_failures, int64_t interval_ms)
{
    uint32_t doublings = n_failures - 1 < SOURCE_DOUBLINGS ? n_failures - 1 : SOURCE_DOUBLINGS;
    int64_t first = source_max(interval_ms / SOURCE_FIRST_SHARE, source_min(SOURCE_REST_MIN_MS, interval_ms));

    return source_min(source_min(first, BL_SOURCE_REST_MAX_MS) << doublings, BL_SOURCE_REST_MAX_MS);
}

void bl_source_rest(struct bl_source *source, const struct bl_source_pace *pace, int64_t now_unix_ms)
{
    int64_t told = now_unix_ms + source_min(pace->retry_after_ms, BL_SOURCE_REST_MAX_MS);
    int64_t from = pace->asked_unix_ms && pace->asked_unix_ms < now_unix_ms ? pace->asked_unix_ms : now_unix_ms;

    if (source->n_failures)
        source->next_unix_ms = now_unix_ms + source_back_off(source->n_failures, pace->interval_ms);
    else
        source->next_unix_ms = from + pace->interval_ms;
    source->next_unix_ms = source_max(source->next_unix_ms, told);
}

bool bl_source_due(const struct bl_source *source, const struct bl_source_pace *pace, int64_t now_unix_ms)
{
    int64_t slack = source_min(pace->interval_ms / SOURCE_SLACK_SHARE, SOURCE_SLACK_MAX_MS);
    int64_t left = source->next_unix_ms - now_unix_ms;
    int64_t longest = source_max(pace->interval_ms / 2 * 3, BL_SOURCE_REST_MAX_MS); /* chance adds half at most */

    return left <= slack || left > longest;
}
