/* What is known of one indicator: `search`, and its page. */
#include <stdio.h>
#include <string.h>

#include <tip/clock.h>

#include "api.h"
#include "ask.h"

#define API_AT_WHY "at is no time like 2026-11-22T04:00:00.000Z"

/* ---- what is asked about ---- */

static void api_trim(const char **textp, size_t *lenp)
{
    while (*lenp && **textp == ' ')
        ++*textp, --*lenp;
    while (*lenp && (*textp)[*lenp - 1] == ' ')
        --*lenp;
}

/* @return false when it is nothing that a list could name */
static bool api_indicator(struct ask *ask, const char *text)
{
    size_t len = strlen(text);

    api_trim(&text, &len);
    return len && !tip_indicator_parse(&ask->indicator, TIP_KIND_NONE, text, len);
}

/* A question about the indicator: the first name, or the second as of the time asked for; NULL: it knows no time. */
static void api_ask_indicator(struct ask *ask, size_t slot, const char *const names[2], uint32_t limit)
{
    const char *at = web_uri_get(&ask->uri, "at");
    struct ask_query query = {.name = names[at && names[1]], .limit = limit};

    ask_param(&query, "value", ask->indicator.value);
    ask_param(&query, "kind", tip_kind_name(ask->indicator.kind));
    ask_param(&query, "at", names[1] ? at : NULL);
    ask_store(ask, slot, &query);
}

/* Of now, of the past. */
static const char *const api_explain[] = {"explain", "explain_at"}, *const api_bears[] = {"search", "search_at"},
                         *const api_allowed[] = {"allow_on", "allow_at"}, *const api_told[] = {"verdict_history", NULL};

/* @return false when there is one that cannot be */
static bool api_at(const struct ask *ask, int64_t *unix_msp)
{
    const char *at = web_uri_get(&ask->uri, "at");

    *unix_msp = 0;
    return !at || (!tip_clock_parse(unix_msp, at, strlen(at)) && *unix_msp > 0);
}

/* The verdict that stands in every row of `explain`; null without one. */
static json_t *api_verdict(const struct ask *ask, const struct web_table *explained)
{
    json_t *verdict;

    if (!explained->n_rows || !web_table_cell(explained, 0, "score"))
        return json_null();
    verdict = json_pack("{s:s, s:o}", "kind", tip_kind_name(ask->indicator.kind), "value",
                        web_json_text(ask->indicator.value));
    json_object_update_missing_new(verdict, web_table_object(explained, 0, web_shape_explained_verdict));
    return verdict;
}

/* ---- search ---- */

static json_t *api_listed(const struct web_table *table, bool is_all)
{
    json_t *listings = json_array();

    for (size_t i = 0; i < table->n_rows; i++) {
        const char *listed = web_table_cell(table, i, "listed");

        if (is_all || (listed && !strcmp(listed, "true")))
            json_array_append_new(listings, web_table_object(table, i, web_shape_listing));
    }
    return listings;
}

static bool api_is_true(const char *text)
{
    return text && (!strcmp(text, "true") || !strcmp(text, "1") || !strcmp(text, "yes"));
}

static void api_search_finish(struct ask *ask)
{
    const char *q = web_uri_get(&ask->uri, "q");

    if (ask_failed(ask, 0) || ask_failed(ask, 1))
        return;
    ask_json(ask, json_pack("{s:o, s:s, s:o, s:o, s:o, s:b}", "query", web_json_text(q), "kind",
                            tip_kind_name(ask->indicator.kind), "value", web_json_text(ask->indicator.value), "verdict",
                            api_verdict(ask, &ask->slots[1].table.table), "listings",
                            api_listed(&ask->slots[0].table.table, api_is_true(web_uri_get(&ask->uri, "all"))), "more",
                            ask->slots[0].answer->more));
}

