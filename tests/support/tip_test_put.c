/*
 * A caller for tests: puts jobs numbered 1 to COUNT, at most IN_FLIGHT at once, and writes a line when one has ended:
 * `NUMBER CODE TEXT`, code 0 with the result, else with the reason. Ends with 0 when all have.
 *
 *     tip_test_put FILE WORK QUEUE NAME COUNT IN_FLIGHT DEADLINE_MS LEASE_MS ATTEMPTS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/bus.h>
#include <tip/log.h>

struct caller {
    struct tip_loop *loop;
    struct tip_bus *bus;
    FILE *out;
    const char *queue;
    uint64_t count, in_flight, deadline_ms, lease_ms;
    uint32_t attempts;
    uint64_t n_put, n_ended;
};

struct asked {
    struct caller *caller;
    uint64_t number;
};

static void caller_put_more(void *ctx);

static void caller_on_end(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n)
{
    struct asked *asked = ctx;
    struct caller *caller = asked->caller;

    (void)fprintf(caller->out, "%llu %d %.*s\n", (unsigned long long)asked->number, (int)failure,
                  failure ? (int)strlen(reason) : (int)n, failure ? reason : (const char *)body);
    (void)fflush(caller->out);
    free(asked);
    if (++caller->n_ended == caller->count)
        tip_loop_stop(caller->loop);
    else
        tip_loop_defer(caller->loop, caller_put_more, caller);
}

static int caller_put(struct caller *caller)
{
    struct tip_id id = tip_id_random();
    struct asked *asked = tip_new(struct asked);
    char body[24];
    const struct tip_put put = {
        .id = &id,
        .queue = caller->queue,
        .body = (const uint8_t *)body,
        .body_len = (size_t)snprintf(body, sizeof(body), "%llu", (unsigned long long)caller->n_put + 1),
        .deadline_ms = caller->deadline_ms,
        .lease_ms = caller->lease_ms,
        .max_attempts = caller->attempts,
    };
    int r;

    *asked = (struct asked){caller, ++caller->n_put};
    r = tip_put(caller->bus, &put, caller_on_end, asked);
    if (r)
        (void)fprintf(stderr, "tip_test_put: %s\n", strerror(-r));
    return r;
}

static void caller_put_more(void *ctx)
{
    struct caller *caller = ctx;

    while (caller->n_put < caller->count && caller->n_put - caller->n_ended < caller->in_flight) {
        if (caller_put(caller))
            exit(1);
    }
}

int main(int argc, char **argv)
{
    struct caller caller = {.loop = tip_loop_new()};
    struct tip_bus_config bus = {0};

    if (argc != 10)
        return 2;
    tip_log_init(argv[4]);
    caller.out = fopen(argv[1], "ae");
    if (!caller.out)
        return 2;
    caller.queue = argv[3];
    caller.count = strtoull(argv[5], NULL, 10);
    caller.in_flight = strtoull(argv[6], NULL, 10);
    caller.deadline_ms = strtoull(argv[7], NULL, 10);
    caller.lease_ms = strtoull(argv[8], NULL, 10);
    caller.attempts = (uint32_t)strtoul(argv[9], NULL, 10);
    bus.name = argv[4];
    bus.work = argv[2];
    if (tip_bus_open(&caller.bus, caller.loop, &bus))
        return 1;
    tip_loop_defer(caller.loop, caller_put_more, &caller);
    return tip_loop_run(caller.loop) ? 1 : 0;
}
