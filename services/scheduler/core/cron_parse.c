#include "core/cron.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include <tip/clock.h>

struct cron_field {
    unsigned low, high;
    const char *const *names; /* of low, low + 1, …; NULL-terminated */
};

static const char *const cron_month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                               "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const cron_weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

enum { CRON_MINUTE, CRON_HOUR, CRON_DAY, CRON_MONTH, CRON_WEEKDAY, CRON_FIELD_COUNT };

static const struct cron_field cron_fields[CRON_FIELD_COUNT] = {
    [CRON_MINUTE] = {0, 59, NULL},
    [CRON_HOUR] = {0, 23, NULL},
    [CRON_DAY] = {1, 31, NULL},
    [CRON_MONTH] = {1, 12, cron_month_names},
    [CRON_WEEKDAY] = {0, 7, cron_weekday_names},
};

static const struct {
    const char *name, *fields;
} cron_macros[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

static const char *cron_expand(const char *text)
{
    for (size_t i = 0; i < sizeof(cron_macros) / sizeof(cron_macros[0]); i++) {
        if (!strcasecmp(text, cron_macros[i].name))
            return cron_macros[i].fields;
    }
    return text;
}

/* A number or a name at *textp, moved behind it. */
static bool cron_value(const struct cron_field *field, const char **textp, unsigned *valuep)
{
    const char *text = *textp;
    unsigned value = 0, n = 0;

    for (unsigned i = 0; field->names && field->names[i]; i++) {
        if (!strncasecmp(text, field->names[i], 3) && !isalnum((unsigned char)text[3])) {
            *valuep = field->low + i;
            *textp = text + 3;
            return true;
        }
    }
    for (; isdigit((unsigned char)text[n]) && n < 3; n++)
        value = value * 10 + (unsigned)(text[n] - '0');
    *valuep = value;
    *textp = text + n;
    return n > 0 && value >= field->low && value <= field->high;
}

static bool cron_step(const char **textp, unsigned *stepp)
{
    static const struct cron_field step_field = {1, 999, NULL};

    *stepp = 1;
    if (**textp != '/')
        return true;
    ++*textp;
    return cron_value(&step_field, textp, stepp);
}

/* `*`, `7`, `1-5`, each of the first and last with `/step`. */
static const char *cron_range(const struct cron_field *field, const char **textp, uint64_t *bitsp)
{
    unsigned low = field->low, high = field->high, step;
    bool is_single = false;

    if (**textp == '*') {
        ++*textp;
    } else {
        if (!cron_value(field, textp, &low))
            return "a value is missing or outside the range of its field";
        high = low;
        is_single = **textp != '-';
        if (!is_single && (++*textp, !cron_value(field, textp, &high)))
            return "the end of a range is missing or outside the range of its field";
    }
    if (high < low)
        return "a range ends before it begins";
    if (is_single && **textp == '/')
        return "a step needs a range or '*' before it";
    if (!cron_step(textp, &step))
        return "a step is not a number from 1 to 999";
    for (unsigned value = low; value <= high; value += step)
        *bitsp |= UINT64_C(1) << value;
    return NULL;
}

/* The comma-separated ranges up to the next blank. */
static const char *cron_list(const struct cron_field *field, const char **textp, uint64_t *bitsp)
{
    const char *why = cron_range(field, textp, bitsp);

    while (!why && **textp == ',') {
        ++*textp;
        why = cron_range(field, textp, bitsp);
    }
    if (!why && **textp && !isblank((unsigned char)**textp))
        why = "a field holds something that is no number, name, range, list or step";
    return why;
}

static void cron_fill(struct sched_cron *cron, const uint64_t bits[CRON_FIELD_COUNT],
                      const bool is_star[CRON_FIELD_COUNT])
{
    cron->minutes = bits[CRON_MINUTE];
    cron->hours = (uint32_t)bits[CRON_HOUR];
    cron->days = (uint32_t)bits[CRON_DAY];
    cron->months = (uint16_t)bits[CRON_MONTH];
    cron->weekdays = (uint8_t)((bits[CRON_WEEKDAY] & 0x7f) | bits[CRON_WEEKDAY] >> 7); /* 7 is Sunday too */
    cron->is_wildcard = is_star[CRON_MINUTE] || is_star[CRON_HOUR];
    cron->any_day = is_star[CRON_DAY];
    cron->any_weekday = is_star[CRON_WEEKDAY];
}

/* Is there a year that has one of its days? A restricted weekday beside a restricted day always matches somewhere. */
static bool cron_can_match(const struct sched_cron *cron)
{
    if (!cron->any_day && !cron->any_weekday)
        return true;
    for (int month = 1; month <= 12; month++) {
        uint32_t real = (UINT32_C(2) << tip_clock_month_days(2000, month)) - 1;

        if ((cron->months >> month & 1) && (cron->days & real & ~UINT32_C(1)))
            return true;
    }
    return false;
}

int sched_cron_parse(struct sched_cron *cron, const char *text, const char **whyp)
{
    uint64_t bits[CRON_FIELD_COUNT] = {0};
    bool is_star[CRON_FIELD_COUNT] = {false};
    const char *at = cron_expand(text);

    for (int i = 0; i < CRON_FIELD_COUNT; i++) {
        at += strspn(at, " \t");
        *whyp = *at ? NULL : "five fields are wanted: minute, hour, day of month, month, day of week";
        is_star[i] = *at == '*';
        if (!*whyp)
            *whyp = cron_list(&cron_fields[i], &at, &bits[i]);
        if (*whyp)
            return SCHED_CRON_E_SYNTAX;
    }
    at += strspn(at, " \t");
    *whyp = *at ? "there is something after the five fields" : NULL;
    if (*whyp)
        return SCHED_CRON_E_SYNTAX;
    cron_fill(cron, bits, is_star);
    if (cron_can_match(cron))
        return 0;
    *whyp = "no month has such a day: it would never run";
    return SCHED_CRON_E_NEVER;
}