void api_search(struct ask *ask)
{
    const char *q = web_uri_get(&ask->uri, "q");
    long limit = API_LIMIT;
    int64_t at;

    if (!q || strlen(q) > TIP_INDICATOR_MAX || web_uri_int(&ask->uri, "limit", 1, API_LIMIT_MAX, &limit)) {
        ask_problem(ask, 400, q ? "q has at most 2048 bytes, limit is 1 to 1000" : "what is asked about stands in q");
        return;
    }
    if (!api_at(ask, &at)) {
        ask_problem(ask, 400, API_AT_WHY);
        return;
    }
    if (!api_indicator(ask, q)) {
        ask_json(ask, json_pack("{s:o, s:n, s:n, s:n, s:[], s:b}", "query", web_json_text(q), "kind", "value",
                                "verdict", "listings", "more", false));
        return;
    }
    api_ask_indicator(ask, 0, api_bears, (uint32_t)limit);
    api_ask_indicator(ask, 1, api_explain, API_LIMIT_MAX);
    ask_go(ask, api_search_finish);
}

/* ---- indicator ---- */

enum { SLOT_EXPLAIN, SLOT_ALLOW, SLOT_BEARS, SLOT_TOLD, SLOT_LOOKUP };

static json_t *api_listings(const struct ask *ask)
{
    const struct web_table *table = &ask->slots[SLOT_EXPLAIN].table.table;
    json_t *listings = json_array();

    for (size_t i = 0; i < table->n_rows; i++) {
        json_t *listing = web_table_cell(table, i, "source") ? web_table_object(table, i, web_shape_explained) : NULL;

        if (!listing)
            continue;
        json_object_set_new(listing, "relation", json_string("exact"));
        json_object_set_new(listing, "kind", json_string(tip_kind_name(ask->indicator.kind)));
        json_object_set_new(listing, "value", web_json_text(ask->indicator.value));
        json_array_append_new(listings, listing);
    }
    return listings;
}

/* What does not name it and bears on it all the same: a net around it, a name above. It counts for itself. */
static void api_related(const struct ask *ask, json_t *listings)
{
    const struct web_table *table = &ask->slots[SLOT_BEARS].table.table;

    for (size_t i = 0; i < table->n_rows; i++) {
        const char *relation = web_table_cell(table, i, "relation");

        if (relation && strcmp(relation, "exact") != 0)
            json_array_append_new(listings, web_table_object(table, i, web_shape_listing));
    }
}

/* Whose verdict it inherits of, and who has said so. */
struct api_inherited {
    struct tip_inherited is;
    const char *by; /* "lookup", "storage", "unknown" */
    const char *kind, *value, *source;
};

static const struct tip_verdict_found *api_found(const struct ask *ask)
{
    const struct tip_verdict_answer *answer = ask->slots[SLOT_LOOKUP].lookup;

    return answer && answer->n_found == 1 && !*answer->found[0].unreadable ? &answer->found[0] : NULL;
}

static void api_inherited_of_row(struct api_inherited *inherited, const struct tip_store_answer *near)
{
    if (inherited->is.from >= near->n_rows)
        return;
    inherited->kind = tip_store_cell(near, inherited->is.from, "kind");
    inherited->value = tip_store_cell(near, inherited->is.from, "value");
    inherited->source = tip_store_cell(near, inherited->is.from, "source");
}

/* By the collector's word: also of what the operators deny and no list names. */
static void api_inherited_found(struct api_inherited *inherited, const struct ask *ask,
                                const struct tip_verdict_found *found)
{
    const struct tip_verdict *verdict =
        found->inherited && !found->allowed && found->n_verdicts ? found->verdicts : NULL;
    double left = 1;

    inherited->by = "lookup";
    inherited->is =
        tip_store_found(ask->slots[SLOT_BEARS].answer, found, ask->indicator.kind, ask->indicator.value, &left);
    if (!verdict)
        return;
    inherited->kind = tip_kind_name(verdict->kind);
    inherited->value = verdict->value;
    inherited->source = verdict->n_reasons ? verdict->reasons[0].source : NULL;
    api_inherited_of_row(inherited, ask->slots[SLOT_BEARS].answer);
}

