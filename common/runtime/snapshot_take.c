#include "snapshot_take.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/log.h>

enum {
    TAKE_PROBE_MS = 5000,          /* for the broker to say where the journal ends */
    TAKE_PROBE_BYTES = 256 * 1024, /* of the one record that comes with it */
    TAKE_TURN_MS = 5,              /* of steps on the loop */
    TAKE_WRITE_BYTES = 256 * 1024, /* are worth a write */
    TAKE_BUFFER_BYTES = TAKE_WRITE_BYTES + TIP_SNAPSHOT_STEP_BYTES
};

struct tip_snapshot_out {
    struct tip_buf bytes;
};

struct snapshot_take {
    struct snapshot_take_order order;
    struct snapshot_meta oldest;
    struct tip_fetch *probe;
    struct tip_timer timer; /* the probe's patience */
    struct snapshot_meta meta;
    struct snapshot_writer writer; /* a pool's while it has a job */
    struct tip_snapshot_out out;   /* likewise */
    void *copy;
    bool is_copying; /* begin was called, end was not */
    bool is_last;    /* the copy is whole: what is in `out` is the rest of it */
};

/** What a pool gets: it works on the take alone until it is done. */
struct take_job {
    struct snapshot_take *take;
    int result;
};

int tip_snapshot_add(struct tip_snapshot_out *out, const uint8_t *event, size_t n)
{
    uint8_t head[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
    int r;

    if (n > TIP_EVENT_BYTES_MAX)
        return -EMSGSIZE;
    r = tip_buf_reserve(&out->bytes, sizeof(head) + n);
    if (!r)
        r = tip_buf_append(&out->bytes, head, sizeof(head));
    return r ? r : tip_buf_append(&out->bytes, event, n);
}

static void take_end_copy(struct snapshot_take *take)
{
    if (take->is_copying)
        take->order.config->end(take->order.config->ctx, take->copy);
    take->is_copying = false;
}

static void take_end(struct snapshot_take *take, int result)
{
    take_end_copy(take);
    take->order.on_end(take->order.ctx, result, &take->writer.meta); /* may be the end of take */
}

/* ---- in a pool ---- */

static int take_write(struct snapshot_take *take)
{
    int r = snapshot_writer_put(&take->writer, take->out.bytes.data, take->out.bytes.len);

    tip_buf_clear(&take->out.bytes);
    return r;
}

static int take_finish(struct snapshot_take *take)
{
    int r = take->out.bytes.len ? take_write(take) : 0;

    if (!r)
        r = snapshot_writer_finish(&take->writer);
    if (!r && !tip_id_is_zero(&take->oldest.id))
        snapshot_remove(take->order.place, &take->oldest);
    return r;
}

/* What was copied in one turn of the loop, or the rest of it. */
static void take_write_work(void *arg)
{
    struct take_job *job = arg;

    job->result = job->take->is_last ? take_finish(job->take) : take_write(job->take);
}

/* The whole copy. */
static void take_copy_work(void *arg)
{
    struct take_job *job = arg;
    struct snapshot_take *take = job->take;
    int r = 0;

    while (!r) {
        r = take->order.config->step(take->copy, &take->out);
        if (!r && take->out.bytes.len >= TAKE_WRITE_BYTES)
            r = take_write(take);
    }
    job->result = r == TIP_SNAPSHOT_E_END ? take_finish(take) : r;
    take->is_last = true;
}

/* ---- on the loop ---- */

static void take_turn(void *ctx);

static void take_on_job(void *ctx, void *arg)
{
    struct snapshot_take *take = ctx;
    const struct take_job *job = arg;

    if (job->result || take->is_last)
        take_end(take, job->result);
    else
        tip_loop_defer(take->order.loop, take_turn, take);
}

static void take_submit(struct snapshot_take *take, struct tip_pool *pool, void (*work)(void *job))
{
    struct take_job job = {.take = take};
    int r = tip_pool_submit(
        pool,
        &(struct tip_pool_job){.input = &job, .size = sizeof(job), .work = work, .done = take_on_job, .ctx = take});

    if (r)
        take_end(take, r);
}

/* Some steps; what they add goes to the disk by way of the pool before the next ones. */
static void take_turn(void *ctx)
{
    struct snapshot_take *take = ctx;
    int64_t until_ms = tip_loop_now_ms() + TAKE_TURN_MS;
    int r = 0;

    while (!r && take->out.bytes.len < TAKE_WRITE_BYTES && tip_loop_now_ms() < until_ms)
        r = take->order.config->step(take->copy, &take->out);
    take->is_last = r == TIP_SNAPSHOT_E_END;
    if (r < 0)
        take_end(take, r);
    else if (take->is_last || take->out.bytes.len >= TAKE_WRITE_BYTES)
        take_submit(take, take->order.writers, take_write_work);
    else
        tip_loop_defer(take->order.loop, take_turn, take);
}

static void take_begin(struct snapshot_take *take, const struct tip_id *journal_id, uint64_t head_seq)
{
    const struct tip_snapshot_config *config = take->order.config;
    int r;

    take->meta = (struct snapshot_meta){.tlp = take->order.tlp,
                                        .id = tip_id_random(),
                                        .journal_id = *journal_id,
                                        .seq = head_seq,
                                        .taken_unix_ms = tip_loop_wall_ms()};
    snapshot_writer_init(&take->writer, take->order.place, &take->meta, config->bytes_max);
    r = config->begin(config->ctx, take->order.tlp, &take->copy);
    if (r) {
        take_end(take, r);
        return;
    }
    take->is_copying = true;
    if (config->pool)
        take_submit(take, config->pool, take_copy_work);
    else
        take_turn(take);
}

/* ---- the end of the journal ---- */

static void take_probe_end(struct snapshot_take *take)
{
    tip_fetch_destroy(&take->probe);
    tip_timer_stop(&take->timer);
}

/* An empty journal is answered too, for the first FETCH names no journal. */
static void take_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct snapshot_take *take = ctx;
    struct tip_id journal_id = batch->journal_id;
    uint64_t head_seq = batch->head_seq;

    take_probe_end(take);
    take_begin(take, &journal_id, head_seq);
}

