#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tip/event.h>
#include <tip/indicator.h>

#include "client.h"
#include "commands.h"
#include "score.h"

enum { EXPLAIN_SOURCES_MAX = 1000, EXPLAIN_TEXT = 32 * 1024 };

/* What storage knows, taken apart. */
struct explain {
    const struct cli *cli;
    struct tip_indicator indicator;
    const struct tip_store_answer *answer;
    double weights[EXPLAIN_SOURCES_MAX]; /* of the sources that count now */
    size_t n_weights;
    struct tip_buf arithmetic;
    const struct tip_store_answer *allow; /* what of the operators' list bears on it; the first row decides */
};

/* The cell of a column; NULL is null. */
static const char *explain_cell(const struct explain *explain, size_t row, const char *column)
{
    for (size_t i = 0; i < explain->answer->n_columns; i++) {
        if (strcmp(explain->answer->columns[i].name, column) == 0)
            return explain->answer->cells[row * explain->answer->n_columns + i];
    }
    return NULL;
}

static const char *explain_of(const struct tip_store_answer *answer, size_t row, const char *column)
{
    for (size_t i = 0; i < answer->n_columns; i++) {
        const char *cell = answer->cells[row * answer->n_columns + i];

        if (strcmp(answer->columns[i].name, column) == 0)
            return cell ? cell : "";
    }
    return "";
}

static const char *explain_text(const struct explain *explain, size_t row, const char *column)
{
    const char *cell = explain_cell(explain, row, column);

    return cell ? cell : "-";
}

static bool explain_is_listed(const struct explain *explain, size_t row)
{
    return strcmp(explain_text(explain, row, "listed"), "true") == 0;
}

static unsigned long explain_flags(const struct explain *explain, size_t row)
{
    const char *cell = explain_cell(explain, row, "flags");

    return cell ? strtoul(cell, NULL, 10) : 0;
}

static bool explain_counts(const struct explain *explain, size_t row)
{
    return explain_cell(explain, row, "source") && explain_is_listed(explain, row) &&
           !(explain_flags(explain, row) & TIP_LISTING_NEVER_SCORED);
}

static int explain_compute(struct explain *explain)
{
    for (size_t i = 0; i < explain->answer->n_rows && explain->n_weights < EXPLAIN_SOURCES_MAX; i++) {
        if (explain_counts(explain, i))
            explain->weights[explain->n_weights++] = strtod(explain_text(explain, i, "weight"), NULL);
    }
    return score_text(explain->weights, explain->n_weights, &explain->arithmetic);
}

/* "\x0a" for bytes that are not printable ASCII: the raw line is evidence, not text. */
static void explain_raw(const char *hex, char *text, size_t room)
{
    unsigned byte;
    size_t n = 0;

    for (; hex && sscanf(hex, "%2x", &byte) == 1 && hex[1] && n + 5 < room; hex += 2)
        n += (size_t)snprintf(text + n, room - n, byte >= ' ' && byte < 0x7f && byte != '\\' ? "%c" : "\\x%02x", byte);
    text[n] = '\0';
}

/* The score with the operators' word on it. */
static double explain_decided(const struct explain *explain)
{
    double listed = score_of(explain->weights, explain->n_weights);

    if (!explain->allow || !explain->allow->n_rows)
        return listed;
    if (strcmp(explain_of(explain->allow, 0, "rule"), "allow") == 0)
        return 0;
    return strcmp(explain_of(explain->allow, 0, "is_self"), "true") == 0 || listed > 0 ? 1 : listed;
}

/* The stored score, or -1. */
static double explain_stored(const struct explain *explain)
{
    const char *cell = explain->answer->n_rows ? explain_cell(explain, 0, "score") : NULL;

    return cell ? strtod(cell, NULL) : -1;
}

static bool explain_agrees(const struct explain *explain)
{
    double score = explain_decided(explain), stored = explain_stored(explain);

    if (stored < 0)
        return tip_tier_of(score) == TIP_TIER_NONE;
    return fabs(score - stored) < 0.05; /* smaller moves are not published */
}

/* ---- for people ---- */

