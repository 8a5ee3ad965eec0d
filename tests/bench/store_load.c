/*
 * Entries of lists into PostgreSQL: store_load CONNINFO WAY ENTRIES
 *
 *     whole     what tip-storage does with a batch, from event bytes to commit
 *     copy      the same rows of the same tables by COPY alone, with neither decoding nor conflicts (store_copy.c)
 *     hot       COPY of one row an entry into bench.hot
 *     indexed   and into bench.indexed; both tables are made by bench_storage.py
 *     single    an event row and an upsert, one entry a commit (store_single.c)
 *
 * Prints seconds and entries as JSON. The tables are expected to be empty and the schema to be there.
 */
#include "store_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tip/alloc.h>
#include <tip/event.h>

double store_load_now_s(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

void store_load_need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "store_load: %s\n", what);
        exit(1);
    }
}

/* ---- a list of distinct addresses, as parts of one baseline ---- */

struct store_load_part {
    struct tip_listing_entry entries[STORE_LOAD_ENTRIES];
    char values[STORE_LOAD_ENTRIES][TIP_ADDR_TEXT];
    char raws[STORE_LOAD_ENTRIES][64];
    struct tip_event event;
};

/* Odd multipliers permute the 32-bit numbers: no two entries are equal. */
static uint32_t store_load_address(uint32_t i)
{
    return i * 2654435761u;
}

static void store_load_part_fill(struct store_load_part *part, uint32_t number, uint32_t n_parts)
{
    part->event = (struct tip_event){.id = {{1}}, .kind = TIP_EVENT_LISTING_BASELINE, .kind_name = ""};
    part->event.observed_unix_ms = (int64_t)time(NULL) * 1000;
    part->event.listing_baseline = (struct tip_listing_baseline){
        .source = "bench", .stream = {{1}}, .baseline_id = {{2}}, .version = 1, .part = number + 1, .n_parts = n_parts};
    part->event.listing_baseline.fetched_unix_ms = part->event.observed_unix_ms;
    part->event.listing_baseline.entries = part->entries;
    part->event.listing_baseline.n_entries = STORE_LOAD_ENTRIES;
    for (uint32_t i = 0; i < STORE_LOAD_ENTRIES; i++) {
        struct tip_addr addr = tip_addr_from4(store_load_address(number * STORE_LOAD_ENTRIES + i));
        size_t len = tip_addr_format(&addr, part->values[i]);
        int raw_len = snprintf(part->raws[i], sizeof(part->raws[i]), "%s # seen", part->values[i]);

        part->entries[i] = (struct tip_listing_entry){.kind = TIP_KIND_IP,
                                                      .value = part->values[i],
                                                      .value_len = (uint16_t)len,
                                                      .raw = (const uint8_t *)part->raws[i],
                                                      .raw_len = (uint16_t)raw_len,
                                                      .line = number * STORE_LOAD_ENTRIES + i + 1};
    }
}

/* A batch as it comes from the bus: parts first .. first + n of n_parts. */
static struct store_batch *store_load_batch(uint32_t first, uint32_t n, uint32_t n_parts,
                                            const struct store_position *from)
{
    static struct store_load_part part;
    struct tip_record *records = tip_new_array(n, struct tip_record);
    struct tip_buf *bytes = tip_new_array(n, struct tip_buf);
    struct tip_fetch_batch fetched = {.journal_id = {{9}}, .next_seq = first + n + 1, .n_records = n};
    struct store_batch *batch;

    for (uint32_t i = 0; i < n; i++) {
        store_load_part_fill(&part, first + i, n_parts);
        tip_buf_init(&bytes[i], TIP_EVENT_BYTES_MAX);
        store_load_need(!tip_event_encode(&part.event, &bytes[i]), "cannot encode");
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

static void store_load_whole(struct store_load *load, const struct store_batch *batch)
{
    struct store_outcome outcome;
    double began_s = store_load_now_s();

    store_writer_batch(load->writer, batch, &outcome);
    load->took_s += store_load_now_s() - began_s;
    store_load_need(outcome.end == STORE_END_DONE && !outcome.counts.rejects, outcome.why);
}

typedef void store_load_fn(struct store_load *load, const struct store_batch *batch);

static const struct {
    const char *name;
    store_load_fn *fn;
} store_load_ways[] = {
    {"whole", store_load_whole},     {"copy", store_load_copy},     {"hot", store_load_hot},
    {"indexed", store_load_indexed}, {"single", store_load_single},
};

static store_load_fn *store_load_way(const char *name)
{
    for (size_t i = 0; i < sizeof(store_load_ways) / sizeof(store_load_ways[0]); i++) {
        if (!strcmp(name, store_load_ways[i].name))
            return store_load_ways[i].fn;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct store_writer_options options = {.conninfo = argc > 1 ? argv[1] : "", .consumer = "bench"};
    struct store_db_options db = {.conninfo = options.conninfo, .role = "tip_storage"};
    struct store_load load = {.took_s = 0};
    struct store_position at = {.next_seq = 0};
    char why[STORE_DB_WHY_BYTES];
    store_load_fn *way = argc == 4 ? store_load_way(argv[2]) : NULL;
    uint32_t n_parts;

    store_load_need(way, "usage: store_load CONNINFO WAY ENTRIES");
    n_parts = (uint32_t)(strtoul(argv[3], NULL, 10) / STORE_LOAD_ENTRIES);
    store_load_need(!store_db_open(&load.db, &db, why), why);
    store_rows_init(&load.rows, load.db);
    load.writer = store_writer_new(&options);
    for (uint32_t first = 0; first < n_parts; first += STORE_LOAD_PARTS) {
        uint32_t n = n_parts - first < STORE_LOAD_PARTS ? n_parts - first : STORE_LOAD_PARTS;
        struct store_batch *batch = store_load_batch(first, n, n_parts, &at);

        way(&load, batch);
        at = batch->next;
        store_batch_destroy(&batch);
    }
    printf("{\"seconds\": %.6f, \"entries\": %u}\n", load.took_s, n_parts * STORE_LOAD_ENTRIES);
    store_writer_destroy(&load.writer);
    store_rows_deinit(&load.rows);
    store_db_destroy(&load.db);
    return 0;
}
