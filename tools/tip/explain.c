#include "explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tip/clock.h>
#include <tip/event.h>

#define EXPLAIN_STEP 0.05 /* smaller moves are not told */

void explain_init(struct explain *explain, const struct cli *cli)
{
    *explain = (struct explain){.cli = cli, .at = ""};
    tip_buf_init(&explain->arithmetic, EXPLAIN_TEXT);
}

void explain_deinit(struct explain *explain)
{
    tip_buf_deinit(&explain->arithmetic);
    json_decref(explain->families);
    json_decref(explain->reasons);
}

/* ---- cells ---- */

const char *explain_cell(const struct explain *explain, size_t row, const char *column)
{
    for (size_t i = 0; row < explain->answer->n_rows && i < explain->answer->n_columns; i++) {
        if (strcmp(explain->answer->columns[i].name, column) == 0)
            return explain->answer->cells[row * explain->answer->n_columns + i];
    }
    return NULL;
}

const char *explain_of(const struct tip_store_answer *answer, size_t row, const char *column)
{
    for (size_t i = 0; i < answer->n_columns; i++) {
        const char *cell = answer->cells[row * answer->n_columns + i];

        if (strcmp(answer->columns[i].name, column) == 0)
            return cell ? cell : "";
    }
    return "";
}

const char *explain_text(const struct explain *explain, size_t row, const char *column)
{
    const char *cell = explain_cell(explain, row, column);

    return cell ? cell : "-";
}

bool explain_is_named(const struct explain *explain)
{
    return explain->answer->n_rows || (explain->allow && explain->allow->n_rows);
}

bool explain_is_listed(const struct explain *explain, size_t row)
{
    return strcmp(explain_text(explain, row, "listed"), "true") == 0;
}

bool explain_is_kept(const struct explain *explain, size_t row)
{
    return explain_cell(explain, row, "listed") != NULL;
}

unsigned long explain_flags(const struct explain *explain, size_t row)
{
    const char *cell = explain_cell(explain, row, "flags");

    return cell ? strtoul(cell, NULL, 10) : 0;
}

void explain_raw(const char *hex, char *text, size_t room)
{
    unsigned byte;
    size_t n = 0;

    for (; hex && sscanf(hex, "%2x", &byte) == 1 && hex[1] && n + 5 < room; hex += 2)
        n += (size_t)snprintf(text + n, room - n, byte >= ' ' && byte < 0x7f && byte != '\\' ? "%c" : "\\x%02x", byte);
    text[n] = '\0';
}

bool explain_is_around(const struct tip_store_answer *around, size_t row)
{
    const char *relation = explain_of(around, row, "relation");

    return strcmp(explain_of(around, row, "listed"), "true") == 0 &&
           (!strcmp(relation, "around") || !strcmp(relation, "parent") || !strcmp(relation, "host"));
}

/* ---- shares ---- */

/* How long ago a time of the row is; whole seconds, as the collector counts; 0 when it is not known. */
static int64_t explain_age_s(const struct explain *explain, size_t row, const char *column)
{
    const char *cell = explain_cell(explain, row, column);
    int64_t unix_ms;

    if (!cell || tip_clock_parse(&unix_ms, cell, strlen(cell)) || unix_ms > explain->at_unix_ms)
        return 0;
    return explain->at_unix_ms / TIP_SECOND_MS - unix_ms / TIP_SECOND_MS;
}

/* Since the list last named it; where nobody said when that was, since it was removed. */
static int64_t explain_gone_s(const struct explain *explain, size_t row)
{
    return explain_age_s(explain, row, explain_cell(explain, row, "confirmed_at") ? "confirmed_at" : "removed_at");
}

/* What its age counts from in a list that removes nothing: when the list says itself that it saw it, or when it came.
 */
static int64_t explain_start_s(const struct explain *explain, size_t row)
{
    return explain_age_s(explain, row, explain_cell(explain, row, "stated_at") ? "stated_at" : "listed_at");
}

/* As core/law.h of the collector: a list that removes nothing says nothing by going on, and what left fades from when
 * the list last named it; after the window it is forgotten. */
