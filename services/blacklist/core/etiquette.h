#pragma once
/*
 * What publishers ask for beyond a decent interval: their hosts, and how long to leave them alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Who publishes at a domain and all below it, and how often it lets itself be asked. */
struct bl_publisher {
    const char *domain;
    int64_t floor_ms;
    bool is_whole; /* for all its lists together; else for each of them */
};

/** The publisher behind a host; NULL: nothing is known of it. */
const struct bl_publisher *bl_etiquette_publisher(const char *host);

/** No list of that host may be asked for more often than this, whoever wants it; 0: nothing is known of it. */
int64_t bl_etiquette_floor_ms(const char *host);

/**
 * The interval, made longer or shorter by chance, but never shorter than a floor.
 *
 * @param jitter  0 to 0.5, share of the interval
 * @param random  any bits
 */
int64_t bl_etiquette_jitter(int64_t interval_ms, double jitter, int64_t floor_ms, uint64_t random);

/**
 * How long a fetch waits that would begin now: near a full hour everybody asks, so it goes a few minutes later.
 *
 * @param interval_ms  of the source: below a quarter of an hour it keeps off by a fifteenth of it, else by a minute
 */
int64_t bl_etiquette_wait(int64_t interval_ms, int64_t now_unix_ms, uint64_t random);
