#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>

#include "ask.h"
#include "core/cursor.h"
#include "events.h"
#include "exports.h"

enum { API_CSV_BYTES = 8 << 20, API_OVERVIEW_MS = 1000 };

/* ---- lists ---- */

/* What has no marking is for who may see everything. */
static bool api_is_whole(struct ask *ask)
{
    if (ask->right.audience == WEB_AMBER)
        return true;
    tip_metric_inc(ask->app->m[APP_M_FORBIDDEN]);
    ask_problem(ask, 403, "this has no marking and is shown to audience amber");
    return false;
}

struct api_filter {
    const char *parameter, *column; /* of the URL, of the query */
    const char *const *words;       /* that it may be; NULL: any text */
};

static const char *const api_tiers[] = {"none", "watch", "slow", "block", NULL};
static const char *const api_kinds[] = {"ip", "net", "domain", "url", "endpoint", "asn", "hash", "email_domain", NULL};

static const struct api_list {
    const char *query;
    const struct web_field *shape;
    const char *cursor; /* its form; NULL: all on one page */
    struct api_filter filters[4];
    bool is_inside;      /* for who may see everything */
    const char *missing; /* 404 when the list that it belongs to does not exist; or NULL */
} api_lists[WEB_ROUTE_COUNT] = {
    [WEB_ROUTE_VERDICTS] = {"verdicts",
                            web_shape_verdict,
                            "iniit",
                            {{"tier", "at_least", api_tiers}, {"kind", "kind", api_kinds}, {"family", "family", NULL}},
                            false,
                            NULL},
    [WEB_ROUTE_SOURCES] = {"sources", web_shape_source, NULL, {{NULL, NULL, NULL}}, false, NULL},
    [WEB_ROUTE_ENTRIES] = {"listed", web_shape_entry, "iit", {{NULL, NULL, NULL}}, false, "no list has this name"},
    [WEB_ROUTE_WEIGHTS] =
        {"source_weight", web_shape_weight, NULL, {{NULL, NULL, NULL}}, false, "no list has this name"},
    [WEB_ROUTE_OVERLAPS] = {"source_overlaps", web_shape_overlap, "nt", {{"source", "source", NULL}}, false, NULL},
    [WEB_ROUTE_RUNS] = {"runs", web_shape_run, "ix", {{"module", "module", NULL}}, true, NULL},
    [WEB_ROUTE_AUDIT] = {"audit", web_shape_audit, "ix", {{"service", "service", NULL}}, true, NULL},
    [WEB_ROUTE_ALLOW] = {"allow", web_shape_allow, " it", {{NULL, NULL, NULL}}, true, NULL},
};

static bool api_is_word(const char *const *words, const char *word)
{
    for (; words && *words; words++) {
        if (!strcmp(*words, word))
            return true;
    }
    return !words && strlen(word) <= TIP_NAME_MAX;
}

static bool api_wants_csv(const struct ask *ask)
{
    const char *format = web_uri_get(&ask->uri, "format"), *accept = web_request_header(ask->request, "Accept");

    if (format)
        return !strcmp(format, "csv");
    return accept && web_accept_weight(accept, "text/csv") > web_accept_weight(accept, "application/json");
}

static json_t *api_next(const struct ask *ask)
{
    const struct web_table *table = &ask->slots[0].table.table;
    const char *cursor = NULL;
    char text[WEB_CURSOR_TEXT];

    if (ask->slots[0].answer->more && table->n_rows && api_lists[ask->route].cursor)
        cursor = web_table_cell(table, table->n_rows - 1, "cursor");
    return cursor && !web_cursor_write(cursor, text) ? json_string(text) : json_null();
}

static void api_list_csv(struct ask *ask, const struct web_table *table)
{
    tip_auto(tip_buf_deinit) struct tip_buf csv;
    json_t *next = api_next(ask);
    char link[WEB_CURSOR_TEXT + 64];
    struct web_reply reply = app_headers(200, "text/csv; charset=utf-8");

    tip_buf_init(&csv, API_CSV_BYTES);
    if (web_table_csv(table, api_lists[ask->route].shape, &csv)) {
        json_decref(next);
        ask_problem(ask, 500, "the page is too large: ask for fewer rows");
        return;
    }
    snprintf(link, sizeof(link), "<?cursor=%s>; rel=\"next\"", json_is_string(next) ? json_string_value(next) : "");
    reply.body = csv.data;
    reply.body_len = csv.len;
    for (size_t i = 0; i < WEB_REPLY_HEADERS && json_is_string(next); i++) {
        if (reply.headers[i].name)
            continue;
        reply.headers[i].name = "Link";
        reply.headers[i].value = link;
        break;
    }
    web_reply(&ask->request, &reply);
    json_decref(next);
    ask_destroy(&ask);
}