/* Where that does not answer, and of the past, by what storage was told: it does not show all of the operators' list to
 * everybody, and nobody what is exempt without a verdict of its own. */
static struct api_inherited api_inherit(const struct ask *ask)
{
    const struct tip_store_answer *near = ask->slots[SLOT_BEARS].answer;
    const struct tip_verdict_found *found = api_found(ask);
    struct api_inherited inherited = {.by = "unknown"};

    if (found) {
        api_inherited_found(&inherited, ask, found);
    } else if (ask->right.audience == WEB_AMBER) {
        inherited.by = "storage";
        if (tip_store_is_allowed(ask->slots[SLOT_ALLOW].answer))
            return inherited;
        inherited.is = tip_store_inherited(near, tip_store_left(ask->slots[SLOT_EXPLAIN].answer), ask->indicator.kind,
                                           ask->indicator.value);
        api_inherited_of_row(&inherited, near);
    }
    return inherited;
}

/* Of a network around it or a name above, when that is more than its own; null: of none. */
static json_t *api_inherited_json(const struct api_inherited *inherited)
{
    const struct tip_inherited *is = &inherited->is;

    if (is->is_own || is->share <= 0 || !inherited->value)
        return json_null();
    return json_pack("{s:f, s:s, s:f, s:s, s:o, s:o}", "score", is->score, "tier",
                     tip_tier_name(tip_tier_of(is->score)), "share", is->share, "kind", inherited->kind, "value",
                     web_json_text(inherited->value), "source", web_json_text(inherited->source));
}

static void api_indicator_finish(struct ask *ask)
{
    struct api_inherited inherited;
    json_t *listings;
    int64_t at = 0;

    for (size_t slot = SLOT_EXPLAIN; slot <= SLOT_TOLD; slot++) {
        if (ask_failed(ask, slot))
            return;
    }
    (void)api_at(ask, &at); /* it was looked at before */
    listings = api_listings(ask);
    api_related(ask, listings);
    inherited = api_inherit(ask);
    ask_json(ask,
             json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:b, s:o, s:o}", "kind", tip_kind_name(ask->indicator.kind),
                       "value", web_json_text(ask->indicator.value), "at", codec_time(at), "verdict",
                       api_verdict(ask, &ask->slots[SLOT_EXPLAIN].table.table), "inherited",
                       api_inherited_json(&inherited), "inherited_by", inherited.by, "listings", listings, "more",
                       ask->slots[SLOT_EXPLAIN].answer->more || ask->slots[SLOT_BEARS].answer->more, "allow",
                       web_table_array(&ask->slots[SLOT_ALLOW].table.table, web_shape_allow), "history",
                       web_table_array(&ask->slots[SLOT_TOLD].table.table, web_shape_told)));
}

void api_indicator_begin(struct ask *ask)
{
    int64_t at;

    if (!api_indicator(ask, ask->value)) {
        ask_problem(ask, 400, "this is no address, network, name, URL or endpoint");
        return;
    }
    if (!api_at(ask, &at)) {
        ask_problem(ask, 400, API_AT_WHY);
        return;
    }
    api_ask_indicator(ask, SLOT_EXPLAIN, api_explain, API_LIMIT_MAX);
    if (ask->right.audience == WEB_AMBER) /* what operators decide is amber */
        api_ask_indicator(ask, SLOT_ALLOW, api_allowed, API_LIMIT);
    api_ask_indicator(ask, SLOT_BEARS, api_bears, API_LIMIT);
    api_ask_indicator(ask, SLOT_TOLD, api_told, API_LIMIT);
    if (!at) /* of the past it knows nothing */
        ask_lookup(ask, SLOT_LOOKUP);
    ask_go(ask, api_indicator_finish);
}