static void take_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    struct snapshot_take *take = ctx;

    (void)why; /* the journal begins with what is damaged, or is being trimmed */
    tip_fetch_done(take->probe, journal_id, next_seq);
}

static void take_on_patience(void *ctx)
{
    struct snapshot_take *take = ctx;

    take_probe_end(take);
    take_end(take, -ETIMEDOUT);
}

int snapshot_take_open(struct snapshot_take **takep, const struct snapshot_take_order *order)
{
    tip_auto(snapshot_take_destroy) struct snapshot_take *take = tip_new(struct snapshot_take);
    const struct tip_fetch_config probe = {.max_bytes = TAKE_PROBE_BYTES,
                                           .max_events = 1,
                                           .max_wait_ms = 1,
                                           .on_batch = take_on_batch,
                                           .on_break = take_on_break,
                                           .ctx = take};
    int r;

    take->order = *order;
    if (order->oldest)
        take->oldest = *order->oldest;
    take->writer.fd = -1;
    take->writer.is_finished = true; /* there is nothing to remove */
    tip_buf_init(&take->out.bytes, TAKE_BUFFER_BYTES);
    tip_timer_init(&take->timer, order->loop, take_on_patience, take);
    r = tip_fetch_open(&take->probe, order->bus, &probe);
    if (r)
        return r;
    tip_timer_start(&take->timer, TAKE_PROBE_MS);
    *takep = tip_take(take);
    return 0;
}

void snapshot_take_destroy(struct snapshot_take **takep)
{
    struct snapshot_take *take = *takep;

    if (!take)
        return;
    tip_loop_defer_cancel(take->order.loop, take);
    take_end_copy(take);
    tip_fetch_destroy(&take->probe);
    tip_timer_deinit(&take->timer);
    snapshot_writer_deinit(&take->writer);
    tip_buf_deinit(&take->out.bytes);
    free(take);
    *takep = NULL;
}
