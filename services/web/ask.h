#pragma once
/*
 * A request that waits for answers of other services: up to ASK_SLOTS questions, then its route's finish.
 */
#include <tip/call.h>

#include "app.h"
#include "codec.h"

enum { ASK_SLOTS = 8, ASK_WHY = 200, ASK_MAX = WEB_CONNECTIONS_MAX, ASK_LOOKUP_MS = 1500 };

/** What a slot's answer is. */
enum ask_kind { ASK_ROWS, ASK_CONTROL, ASK_LOOKUP, ASK_KIND_COUNT };

struct ask_slot {
    struct ask *ask;
    struct web_call *call;
    bool is_asked;
    enum tip_failure failure;
    char why[ASK_WHY];
    enum ask_kind kind;
    struct tip_store_answer *answer;
    struct tip_control_answer *control;
    struct tip_verdict_answer *lookup;
    struct codec_table table; /* of the answer, or empty */
};

struct ask {
    struct app *app;
    struct web_request *request;
    enum web_route_id route;
    struct web_right right;
    struct web_uri uri;
    char value[WEB_URL_MAX + 1]; /* what stood in the path, decoded */
    struct tip_indicator indicator;
    struct ask_slot slots[ASK_SLOTS];
    struct ask_export *export; /* exports.c; NULL for other routes */
    size_t n_open;
    void (*finish)(struct ask *ask);
    struct ask *peer; /* waits for the same overview */
    struct ask *next, **link;
};

/** Takes the request. NULL when there are too many: it has been answered then. */
struct ask *ask_new(struct app *app, struct web_request **requestp);
void ask_destroy(struct ask **askp);

struct ask_query {
    const char *name;
    size_t n_params;
    struct tip_param params[CODEC_PARAMS_MAX];
    uint32_t limit;
};

/** Adds a parameter whose value is not NULL; the texts are borrowed until the question goes out. */
void ask_param(struct ask_query *query, const char *name, const char *value);

/** Questions, each in a slot of its own. With a narrow audience store.query hears of it. */
void ask_store(struct ask *ask, size_t slot, struct ask_query *query);
void ask_store_state(struct ask *ask, size_t slot); /* query "status": how storage is, which has no marking */
void ask_bus(struct ask *ask, size_t slot, const char *name);
void ask_control(struct ask *ask, size_t slot, const char *service, const struct tip_control_request *request);

/** verdict.lookup of the audience, about the indicator. It waits no longer than ASK_LOOKUP_MS. */
void ask_lookup(struct ask *ask, size_t slot);

/** After the last question: waits, or finishes at once when none went out. */
void ask_go(struct ask *ask, void (*finish)(struct ask *ask));

/** The status that a slot's failure means; 0 without one. Else *whyp is set to why, in the ask's own memory. */
int ask_status(const struct ask *ask, size_t slot, const char **whyp);

/** Ends it: answered already by a problem about the slot's failure. @return whether there was one */
bool ask_failed(struct ask *ask, size_t slot);

void ask_problem(struct ask *ask, int status, const char *detail);

/** Ends it with JSON, which it takes. */
void ask_json(struct ask *ask, json_t *json);