static double explain_source_p(const struct explain *explain, size_t row, const struct removal_share *share,
                               bool is_append)
{
    if (!share->is_listed && (!share->half_life_s || explain_gone_s(explain, row) > REMOVAL_WINDOW_S))
        return 0;
    if (is_append)
        return removal_decayed(share->p, explain_start_s(explain, row), share->half_life_s);
    return share->is_listed ? share->p : removal_decayed(share->p, explain_gone_s(explain, row), share->half_life_s);
}

static struct removal_share explain_source_share(const struct explain *explain, size_t row)
{
    const char *half_life = explain_cell(explain, row, "half_life_ms");
    double weight = strtod(explain_text(explain, row, "weight"), NULL);
    struct removal_share share = {.name = explain_text(explain, row, "source"),
                                  .p = weight,
                                  .half_life_s = half_life ? strtoll(half_life, NULL, 10) / TIP_SECOND_MS : 0,
                                  .is_listed = explain_is_listed(explain, row)};
    bool is_append = !strcmp(explain_text(explain, row, "append_only"), "true") && share.half_life_s;

    share.is_fading = is_append || !share.is_listed;
    share.p = explain_source_p(explain, row, &share, is_append);
    return share;
}

/*
 * What TIP saw itself is known from the verdict alone. What was seen again within a step is not told, so the share
 * holds until another one is told; below watch, and under the operators' word, none is.
 */
static void explain_own_shares(struct explain *explain)
{
    bool is_told = tip_tier_of(explain_stored(explain)) != TIP_TIER_NONE && !(explain->allow && explain->allow->n_rows);
    int64_t age_s = is_told ? 0 : explain_age_s(explain, 0, "verdict_at");
    const char *family;
    json_t *told;

    json_object_foreach(explain->families, family, told)
    {
        int64_t half_life_s = removal_family_half_life_s(family);

        if (half_life_s && explain->n_shares < EXPLAIN_SOURCES_MAX + EXPLAIN_OWN_MAX)
            explain->shares[explain->n_shares++] =
                (struct removal_share){.name = family,
                                       .p = removal_decayed(json_number_value(told), age_s, half_life_s),
                                       .half_life_s = half_life_s,
                                       .is_fading = true,
                                       .is_own = true};
    }
}

static int explain_sum(struct explain *explain)
{
    struct tip_buf *out = &explain->arithmetic;
    double all = removal_score(explain->shares, explain->n_shares, explain->n_shares);
    double found = explain_found(explain);
    int r = explain->n_shares ? tip_buf_append_text(out, "1 - ") : 0;

    for (size_t i = 0; i < explain->n_shares && !r; i++)
        r = tip_buf_append_format(out, "(1-%.2f)", explain->shares[i].p);
    if (r)
        return r;
    r = tip_buf_append_format(out, "%s%.2f", explain->n_shares ? " = " : "", all);
    if (!r && explain_rule(explain) == REMOVAL_CAPPED)
        r = tip_buf_append_format(out, ", capped at %.2f", found);
    return r ? r
             : tip_buf_append_format(out, " -> %s%s", tip_tier_name(explain_tier(found)),
                                     explain_rule(explain) == REMOVAL_AT_MOST ? " at most" : "");
}

int explain_compute(struct explain *explain)
{
    const char *families = explain->answer->n_rows ? explain_cell(explain, 0, "families") : NULL;
    const char *reasons = explain->answer->n_rows ? explain_cell(explain, 0, "reasons") : NULL;

    explain->families = families ? json_loads(families, 0, NULL) : NULL;
    explain->reasons = reasons ? json_loads(reasons, 0, NULL) : NULL;
    for (size_t i = 0; i < explain->answer->n_rows && explain->n_shares < EXPLAIN_SOURCES_MAX; i++) {
        struct removal_share share;

        if (!explain_cell(explain, i, "source") || !explain_is_kept(explain, i) ||
            explain_flags(explain, i) & TIP_LISTING_NEVER_SCORED)
            continue;
        share = explain_source_share(explain, i);
        if (share.p <= 0)
            continue;
        explain->rows[explain->n_shares] = i;
        explain->shares[explain->n_shares++] = share;
    }
    explain_own_shares(explain);
    return explain_sum(explain);
}