static void explain_print_source(const struct explain *explain, size_t row)
{
    const struct out_config *out = &explain->cli->out;
    char raw[TIP_RAW_MAX * 4 + 1];
    bool is_listed = explain_is_listed(explain, row);

    explain_raw(explain_cell(explain, row, "raw"), raw, sizeof(raw));
    printf("\n%s%s%s  weight %.2f  %s\n", out_style_on(out, is_listed ? OUT_BOLD : OUT_DIM),
           explain_text(explain, row, "source"), out_style_off(out), strtod(explain_text(explain, row, "weight"), NULL),
           is_listed ? "lists it" : "has listed it");
    printf("  since %s, first seen %s, %s %s, times %s\n", explain_text(explain, row, "listed_at"),
           explain_text(explain, row, "first_seen"), is_listed ? "confirmed" : "removed",
           explain_text(explain, row, is_listed ? "last_seen" : "removed_at"), explain_text(explain, row, "n_times"));
    printf("  version %s, line %s: %s\n", explain_text(explain, row, "version"), explain_text(explain, row, "line"),
           raw);
    if (explain_flags(explain, row) & TIP_LISTING_NEVER_SCORED)
        printf("  special use or public suffix: kept, never scored\n");
}

static void explain_print_allow(const struct explain *explain)
{
    const struct tip_store_answer *allow = explain->allow;
    double decided = explain_decided(explain);

    for (size_t i = 0; allow && i < allow->n_rows; i++)
        printf("%s   %s %s (%s)%s%s by %s since %s%s%s%s%s\n", i ? "     " : "list ", explain_of(allow, i, "rule"),
               explain_of(allow, i, "value"), explain_of(allow, i, "scope"), i ? "" : ", which decides:", i ? ";" : "",
               explain_of(allow, i, "actor"), explain_of(allow, i, "since"),
               *explain_of(allow, i, "until") ? " until " : "", explain_of(allow, i, "until"),
               *explain_of(allow, i, "reason") ? ": " : "", explain_of(allow, i, "reason"));
    if (allow && allow->n_rows)
        printf("so      %.2f -> %s; without it %.2f\n", decided, tip_tier_name(tip_tier_of(decided)),
               score_of(explain->weights, explain->n_weights));
}

static void explain_print_verdict(const struct explain *explain)
{
    const struct out_config *out = &explain->cli->out;

    printf("\nscore   %s\n", tip_buf_text(&explain->arithmetic));
    explain_print_allow(explain);
    if (explain_stored(explain) < 0)
        printf("verdict none has been published\n");
    else
        printf("verdict %.2f -> %s, published %s, moved by %s version %s\n", explain_stored(explain),
               explain_text(explain, 0, "tier"), explain_text(explain, 0, "verdict_at"),
               explain_text(explain, 0, "cause_source"), explain_text(explain, 0, "cause_version"));
    if (!explain_agrees(explain))
        printf("%sthe two differ: a change is on its way, or a verdict was missed%s\n", out_style_on(out, OUT_YELLOW),
               out_style_off(out));
}

static void explain_print(const struct explain *explain)
{
    const struct out_config *out = &explain->cli->out;

    printf("%s%s%s (%s)\n", out_style_on(out, OUT_BOLD), explain->indicator.value, out_style_off(out),
           tip_kind_name(explain->indicator.kind));
    for (size_t i = 0; i < explain->answer->n_rows; i++) {
        if (explain_cell(explain, i, "source"))
            explain_print_source(explain, i);
    }
    explain_print_verdict(explain);
}

/* ---- for programs ---- */

static json_t *explain_json_source(const struct explain *explain, size_t row)
{
    static const char *const texts[] = {"source", "first_seen", "listed_at", "last_seen", "removed_at"};
    static const char *const numbers[] = {"n_times", "version", "line", "flags"};
    json_t *source = json_object();
    char raw[TIP_RAW_MAX * 4 + 1];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *cell = explain_cell(explain, row, texts[i]);

        json_object_set_new(source, texts[i], cell ? json_string(cell) : json_null());
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        json_object_set_new(source, numbers[i],
                            json_integer(strtoll(explain_text(explain, row, numbers[i]), NULL, 10)));
    explain_raw(explain_cell(explain, row, "raw"), raw, sizeof(raw));
    json_object_set_new(source, "weight", json_real(strtod(explain_text(explain, row, "weight"), NULL)));
    json_object_set_new(source, "listed", json_boolean(explain_is_listed(explain, row)));
    json_object_set_new(source, "counts", json_boolean(explain_counts(explain, row)));
    json_object_set_new(source, "raw", json_string(raw));
    return source;
}

static json_t *explain_json_verdict(const struct explain *explain)
{
    json_t *verdict = json_object();

    if (explain_stored(explain) < 0) {
        json_decref(verdict);
        return json_null();
    }
    json_object_set_new(verdict, "score", json_real(explain_stored(explain)));
    json_object_set_new(verdict, "tier", json_string(explain_text(explain, 0, "tier")));
    json_object_set_new(verdict, "at", json_string(explain_text(explain, 0, "verdict_at")));
    json_object_set_new(verdict, "cause_source", json_string(explain_text(explain, 0, "cause_source")));
    return verdict;
}

