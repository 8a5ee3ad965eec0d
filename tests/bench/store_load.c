/*
 * Entries of lists into PostgreSQL, three ways: store_load CONNINFO whole|copy|single ENTRIES
 *
 * whole: what tip-storage does with a batch, from event bytes to commit. copy: the same rows of the same tables by COPY
 * alone, with neither decoding nor conflicts. single: an event row and an upsert, one entry a commit.
 * Prints seconds and entries as JSON. The tables are expected to be empty and the schema to be there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tip/alloc.h>
#include <tip/event.h>

#include "batch.h"
#include "codec.h"
#include "io/db.h"
#include "io/rows.h"
#include "writer.h"

enum { PART_ENTRIES = 1000, BATCH_PARTS = 60 };

static const uint8_t load_key[16];

static double load_now_s(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void load_need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "store_load: %s\n", what);
        exit(1);
    }
}

/* ---- a list of distinct addresses, as parts of one baseline ---- */

struct load_part {
    struct tip_listing_entry entries[PART_ENTRIES];
    char values[PART_ENTRIES][TIP_ADDR_TEXT];
    char raws[PART_ENTRIES][64];
    struct tip_event event;
};

/* Odd multipliers permute the 32-bit numbers: no two entries are equal. */
static uint32_t load_address(uint32_t i)
{
    return i * 2654435761u;
}

static void load_part_fill(struct load_part *part, uint32_t number, uint32_t n_parts)
{
    part->event = (struct tip_event){.id = {{1}}, .kind = TIP_EVENT_LISTING_BASELINE, .kind_name = ""};
    part->event.observed_unix_ms = (int64_t)time(NULL) * 1000;
    part->event.listing_baseline = (struct tip_listing_baseline){
        .source = "bench", .stream = {{1}}, .baseline_id = {{2}}, .version = 1, .part = number + 1, .n_parts = n_parts};
    part->event.listing_baseline.fetched_unix_ms = part->event.observed_unix_ms;
    part->event.listing_baseline.entries = part->entries;
    part->event.listing_baseline.n_entries = PART_ENTRIES;
    for (uint32_t i = 0; i < PART_ENTRIES; i++) {
        struct tip_addr addr = tip_addr_from4(load_address(number * PART_ENTRIES + i));
        size_t len = tip_addr_format(&addr, part->values[i]);
        int raw_len = snprintf(part->raws[i], sizeof(part->raws[i]), "%s # seen", part->values[i]);

        part->entries[i] = (struct tip_listing_entry){.kind = TIP_KIND_IP,
                                                      .value = part->values[i],
                                                      .value_len = (uint16_t)len,
                                                      .raw = (const uint8_t *)part->raws[i],
                                                      .raw_len = (uint16_t)raw_len,
                                                      .line = number * PART_ENTRIES + i + 1};
    }
}

/* A batch as it comes from the bus: parts first .. first + n of n_parts. */
static struct store_batch *load_batch(uint32_t first, uint32_t n, uint32_t n_parts, const struct store_position *from)
{
    static struct load_part part;
    struct tip_record *records = tip_new_array(n, struct tip_record);
    struct tip_buf *bytes = tip_new_array(n, struct tip_buf);
    struct tip_fetch_batch fetched = {.journal_id = {{9}}, .next_seq = first + n + 1, .n_records = n};
    struct store_batch *batch;

    for (uint32_t i = 0; i < n; i++) {
        load_part_fill(&part, first + i, n_parts);
        tip_buf_init(&bytes[i], TIP_EVENT_BYTES_MAX);
        load_need(!tip_event_encode(&part.event, &bytes[i]), "cannot encode");
        records[i] = (struct tip_record){.event = bytes[i].data, .event_len = bytes[i].len};
        records[i].stamp = (struct tip_stamp){.seq = first + i + 1,
                                              .tlp = TIP_TLP_AMBER,
                                              .publisher = "blacklist",
                                              .topic = "v1.listing.baseline.bench."};
        records[i].stamp.commit_unix_us = part.event.observed_unix_ms * 1000;
    }
    fetched.records = records;
    batch = store_batch_new(&fetched, from);
    for (uint32_t i = 0; i < n; i++)
        tip_buf_deinit(&bytes[i]);
    free(bytes);
    free(records);
    return batch;
}

/* ---- the three ways; each gets a batch and takes its time ---- */

struct load {
    struct store_writer *writer;
    struct store_db *db;
    struct store_rows rows;
    double took_s;
};

static void load_whole(struct load *load, const struct store_batch *batch)
{
    struct store_outcome outcome;
    double began_s = load_now_s();

    store_writer_batch(load->writer, batch, &outcome);
    load->took_s += load_now_s() - began_s;
    load_need(outcome.end == STORE_END_DONE && !outcome.counts.rejects, outcome.why);
}

static const char copy_sql[] = "copy tip.listing (ikey, source_id, kind, value, net, flags, listed, first_seen, "
                               "listed_at, last_seen, n_times, version, line, mark, raw) from stdin (format binary)";

