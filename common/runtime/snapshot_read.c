/*
 * The reader's side. Pages come in any order and are taken in order: into the digest and into a file without a name.
 * When all of them are there and the digest is right, the events are cut out of the file and handed over.
 *
 *     FIRST      page 0 is asked for, of a new snapshot or of the one that is known
 *     PAGES      a window of pages is in flight
 *     EVENTS     the file is right: it is read back, a page a turn
 *
 * Whatever goes wrong on the way is asked again until the deadline. A snapshot that is gone, or whose pages do not
 * agree, is begun anew; one with a wrong digest too, and then another one is asked for.
 */
#include <tip/snapshot.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/log.h>
#include <tip/utf8.h>
#include <topics.h>

#include "snapshot_file.h"

enum {
    READ_WINDOW = 8,
    READ_FIRST_MS = 5000, /* for an answer that may have to be taken first; asked again, it joins */
    READ_PAGE_MS = 2000,  /* who has it in hand may be dead */
    READ_RETRY_MS = 100,
    READ_SPOILED_MAX = 3
};

static const uint64_t read_bytes_max = UINT64_C(1) << 30;

enum read_state { READ_FIRST, READ_PAGES, READ_EVENTS };

enum slot_state {
    SLOT_FREE,
    SLOT_ASKED,
    SLOT_FAILED, /* asked again with the next tick */
    SLOT_HELD    /* its page waits for those before it */
};

struct slot {
    struct tip_snapshot_reader *reader;
    enum slot_state state;
    uint32_t number;
    struct tip_id call_id;
    struct tip_snapshot_page *page;
};

struct tip_snapshot_reader {
    struct tip_loop *loop;
    struct tip_bus *bus;
    struct tip_snapshot_read_config config;
    char queue[TIP_NAME_MAX + 1];
    enum read_state state;
    struct slot slots[READ_WINDOW]; /* of page n: n % READ_WINDOW */
    uint32_t next_ask, next_take, n_pages;
    struct tip_id snapshot_id; /* known since its page 0 came */
    bool has_spool;
    struct snapshot_spool spool;
    struct snapshot_cut cut;
    uint64_t handed; /* bytes of the file */
    int64_t until_ms;
    unsigned n_spoiled;
    enum tip_failure failure; /* the last one, and why */
    char why[160];
    struct tip_timer timer;
};

static void read_ask_more(struct tip_snapshot_reader *reader);

/* ---- the end ---- */

static void read_slots_clear(struct tip_snapshot_reader *reader)
{
    for (size_t i = 0; i < READ_WINDOW; i++) {
        struct slot *slot = &reader->slots[i];

        if (slot->state == SLOT_ASKED)
            tip_call_cancel(reader->bus, &slot->call_id);
        tip_call_free(&slot->page);
        slot->state = SLOT_FREE;
    }
}

static struct tip_snapshot_end read_said(const struct tip_snapshot_reader *reader, int result)
{
    return (struct tip_snapshot_end){.result = result,
                                     .failure = reader->failure,
                                     .why = result && !*reader->why ? strerror(-result) : reader->why,
                                     .snapshot_id = reader->snapshot_id,
                                     .journal_id = reader->spool.meta.journal_id,
                                     .seq = reader->spool.meta.seq,
                                     .size = reader->spool.meta.size,
                                     .n_events = reader->cut.n_events,
                                     .taken_unix_ms = reader->spool.meta.taken_unix_ms};
}

static void read_end(struct tip_snapshot_reader *reader, int result)
{
    const struct tip_snapshot_end end = read_said(reader, result);

    read_slots_clear(reader);
    tip_timer_stop(&reader->timer);
    reader->config.on_end(reader->config.ctx, &end); /* may be the end of reader */
}

static void read_end_because(struct tip_snapshot_reader *reader, int result, const char *why)
{
    (void)tip_utf8_copy(reader->why, sizeof(reader->why), why, strlen(why)); /* cut at its room */
    read_end(reader, result);
}

/* ---- beginning anew ---- */

static void read_forget(struct tip_snapshot_reader *reader)
{
    read_slots_clear(reader);
    if (reader->has_spool)
        snapshot_spool_deinit(&reader->spool);
    reader->has_spool = false;
    reader->snapshot_id = (struct tip_id){0};
    reader->state = READ_FIRST;
    reader->next_ask = reader->next_take = 0;
    reader->n_pages = 1; /* page 0 will tell */
}

/* With the next tick, so that an owner with nothing but damaged files is not asked without a pause. */
static void read_anew(struct tip_snapshot_reader *reader, const char *why)
{
    tip_warn("snapshot.anew", "queue=%s why=%s", reader->queue, why);
    read_forget(reader);
}

