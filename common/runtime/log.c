#include <tip/log.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tip/fail.h>

enum {
    LOG_LINE_BYTES = 8192,
    LOG_VALUE_BYTES = 1024,
    LOG_SPEC_BYTES = 32,
    LOG_BURST = 100, /* lines of one event in a window */
    LOG_WINDOW_S = 10,
    LOG_EVENTS = 256, /* slots of events watched; two that meet in one share its burst */
    LOG_EVENT_BYTES = 48,
};

const char *const tip_log_level_names[] = {
    [TIP_LOG_ERROR] = "error", [TIP_LOG_WARN] = "warn",      [TIP_LOG_INFO] = "info",
    [TIP_LOG_DEBUG] = "debug", [TIP_LOG_LEVEL_COUNT] = NULL,
};

/* A line under construction: what does not fit is left out. */
struct log_line {
    char text[LOG_LINE_BYTES];
    size_t len;
};

struct log_rate {
    char event[LOG_EVENT_BYTES];
    time_t start_s;
    unsigned n;
};

static char log_service[32] = "tip";
static atomic_int log_level = TIP_LOG_INFO;
static atomic_int log_level_set = TIP_LOG_INFO;
static atomic_int log_fd = STDERR_FILENO;

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the rates, keeps lines whole */
static struct log_rate log_rates[LOG_EVENTS];

/* --- the line --- */

static void log_append(struct log_line *line, const char *text, size_t n)
{
    size_t room = sizeof(line->text) - 1 - line->len; /* one is kept for the newline */

    if (n > room)
        n = room;
    memcpy(line->text + line->len, text, n);
    line->len += n;
}

static void log_append_text(struct log_line *line, const char *text)
{
    log_append(line, text, strlen(text));
}

static bool log_is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

static void log_append_escaped(struct log_line *line, unsigned char c)
{
    static const char shorts[256] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\'};
    char text[8];

    if (shorts[c])
        (void)snprintf(text, sizeof(text), "\\%c", shorts[c]);
    else if (c < ' ' || c >= 0x7f)
        (void)snprintf(text, sizeof(text), "\\x%02x", c);
    else
        (void)snprintf(text, sizeof(text), "%c", c);
    log_append_text(line, text);
}

/* Foreign text: at most `precision` (-1: no limit) and LOG_VALUE_BYTES bytes of it, quoted when it needs to be. */
static void log_append_value(struct log_line *line, const char *text, int precision)
{
    size_t limit = precision >= 0 && precision < LOG_VALUE_BYTES ? (size_t)precision : LOG_VALUE_BYTES;
    bool is_plain;
    size_t n;

    if (!text)
        text = "-";
    n = strnlen(text, limit);
    is_plain = n > 0;
    for (size_t i = 0; i < n && is_plain; i++)
        is_plain = log_is_plain((unsigned char)text[i]);
    if (is_plain) {
        log_append(line, text, n);
    } else {
        log_append_text(line, "\"");
        for (size_t i = 0; i < n; i++)
            log_append_escaped(line, (unsigned char)text[i]);
        log_append_text(line, "\"");
    }
    if (n == LOG_VALUE_BYTES)
        log_append_text(line, "...");
}

/* --- the format: printf's, but that every %s is foreign --- */

struct log_spec {
    char text[LOG_SPEC_BYTES]; /* %-08.3llu and so on, stars replaced */
    size_t len;
    int precision; /* -1: none */
    enum { LOG_INT, LOG_LONG, LOG_LLONG, LOG_INTMAX, LOG_SIZE, LOG_PTRDIFF } size;
    char conversion;
};

static void log_spec_add(struct log_spec *spec, const char *text, size_t n)
{
    if (n > sizeof(spec->text) - 1 - spec->len)
        n = sizeof(spec->text) - 1 - spec->len;
    memcpy(spec->text + spec->len, text, n);
    spec->len += n;
    spec->text[spec->len] = '\0';
}

