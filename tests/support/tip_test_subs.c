/*
 * Many subscribers for tests, in one process: each hears of every class, and knows by class_seq and the head what it
 * did not get. Writes `ready` once all have heard a head, and ends with `heard RECORDS missing RECORDS silent PAIRS`
 * once each knows each of the classes c0 to c4 up to LAST; silent are those pairs of subscriber and class of which only
 * the head told.
 *
 *     tip_test_subs FEED SUBSCRIBERS LAST
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include <tip/alloc.h>
#include <tip/bus.h>
#include <tip/log.h>
#include <tip/zsock.h>

enum { CLASSES = 5 };

struct crowd;

struct listener {
    struct crowd *crowd;
    struct tip_sub *sub;
    bool has_head;
    uint64_t heard[CLASSES], at[CLASSES], told[CLASSES]; /* records, their last class_seq, the head's */
    unsigned n_known;                                    /* classes */
    bool knows[CLASSES];
};

struct crowd {
    struct tip_loop *loop;
    struct tip_bus *bus;
    struct listener *all;
    size_t n, n_ready, n_done;
    uint64_t last;
};

static int class_of(const char *name)
{
    return name[0] == 'c' && name[1] >= '0' && name[1] < '0' + CLASSES && (name[2] == '.' || !name[2]) ? name[1] - '0'
                                                                                                       : -1;
}

static void listener_know(struct listener *listener, int i)
{
    struct crowd *crowd = listener->crowd;

    if (listener->knows[i] || (listener->at[i] < crowd->last && listener->told[i] < crowd->last))
        return;
    listener->knows[i] = true;
    if (++listener->n_known == CLASSES && ++crowd->n_done == crowd->n)
        tip_loop_stop(crowd->loop);
}

static void listener_on_head(struct listener *listener, const struct tip_record *record)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    const char *reason;

    if (!listener->has_head && ++listener->crowd->n_ready == listener->crowd->n)
        (void)puts("ready");
    listener->has_head = true;
    if (tip_event_decode(record->event, record->event_len, &event, &reason))
        return;
    for (size_t i = 0; event->kind == TIP_EVENT_BUS_HEAD && i < event->bus_head.n_classes; i++) {
        int at = class_of(event->bus_head.classes[i].class_name);

        if (at < 0)
            continue;
        listener->told[at] = event->bus_head.classes[i].class_seq;
        listener_know(listener, at);
    }
}

static void listener_on_record(void *ctx, const struct tip_record *record)
{
    struct listener *listener = ctx;
    int i;

    if (strncmp(record->stamp.topic, "v1.bus.head.", 12) == 0) {
        listener_on_head(listener, record);
        return;
    }
    i = class_of(record->stamp.topic + 3);
    if (i < 0)
        return;
    listener->heard[i]++;
    listener->at[i] = record->stamp.class_seq;
    listener_know(listener, i);
}

static void crowd_tell(const struct crowd *crowd)
{
    uint64_t heard = 0, missing = 0, silent = 0;

    for (size_t i = 0; i < CLASSES * crowd->n; i++) {
        const struct listener *listener = &crowd->all[i / CLASSES];

        heard += listener->heard[i % CLASSES];
        missing += crowd->last - listener->heard[i % CLASSES];
        silent += listener->heard[i % CLASSES] == 0;
    }
    printf("heard %llu missing %llu silent %llu\n", (unsigned long long)heard, (unsigned long long)missing,
           (unsigned long long)silent);
}

static int crowd_open(struct crowd *crowd, const char *feed)
{
    static const char *const prefixes[] = {"v1.", NULL};
    const struct tip_bus_config bus = {.name = "crowd", .feed = feed};
    int r;

    crowd->all = tip_new_array(crowd->n, struct listener);
    r = tip_bus_open(&crowd->bus, crowd->loop, &bus);
    for (size_t i = 0; !r && i < crowd->n; i++) {
        const struct tip_sub_config sub = {
            .prefixes = prefixes, .on_record = listener_on_record, .ctx = &crowd->all[i]};

        crowd->all[i].crowd = crowd;
        r = tip_sub_open(&crowd->all[i].sub, crowd->bus, &sub);
    }
    return r;
}

int main(int argc, char **argv)
{
    struct crowd crowd = {.loop = tip_loop_new()};
    int r;

    if (argc != 4)
        return 2;
    tip_log_init("crowd");
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    crowd.n = strtoul(argv[2], NULL, 10);
    crowd.last = strtoull(argv[3], NULL, 10);
    (void)zmq_ctx_set(tip_zmq_context(), ZMQ_MAX_SOCKETS, (int)crowd.n + 16); /* cannot fail before the first socket */
    r = crowd_open(&crowd, argv[1]);
    if (!r)
        r = tip_loop_run(crowd.loop);
    if (r)
        return 1;
    crowd_tell(&crowd);
    return 0;
}
