/*
 * An owner of state for tests: scores of KEYS addresses, in memory and in its outbox, that change at random, RATE a
 * second; each change is told by a verdict.changes event in the same transaction, and snapshots of all of it are served
 * as stream `verdict`. Killed at any moment and started again it goes on.
 *
 *     tip_test_owner DIR INGEST FETCH WORK KEYS RATE [name=value...]
 *
 * slow_us: of each step of a copy. young_ms, bytes_max: as in <tip/snapshot.h>. seed. fill=1: all keys have a score
 * that no event tells (for benchmarks). Prints `ready` and, whenever all is acked that there was, `flushed`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/bus.h>
#include <tip/log.h>
#include <tip/snapshot.h>

enum { OWNER_TICK_MS = 10, OWNER_EVENT_MAX = 10, OWNER_TEXT = 16, OWNER_MAP_BYTES = 256 << 20 };

struct owner {
    struct tip_loop *loop;
    struct tip_outbox *outbox;
    struct tip_bus *bus;
    struct tip_snapshots *snapshots;
    struct tip_timer tick;
    double *scores; /* 0: none */
    uint32_t n_keys;
    uint32_t rate;
    uint64_t random;
    int64_t started_ms;
    uint64_t n_changed;
    int64_t slow_us;
};

/** A copy under way: where it stands among the keys. */
struct walk {
    struct owner *owner;
    uint32_t next, a_step;
    struct tip_buf bytes;
    struct tip_verdict verdicts[TIP_BATCH_ENTRIES_MAX];
    char texts[TIP_BATCH_ENTRIES_MAX][OWNER_TEXT];
};

/* xorshift64 */
static uint64_t owner_random(struct owner *owner)
{
    owner->random ^= owner->random << 13;
    owner->random ^= owner->random >> 7;
    owner->random ^= owner->random << 17;
    return owner->random;
}

/* ---- verdicts ---- */

static void verdict_set(struct tip_verdict *verdict, char text[static OWNER_TEXT], uint32_t key, double score)
{
    int n = snprintf(text, OWNER_TEXT, "20.%u.%u.%u", key >> 16 & 255, key >> 8 & 255, key & 255);

    *verdict = (struct tip_verdict){
        .kind = TIP_KIND_IP, .value = text, .value_len = (uint16_t)n, .score = score, .tier = tip_tier_of(score)};
}

static struct tip_event verdict_event(struct owner *owner, struct tip_verdict *verdicts, size_t n)
{
    struct tip_event event = {
        .id = tip_id_new(owner->loop), .kind = TIP_EVENT_VERDICT_CHANGES, .kind_name = "", .depth = 1};

    event.observed_unix_ms = tip_loop_wall_ms();
    event.verdict_changes = (struct tip_verdict_changes){
        .n_verdicts = n, .verdicts = verdicts, .cause_source = "owner", .version = 1, .part = 1};
    return event;
}

/* ---- changes ---- */

/* The keys of one event differ: within it there is no order. */
static int owner_change_some(struct owner *owner, struct tip_outbox_txn *txn, uint32_t n)
{
    struct tip_verdict verdicts[OWNER_EVENT_MAX];
    char texts[OWNER_EVENT_MAX][OWNER_TEXT];
    uint32_t first = (uint32_t)(owner_random(owner) % (owner->n_keys - n + 1));
    struct tip_event event;
    int r = 0;

    for (uint32_t i = 0; !r && i < n; i++) {
        uint32_t key = first + i;
        double score = owner_random(owner) % 4 ? 0.3 + (double)(owner_random(owner) % 700) / 1000 : 0;

        verdict_set(&verdicts[i], texts[i], key, score);
        r = tip_outbox_put(txn, "state", &key, sizeof(key), &score, sizeof(score));
        owner->scores[key] = score; /* a failure ends the process */
    }
    event = verdict_event(owner, verdicts, n);
    return r ? r : tip_outbox_publish(txn, "v1.verdict.changes.list.", TIP_TLP_CLEAR, &event, NULL);
}

static int owner_change(struct owner *owner, uint64_t n)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    int r = tip_outbox_begin(owner->outbox, &txn);

    while (!r && n > 0) {
        uint32_t some = (uint32_t)(1 + owner_random(owner) % OWNER_EVENT_MAX);

        some = some < n ? some : (uint32_t)n;
        r = owner_change_some(owner, txn, some);
        owner->n_changed += some;
        n -= some;
    }
    return r ? r : tip_outbox_commit(&txn);
}

static void owner_fail(struct owner *owner, int r)
{
    (void)fprintf(stderr, "tip_test_owner: %s\n", strerror(-r));
    tip_loop_stop(owner->loop);
}

static void owner_on_tick(void *ctx)
{
    struct owner *owner = ctx;
    uint64_t due = (uint64_t)(tip_loop_now_ms() - owner->started_ms) * owner->rate / 1000;
    uint64_t n = due > owner->n_changed ? due - owner->n_changed : 0;
    int r = 0;

    if (!tip_outbox_has_room(owner->outbox, 8 << 20))
        owner->n_changed = due; /* the broker is away for long: nothing changes meanwhile */
    else if (n > 0)
        r = owner_change(owner, n < 1000 ? n : 1000);
    if (r)
        owner_fail(owner, r);
}

static int owner_load_one(void *ctx, const void *key, size_t key_len, const void *value, size_t value_len)
{
    struct owner *owner = ctx;
    uint32_t number;

    if (key_len != sizeof(number) || value_len != sizeof(double))
        return -EIO;
    memcpy(&number, key, sizeof(number));
    if (number < owner->n_keys)
        memcpy(&owner->scores[number], value, sizeof(double));
    return 0;
}