static void api_list_finish(struct ask *ask)
{
    const struct api_list *list = &api_lists[ask->route];
    const struct web_table *table = &ask->slots[0].table.table;

    if (ask_failed(ask, 0) || ask_failed(ask, 1))
        return;
    if (list->missing && !table->n_rows && !ask->slots[1].table.table.n_rows)
        ask_problem(ask, 404, list->missing);
    else if (api_wants_csv(ask))
        api_list_csv(ask, table);
    else
        ask_json(ask, json_pack("{s:o, s:o}", "items", web_table_array(table, list->shape), "next", api_next(ask)));
}

static bool api_filters(struct ask *ask, struct ask_query *query)
{
    for (const struct api_filter *filter = api_lists[ask->route].filters; filter->parameter; filter++) {
        const char *value = web_uri_get(&ask->uri, filter->parameter);

        if (value && !api_is_word(filter->words, value))
            return false;
        ask_param(query, filter->column, value);
    }
    return true;
}

static const char *api_list_query(struct ask *ask, struct ask_query *query, char cursor[static WEB_CURSOR_TEXT])
{
    const struct api_list *list = &api_lists[ask->route];
    const char *after = web_uri_get(&ask->uri, "cursor"), *format = web_uri_get(&ask->uri, "format");
    long limit = list->cursor ? API_LIMIT : API_LIMIT_MAX;

    if (format && strcmp(format, "csv") != 0 && strcmp(format, "json") != 0)
        return "format is json or csv";
    if (web_uri_int(&ask->uri, "limit", 1, API_LIMIT_MAX, &limit))
        return "limit is 1 to 1000";
    if (!api_filters(ask, query))
        return "a filter has a value that nothing can have";
    if (after && (!list->cursor || web_cursor_read(after, list->cursor, cursor)))
        return "the cursor is none of this list";
    ask_param(query, "after", after ? cursor : NULL);
    query->limit = (uint32_t)limit;
    return NULL;
}

static void api_list(struct ask *ask)
{
    const struct api_list *list = &api_lists[ask->route];
    struct ask_query query = {.name = list->query}, source = {.name = "source"};
    char cursor[WEB_CURSOR_TEXT];
    const char *why = api_list_query(ask, &query, cursor);

    if (list->is_inside && !api_is_whole(ask))
        return;
    if (why) {
        ask_problem(ask, 400, why);
        return;
    }
    if (list->missing) {
        ask_param(&query, "source", ask->value);
        ask_param(&source, "source", ask->value);
        ask_store(ask, 1, &source);
    }
    ask_store(ask, 0, &query);
    ask_go(ask, api_list_finish);
}

/* ---- one source ---- */

static json_t *api_nested(const struct web_table *table, const char *column, bool is_array)
{
    const char *cell = table->n_rows ? web_table_cell(table, 0, column) : NULL;
    json_t *value = cell ? json_loads(cell, 0, NULL) : NULL;

    if (is_array ? json_is_array(value) : json_is_object(value))
        return value;
    json_decref(value);
    return is_array ? json_array() : json_object();
}

static void api_source_finish(struct ask *ask)
{
    const struct web_table *source = &ask->slots[0].table.table;

    if (ask_failed(ask, 0) || ask_failed(ask, 1))
        return;
    if (!source->n_rows) {
        ask_problem(ask, 404, "no list has this name");
        return;
    }
    ask_json(ask,
             json_pack("{s:o, s:o, s:o, s:o, s:o}", "source", web_table_object(source, 0, web_shape_source), "operator",
                       codec_operator_json(ask->slots[2].control), "rejected", api_nested(source, "rejected", false),
                       "reject_sample", api_nested(source, "reject_sample", true), "history",
                       web_table_array(&ask->slots[1].table.table, web_shape_version)));
}

static void api_source(struct ask *ask)
{
    struct ask_query source = {.name = "source"}, history = {.name = "history", .limit = API_LIMIT};
    const struct tip_control_request show = {.actor = "web", .action = "show", .target = ask->value, .reason = ""};

    ask_param(&source, "source", ask->value);
    ask_param(&history, "source", ask->value);
    ask_store(ask, 0, &source);
    ask_store(ask, 1, &history);
    if (ask->right.audience == WEB_AMBER) /* what operators decide is amber; without blacklist it is not known */
        ask_control(ask, 2, "blacklist", &show);
    ask_go(ask, api_source_finish);
}

/* ---- the system ---- */

enum { SLOT_JOURNAL, SLOT_CLASSES, SLOT_PUBLISHERS, SLOT_CONSUMERS, SLOT_QUEUES, SLOT_DOORS, SLOT_STORAGE, SLOT_MORE };

static json_t *api_services(const struct app *app)
{
    json_t *services = json_array();

    for (size_t i = 0; i < app->n_services; i++)
        json_array_append_new(
            services, codec_service_json(&app->services[i].event->system_state, app->services[i].heard_unix_ms));
    return services;
}

