#include "weight.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#include <tip/clock.h>

/* Numbers of the event by name; absent ones are 0. */
static double weight_number(const json_t *told, const char *name)
{
    return json_number_value(json_object_get(told, name));
}

static const char *weight_word(const json_t *told, const char *name)
{
    const char *text = json_string_value(json_object_get(told, name));

    return text ? text : "";
}

static int weight_hits(const json_t *told, struct tip_buf *out)
{
    json_t *hits = json_object_get(told, "hits");
    const char *role;
    json_t *n;
    int r = 0;
    bool is_first = true;

    json_object_foreach(hits, role, n)
    {
        r = r ? r : tip_buf_append_format(out, "%s%s %.6g", is_first ? " (" : ", ", role, json_number_value(n));
        is_first = false;
    }
    return r || is_first ? r : tip_buf_append_text(out, ")");
}

/* "12 * 10^4 / 30000", or just "12": rates count above 10,000. */
static int weight_rate(const char *name, double n, double of, struct tip_buf *out)
{
    if (of > 1e4)
        return tip_buf_append_format(out, "%s = %.6g * 10^4 / %.6g = %.6g", name, n, of, n * 1e4 / of);
    return tip_buf_append_format(out, "%s = %.6g", name, n);
}

static int weight_trust(const json_t *told, struct tip_buf *out)
{
    int r = tip_buf_append_format(out, "  trust         %.4f  (T + 2) / (T + 5 F + 4); ", weight_number(told, "trust"));

    r = r ? r : weight_rate("T", weight_number(told, "n_confirmed"), weight_number(told, "exposure"), out);
    r = r ? r : tip_buf_append_text(out, " seen by ourselves, ");
    r = r ? r : weight_rate("F", weight_number(told, "penalties"), weight_number(told, "n_entries"), out);
    r = r ? r : weight_hits(told, out);
    return r ? r
             : tip_buf_append_format(out, " of %.6g entries; 90 %% sure: %.4f to %.4f\n",
                                     weight_number(told, "n_entries"), weight_number(told, "trust_low"),
                                     weight_number(told, "trust_high"));
}

static int weight_independence(const json_t *told, struct tip_buf *out)
{
    const char *from = weight_word(told, "copied_from");

    return tip_buf_append_format(
        out, "  independence  %.4f  max(0.05, (%.6g in nothing it is derived from - %.6g copied%s%s) / %.6g scored)\n",
        weight_number(told, "independence"), weight_number(told, "n_exclusive"), weight_number(told, "n_copied"),
        *from ? " from " : "", from, weight_number(told, "n_scored"));
}

static int weight_lead(const json_t *told, struct tip_buf *out)
{
    double shared = weight_number(told, "n_shared");

    if (shared < 30)
        return tip_buf_append_format(out, "  lead          %.4f  0.5: %.6g entries shared, fewer than 30\n",
                                     weight_number(told, "lead"), shared);
    return tip_buf_append_format(
        out,
        "  lead          %.4f  %.6g / %.6g entries shared, each as 2^(-lateness / 24 h): 1 when no "
        "other list had it before\n",
        weight_number(told, "lead"), weight_number(told, "lead_sum"), shared);
}

static int weight_freshness(const json_t *told, struct tip_buf *out)
{
    char text[TIP_DURATION_TEXT];

    (void)tip_duration_format((uint64_t)weight_number(told, "interval_ms"), text); /* its length */
    return tip_buf_append_format(out, "  freshness     %.4f  2^(-(age / (4 * %s))), last ok %s, as of %s\n",
                                 weight_number(told, "freshness"), text, weight_word(told, "ok_at"),
                                 weight_word(told, "measured_at"));
}

static int weight_product(const json_t *told, struct tip_buf *out)
{
    int r = tip_buf_append_format(out, "  measured      %.4f  %.4f * %.4f * (0.5 + 0.5 * %.4f) * %.4f\n",
                                  weight_number(told, "measured"), weight_number(told, "trust"),
                                  weight_number(told, "independence"), weight_number(told, "lead"),
                                  weight_number(told, "freshness"));

    if (!r && json_is_true(json_object_get(told, "fixed")))
        r = tip_buf_append_text(out, "                        not in force: the file of the source says the weight\n");
    return r;
}

static int weight_half_life(const json_t *told, struct tip_buf *out)
{
    char text[TIP_DURATION_TEXT];

    (void)tip_duration_format((uint64_t)weight_number(told, "half_life_ms"), text);
    return tip_buf_append_format(
        out, "  half-life     %s  %s: %.0f of %.0f entries of known age removed, %.0f of %.0f in the last 60 days\n",
        text, weight_word(told, "half_life_basis"), weight_number(told, "n_removed"), weight_number(told, "n_known"),
        weight_number(told, "n_removed_60d"), weight_number(told, "n_held_60d"));
}

/* What was measured need not be in force: the file goes before it. */
static int weight_law(const json_t *told, struct tip_buf *out)
{
    const char *basis = weight_word(told, "law_basis");
    char text[TIP_DURATION_TEXT];

    if (!*basis)
        return 0; /* told by an older build */
    (void)tip_duration_format((uint64_t)weight_number(told, "law_half_life_ms"), text);
    return tip_buf_append_format(
        out, "  in force      half-life %s: %s%s\n", text, strcmp(basis, "file") ? basis : "its file says so",
        json_is_true(json_object_get(told, "law_append")) ? "; an entry fades from when it came, though it is listed"
                                                          : "");
}

int weight_text(const char *counts, struct tip_buf *out)
{
    static int (*const parts[])(const json_t *told, struct tip_buf *out) = {
        weight_trust, weight_independence, weight_lead, weight_freshness, weight_product, weight_half_life};
    json_t *told = json_loads(counts, 0, NULL);
    int r = json_is_object(told) ? 0 : -EINVAL;

    if (!r)
        r = tip_buf_append_format(out, "weight %.4f (before %.4f), %s\n", weight_number(told, "weight"),
                                  weight_number(told, "before"), weight_word(told, "reason"));
    if (!r && json_is_null(json_object_get(told, "measured_at")))
        r = tip_buf_append_text(out, "  nothing was measured yet\n");
    else
        for (size_t i = 0; !r && i < sizeof(parts) / sizeof(*parts); i++)
            r = parts[i](told, out);
    r = r ? r : weight_law(told, out);
    json_decref(told);
    return r;
}
