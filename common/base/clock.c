#include <tip/clock.h>

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CLOCK_MS_MIN INT64_C(-62167219200000) /* 0000-01-01T00:00:00Z */
#define CLOCK_MS_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

int64_t tip_clock_days(int year, int month, int day)
{
    int64_t era, y = year - (month <= 2);
    unsigned year_of_era, day_of_year;

    era = (y >= 0 ? y : y - 399) / 400;
    year_of_era = (unsigned)(y - era * 400);
    day_of_year = (153 * (unsigned)(month + (month > 2 ? -3 : 9)) + 2) / 5 + (unsigned)day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

int tip_clock_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    assert(month >= 1 && month <= 12);
    return days[month - 1] + (month == 2 && leap);
}

/* The inverse of tip_clock_days. */
static void clock_civil_from_days(int64_t days, struct tip_civil *civil)
{
    int64_t era, z = days + 719468;
    unsigned day_of_era, year_of_era, day_of_year, month;

    era = (z >= 0 ? z : z - 146096) / 146097;
    day_of_era = (unsigned)(z - era * 146097);
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month = (5 * day_of_year + 2) / 153;
    civil->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    civil->month = (int)(month < 10 ? month + 3 : month - 9);
    civil->year = (int)(year_of_era + era * 400) + (civil->month <= 2);
    civil->weekday = (int)((days % 7 + 7 + 4) % 7); /* 1970-01-01 was a Thursday */
}

void tip_clock_to_civil(int64_t unix_ms, struct tip_civil *civil)
{
    int64_t days, rest;

    if (unix_ms < CLOCK_MS_MIN)
        unix_ms = CLOCK_MS_MIN;
    if (unix_ms > CLOCK_MS_MAX)
        unix_ms = CLOCK_MS_MAX;
    days = unix_ms / TIP_DAY_MS - (unix_ms % TIP_DAY_MS < 0);
    rest = unix_ms - days * TIP_DAY_MS;
    clock_civil_from_days(days, civil);
    civil->hour = (int)(rest / TIP_HOUR_MS);
    civil->minute = (int)(rest / TIP_MINUTE_MS % 60);
    civil->second = (int)(rest / TIP_SECOND_MS % 60);
    civil->ms = (int)(rest % TIP_SECOND_MS);
}

int64_t tip_clock_from_civil(const struct tip_civil *civil)
{
    return tip_clock_days(civil->year, civil->month, civil->day) * TIP_DAY_MS + civil->hour * TIP_HOUR_MS +
           civil->minute * TIP_MINUTE_MS + civil->second * TIP_SECOND_MS + civil->ms;
}

size_t tip_clock_format(int64_t unix_ms, char text[static TIP_CLOCK_TEXT])
{
    struct tip_civil c;
    char full[96];
    int n;

    tip_clock_to_civil(unix_ms, &c);
    n = snprintf(full, sizeof(full), "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute,
                 c.second);
    n += c.ms ? snprintf(full + n, sizeof(full) - (size_t)n, ".%03dZ", c.ms)
              : snprintf(full + n, sizeof(full) - (size_t)n, "Z");
    assert(n < TIP_CLOCK_TEXT);
    memcpy(text, full, (size_t)n + 1);
    return (size_t)n;
}

/* `pattern` is digits as `0`, all else itself. */
static bool clock_has_shape(const char *text, size_t len, const char *pattern)
{
    if (strlen(pattern) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i])
            return false;
    }
    return true;
}

static int clock_number(const char *text, size_t n)
{
    int value = 0;

    while (n--)
        value = value * 10 + (*text++ - '0');
    return value;
}

static bool clock_civil_is_real(const struct tip_civil *c)
{
    return c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= tip_clock_month_days(c->year, c->month) &&
           c->hour <= 23 && c->minute <= 59 && c->second <= 59;
}

int tip_clock_parse(int64_t *unix_msp, const char *text, size_t len)
{
    bool with_ms = clock_has_shape(text, len, "0000-00-00T00:00:00.000Z");
    struct tip_civil c;

    if (!with_ms && !clock_has_shape(text, len, "0000-00-00T00:00:00Z"))
        return -EINVAL;
    c = (struct tip_civil){
        .year = clock_number(text, 4),
        .month = clock_number(text + 5, 2),
        .day = clock_number(text + 8, 2),
        .hour = clock_number(text + 11, 2),
        .minute = clock_number(text + 14, 2),
        .second = clock_number(text + 17, 2),
        .ms = with_ms ? clock_number(text + 20, 3) : 0,
    };
    if (!clock_civil_is_real(&c))
        return -EINVAL;
    *unix_msp = tip_clock_from_civil(&c);
    return 0;
}

static const struct {
    const char *name;
    uint64_t ms;
} duration_units[] = {
    {"w", 7 * TIP_DAY_MS}, {"d", TIP_DAY_MS}, {"h", TIP_HOUR_MS}, {"m", TIP_MINUTE_MS}, {"s", TIP_SECOND_MS}, {"ms", 1},
};
#define DURATION_UNIT_COUNT (sizeof(duration_units) / sizeof(*duration_units))

/* Digits, moved over. */
static int duration_number_take(const char **atp, const char *end, uint64_t *valuep)
{
    const char *at = *atp;
    uint64_t value = 0;

    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return -ERANGE;
    }
    if (at == *atp)
        return -EINVAL;
    *atp = at;
    *valuep = value;
    return 0;
}

/* A unit's letters, moved over; its index must lie at or behind *unitp, which moves behind it. */
static int duration_unit_take(const char **atp, const char *end, size_t *unitp)
{
    size_t n = 0;

    while (*atp + n < end && (*atp)[n] >= 'a' && (*atp)[n] <= 'z')
        n++;
    for (; *unitp < DURATION_UNIT_COUNT; ++*unitp) {
        const char *name = duration_units[*unitp].name;

        if (strlen(name) == n && !memcmp(name, *atp, n)) {
            *atp += n;
            ++*unitp;
            return 0;
        }
    }
    return -EINVAL;
}

int tip_duration_parse(uint64_t *msp, const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    uint64_t total = 0;
    size_t unit = 0;

    if (len == 1 && *text == '0') {
        *msp = 0;
        return 0;
    }
    if (!len)
        return -EINVAL;
    while (at < end) {
        uint64_t n;
        int r;

        r = duration_number_take(&at, end, &n);
        if (!r)
            r = duration_unit_take(&at, end, &unit);
        if (r)
            return r;
        if (__builtin_mul_overflow(n, duration_units[unit - 1].ms, &n) || __builtin_add_overflow(total, n, &total))
            return -ERANGE;
    }
    *msp = total;
    return 0;
}

size_t tip_duration_format(uint64_t ms, char text[static TIP_DURATION_TEXT])
{
    int at = 0;

    if (!ms)
        return (size_t)snprintf(text, TIP_DURATION_TEXT, "0s");
    for (size_t i = 1; i < DURATION_UNIT_COUNT; i++) { /* weeks are read, never written */
        uint64_t n = ms / duration_units[i].ms;

        if (n)
            at += snprintf(text + at, (size_t)(TIP_DURATION_TEXT - at), "%llu%s", (unsigned long long)n,
                           duration_units[i].name);
        ms %= duration_units[i].ms;
    }
    return (size_t)at;
}
