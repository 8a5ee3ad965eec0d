#include <stdlib.h>
#include <string.h>

#include <tip/clock.h>
#include <tip/event.h>

#include "explain.h"

static const char *explain_says(const struct explain *explain, size_t row)
{
    if (!explain_is_kept(explain, row))
        return "listed then or not: not kept";
    return explain_is_listed(explain, row) ? "lists it" : "has listed it";
}

/* Only in a list that removes nothing, and whose entries fade, the time that it states is their age. */
static bool explain_is_as_old_as_said(const struct explain *explain, size_t row)
{
    for (size_t i = 0; i < explain->n_shares; i++) {
        if (explain->rows[i] == row && explain->shares[i].is_fading && explain->shares[i].is_listed &&
            explain->shares[i].half_life_s)
            return explain_cell(explain, row, "stated_at") != NULL;
    }
    return false;
}

static void explain_print_source(const struct explain *explain, size_t row)
{
    const struct out_config *out = &explain->cli->out;
    char raw[TIP_RAW_MAX * 4 + 1];
    bool is_listed = explain_is_listed(explain, row);

    explain_raw(explain_cell(explain, row, "raw"), raw, sizeof(raw));
    printf("\n%s%s%s  weight %.2f  %s", out_style_on(out, is_listed ? OUT_BOLD : OUT_DIM),
           explain_text(explain, row, "source"), out_style_off(out), strtod(explain_text(explain, row, "weight"), NULL),
           explain_says(explain, row));
    if (explain_share(explain, row) > 0)
        printf(", counts %.2f", explain_share(explain, row));
    putchar('\n');
    if (!explain_is_kept(explain, row)) {
        printf("  first seen %s\n", explain_text(explain, row, "first_seen"));
        return;
    }
    printf("  since %s, first seen %s, %s %s, times %s\n", explain_text(explain, row, "listed_at"),
           explain_text(explain, row, "first_seen"), is_listed ? "confirmed" : "removed",
           explain_text(explain, row, is_listed ? "last_seen" : "removed_at"), explain_text(explain, row, "n_times"));
    if (explain_is_as_old_as_said(explain, row))
        printf("  the list itself says that it saw it %s: so old it is\n", explain_text(explain, row, "stated_at"));
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
        printf("so      %.2f -> %s; without it %.2f\n", decided, tip_tier_name(explain_tier(decided)),
               explain_found(explain));
}

/* The last thing that was done to the score, by a list of what nobody should list. */
static void explain_print_exempt(const struct explain *explain)
{
    double left;
    const char *name = explain_exempt(explain, &left);
    const char *list = name ? strchr(name, ':') + 1 : NULL;

    if (!name)
        return;
    printf("exempt  %.*s list %s: ", (int)(list - 1 - name), name, list);
    if (left > 0)
        printf("x %.2f -> %.2f\n", left, explain_decided(explain));
    else
        printf("score 0; without it %.2f\n", explain_found(explain));
}

/* A list that removes nothing may say itself when it named an entry: verdicts go by that, and builds of before did not
 * tell it. */
static const char *explain_why_differs(const struct explain *explain)
{
    for (size_t i = 0; i < explain->n_shares; i++) {
        if (explain->shares[i].is_fading && explain->shares[i].is_listed &&
            !explain_cell(explain, explain->rows[i], "stated_at"))
            return "a change is on its way, a verdict was missed, or a list goes by times of its own that were not "
                   "told yet";
    }
    return "a change is on its way, or a verdict was missed";
}

static void explain_print_verdict(const struct explain *explain)
{
    const struct out_config *out = &explain->cli->out;
    tip_auto(tip_buf_deinit) struct tip_buf told;

    tip_buf_init(&told, EXPLAIN_TEXT);
    (void)explain_score_text(explain_stored(explain), REMOVAL_SUM, &told); /* a few words */
    printf("\nscore   %s\n", tip_buf_text(&explain->arithmetic));
    explain_print_allow(explain);
    explain_print_exempt(explain);
    if (explain_stored(explain) < 0)
        printf("verdict none has been published\n");
    else
        printf("verdict %s, published %s, moved by %s version %s\n", tip_buf_text(&told),
               explain_text(explain, 0, "verdict_at"), explain_text(explain, 0, "cause_source"),
               explain_text(explain, 0, "cause_version"));
    if (explain_is_capped(explain))
        printf("        one thing alone stands behind it: that never makes more than slow\n");
    if (explain_rule(explain) == REMOVAL_AT_MOST)
        printf("        block takes two independent lists, or one whose file says so: else it is %.2f\n", REMOVAL_CAP);
    if (!explain_agrees(explain))
        printf("%sthe two differ: %s%s\n", out_style_on(out, OUT_YELLOW), explain_why_differs(explain),
               out_style_off(out));
}

