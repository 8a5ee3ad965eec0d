#include "beats.h"

#include <stdio.h>
#include <string.h>

#include <tip/event.h>
#include <topics.h>

#include "command.h"

struct beats {
    struct client *client;
    struct beat *items;
    size_t n, n_heard;
};

static void beats_note(struct beats *beats, const struct tip_system_state *state)
{
    for (size_t i = 0; i < beats->n; i++) {
        struct beat *beat = &beats->items[i];

        if (strcmp(beat->name, state->service) != 0)
            continue;
        beats->n_heard += !beat->is_heard;
        *beat = (struct beat){.name = beat->name,
                              .is_heard = true,
                              .is_ready = state->ready,
                              .is_insecure = state->insecure,
                              .uptime_ms = state->uptime_ms,
                              .rss_bytes = state->rss_bytes};
        snprintf(beat->detail, sizeof(beat->detail), "%s", state->detail);
    }
}

static void beats_on_record(void *ctx, const struct tip_record *record)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    struct beats *beats = ctx;

    if (tip_event_decode(record->event, record->event_len, &event, NULL))
        return;
    if (event->kind == TIP_EVENT_SYSTEM_HEARTBEAT)
        beats_note(beats, &event->system_state);
    if (beats->n_heard == beats->n)
        client_wake(beats->client);
}

int beats_hear(struct client *client, struct beat *items, size_t n)
{
    static const char *const prefixes[] = {TIP_TOPIC_SYSTEM_HEARTBEAT, NULL};
    struct beats beats = {.client = client, .items = items, .n = n};
    struct tip_sub *sub = NULL;
    int r;

    if (n == 0)
        return CLI_OK;
    r = tip_sub_open(&sub, client->bus,
                     &(struct tip_sub_config){.prefixes = prefixes, .on_record = beats_on_record, .ctx = &beats});
    if (r) {
        cli_error("cannot listen at %s: %s", client->options.bus.feed, strerror(-r));
        return CLI_FAILED;
    }
    r = client_wait(client, BEATS_WAIT_MS);
    tip_sub_destroy(&sub);
    return r;
}
