#include "core/guard.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct guard_word {
    const char *text;
    const char *why;
};

static bool guard_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

const char *bl_guard_markup(const char *head, size_t n)
{
    static const struct guard_word starts[] = {
        {"<!doctype", "html"}, {"<html", "html"}, {"<head", "html"}, {"<body", "html"}, {"<title", "html"},
        {"<script", "html"},   {"<!--", "html"},  {"<?xml", "xml"},  {"<rss", "xml"},   {"<error", "xml"},
    };
    size_t len;

    if (n >= 3 && !memcmp(head, "\xef\xbb\xbf", 3)) {
        head += 3;
        n -= 3;
    }
    while (n && guard_is_space(*head)) {
        head++;
        n--;
    }
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        len = strlen(starts[i].text);
        if (n >= len && !strncasecmp(head, starts[i].text, len))
            return starts[i].why;
    }
    return NULL;
}

static bool guard_holds(const char *head, size_t n, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= n; i++) {
        if (!strncasecmp(head + i, word, len))
            return true;
    }
    return false;
}

/* Words of downloaders, proxies and rate limits, in a text that holds no entry. */
static bool guard_is_error(const char *head, size_t n)
{
    static const char *const words[] = {
        "error",       "could not", "cannot",  "forbidden", "denied",     "not found",   "unavailable",
        "timed out",   "timeout",   "refused", "blocked",   "rate limit", "too many",    "unauthorized",
        "bad gateway", "exception", "failed",  "invalid",   "expired",    "maintenance", "try again",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (guard_holds(head, n, words[i]))
            return true;
    }
    return false;
}

const char *bl_guard_why(const struct bl_delivery *delivery)
{
    size_t n = delivery->n_head < BL_GUARD_HEAD ? delivery->n_head : BL_GUARD_HEAD;
    const char *markup = bl_guard_markup(delivery->head, n);

    if (markup && !(delivery->reads_markup && delivery->n_entries))
        return markup;
    if (delivery->n_entries && !*delivery->parse_why)
        return "";
    if (!delivery->n_bytes || (!delivery->report->n_content && !*delivery->parse_why))
        return delivery->can_be_empty ? "" : "empty";
    if (!delivery->n_entries && guard_is_error(delivery->head, n))
        return "error_text";
    if (*delivery->parse_why)
        return delivery->parse_why;
    return delivery->can_be_empty && !delivery->report->n_rejected ? "" : "no_valid_entry";
}

const char *bl_guard_sentence(const char *why)
{
    static const struct guard_word sentences[] = {
        {"empty", "the delivery holds nothing but blanks and comments"},
        {"html", "the delivery is a web page, not a list"},
        {"xml", "the delivery is XML, not a list"},
        {"error_text", "the delivery is the text of an error, not a list"},
        {"no_valid_entry", "no line holds an acceptable entry"},
        {"bad_json", "the JSON breaks off or is malformed"},
        {"no_value", "the JSON holds nothing where the pointer looks"},
        {"too_deep", "the JSON is nested too deep"},
        {"line_too_long", "a JSON token is longer than 1 MiB"},
        {"no_column", "the header does not name the wanted column"},
        {"too_many_entries", "the list holds more entries than allowed"},
        {"too_large", "the list is larger than allowed"},
        {"few_valid", "less than half as large a share of its entries is acceptable as was so far"},
        {"shrank", "more would go at once than ever did"},
        {"grew", "more would come at once than ever did"},
        {"family_vanished", "all its IPv4 or all its IPv6 addresses would go at once"},
    };

    for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++) {
        if (!strcmp(sentences[i].text, why))
            return sentences[i].why;
    }
    return why;
}

/* ---- from one version to the next ---- */

void bl_guard_families(const struct bl_set *set, uint64_t *n4p, uint64_t *n6p)
{
    *n4p = set->n_ip4;
    *n6p = 0;
    for (size_t i = 0; i < set->n_text; i++) {
        const struct bl_text *entry = &set->text[i];

        if (entry->kind != TIP_KIND_IP && entry->kind != TIP_KIND_NET)
            continue;
        if (memchr(set->arena + entry->text, ':', entry->len))
            ++*n6p;
        else
            ++*n4p;
    }
}

static uint16_t guard_cut(uint64_t n)
{
    return n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
}

static uint64_t guard_share(uint64_t n, uint64_t of)
{
    return n * BL_GUARD_ONE / (of ? of : 1);
}

static size_t guard_n_steps(const struct bl_guard *guard)
{
    return guard->n_steps < BL_GUARD_STEPS ? (size_t)guard->n_steps : BL_GUARD_STEPS;
}

static int guard_compare(const void *a, const void *b)
{
    uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;

    return (x > y) - (x < y);
}

enum guard_field { GUARD_REMOVED, GUARD_ADDED, GUARD_LOST, GUARD_VALID };

