#pragma once
/*
 * The log: one logfmt line an event, to stderr.
 *
 *     tip_info("flux.verdict", "domain=%s score=%.2f", domain, score);
 *     ts=2026-11-22T10:00:00.123Z level=info service=flux event=flux.verdict domain=example.test score=0.91
 *
 * Every %s is foreign text: it is quoted when it needs to be, escaped, and cut after 1,024 bytes. %d %i %u %x %o %c
 * %f %e %g %p with their widths and h, l, ll, j, z work as in printf; nothing else. An event that repeats beyond 100
 * times in 10 s is held back and counted (not at debug). All functions may be called from any thread.
 *
 * error: someone must act. warn: degraded and recovering. info: one line per unit of work. debug: steps.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/cleanup.h>

enum tip_log_level { TIP_LOG_ERROR, TIP_LOG_WARN, TIP_LOG_INFO, TIP_LOG_DEBUG, TIP_LOG_LEVEL_COUNT };

/* The blank makes an empty format, "", an ordinary one; and a format is always a literal. */
#define tip_error(event, ...) tip_log_write(TIP_LOG_ERROR, event, " " __VA_ARGS__)
#define tip_warn(event, ...)  tip_log_write(TIP_LOG_WARN, event, " " __VA_ARGS__)
#define tip_info(event, ...)  tip_log_write(TIP_LOG_INFO, event, " " __VA_ARGS__)
#define tip_debug(event, ...)                                     \
    do {                                                          \
        if (tip_log_is_on(TIP_LOG_DEBUG))                         \
            tip_log_write(TIP_LOG_DEBUG, event, " " __VA_ARGS__); \
    } while (0)

/** Names the service in every line and hears of tip_fail: its traces are debug lines. Level info. */
void tip_log_init(const char *service);

void tip_log_set_level(enum tip_log_level level);

/** Debug on, or back to the level that was set: what SIGUSR1 does. */
void tip_log_toggle_debug(void);

bool tip_log_is_on(enum tip_log_level level);

/** NULL-terminated names in the order of the enum: for option tables. */
extern const char *const tip_log_level_names[];

/**
 * Use the macros.
 *
 * @param event   stable, greppable, `noun.verb`
 * @param format  a blank and `key=%s key=%d`, or the blank alone
 */
void tip_log_write(enum tip_log_level level, const char *event, const char *format, ...) tip_printf(3, 4);

/** Where lines go; -1 is stderr again. For tests. */
void tip_log_to(int fd);
