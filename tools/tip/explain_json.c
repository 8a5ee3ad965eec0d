#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tip/clock.h>
#include <tip/event.h>

#include "explain.h"

/* Without the noise of sums of 0.3 and 0.5. */
static double explain_json_round(double value)
{
    return round(value * 1e12) / 1e12;
}

static json_t *explain_json_source(const struct explain *explain, size_t row)
{
    static const char *const texts[] = {"source",     "first_seen",   "listed_at", "last_seen",
                                        "removed_at", "confirmed_at", "stated_at", "half_life_basis"};
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
    json_object_set_new(source, "listed",
                        explain_is_kept(explain, row) ? json_boolean(explain_is_listed(explain, row)) : json_null());
    json_object_set_new(source, "counts", json_boolean(explain_share(explain, row) > 0));
    json_object_set_new(source, "share", json_real(explain_json_round(explain_share(explain, row))));
    json_object_set_new(source, "raw", json_string(raw));
    return source;
}

static json_t *explain_json_verdict(const struct explain *explain)
{
    static const char *const times[] = {"next_change_at", "expires_at"};
    json_t *verdict = json_object();

    if (explain_stored(explain) < 0) {
        json_decref(verdict);
        return json_null();
    }
    json_object_set_new(verdict, "score", json_real(explain_stored(explain)));
    json_object_set_new(verdict, "tier", json_string(explain_text(explain, 0, "tier")));
    json_object_set_new(verdict, "at", json_string(explain_text(explain, 0, "verdict_at")));
    json_object_set_new(verdict, "cause_source", json_string(explain_text(explain, 0, "cause_source")));
    json_object_set_new(verdict, "families", explain->families ? json_incref(explain->families) : json_object());
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        const char *cell = explain_cell(explain, 0, times[i]);

        json_object_set_new(verdict, times[i], cell ? json_string(cell) : json_null());
    }
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

/* Null when its own verdict decides, or nothing does. */
static json_t *explain_json_inherited(const struct explain *explain)
{
    const struct tip_inherited *is = &explain->inherited.is;

    if (!inherited_is(&explain->inherited))
        return json_null();
    return json_pack("{s:f, s:s, s:f, s:s?, s:s?}", "score", is->score, "tier", tip_tier_name(tip_tier_of(is->score)),
                     "share", is->share, "from", inherited_value(&explain->inherited), "source",
                     inherited_source(&explain->inherited));
}

static json_t *explain_json_around(const struct explain *explain)
{
    static const char *const texts[] = {"relation", "kind", "value", "source", "tier"};
    const struct tip_store_answer *around = explain->around;
    json_t *rows = json_array();

    for (size_t i = 0; around && i < around->n_rows; i++) {
        json_t *row;

        if (!explain_is_around(around, i))
            continue;
        row = json_object();
        for (size_t j = 0; j < sizeof(texts) / sizeof(texts[0]); j++) {
            const char *cell = explain_of(around, i, texts[j]);

            json_object_set_new(row, texts[j], *cell ? json_string(cell) : json_null());
        }
        json_object_set_new(row, "weight", json_real(strtod(explain_of(around, i, "weight"), NULL)));
        json_object_set_new(row, "score",
                            *explain_of(around, i, "score") ? json_real(strtod(explain_of(around, i, "score"), NULL))
                                                            : json_null());
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *explain_json_share(const struct explain *explain, size_t i)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    const struct removal_share *share = &explain->shares[i];
    enum removal_rule rule;
    double left = explain_without(explain, i, &rule);

    tip_buf_init(&text, EXPLAIN_TEXT);
    if (removal_text(share, &text))
        abort(); /* a sentence */
    return json_pack("{s:s, s:s, s:f, s:b, s:I, s:f, s:s, s:b, s:b, s:s}", "what", share->is_own ? "family" : "source",
                     "name", share->name, "share", explain_json_round(share->p), "fading", share->is_fading,
                     "half_life_ms", (json_int_t)share->half_life_s * TIP_SECOND_MS, "score_without",
                     explain_json_round(left), "tier_without", tip_tier_name(explain_tier(left)), "capped_without",
                     rule == REMOVAL_CAPPED, "at_most_without", rule == REMOVAL_AT_MOST, "text", tip_buf_text(&text));
}

/* What would remove it, one a share; and when it would be below `watch` if every list dropped it now. */
static json_t *explain_json_removal(const struct explain *explain)
{
    json_t *shares = json_array();
    int64_t below_s = removal_below_s(explain->shares, explain->n_shares, EXPLAIN_WATCH);
    char when[TIP_CLOCK_TEXT];

    for (size_t i = 0; i < explain->n_shares; i++)
        json_array_append_new(shares, explain_json_share(explain, i));
    tip_clock_format((explain->at_unix_ms / TIP_SECOND_MS + below_s) * TIP_SECOND_MS, when);
    return json_pack("{s:o, s:s, s:s}", "shares", shares, "below_watch_at", when, "allow",
                     "an allow entry removes it at once");
}

void explain_print_json(const struct explain *explain)
{
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
    json_object_set_new(object, "listed_score", json_real(explain_json_round(explain_found(explain))));
    json_object_set_new(object, "score", json_real(explain_json_round(explain_decided(explain))));
    json_object_set_new(object, "tier", json_string(tip_tier_name(explain_tier(explain_decided(explain)))));
    json_object_set_new(object, "capped", json_boolean(explain_is_capped(explain)));
    json_object_set_new(object, "at_most", json_boolean(explain_rule(explain) == REMOVAL_AT_MOST));
    json_object_set_new(object, "verdict", explain_json_verdict(explain));
    json_object_set_new(object, "at", *explain->at ? json_string(explain->at) : json_null());
    json_object_set_new(object, "around", explain_json_around(explain));
    json_object_set_new(object, "inherited", explain_json_inherited(explain));
    json_object_set_new(object, "removal", explain_json_removal(explain));
    json_object_set_new(object, "agrees", json_boolean(explain_agrees(explain)));
    out_object(&explain->cli->out, object);
    json_decref(object);
}