/* What bears on it; the first one decides. */
static json_t *explain_json_allow(const struct explain *explain)
{
    static const char *const columns[] = {"rule", "kind", "value", "scope", "reason", "actor", "since", "until"};
    json_t *rows = json_array();

    for (size_t i = 0; explain->allow && i < explain->allow->n_rows; i++) {
        json_t *row = json_object();

        for (size_t j = 0; j < sizeof(columns) / sizeof(columns[0]); j++)
            json_object_set_new(row, columns[j], json_string(explain_of(explain->allow, i, columns[j])));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void explain_print_json(const struct explain *explain)
{
    double score = score_of(explain->weights, explain->n_weights);
    json_t *object = json_object(), *sources = json_array();

    for (size_t i = 0; i < explain->answer->n_rows; i++) {
        if (explain_cell(explain, i, "source"))
            json_array_append_new(sources, explain_json_source(explain, i));
    }
    json_object_set_new(object, "kind", json_string(tip_kind_name(explain->indicator.kind)));
    json_object_set_new(object, "value", json_string(explain->indicator.value));
    json_object_set_new(object, "sources", sources);
    json_object_set_new(object, "arithmetic", json_string(tip_buf_text(&explain->arithmetic)));
    json_object_set_new(object, "allow", explain_json_allow(explain));
    json_object_set_new(object, "listed_score", json_real(round(score * 1e6) / 1e6));
    json_object_set_new(object, "score", json_real(round(explain_decided(explain) * 1e6) / 1e6));
    json_object_set_new(object, "tier", json_string(tip_tier_name(tip_tier_of(explain_decided(explain)))));
    json_object_set_new(object, "verdict", explain_json_verdict(explain));
    json_object_set_new(object, "agrees", json_boolean(explain_agrees(explain)));
    out_object(&explain->cli->out, object);
    json_decref(object);
}

static int explain_show(struct explain *explain)
{
    const char *bad = NULL;

    if (explain->answer->n_rows == 0 && !(explain->allow && explain->allow->n_rows)) {
        cli_note(explain->cli, "no list has ever named %s; tip search also looks around it", explain->indicator.value);
        return CLI_NOT_FOUND;
    }
    if (explain_compute(explain)) {
        cli_error("too many sources to show");
        return CLI_FAILED;
    }
    if (explain->cli->out.mode == OUT_CSV)
        return out_answer(&explain->cli->out, explain->answer, &bad) ? cli_bad_field(bad) : CLI_OK;
    if (explain->cli->out.mode == OUT_HUMAN)
        explain_print(explain);
    else
        explain_print_json(explain);
    return CLI_OK;
}

static int explain_ask(struct explain *explain)
{
    struct tip_param param = {.name = "value", .value = explain->cli->args[0]};
    const struct tip_store_query query = {
        .name = "explain", .n_params = 1, .params = &param, .limit = EXPLAIN_SOURCES_MAX};
    const struct tip_store_query allowed = {.name = "allow_on", .n_params = 1, .params = &param};
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    tip_auto(tip_call_free) struct tip_store_answer *allow = NULL;
    struct client client;
    int r = client_open(&client, explain->cli->config, CLIENT_CALLS);

    if (r == CLI_OK)
        r = client_query(&client, &query, &answer);
    if (r == CLI_OK)
        r = client_query(&client, &allowed, &allow);
    explain->answer = answer;
    explain->allow = allow;
    if (r == CLI_OK)
        r = explain_show(explain);
    client_close(&client);
    return r;
}

static int explain_run(struct cli *cli)
{
    struct explain explain = {.cli = cli};
    int r = tip_indicator_parse(&explain.indicator, TIP_KIND_NONE, cli->args[0], strlen(cli->args[0]));

    if (r) {
        cli_error("\"%s\" is no address, network, name or URL: %s", cli->args[0], tip_indicator_reason(r));
        return CLI_USAGE;
    }
    tip_buf_init(&explain.arithmetic, EXPLAIN_TEXT);
    r = explain_ask(&explain);
    tip_buf_deinit(&explain.arithmetic);
    return r;
}

const struct cli_command cmd_explain = {
    .name = "explain",
    .arguments = "VALUE",
    .summary = "Why an indicator has its score: which lists, since when, which line, the arithmetic.",
    .details = "The score is computed anew from what is listed now and compared with the verdict that was published.",
    .min_args = 1,
    .max_args = 1,
    .run = explain_run,
};