static const char *log_spec_number(struct log_spec *spec, const char *at, int value)
{
    char digits[12];

    if (*at != '*') {
        size_t n = strspn(at, "0123456789");

        log_spec_add(spec, at, n);
        return at + n;
    }
    (void)snprintf(digits, sizeof(digits), "%d", value);
    log_spec_add(spec, digits, strlen(digits));
    return at + 1;
}

static const char *log_spec_size(struct log_spec *spec, const char *at)
{
    static const char letters[] = "hljzt";
    const char *start = at;

    spec->size = LOG_INT;
    for (; *at && strchr(letters, *at); at++) {
        if (*at == 'l')
            spec->size = spec->size == LOG_LONG ? LOG_LLONG : LOG_LONG;
        else if (*at == 'j')
            spec->size = LOG_INTMAX;
        else if (*at == 'z')
            spec->size = LOG_SIZE;
        else if (*at == 't')
            spec->size = LOG_PTRDIFF;
    }
    log_spec_add(spec, start, (size_t)(at - start));
    return at;
}

/* `at` is behind the %; returns behind the conversion. */
static const char *log_spec_parse(struct log_spec *spec, const char *at, va_list *args)
{
    size_t n;

    *spec = (struct log_spec){.precision = -1};
    log_spec_add(spec, "%", 1);
    n = strspn(at, "-+ #0'");
    log_spec_add(spec, at, n);
    at += n;
    at = log_spec_number(spec, at, *at == '*' ? va_arg(*args, int) : 0);
    if (*at == '.') {
        log_spec_add(spec, at++, 1);
        spec->precision = *at == '*' ? va_arg(*args, int) : (int)strtol(at, NULL, 10);
        at = log_spec_number(spec, at, spec->precision);
    }
    at = log_spec_size(spec, at);
    spec->conversion = *at;
    log_spec_add(spec, at, *at ? 1 : 0);
    return *at ? at + 1 : at;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the specification is a checked piece of a literal */
static void log_append_integer(struct log_line *line, const struct log_spec *spec, va_list *args)
{
    char text[128] = "";

    switch (spec->size) {
    case LOG_INT:
        (void)snprintf(text, sizeof(text), spec->text, va_arg(*args, int));
        break;
    case LOG_LONG:
        (void)snprintf(text, sizeof(text), spec->text, va_arg(*args, long));
        break;
    case LOG_LLONG:
        (void)snprintf(text, sizeof(text), spec->text, va_arg(*args, long long));
        break;
    case LOG_INTMAX:
        (void)snprintf(text, sizeof(text), spec->text, va_arg(*args, intmax_t));
        break;
    case LOG_SIZE:
        (void)snprintf(text, sizeof(text), spec->text, va_arg(*args, size_t));
        break;
    case LOG_PTRDIFF:
        (void)snprintf(text, sizeof(text), spec->text, va_arg(*args, ptrdiff_t));
        break;
    }
    log_append_text(line, text);
}

static void log_append_spec(struct log_line *line, const struct log_spec *spec, va_list *args)
{
    char text[400] = "";

    if (spec->conversion == 's') {
        log_append_value(line, va_arg(*args, const char *), spec->precision);
        return;
    }
    if (spec->conversion == 'c') {
        text[0] = (char)va_arg(*args, int);
        log_append_value(line, text, -1);
        return;
    }
    if (spec->conversion == 'p')
        (void)snprintf(text, sizeof(text), spec->text, va_arg(*args, void *));
    else if (strchr("fFeEgG", spec->conversion))
        (void)snprintf(text, sizeof(text), spec->text, va_arg(*args, double));
    else if (strchr("diuxXo", spec->conversion))
        log_append_integer(line, spec, args);
    log_append_text(line, text);
}
#pragma GCC diagnostic pop

static void log_append_format(struct log_line *line, const char *format, va_list *args)
{
    struct log_spec spec;
    size_t n;

    while (*format) {
        n = strcspn(format, "%");
        log_append(line, format, n);
        format += n;
        if (!*format)
            return;
        if (format[1] == '%') {
            log_append_text(line, "%");
            format += 2;
            continue;
        }
        format = log_spec_parse(&spec, format + 1, args);
        if (spec.conversion)
            log_append_spec(line, &spec, args);
    }
}

/* --- writing --- */

static void log_line_start(struct log_line *line, enum tip_log_level level, const char *event)
{
    struct timespec now;
    struct tm utc;
    char head[200];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    (void)snprintf(head, sizeof(head), "ts=%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ level=%s service=%s event=%.64s",
                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                   now.tv_nsec / 1000000, tip_log_level_names[level], log_service, event);
    line->len = 0;
    log_append_text(line, head);
}

/* One write a line, so that lines of several processes on one pipe stay whole; what stderr refuses is lost. */
static void log_line_end(struct log_line *line)
{
    ssize_t n;

    line->text[line->len++] = '\n';
    n = write(atomic_load(&log_fd), line->text, line->len);
    (void)n;
}

static void log_held_back(const char *event, unsigned n)
{
    struct log_line line;
    char text[96];

    log_line_start(&line, TIP_LOG_WARN, "log.held_back");
    (void)snprintf(text, sizeof(text), " of=%.48s lines=%u", event, n);
    log_append_text(&line, text);
    log_line_end(&line);
}

/* Whether this line may go out. Called with the lock; tells of the window before when it held something back. */
static bool log_rate_pass(const char *event)
{
    struct log_rate *rate;
    struct timespec now;
    unsigned slot = 5381;

    for (const char *at = event; *at; at++)
        slot = slot * 33 + (unsigned char)*at;
    rate = &log_rates[slot % LOG_EVENTS];
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - rate->start_s >= LOG_WINDOW_S) {
        if (rate->n > LOG_BURST)
            log_held_back(rate->event, rate->n - LOG_BURST);
        (void)snprintf(rate->event, sizeof(rate->event), "%s", event);
        rate->start_s = now.tv_sec;
        rate->n = 0;
    }
    rate->n++;
    return rate->n <= LOG_BURST;
}

