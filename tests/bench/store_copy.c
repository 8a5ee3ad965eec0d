/* COPY alone: the rows of our own tables, and one row an entry into tables that bench_storage.py makes. */
#include "store_load.h"

#include <tip/event.h>

#include "codec.h"

enum { COPY_COLUMNS = 15, COPY_PLACE_COLUMNS = 3, COPY_BUF_BYTES = 1 << 20 };

#define COPY_LISTING                                                                                         \
    "ikey, source_id, kind, value, net, flags, listed, first_seen, listed_at, last_seen, n_times, version, " \
    "line, mark, raw) from stdin (format binary)"

struct copy {
    const char *sql;
    bool events; /* also the event rows, as storage writes them */
    bool placed; /* each row begins with its place in the journal */
};

static const uint8_t copy_key[16];

static void copy_row(struct store_out *out, const struct copy *copy, const struct store_listing *listing)
{
    store_copy_row(out, COPY_COLUMNS + (copy->placed ? COPY_PLACE_COLUMNS : 0));
    if (copy->placed) {
        store_put_time_ms(out, listing->first_unix_ms);
        store_put_int2(out, 1);
        store_put_int8(out, (int64_t)listing->line);
    }
    store_put_int8(out, (int64_t)listing->key.ikey);
    store_put_int4(out, 1);
    store_put_int2(out, listing->key.kind);
    store_put_bytes(out, listing->key.value, listing->key.value_len);
    store_put_inet(out, &listing->key.net);
    store_put_int4(out, 0);
    store_put_bool(out, true);
    for (int i = 0; i < 3; i++)
        store_put_time_ms(out, listing->first_unix_ms);
    store_put_int4(out, 1);
    store_put_count(out, listing->version);
    store_put_count(out, listing->line);
    store_put_int4(out, 1);
    store_put_bytes(out, listing->raw, listing->raw_len);
}

static int copy_entries(struct store_load *load, const struct copy *copy, const struct tip_event *event)
{
    static struct store_listing listings[STORE_LOAD_ENTRIES];
    uint64_t clamped = 0;
    struct store_codec_context context = {.ikey_key = copy_key, .clampedp = &clamped};
    tip_auto(store_out_deinit) struct store_out out;

    context.commit_unix_us = event->observed_unix_ms * 1000;
    store_codec_listings(event, &context, listings);
    store_out_init(&out, COPY_BUF_BYTES);
    for (size_t i = 0; i < STORE_LOAD_ENTRIES; i++)
        copy_row(&out, copy, &listings[i]);
    return out.error ? out.error : store_db_copy_put(load->db, out.buf.data, out.buf.len);
}

static int copy_edge(struct store_load *load, void (*put)(struct store_out *out))
{
    tip_auto(store_out_deinit) struct store_out out;

    store_out_init(&out, 64);
    put(&out);
    return store_db_copy_put(load->db, out.buf.data, out.buf.len);
}

static int copy_events(struct store_load *load, const struct store_batch *batch, struct tip_event *const *events)
{
    int r = store_events_begin(&load->rows);

    for (size_t i = 0; !r && i < batch->n_records; i++)
        r = store_events_put(&load->rows, 1, &batch->records[i], events[i], events[i]->observed_unix_ms);
    return r ? r : store_events_end(&load->rows);
}

static int copy_transaction(struct store_load *load, const struct copy *copy, const struct store_batch *batch,
                            struct tip_event *const *events)
{
    int r = store_db_script(load->db, "begin");

    if (!r && copy->events)
        r = copy_events(load, batch, events);
    r = r ? r : store_db_copy_begin(load->db, copy->sql);
    r = r ? r : copy_edge(load, store_copy_begin);
    for (size_t i = 0; !r && i < batch->n_records; i++)
        r = copy_entries(load, copy, events[i]);
    r = r ? r : copy_edge(load, store_copy_end);
    r = r ? r : store_db_copy_end(load->db);
    return r ? r : store_db_script(load->db, "commit");
}

/* Decoding is not part of it. */
static void copy_batch(struct store_load *load, const struct copy *copy, const struct store_batch *batch)
{
    struct tip_event *events[STORE_LOAD_PARTS];
    double began_s;
    int r;

    for (size_t i = 0; i < batch->n_records; i++) {
        r = tip_event_decode(batch->records[i].event, batch->records[i].event_len, &events[i], NULL);
        store_load_need(!r, "decode");
    }
    began_s = store_load_now_s();
    r = copy_transaction(load, copy, batch, events);
    load->took_s += store_load_now_s() - began_s;
    store_load_need(!r, store_db_why(load->db));
    for (size_t i = 0; i < batch->n_records; i++)
        tip_event_destroy(&events[i]);
}

void store_load_copy(struct store_load *load, const struct store_batch *batch)
{
    static const struct copy copy = {"copy tip.listing (" COPY_LISTING, .events = true};

    copy_batch(load, &copy, batch);
}

void store_load_hot(struct store_load *load, const struct store_batch *batch)
{
    static const struct copy copy = {"copy bench.hot (commit_time, journal, seq, " COPY_LISTING, .placed = true};

    copy_batch(load, &copy, batch);
}

void store_load_indexed(struct store_load *load, const struct store_batch *batch)
{
    static const struct copy copy = {"copy bench.indexed (commit_time, journal, seq, " COPY_LISTING, .placed = true};

    copy_batch(load, &copy, batch);
}