static void copy_row(struct store_out *out, const struct store_listing *listing)
{
    store_copy_row(out, 15);
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

static int copy_listings(struct load *load, const struct tip_event *event)
{
    static struct store_listing listings[PART_ENTRIES];
    uint64_t clamped = 0;
    struct store_codec_context context = {.ikey_key = load_key, .clampedp = &clamped};
    tip_auto(store_out_deinit) struct store_out out;

    context.commit_unix_us = event->observed_unix_ms * 1000;
    store_codec_listings(event, &context, listings);
    store_out_init(&out, 1 << 20);
    for (size_t i = 0; i < PART_ENTRIES; i++)
        copy_row(&out, &listings[i]);
    return out.error ? out.error : store_db_copy_put(load->db, out.buf.data, out.buf.len);
}

static void load_copy(struct load *load, const struct store_batch *batch)
{
    struct tip_event *events[BATCH_PARTS];
    tip_auto(store_out_deinit) struct store_out out;
    double began_s;
    int r;

    for (size_t i = 0; i < batch->n_records; i++)
        load_need(!tip_event_decode(batch->records[i].event, batch->records[i].event_len, &events[i], NULL), "decode");
    store_out_init(&out, 64);
    began_s = load_now_s();
    r = store_db_script(load->db, "begin");
    r = r ? r : store_events_begin(&load->rows);
    for (size_t i = 0; !r && i < batch->n_records; i++)
        r = store_events_put(&load->rows, 1, &batch->records[i], events[i], events[i]->observed_unix_ms);
    r = r ? r : store_events_end(&load->rows);
    r = r ? r : store_db_copy_begin(load->db, copy_sql);
    store_copy_begin(&out);
    r = r ? r : store_db_copy_put(load->db, out.buf.data, out.buf.len);
    for (size_t i = 0; !r && i < batch->n_records; i++)
        r = copy_listings(load, events[i]);
    store_out_clear(&out);
    store_copy_end(&out);
    r = r ? r : store_db_copy_put(load->db, out.buf.data, out.buf.len);
    r = r ? r : store_db_copy_end(load->db);
    r = r ? r : store_db_script(load->db, "commit");
    load->took_s += load_now_s() - began_s;
    load_need(!r, store_db_why(load->db));
    for (size_t i = 0; i < batch->n_records; i++)
        tip_event_destroy(&events[i]);
}

static const char single_sql_event[] =
    "insert into tip.event (commit_time, journal, seq, tlp, topic, kind, publisher, observed_at, bytes) "
    "values (now(), 1, $1::bigint, 3, 'v1.listing.delta.bench.', 'listing.delta', 'blacklist', now(), $2)";
static const char single_sql_listing[] =
    "insert into tip.listing as l (ikey, source_id, kind, value, net, flags, listed, first_seen, listed_at, last_seen, "
    "n_times, version, line, mark, raw) values ($1::bigint, 1, 1, $2, $3::inet, 0, true, now(), now(), now(), 1, 1, "
    "$4::bigint, 1, $5) on conflict (ikey, source_id, kind, value) do update set last_seen = excluded.last_seen";

static int single_entry(struct load *load, const struct tip_listing_entry *entry)
{
    struct store_args event = {.n = 0}, listing = {.n = 0};
    int r;

    store_arg_int(&event, (int64_t)entry->line);
    store_arg_binary(&event, entry->raw, entry->raw_len);
    store_arg_int(&listing, (int64_t)tip_ikey(load_key, entry->kind, entry->value, entry->value_len));
    store_arg_text(&listing, entry->value);
    store_arg_text(&listing, entry->value);
    store_arg_int(&listing, (int64_t)entry->line);
    store_arg_binary(&listing, entry->raw, entry->raw_len);
    r = store_db_script(load->db, "begin");
    r = r ? r : store_db_run(load->db, single_sql_event, &event, NULL);
    r = r ? r : store_db_run(load->db, single_sql_listing, &listing, NULL);
    return r ? r : store_db_script(load->db, "commit");
}

static void load_single(struct load *load, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->n_records; i++) {
        struct tip_event *event;
        double began_s;
        int r = tip_event_decode(batch->records[i].event, batch->records[i].event_len, &event, NULL);

        load_need(!r, "decode");
        began_s = load_now_s();
        for (size_t j = 0; !r && j < PART_ENTRIES; j++)
            r = single_entry(load, &event->listing_baseline.entries[j]);
        load->took_s += load_now_s() - began_s;
        load_need(!r, store_db_why(load->db));
        tip_event_destroy(&event);
    }
}

typedef void load_fn(struct load *load, const struct store_batch *batch);

static const struct {
    const char *name;
    load_fn *fn;
} load_ways[] = {{"whole", load_whole}, {"copy", load_copy}, {"single", load_single}};

static load_fn *load_way(const char *name)
{
    for (size_t i = 0; i < sizeof(load_ways) / sizeof(load_ways[0]); i++) {
        if (!strcmp(name, load_ways[i].name))
            return load_ways[i].fn;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct store_writer_options options = {.conninfo = argc > 1 ? argv[1] : "", .consumer = "bench"};
    struct store_db_options db = {.conninfo = options.conninfo, .role = "tip_storage"};
    struct load load = {.took_s = 0};
    struct store_position at = {.next_seq = 0};
    char why[STORE_DB_WHY_BYTES];
    load_fn *way = argc == 4 ? load_way(argv[2]) : NULL;
    uint32_t n_parts;

    load_need(way, "usage: store_load CONNINFO whole|copy|single ENTRIES");
    n_parts = (uint32_t)(strtoul(argv[3], NULL, 10) / PART_ENTRIES);
    load_need(!store_db_open(&load.db, &db, why), why);
    store_rows_init(&load.rows, load.db);
    load.writer = store_writer_new(&options);
    for (uint32_t first = 0; first < n_parts; first += BATCH_PARTS) {
        uint32_t n = n_parts - first < BATCH_PARTS ? n_parts - first : BATCH_PARTS;
        struct store_batch *batch = load_batch(first, n, n_parts, &at);

        way(&load, batch);
        at = batch->next;
        store_batch_destroy(&batch);
    }
    printf("{\"seconds\": %.6f, \"entries\": %u}\n", load.took_s, n_parts * PART_ENTRIES);
    store_writer_destroy(&load.writer);
    store_rows_deinit(&load.rows);
    store_db_destroy(&load.db);
    return 0;
}
