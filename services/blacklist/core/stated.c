#include "core/stated.h"

#include <stdbool.h>
#include <string.h>

#include <tip/clock.h>

enum { STATED_DIGITS = 10, STATED_HOUR_S = 60 * 60 };

#define STATED_FIRST_S INT64_C(631152000) /* 1990-01-01: before it nobody kept such a list */

struct stated_text {
    const char *at, *end;
};

static bool stated_is_over(const struct stated_text *text)
{
    return text->at == text->end;
}

/* Exactly n digits. */
static bool stated_digits(struct stated_text *text, size_t n, int *valuep)
{
    if ((size_t)(text->end - text->at) < n)
        return false;
    *valuep = 0;
    for (; n; n--, text->at++) {
        if (*text->at < '0' || *text->at > '9')
            return false;
        *valuep = *valuep * 10 + (*text->at - '0');
    }
    return true;
}

/* One of some characters. */
static bool stated_mark(struct stated_text *text, const char *marks)
{
    if (stated_is_over(text) || !*text->at || !strchr(marks, *text->at))
        return false;
    text->at++;
    return true;
}

static bool stated_date(struct stated_text *text, struct tip_civil *civil)
{
    return stated_digits(text, 4, &civil->year) && stated_mark(text, "-") && stated_digits(text, 2, &civil->month) &&
           stated_mark(text, "-") && stated_digits(text, 2, &civil->day) && civil->month >= 1 && civil->month <= 12 &&
           civil->day >= 1 && civil->day <= tip_clock_month_days(civil->year, civil->month);
}

/* A leap second is the one before it. */
static bool stated_clock(struct stated_text *text, struct tip_civil *civil)
{
    if (!stated_mark(text, "Tt ") || !stated_digits(text, 2, &civil->hour) || !stated_mark(text, ":") ||
        !stated_digits(text, 2, &civil->minute) || !stated_mark(text, ":") || !stated_digits(text, 2, &civil->second))
        return false;
    civil->second -= civil->second == 60;
    return civil->hour <= 23 && civil->minute <= 59 && civil->second <= 59;
}

static bool stated_fraction(struct stated_text *text)
{
    int digit;

    if (!stated_mark(text, "."))
        return true;
    if (!stated_digits(text, 1, &digit))
        return false;
    while (stated_mark(text, "0123456789"))
        continue;
    return true;
}

/* Nothing, `Z`, ` UTC`, or an offset: how far ahead of UTC. */
static bool stated_zone(struct stated_text *text, int64_t *ahead_sp)
{
    static const char utc[] = " UTC";
    int sign = 1, hours, minutes;

    *ahead_sp = 0;
    if ((size_t)(text->end - text->at) == sizeof(utc) - 1 && !memcmp(text->at, utc, sizeof(utc) - 1))
        text->at = text->end;
    if (stated_is_over(text) || stated_mark(text, "Zz"))
        return stated_is_over(text);
    if (*text->at == '-')
        sign = -1;
    if (!stated_mark(text, "+-") || !stated_digits(text, 2, &hours) || !stated_mark(text, ":") ||
        !stated_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ahead_sp = sign * (hours * STATED_HOUR_S + minutes * 60);
    return stated_is_over(text);
}

static bool stated_civil(struct stated_text text, int64_t *at_sp)
{
    struct tip_civil civil = {.year = 0};
    int64_t ahead_s = 0;

    if (!stated_date(&text, &civil))
        return false;
    if (!stated_is_over(&text) &&
        (!stated_clock(&text, &civil) || !stated_fraction(&text) || !stated_zone(&text, &ahead_s)))
        return false;
    *at_sp = tip_clock_from_civil(&civil) / TIP_SECOND_MS - ahead_s;
    return true;
}

static bool stated_seconds(struct stated_text text, int64_t *at_sp)
{
    if (stated_is_over(&text) || text.end - text.at > STATED_DIGITS)
        return false;
    *at_sp = 0;
    for (; text.at < text.end; text.at++) {
        if (*text.at < '0' || *text.at > '9')
            return false;
        *at_sp = *at_sp * 10 + (*text.at - '0');
    }
    return true;
}

int bl_stated_parse(uint32_t *at_sp, const char *text, size_t len, uint32_t now_s)
{
    const struct stated_text all = {text, text + len};
    int64_t at_s;

    if (!stated_seconds(all, &at_s) && !stated_civil(all, &at_s))
        return BL_STATED_E_SYNTAX;
    if (at_s < STATED_FIRST_S || at_s > (now_s ? now_s : UINT32_MAX))
        return BL_STATED_E_RANGE;
    *at_sp = (uint32_t)at_s;
    return 0;
}

/* ---- by lines ---- */

static size_t stated_seek(const struct bl_stated *stated, size_t n, uint32_t line)
{
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;

        if (stated[middle].line < line)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

uint32_t bl_stated_at(const struct bl_stated *stated, size_t n, uint32_t line)
{
    size_t at = stated_seek(stated, n, line);

    return at < n && stated[at].line == line ? stated[at].at_s : 0;
}

void bl_stated_join(struct bl_stated *stated, size_t n, uint32_t line, uint32_t other)
{
    size_t at = stated_seek(stated, n, line);
    uint32_t at_s = bl_stated_at(stated, n, other);

    if (at < n && stated[at].line == line && stated[at].at_s < at_s)
        stated[at].at_s = at_s;
}