/* What it comes to with them. */
static void explain_print_inherited(const struct explain *explain)
{
    char text[INHERITED_TEXT];

    if (explain->inherited.is.is_own || !inherited_text(&explain->inherited, text))
        return;
    putchar('\n');
    out_safe_line(stdout, text);
}

/* Networks around it, names above: what names them bears on it, too. */
static void explain_print_around(const struct explain *explain)
{
    const struct out_config *out = &explain->cli->out;
    const struct tip_store_answer *around = explain->around;

    for (size_t i = 0; around && i < around->n_rows; i++) {
        if (!explain_is_around(around, i))
            continue;
        printf("\n%s%s%s %s  weight %.2f  %s names it", out_style_on(out, OUT_BOLD), explain_of(around, i, "relation"),
               out_style_off(out), explain_of(around, i, "value"), strtod(explain_of(around, i, "weight"), NULL),
               explain_of(around, i, "source"));
        if (*explain_of(around, i, "score"))
            printf("; its own verdict %.2f -> %s", strtod(explain_of(around, i, "score"), NULL),
                   explain_of(around, i, "tier"));
        putchar('\n');
    }
}

static void explain_print_share(const struct explain *explain, size_t i)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    const struct removal_share *share = &explain->shares[i];
    enum removal_rule rule;
    double left = explain_without(explain, i, &rule);

    tip_buf_init(&text, EXPLAIN_TEXT);
    if (removal_text(share, &text) || tip_buf_append_text(&text, "; without it ") ||
        explain_score_text(left, rule, &text))
        return;
    printf("  %s (%.2f): %s\n", share->name, share->p, tip_buf_text(&text));
}

/* When all of it would be over. */
static void explain_print_gone(const struct explain *explain)
{
    int64_t below_s = removal_below_s(explain->shares, explain->n_shares, EXPLAIN_WATCH);
    char when[TIP_CLOCK_TEXT];

    tip_clock_format((explain->at_unix_ms / TIP_SECOND_MS + below_s) * TIP_SECOND_MS, when);
    if (!below_s)
        printf("  if all lists dropped it now: gone at once\n");
    else
        printf("  if all lists dropped it now and TIP saw nothing more: below watch by %s\n", when);
    if (explain_coming(explain, "next_change_at"))
        printf("  by time alone: the next change %s\n", explain_coming(explain, "next_change_at"));
    if (explain_coming(explain, "expires_at"))
        printf("  by time alone: below watch %s\n", explain_coming(explain, "expires_at"));
}

static void explain_print_removal(const struct explain *explain)
{
    const struct tip_store_answer *allow = explain->allow;
    const char *rule = allow && allow->n_rows ? explain_of(allow, 0, "rule") : "";
    double decided = explain_decided(explain);

    if (explain_tier(decided) == TIP_TIER_NONE && explain_tier(explain_stored(explain)) == TIP_TIER_NONE)
        return;
    printf("\nwhat would remove it\n");
    if (!strcmp(rule, "deny"))
        printf("  the operators' deny entry: tip deny remove %s\n", explain_of(allow, 0, "value"));
    for (size_t i = 0; i < explain->n_shares; i++)
        explain_print_share(explain, i);
    if (explain->n_shares)
        explain_print_gone(explain);
    printf("  an operator's word: tip allow add '%s'\n", explain->indicator.value);
}

void explain_print(const struct explain *explain)
{
    const struct out_config *out = &explain->cli->out;

    printf("%s%s%s (%s)%s%s\n", out_style_on(out, OUT_BOLD), explain->indicator.value, out_style_off(out),
           tip_kind_name(explain->indicator.kind), *explain->at ? " as of " : "", explain->at);
    for (size_t i = 0; i < explain->answer->n_rows; i++) {
        if (explain_cell(explain, i, "source"))
            explain_print_source(explain, i);
    }
    explain_print_around(explain);
    explain_print_inherited(explain);
    if (!explain_is_named(explain))
        return; /* no score of its own */
    explain_print_verdict(explain);
    explain_print_removal(explain);
}