static json_t *api_rows(const struct ask *ask, size_t slot)
{
    return web_table_array(&ask->slots[slot].table.table, NULL);
}

static json_t *api_first_row(const struct ask *ask, size_t slot)
{
    const struct web_table *table = &ask->slots[slot].table.table;

    return table->n_rows ? web_table_row(table, 0) : json_object();
}

/* Storage may be away: the page is there to say so. */
static json_t *api_storage(const struct ask *ask)
{
    json_t *storage = api_first_row(ask, SLOT_STORAGE);

    json_object_set_new(storage, "available", json_boolean(!ask->slots[SLOT_STORAGE].failure));
    if (ask->slots[SLOT_STORAGE].failure)
        json_object_set_new(storage, "why", web_json_text(ask->slots[SLOT_STORAGE].why));
    return storage;
}

static void api_status_finish(struct ask *ask)
{
    for (size_t slot = SLOT_JOURNAL; slot <= SLOT_DOORS; slot++) {
        if (ask_failed(ask, slot))
            return;
    }
    ask_json(ask, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "services", api_services(ask->app),
                            "publishers", api_rows(ask, SLOT_PUBLISHERS), "consumers", api_rows(ask, SLOT_CONSUMERS),
                            "queues", api_rows(ask, SLOT_QUEUES), "doors", api_rows(ask, SLOT_DOORS), "journal",
                            api_first_row(ask, SLOT_JOURNAL), "storage", api_storage(ask), "alarms",
                            api_rows(ask, SLOT_MORE)));
}

static void api_ask_named(struct ask *ask, size_t slot, const char *name)
{
    ask_store(ask, slot, &(struct ask_query){.name = name});
}

static void api_status(struct ask *ask)
{
    if (!api_is_whole(ask))
        return;
    ask_bus(ask, SLOT_JOURNAL, "journal");
    ask_bus(ask, SLOT_PUBLISHERS, "publishers");
    ask_bus(ask, SLOT_CONSUMERS, "consumers");
    ask_bus(ask, SLOT_QUEUES, "queues");
    ask_bus(ask, SLOT_DOORS, "doors");
    ask_store_state(ask, SLOT_STORAGE);
    api_ask_named(ask, SLOT_MORE, "alarms");
    ask_go(ask, api_status_finish);
}

/* ---- overview ---- */

static json_t *api_rates(const struct ask *ask)
{
    const struct web_table *classes = &ask->slots[SLOT_CLASSES].table.table;
    json_t *rates = json_object();

    for (size_t i = 0; i < classes->n_rows; i++) {
        const char *name = web_table_cell(classes, i, "class"), *rate = web_table_cell(classes, i, "events_per_s_60s");
        double sum = name ? json_number_value(json_object_get(rates, name)) : 0;

        if (name)
            json_object_set_new(rates, name, json_real(sum + (rate ? strtod(rate, NULL) : 0)));
    }
    return rates;
}

static int64_t api_number(const struct web_table *table, const char *column, int64_t fallback)
{
    const char *cell = table->n_rows ? web_table_cell(table, 0, column) : NULL;

    return cell ? strtoll(cell, NULL, 10) : fallback;
}

/* How old the position of storage is; while nothing is behind that says nothing. */
static json_t *api_storage_age(const struct web_table *status, int64_t lag)
{
    const char *cell = status->n_rows ? web_table_cell(status, 0, "stored_at") : NULL;
    int64_t stored;

    if (!cell || tip_clock_parse(&stored, cell, strlen(cell)))
        return json_null();
    return json_integer(lag > 0 ? tip_loop_wall_ms() - stored : 0);
}

/* Counts by tier out of the query `overview`. */
static json_t *api_tiers_count(const struct web_table *overview)
{
    json_t *counts = json_object();
    char column[32];

    for (const char *const *tier = api_tiers; *tier && overview->n_rows; tier++) {
        const char *cell;

        snprintf(column, sizeof(column), "verdicts_%s", *tier);
        cell = web_table_cell(overview, 0, column);
        if (cell)
            json_object_set_new(counts, *tier, json_integer(strtoll(cell, NULL, 10)));
    }
    return counts;
}

