/* One entry a commit: an event row and an upsert of the listing, prepared nowhere, as a simple program would. */
#include "store_load.h"

#include <tip/event.h>
#include <tip/indicator.h>

static const uint8_t single_key[16];

static const char single_sql_event[] =
    "insert into tip.event (commit_time, journal, seq, tlp, topic, kind, publisher, observed_at, bytes) "
    "values (now(), 1, $1::bigint, 3, 'v1.listing.delta.bench.', 'listing.delta', 'blacklist', now(), $2)";
static const char single_sql_listing[] =
    "insert into tip.listing as l (ikey, source_id, kind, value, net, flags, listed, first_seen, listed_at, last_seen, "
    "n_times, version, line, mark, raw) values ($1::bigint, 1, 1, $2, $3::inet, 0, true, now(), now(), now(), 1, 1, "
    "$4::bigint, 1, $5) on conflict (ikey, source_id, kind, value) do update set last_seen = excluded.last_seen";

static int single_entry(struct store_load *load, const struct tip_listing_entry *entry)
{
    struct store_args event = {.n = 0}, listing = {.n = 0};
    int r;

    store_arg_int(&event, (int64_t)entry->line);
    store_arg_binary(&event, entry->raw, entry->raw_len);
    store_arg_int(&listing, (int64_t)tip_ikey(single_key, entry->kind, entry->value, entry->value_len));
    store_arg_text(&listing, entry->value);
    store_arg_text(&listing, entry->value);
    store_arg_int(&listing, (int64_t)entry->line);
    store_arg_binary(&listing, entry->raw, entry->raw_len);
    r = store_db_script(load->db, "begin");
    r = r ? r : store_db_run(load->db, single_sql_event, &event, NULL);
    r = r ? r : store_db_run(load->db, single_sql_listing, &listing, NULL);
    return r ? r : store_db_script(load->db, "commit");
}

void store_load_single(struct store_load *load, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->n_records; i++) {
        struct tip_event *event;
        double began_s;
        int r = tip_event_decode(batch->records[i].event, batch->records[i].event_len, &event, NULL);

        store_load_need(!r, "decode");
        began_s = store_load_now_s();
        for (size_t j = 0; !r && j < STORE_LOAD_ENTRIES; j++)
            r = single_entry(load, &event->listing_baseline.entries[j]);
        load->took_s += store_load_now_s() - began_s;
        store_load_need(!r, store_db_why(load->db));
        tip_event_destroy(&event);
    }
}