/* The file is not what it says: another one is wanted, but not for ever. */
static void read_spoiled(struct tip_snapshot_reader *reader, const char *why)
{
    reader->config.other_than = reader->snapshot_id;
    if (++reader->n_spoiled == READ_SPOILED_MAX)
        read_end_because(reader, -EBADMSG, why);
    else
        read_anew(reader, why);
}

/* ---- events ---- */

static int read_hand_over(struct tip_snapshot_reader *reader)
{
    tip_auto(tip_free) uint8_t *bytes = malloc(TIP_SNAPSHOT_PAGE_BYTES);
    uint64_t left = reader->spool.size - reader->handed;
    size_t n = left < TIP_SNAPSHOT_PAGE_BYTES ? (size_t)left : TIP_SNAPSHOT_PAGE_BYTES;
    ssize_t done = bytes ? pread(reader->spool.fd, bytes, n, (off_t)reader->handed) : -1;

    if (done == -1)
        return bytes ? -errno : -ENOMEM;
    if (done == 0)
        return -EIO;
    reader->handed += (uint64_t)done;
    return snapshot_cut_feed(&reader->cut, bytes, (size_t)done, reader->config.on_event, reader->config.ctx);
}

static void read_turn(void *ctx)
{
    struct tip_snapshot_reader *reader = ctx;
    int r = 0;

    if (reader->handed < reader->spool.size) {
        r = read_hand_over(reader);
        if (!r)
            tip_loop_defer(reader->loop, read_turn, reader);
    } else {
        r = snapshot_cut_end(&reader->cut);
        if (!r)
            read_end(reader, 0);
    }
    if (r == SNAPSHOT_E_DAMAGED) /* its digest was right: its owner wrote it so */
        read_end_because(reader, -EBADMSG, "the snapshot is not cut into events");
    else if (r)
        read_end(reader, r);
}

static void read_all_there(struct tip_snapshot_reader *reader)
{
    struct tip_snapshot_end said;

    if (snapshot_spool_check(&reader->spool)) {
        read_spoiled(reader, "the snapshot's digest is wrong");
        return;
    }
    reader->state = READ_EVENTS;
    reader->failure = TIP_FAILURE_NONE;
    reader->why[0] = '\0';
    tip_timer_stop(&reader->timer);
    tip_loop_defer(reader->loop, read_turn, reader);
    said = read_said(reader, 0);
    if (reader->config.on_begin)
        reader->config.on_begin(reader->config.ctx, &said); /* may be the end of reader */
}

/* ---- pages ---- */

/* What page 0 says of the file. @return 0, or what ends the reading */
static int read_first(struct tip_snapshot_reader *reader, const struct tip_snapshot_page *page)
{
    int r;

    if (page->size > reader->config.bytes_max)
        return -EFBIG;
    r = snapshot_spool_init(&reader->spool, reader->config.spool_dir, page);
    if (r)
        return r;
    reader->has_spool = true;
    reader->snapshot_id = page->snapshot_id;
    reader->n_pages = page->n_pages;
    reader->state = READ_PAGES;
    return 0;
}

/* Takes what has come in order. @return 0, SNAPSHOT_E_DAMAGED, or what ends the reading */
static int read_take(struct tip_snapshot_reader *reader)
{
    struct slot *slot = &reader->slots[reader->next_take % READ_WINDOW];
    int r = 0;

    while (!r && reader->next_take < reader->n_pages && slot->state == SLOT_HELD) {
        r = snapshot_spool_add(&reader->spool, slot->page);
        tip_call_free(&slot->page);
        slot->state = SLOT_FREE;
        slot = &reader->slots[++reader->next_take % READ_WINDOW];
    }
    return r;
}

static void read_on_page(struct tip_snapshot_reader *reader, struct slot *slot)
{
    int r = 0;

    if (slot->page->page != slot->number)
        r = SNAPSHOT_E_DAMAGED;
    else if (reader->state == READ_FIRST)
        r = read_first(reader, slot->page);
    slot->state = SLOT_HELD;
    if (!r && reader->n_pages > 0)
        r = read_take(reader);
    if (r == SNAPSHOT_E_DAMAGED)
        read_spoiled(reader, "the snapshot's pages do not agree");
    else if (r)
        read_end(reader, r);
    else if (reader->next_take >= reader->n_pages)
        read_all_there(reader);
    else
        read_ask_more(reader);
}

/* ---- asking ---- */

static void read_failed(struct tip_snapshot_reader *reader, struct slot *slot, enum tip_failure failure,
                        const char *reason)
{
    reader->failure = failure;
    (void)tip_utf8_copy(reader->why, sizeof(reader->why), reason, strlen(reason)); /* cut at its room */
    slot->state = SLOT_FAILED;
    if (failure == TIP_FAILURE_NOT_FOUND)
        read_anew(reader, reason);
    else if (failure == TIP_FAILURE_REFUSED || failure == TIP_FAILURE_INVALID)
        read_end(reader, -EACCES);
}