static json_t *api_overview_json(struct ask *ask)
{
    const struct web_table *journal = &ask->slots[SLOT_JOURNAL].table.table;
    const struct web_table *status = &ask->slots[SLOT_STORAGE].table.table;
    const struct web_table *overview = &ask->slots[SLOT_MORE].table.table;
    const char *id = journal->n_rows ? web_table_cell(journal, 0, "journal_id") : NULL;
    int64_t lag = api_number(status, "lag", 0);

    return json_pack("{s:b, s:I, s:s, s:I, s:I, s:I, s:o, s:o, s:I, s:o, s:o}", "simulated", ask->app->is_simulated,
                     "head_seq", (json_int_t)api_number(journal, "head_seq", 0), "journal_id", id ? id : "", "sources",
                     (json_int_t)api_number(overview, "sources", 0), "sources_failing",
                     (json_int_t)api_number(overview, "sources_failing", 0), "listings",
                     (json_int_t)api_number(overview, "listings", 0), "verdicts", api_tiers_count(overview),
                     "events_per_s", api_rates(ask), "storage_lag_events", (json_int_t)lag, "storage_age_ms",
                     api_storage_age(status, lag), "recent",
                     events_recent(ask->app->events, ask->right.audience, APP_RECENT));
}

/* One answer for all that wait. */
static void api_overview_finish(struct ask *ask)
{
    static const size_t slots[] = {SLOT_JOURNAL, SLOT_CLASSES, SLOT_STORAGE, SLOT_MORE};
    struct app_overview *overview = &ask->app->overviews[ask->right.audience];
    struct ask *peer = overview->waiting, *next;
    const char *why = NULL;
    int status = 0;

    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]) && !status; i++)
        status = ask_status(ask, slots[i], &why);
    overview->asking = overview->waiting = NULL;
    json_decref(overview->json);
    overview->json = status ? NULL : api_overview_json(ask);
    overview->made_ms = tip_loop_now_ms();
    for (; peer; peer = next) {
        next = peer->peer;
        if (status)
            ask_problem(peer, status, why);
        else
            ask_json(peer, json_incref(overview->json));
    }
    if (status)
        ask_problem(ask, status, why);
    else
        ask_json(ask, json_incref(overview->json));
}

static void api_overview(struct ask *ask)
{
    struct app_overview *overview = &ask->app->overviews[ask->right.audience];

    if (overview->json && tip_loop_now_ms() - overview->made_ms < API_OVERVIEW_MS) {
        ask_json(ask, json_incref(overview->json));
        return;
    }
    if (overview->asking) {
        ask->peer = overview->waiting;
        overview->waiting = ask;
        return;
    }
    overview->asking = ask;
    ask_bus(ask, SLOT_JOURNAL, "journal");
    ask_bus(ask, SLOT_CLASSES, "classes");
    ask_store_state(ask, SLOT_STORAGE);
    api_ask_named(ask, SLOT_MORE, "overview");
    ask_go(ask, api_overview_finish);
}

/* ---- control ---- */

static void api_control_finish(struct ask *ask)
{
    if (!ask_failed(ask, 0))
        ask_json(ask, codec_control_answer(ask->slots[0].control));
}

static void api_control(struct ask *ask)
{
    tip_auto(codec_control_free) struct codec_control control;
    char actor[TIP_NAME_MAX + 8];
    const char *why = NULL;
    size_t n;
    const uint8_t *body = web_request_body(ask->request, &n);

    if (codec_control_read(&control, body, n, &why)) {
        ask_problem(ask, 400, why);
        return;
    }
    if (!strcmp(control.service, "web")) {
        ask_problem(ask, 403, "tokens are managed with `tip web token`, not from the page");
        return;
    }
    snprintf(actor, sizeof(actor), "%.58s@web", ask->right.name);
    control.request.actor = actor;
    tip_info("control.sent", "service=%s action=%s target=%s actor=%s dry_run=%d", control.service,
             control.request.action, control.request.target, actor, control.request.dry_run);
    ask_control(ask, 0, control.service, &control.request);
    ask_go(ask, api_control_finish);
}

/* ---- all ---- */

static void (*const api_routes[WEB_ROUTE_COUNT])(struct ask *ask) = {
    [WEB_ROUTE_SEARCH] = api_search,     [WEB_ROUTE_INDICATOR] = api_indicator_begin,
    [WEB_ROUTE_VERDICTS] = api_list,     [WEB_ROUTE_SOURCES] = api_list,
    [WEB_ROUTE_SOURCE] = api_source,     [WEB_ROUTE_ENTRIES] = api_list,
    [WEB_ROUTE_WEIGHTS] = api_list,      [WEB_ROUTE_OVERLAPS] = api_list,
    [WEB_ROUTE_RUNS] = api_list,         [WEB_ROUTE_AUDIT] = api_list,
    [WEB_ROUTE_ALLOW] = api_list,        [WEB_ROUTE_STATUS] = api_status,
    [WEB_ROUTE_OVERVIEW] = api_overview, [WEB_ROUTE_CONTROL] = api_control,
    [WEB_ROUTE_EXPORTS] = exports_list,  [WEB_ROUTE_EXPORT] = exports_get,
};

void api_begin(struct ask *ask)
{
    if (api_routes[ask->route])
        api_routes[ask->route](ask);
    else
        ask_problem(ask, 500, "this route has no answer");
}