double explain_share(const struct explain *explain, size_t row)
{
    for (size_t i = 0; i < explain->n_shares; i++) {
        if (!explain->shares[i].is_own && explain->rows[i] == row)
            return explain->shares[i].p;
    }
    return 0;
}

/* ---- scores ---- */

enum tip_tier explain_tier(double score)
{
    return tip_tier_of(score + 1e-9); /* sums of 0.3 and 0.5 reach what they are meant to reach */
}

enum removal_rule explain_rule(const struct explain *explain)
{
    enum removal_rule rule = removal_rule_of(explain->shares, explain->n_shares, explain->n_shares);
    double stored = explain_stored(explain);

    if (rule == REMOVAL_AT_MOST && fabs(stored - REMOVAL_CAP) < 1e-6)
        return REMOVAL_CAPPED;
    return rule == REMOVAL_AT_MOST && explain_tier(stored) == TIP_TIER_BLOCK ? REMOVAL_SUM : rule;
}

double explain_found(const struct explain *explain)
{
    if (explain_rule(explain) == REMOVAL_CAPPED)
        return REMOVAL_CAP;
    return removal_score(explain->shares, explain->n_shares, explain->n_shares);
}

double explain_without(const struct explain *explain, size_t i, enum removal_rule *rulep)
{
    *rulep = removal_rule_of(explain->shares, explain->n_shares, i);
    if (*rulep == REMOVAL_AT_MOST && explain_rule(explain) == REMOVAL_CAPPED)
        *rulep = REMOVAL_CAPPED; /* fewer do not make more */
    return *rulep == REMOVAL_CAPPED ? REMOVAL_CAP : removal_score(explain->shares, explain->n_shares, i);
}

int explain_score_text(double score, enum removal_rule rule, struct tip_buf *out)
{
    if (explain_tier(score) == TIP_TIER_NONE)
        return tip_buf_append_text(out, "below watch");
    return tip_buf_append_format(out, "%s%.2f -> %s", rule == REMOVAL_AT_MOST ? "at most " : "", score,
                                 tip_tier_name(explain_tier(score)));
}

const char *explain_exempt(const struct explain *explain, double *leftp)
{
    const json_t *first = json_array_get(explain->reasons, 0);
    const char *name = json_string_value(json_object_get(first, "source"));

    *leftp = tip_store_left(explain->answer);
    if (!name || !strchr(name, ':')) /* no source is called so */
        return NULL;
    return *leftp < 1 && !(explain->allow && explain->allow->n_rows) ? name : NULL;
}

double explain_decided(const struct explain *explain)
{
    double found = explain_found(explain), left;

    if (explain_exempt(explain, &left))
        return found * left;
    if (!explain->allow || !explain->allow->n_rows)
        return found;
    if (strcmp(explain_of(explain->allow, 0, "rule"), "allow") == 0)
        return 0;
    return strcmp(explain_of(explain->allow, 0, "is_self"), "true") == 0 || found > 0 ? 1 : found;
}

double explain_stored(const struct explain *explain)
{
    const char *cell = explain->answer->n_rows ? explain_cell(explain, 0, "score") : NULL;

    return cell ? strtod(cell, NULL) : -1;
}

bool explain_is_capped(const struct explain *explain)
{
    return explain_rule(explain) == REMOVAL_CAPPED && !(explain->allow && explain->allow->n_rows);
}

bool explain_agrees(const struct explain *explain)
{
    double score = explain_decided(explain), stored = explain_stored(explain);

    if (explain_tier(score) == TIP_TIER_NONE || stored < 0)
        return explain_tier(score) == explain_tier(stored);
    return fabs(score - stored) < EXPLAIN_STEP;
}

const char *explain_coming(const struct explain *explain, const char *column)
{
    const char *cell = explain->answer->n_rows ? explain_cell(explain, 0, column) : NULL;
    int64_t unix_ms;

    return cell && !tip_clock_parse(&unix_ms, cell, strlen(cell)) && unix_ms > explain->at_unix_ms ? cell : NULL;
}
