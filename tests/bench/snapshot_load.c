/*
 * Reads a snapshot of stream `verdict` and says how long that took: {"events", "bytes", "seconds", "verified_seconds"}.
 *
 *     snapshot_load WORK
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tip/log.h>
#include <tip/snapshot.h>

struct load {
    struct tip_loop *loop;
    double begun_s, verified_s;
    int result;
};

static double load_now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void load_on_begin(void *ctx, const struct tip_snapshot_end *end)
{
    struct load *load = ctx;

    (void)end;
    load->verified_s = load_now_s() - load->begun_s;
}

static int load_on_event(void *ctx, const uint8_t *event, size_t n)
{
    (void)ctx;
    (void)event;
    (void)n;
    return 0;
}

static void load_on_end(void *ctx, const struct tip_snapshot_end *end)
{
    struct load *load = ctx;

    load->result = end->result;
    if (end->result)
        (void)fprintf(stderr, "snapshot_load: %s\n", end->why);
    else
        printf("{\"events\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"verified_seconds\": %.6f}\n",
               (unsigned long long)end->n_events, (unsigned long long)end->size, load_now_s() - load->begun_s,
               load->verified_s);
    tip_loop_stop(load->loop);
}

int main(int argc, char **argv)
{
    struct tip_bus_config config = {.name = "load", .work = argc > 1 ? argv[1] : NULL};
    struct load load = {.loop = tip_loop_new(), .result = -1};
    const struct tip_snapshot_read_config read = {.stream = "verdict",
                                                  .audience = TIP_TLP_AMBER,
                                                  .deadline_ms = 120000,
                                                  .on_begin = load_on_begin,
                                                  .on_event = load_on_event,
                                                  .on_end = load_on_end,
                                                  .ctx = &load};
    struct tip_snapshot_reader *reader = NULL;
    struct tip_bus *bus = NULL;
    int r;

    tip_log_init("load");
    r = argc > 1 ? tip_bus_open(&bus, load.loop, &config) : -1;
    load.begun_s = load_now_s();
    if (!r)
        r = tip_snapshot_read(&reader, load.loop, bus, &read);
    if (!r)
        r = tip_loop_run(load.loop);
    tip_snapshot_reader_destroy(&reader);
    tip_bus_destroy(&bus);
    tip_loop_destroy(&load.loop);
    return r || load.result ? 1 : 0;
}