static void read_on_answer(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n)
{
    struct slot *slot = ctx;
    struct tip_snapshot_reader *reader = slot->reader;

    slot->state = SLOT_FAILED;
    if (failure != TIP_FAILURE_NONE)
        read_failed(reader, slot, failure, reason);
    else if (tip_snapshot_page_decode(body, n, &slot->page))
        read_spoiled(reader, "an answer is no page");
    else
        read_on_page(reader, slot);
}

static int64_t read_patience_ms(const struct tip_snapshot_reader *reader)
{
    int64_t left_ms = reader->until_ms - tip_loop_now_ms();
    int64_t patience_ms = reader->state == READ_FIRST ? READ_FIRST_MS : READ_PAGE_MS;

    if (left_ms < 1)
        return 1;
    return left_ms < patience_ms ? left_ms : patience_ms;
}

static void read_ask(struct tip_snapshot_reader *reader, struct slot *slot)
{
    struct tip_snapshot_request request = {.snapshot_id = reader->snapshot_id, .page = slot->number};
    tip_auto(tip_buf_deinit) struct tip_buf body;
    int r;

    if (reader->state == READ_FIRST)
        request.other_than = reader->config.other_than;
    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    slot->call_id = tip_id_random();
    r = tip_snapshot_request_encode(&request, &body);
    if (!r)
        r = tip_call(reader->bus, &slot->call_id, reader->queue, body.data, body.len,
                     (uint64_t)read_patience_ms(reader), read_on_answer, slot);
    slot->state = r ? SLOT_FAILED : SLOT_ASKED;
}

/* Fills the window. */
static void read_ask_more(struct tip_snapshot_reader *reader)
{
    while (reader->next_ask < reader->n_pages && reader->next_ask < reader->next_take + READ_WINDOW) {
        struct slot *slot = &reader->slots[reader->next_ask % READ_WINDOW];

        slot->number = reader->next_ask++;
        read_ask(reader, slot);
    }
}

/* What failed is asked again; also what was begun anew begins here. */
static void read_on_tick(void *ctx)
{
    struct tip_snapshot_reader *reader = ctx;

    if (tip_loop_now_ms() >= reader->until_ms) {
        if (reader->failure == TIP_FAILURE_NONE)
            reader->failure = TIP_FAILURE_UNAVAILABLE;
        read_end(reader, -ETIMEDOUT);
        return;
    }
    for (size_t i = 0; i < READ_WINDOW; i++) {
        if (reader->slots[i].state == SLOT_FAILED)
            read_ask(reader, &reader->slots[i]);
    }
    read_ask_more(reader);
}

/* ---- beginning and end ---- */

static int read_queue(struct tip_snapshot_reader *reader, const struct tip_snapshot_read_config *config)
{
    int n = snprintf(reader->queue, sizeof(reader->queue), "%s%s.%s", TIP_QUEUE_SNAPSHOT, config->stream,
                     tip_tlp_name(config->audience));

    if (n < 0 || (size_t)n >= sizeof(reader->queue) || config->audience <= TIP_TLP_NONE ||
        config->audience >= TIP_TLP_COUNT || strlen(config->stream) > TIP_SNAPSHOT_STREAM_MAX)
        return -EINVAL;
    return 0;
}

int tip_snapshot_read(struct tip_snapshot_reader **readerp, struct tip_loop *loop, struct tip_bus *bus,
                      const struct tip_snapshot_read_config *config)
{
    tip_auto(tip_snapshot_reader_destroy) struct tip_snapshot_reader *reader = tip_new(struct tip_snapshot_reader);
    int r;

    reader->loop = loop;
    reader->bus = bus;
    reader->config = *config;
    reader->config.bytes_max = config->bytes_max ? config->bytes_max : read_bytes_max;
    reader->until_ms = tip_loop_now_ms() + (int64_t)config->deadline_ms;
    for (size_t i = 0; i < READ_WINDOW; i++)
        reader->slots[i].reader = reader;
    snapshot_cut_init(&reader->cut);
    tip_timer_init(&reader->timer, loop, read_on_tick, reader);
    r = sodium_init() == -1 ? -EIO : read_queue(reader, config);
    if (r)
        return r;
    read_forget(reader);
    tip_timer_every(&reader->timer, READ_RETRY_MS);
    read_ask_more(reader);
    *readerp = tip_take(reader);
    return 0;
}

void tip_snapshot_reader_destroy(struct tip_snapshot_reader **readerp)
{
    struct tip_snapshot_reader *reader = *readerp;

    if (!reader)
        return;
    tip_loop_defer_cancel(reader->loop, reader);
    read_slots_clear(reader);
    if (reader->has_spool)
        snapshot_spool_deinit(&reader->spool);
    snapshot_cut_deinit(&reader->cut);
    tip_timer_deinit(&reader->timer);
    free(reader);
    *readerp = NULL;
}