static int owner_load(struct owner *owner)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    int r = tip_outbox_begin(owner->outbox, &txn);

    if (!r)
        r = tip_outbox_each(txn, "state", owner_load_one, owner);
    return r == -ENOENT ? 0 : r;
}

/* ---- snapshots: the keys in order, while they change ---- */

static int walk_begin(void *ctx, enum tip_tlp audience, void **copyp)
{
    struct owner *owner = ctx;
    struct walk *walk = tip_new(struct walk);

    (void)audience; /* all of it is clear */
    walk->owner = owner;
    walk->a_step = owner->n_keys < 100000 ? 100 : TIP_BATCH_ENTRIES_MAX;
    tip_buf_init(&walk->bytes, TIP_EVENT_BYTES_MAX);
    *copyp = walk;
    return 0;
}

static int walk_step(void *copy, struct tip_snapshot_out *out)
{
    struct walk *walk = copy;
    struct owner *owner = walk->owner;
    struct tip_event event;
    uint32_t n = 0;
    int r;

    if (owner->slow_us)
        (void)usleep((useconds_t)owner->slow_us);
    for (; n < walk->a_step && walk->next < owner->n_keys; walk->next++) {
        if (owner->scores[walk->next] > 0) {
            verdict_set(&walk->verdicts[n], walk->texts[n], walk->next, owner->scores[walk->next]);
            n++;
        }
    }
    if (n == 0)
        return TIP_SNAPSHOT_E_END;
    event = verdict_event(owner, walk->verdicts, n);
    tip_buf_clear(&walk->bytes);
    r = tip_event_encode(&event, &walk->bytes);
    return r ? r : tip_snapshot_add(out, walk->bytes.data, walk->bytes.len);
}

static void walk_end(void *ctx, void *copy)
{
    struct walk *walk = copy;

    (void)ctx;
    tip_buf_deinit(&walk->bytes);
    free(walk);
}

/* ---- the program ---- */

static void owner_on_flushed(void *ctx)
{
    (void)ctx;
    (void)puts("flushed");
    (void)fflush(stdout);
}

static int owner_open_bus(struct owner *owner, char **argv)
{
    const struct tip_outbox_config outbox = {
        .dir = argv[1], .map_bytes = OWNER_MAP_BYTES, .wall_unix_us = tip_loop_wall_us()};
    struct tip_bus_config bus = {.name = "owner", .ingest = argv[2], .fetch = argv[3], .work = argv[4]};
    int r = tip_outbox_open(&owner->outbox, &outbox);

    if (!r)
        r = owner_load(owner);
    bus.outbox = owner->outbox;
    if (!r)
        r = tip_bus_open(&owner->bus, owner->loop, &bus);
    return r ? r : tip_bus_flush(owner->bus, owner_on_flushed, owner);
}

static int owner_run(struct owner *owner, char **argv, struct tip_snapshot_config *config)
{
    char dir[1024];
    int r = owner_open_bus(owner, argv);

    (void)snprintf(dir, sizeof(dir), "%s/snapshots", argv[1]);
    config->stream = "verdict";
    config->dir = dir;
    config->begin = walk_begin;
    config->step = walk_step;
    config->end = walk_end;
    config->ctx = owner;
    if (!r)
        r = tip_snapshots_open(&owner->snapshots, owner->loop, owner->bus, config);
    if (r)
        return r;
    (void)puts("ready");
    (void)fflush(stdout);
    owner->started_ms = tip_loop_now_ms();
    if (owner->rate)
        tip_timer_every(&owner->tick, OWNER_TICK_MS);
    return tip_loop_run(owner->loop);
}

static bool owner_option(struct owner *owner, struct tip_snapshot_config *config, const char *text)
{
    const char *value = strchr(text, '=');
    size_t n = value ? (size_t)(value - text) : 0;
    int64_t number = value ? strtoll(value + 1, NULL, 10) : 0;

    if (n == 7 && memcmp(text, "slow_us", n) == 0)
        owner->slow_us = number;
    else if (n == 8 && memcmp(text, "young_ms", n) == 0)
        config->young_ms = number;
    else if (n == 9 && memcmp(text, "bytes_max", n) == 0)
        config->bytes_max = (uint64_t)number;
    else if (n == 4 && memcmp(text, "seed", n) == 0)
        owner->random = (uint64_t)number * 2 + 1;
    else if (n == 4 && memcmp(text, "fill", n) == 0)
        for (uint32_t i = 0; i < owner->n_keys; i++)
            owner->scores[i] = 0.3 + (double)(i % 700) / 1000;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct tip_snapshot_config config = {0};
    struct owner owner = {.random = 1};
    int r;

    if (argc < 7)
        return 2;
    tip_log_init("owner");
    owner.n_keys = (uint32_t)strtoul(argv[5], NULL, 10);
    owner.rate = (uint32_t)strtoul(argv[6], NULL, 10);
    if (owner.n_keys < OWNER_EVENT_MAX)
        return 2;
    owner.scores = tip_new_array(owner.n_keys, double);
    for (int i = 7; i < argc; i++) {
        if (!owner_option(&owner, &config, argv[i]))
            return 2;
    }
    owner.loop = tip_loop_new();
    tip_timer_init(&owner.tick, owner.loop, owner_on_tick, &owner);
    r = owner_run(&owner, argv, &config);
    if (r)
        (void)fprintf(stderr, "tip_test_owner: %s\n", strerror(-r));
    tip_snapshots_destroy(&owner.snapshots);
    tip_timer_deinit(&owner.tick);
    tip_bus_destroy(&owner.bus);
    tip_outbox_destroy(&owner.outbox);
    tip_loop_destroy(&owner.loop);
    free(owner.scores);
    return r ? 1 : 0;
}