/* The nearest rank of a percentile of the steps; 0 without any. */
static uint16_t guard_percentile(const struct bl_guard *guard, enum guard_field field, unsigned percent)
{
    uint16_t values[BL_GUARD_STEPS];
    size_t n = guard_n_steps(guard);

    for (size_t i = 0; i < n; i++) {
        const struct bl_step *step = &guard->steps[i];
        const uint16_t of[] = {[GUARD_REMOVED] = step->removed,
                               [GUARD_ADDED] = step->added,
                               [GUARD_LOST] = step->removed > step->added ? step->removed - step->added : 0,
                               [GUARD_VALID] = step->valid};

        values[i] = of[field];
    }
    qsort(values, n, sizeof(*values), guard_compare);
    return n ? values[(n * percent + 99) / 100 - 1] : 0;
}

static uint32_t guard_limit(const struct bl_guard *guard, enum guard_field field, uint32_t least)
{
    uint32_t own = BL_GUARD_TIMES * (uint32_t)guard_percentile(guard, field, 99);

    return own > least ? own : least;
}

struct bl_limits bl_guard_limits(const struct bl_guard *guard)
{
    uint32_t lost = guard_limit(guard, GUARD_LOST, BL_GUARD_REMOVED);

    return (struct bl_limits){.removed = guard_limit(guard, GUARD_REMOVED, BL_GUARD_REMOVED),
                              .added = guard_limit(guard, GUARD_ADDED, BL_GUARD_ADDED),
                              .lost = lost < BL_GUARD_LOST ? lost : BL_GUARD_LOST};
}

uint16_t bl_guard_valid(const struct bl_report *report)
{
    return (uint16_t)guard_share(report->n_valid, report->n_valid + report->n_rejected);
}

bool bl_guard_few_valid(const struct bl_guard *guard, const struct bl_report *report)
{
    if (guard_n_steps(guard) < BL_GUARD_MEDIAN || report->n_valid + report->n_rejected < BL_GUARD_FEW)
        return false;
    return 2 * bl_guard_valid(report) < guard_percentile(guard, GUARD_VALID, 50);
}

static bool guard_vanished(uint64_t before, uint64_t after)
{
    return before >= BL_GUARD_FAMILY && !after;
}

/* Three times what is usual may be more than all: how much shorter it gets has a bound of its own. */
static bool guard_shrank(const struct bl_limits *limits, const struct bl_change *change)
{
    uint64_t lost = change->n_before > change->n_after ? change->n_before - change->n_after : 0;

    if (change->n_removed >= BL_GUARD_FEW && guard_share(change->n_removed, change->n_before) > limits->removed)
        return true;
    return lost >= BL_GUARD_FEW && guard_share(lost, change->n_before) > limits->lost;
}

const char *bl_guard_holds(const struct bl_guard *guard, const struct bl_change *change)
{
    struct bl_limits limits = bl_guard_limits(guard);

    if (!change->n_before || !change->n_after) /* the first one; an empty one has to be allowed by its source */
        return "";
    if (guard_vanished(change->n4_before, change->n4_after) || guard_vanished(change->n6_before, change->n6_after))
        return "family_vanished";
    if (guard_shrank(&limits, change))
        return "shrank";
    if (change->n_added >= BL_GUARD_FEW && guard_share(change->n_added, change->n_before) > limits.added)
        return "grew";
    return "";
}

static bool guard_agrees(uint64_t a, uint64_t b)
{
    uint64_t apart = a > b ? a - b : b - a;

    return apart <= (a > b ? a : b) / 10;
}

bool bl_guard_hold(struct bl_guard *guard, const struct bl_change *change, int64_t interval_ms, int64_t now_unix_ms)
{
    const char *why = bl_guard_holds(guard, change);

    if (!guard->held_since_unix_ms || now_unix_ms < guard->held_since_unix_ms || strcmp(why, guard->why) ||
        !guard_agrees(change->n_after, guard->held_entries)) {
        bl_guard_clear(guard);
        strcpy(guard->why, why);
        guard->held_entries = change->n_after;
        guard->held_since_unix_ms = now_unix_ms;
    }
    guard->n_agreeing++;
    return guard->is_released || (guard->n_agreeing >= BL_GUARD_AGREE &&
                                  now_unix_ms - guard->held_since_unix_ms >= BL_GUARD_INTERVALS * interval_ms);
}

void bl_guard_clear(struct bl_guard *guard)
{
    guard->held_entries = 0;
    guard->held_since_unix_ms = 0;
    guard->n_agreeing = guard->is_released = 0;
    memset(guard->why, 0, sizeof(guard->why));
}

void bl_guard_record(struct bl_guard *guard, const struct bl_change *change, uint16_t valid, int64_t gap_ms)
{
    int64_t gap_min = gap_ms / (60 * 1000);
    struct bl_step *step = &guard->steps[guard->n_steps % BL_GUARD_STEPS];

    if (!change->n_before)
        return;
    *step = (struct bl_step){.removed = guard_cut(guard_share(change->n_removed, change->n_before)),
                             .added = guard_cut(guard_share(change->n_added, change->n_before)),
                             .valid = valid,
                             .gap_min = gap_ms > 0 ? guard_cut(gap_min > 0 ? (uint64_t)gap_min : 1) : 0};
    guard->n_steps++;
}
