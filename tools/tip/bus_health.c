#include "bus_health.h"

#include <stdarg.h>
#include <stdio.h>

#include "brief.h"

void bus_health_add(struct bus_health *health, const char *format, ...)
{
    va_list args;

    if (health->n < BUS_WRONGS_MAX) {
        va_start(args, format);
        vsnprintf(health->wrongs[health->n], BUS_WRONG_BYTES, format, args);
        va_end(args);
    }
    health->n++;
}

static void health_journal(struct bus_health *health, const struct bus_state *state, size_t row)
{
    const char *closed = bus_text(state, BUS_JOURNAL, row, "closed");

    if (closed)
        bus_health_add(health, "publishers wait: %s", closed);
    else if (bus_is(state, BUS_JOURNAL, row, "no_space"))
        bus_health_add(health, "the journal's disk is full");
}

static void health_consumer(struct bus_health *health, const struct bus_state *state, size_t row)
{
    const char *name = bus_text(state, BUS_CONSUMERS, row, "consumer");
    double lag_s = bus_number(state, BUS_CONSUMERS, row, "lag_s", 0);
    double trimmed_s = bus_number(state, BUS_CONSUMERS, row, "trimmed_in_s", BUS_TRIMMED_SOON_S + 1);
    bool required = bus_is(state, BUS_CONSUMERS, row, "required");
    char lag[BRIEF_BYTES], age[BRIEF_BYTES], soon[BRIEF_BYTES];

    brief_count(bus_number(state, BUS_CONSUMERS, row, "lag_events", 0), lag);
    brief_seconds(lag_s, age);
    brief_seconds(trimmed_s, soon);
    if (bus_is(state, BUS_CONSUMERS, row, "overtaken"))
        bus_health_add(health, "consumer %s was too slow: events it had not stored are gone from the journal", name);
    else if (trimmed_s < BUS_TRIMMED_SOON_S)
        bus_health_add(health, "consumer %s is %s events behind: the journal lets go of them in about %s", name, lag,
                       soon);
    else if (lag_s > (required ? BUS_LAG_REQUIRED_S : BUS_LAG_S))
        bus_health_add(health, "consumer %s is %s events behind, the oldest %s old", name, lag, age);
}

static void health_publisher(struct bus_health *health, const struct bus_state *state, size_t row)
{
    double events = bus_number(state, BUS_PUBLISHERS, row, "window_events", 0);
    double events_max = bus_number(state, BUS_PUBLISHERS, row, "window_events_max", 0);
    double bytes = bus_number(state, BUS_PUBLISHERS, row, "window_bytes", 0);
    double bytes_max = bus_number(state, BUS_PUBLISHERS, row, "window_bytes_max", 0);
    double oldest_ms = bus_number(state, BUS_PUBLISHERS, row, "oldest_unacked_ms", 0);
    bool full = 100 * events >= BUS_WINDOW_PERCENT * events_max || 100 * bytes >= BUS_WINDOW_PERCENT * bytes_max;
    char unacked[BRIEF_BYTES], age[BRIEF_BYTES];

    if (events == 0 || oldest_ms < (full ? BUS_WINDOW_MS : BUS_UNACKED_MS))
        return;
    brief_count(events, unacked);
    brief_seconds(oldest_ms / 1000, age);
    bus_health_add(health, "publisher %s waits for acks: %s events%s, the oldest for %s",
                   bus_text(state, BUS_PUBLISHERS, row, "publisher"), unacked, full ? ", its window is full" : "", age);
}

static void health_queue(struct bus_health *health, const struct bus_state *state, size_t row)
{
    double oldest_ms = bus_number(state, BUS_QUEUES, row, "oldest_waiting_ms", 0);
    double workers = bus_number(state, BUS_QUEUES, row, "workers", 0);
    char waiting[BRIEF_BYTES], age[BRIEF_BYTES];

    if (oldest_ms < BUS_QUEUED_MS)
        return;
    brief_count(bus_number(state, BUS_QUEUES, row, "waiting", 0), waiting);
    brief_seconds(oldest_ms / 1000, age);
    bus_health_add(health, "queue %s: %s wait, the oldest for %s; %s", bus_text(state, BUS_QUEUES, row, "queue"),
                   waiting, age, workers > 0 ? "its workers are busy or stuck" : "nobody serves it");
}

void bus_health_judge(struct bus_health *health, const struct bus_state *state)
{
    static const struct {
        enum bus_table table;
        void (*judge)(struct bus_health *health, const struct bus_state *state, size_t row);
    } rules[] = {
        {BUS_JOURNAL, health_journal},
        {BUS_CONSUMERS, health_consumer},
        {BUS_PUBLISHERS, health_publisher},
        {BUS_QUEUES, health_queue},
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        for (size_t row = 0; row < bus_rows(state, rules[i].table); row++)
            rules[i].judge(health, state, row);
    }
}