void tip_log_write(enum tip_log_level level, const char *event, const char *format, ...)
{
    struct log_line line;
    va_list args;

    if (!tip_log_is_on(level))
        return;
    log_line_start(&line, level, event);
    va_start(args, format);
    log_append_format(&line, format[1] ? format : "", &args);
    va_end(args);

    pthread_mutex_lock(&log_lock);
    if (level == TIP_LOG_DEBUG || log_rate_pass(event))
        log_line_end(&line);
    pthread_mutex_unlock(&log_lock);
}

/* --- settings --- */

/* A trace is for who debugs; the handler where the error stops writes the line for everyone. */
static void log_on_fail(const struct tip_fail_site *site)
{
    enum tip_log_level level = site->code == -ENOTRECOVERABLE ? TIP_LOG_ERROR : TIP_LOG_DEBUG;

    if (!tip_log_is_on(level))
        return;
    tip_log_write(level, "trace", " in=%s file=%s line=%d code=%s", site->function, site->file, site->line,
                  strerrorname_np(-site->code));
}

void tip_log_init(const char *service)
{
    (void)snprintf(log_service, sizeof(log_service), "%s", service);
    tip_fail_hook(log_on_fail);
}

void tip_log_set_level(enum tip_log_level level)
{
    atomic_store(&log_level_set, level);
    atomic_store(&log_level, level);
}

void tip_log_toggle_debug(void)
{
    bool is_debug = atomic_load(&log_level) == TIP_LOG_DEBUG;

    atomic_store(&log_level, is_debug ? atomic_load(&log_level_set) : TIP_LOG_DEBUG);
}

bool tip_log_is_on(enum tip_log_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void tip_log_to(int fd)
{
    atomic_store(&log_fd, fd == -1 ? STDERR_FILENO : fd);
}
