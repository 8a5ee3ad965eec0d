#include "options.h"

#include <string.h>

#include "journal_format.h"
#include "journal_table.h"

#define AT(member) offsetof(struct broker_options, member)

/* clang-format off */
static const struct tip_opt rows[] = {
    {.name = "segment_bytes", .type = TIP_OPT_SIZE, .offset = AT(segment_bytes), .fallback = "64MiB", .min = 1 << 20,
     .max = JOURNAL_SEGMENT_MAX,
     .help = "Size of a journal file. One is always allocated ahead, and trimming removes whole files."},
    {.name = "keep", .type = TIP_OPT_DURATION, .offset = AT(keep_ms), .fallback = "7d", .min = 60e3, .max = 3650 * 86400e3,
     .help = "Age at which events leave the journal, unless a durable consumer has not read them."},
    {.name = "keep_bytes", .type = TIP_OPT_SIZE, .offset = AT(keep_bytes), .fallback = "4GiB", .min = 2 << 20, .max = 1e15,
     .help = "Size at which the oldest events leave the journal, unless a durable consumer has not read them."},
    {.name = "cap_bytes", .type = TIP_OPT_SIZE, .offset = AT(cap_bytes), .fallback = "16GiB", .min = 4 << 20, .max = 1e15,
     .help = "Size the journal never passes: here publishers wait for a required consumer, and others are trimmed over."},
    {.name = "required", .type = TIP_OPT_LIST, .offset = AT(required), .fallback = "storage", .max = 64,
     .help = "Durable consumers for which publishers wait at the cap."},
    {.name = "consumer_expiry", .type = TIP_OPT_DURATION, .offset = AT(consumer_expiry_ms), .fallback = "7d", .min = 60e3,
     .max = 3650 * 86400e3, .help = "A durable consumer that has not asked for so long holds nothing any more."},
    {.name = "window_events", .type = TIP_OPT_INT, .offset = AT(window_events), .fallback = "16384", .min = 1, .max = 1e6,
     .help = "Most events a publisher may send ahead of their ack."},
    {.name = "window_bytes", .type = TIP_OPT_SIZE, .offset = AT(window_bytes), .fallback = "8MiB", .min = 256 << 10,
     .max = 256 << 20, .help = "The same in bytes, at most: late ones have less, see ingest_bytes."},
    {.name = "ingest_bytes", .type = TIP_OPT_SIZE, .offset = AT(ingest_bytes), .fallback = "64MiB", .min = 1 << 20,
     .max = 1 << 30, .help = "What all publishers together may send ahead of their acks; beyond it 256 KiB each. Twice that, or a quarter more than the windows given, may wait for a slow disk."},
    {.name = "sessions_max", .type = TIP_OPT_INT, .offset = AT(sessions_max), .fallback = "1024", .min = 1, .max = 4096,
     .help = "Most publishers at once; the one heard of the longest ago makes room."},
    {.name = "fetchers_max", .type = TIP_OPT_INT, .offset = AT(fetchers_max), .fallback = "64", .min = 1, .max = 1024,
     .help = "Most connections that wait for a part of the journal at once; 256 more stand in line. Each may cost two batches of 4 MiB."},
    {.name = "external_bytes_per_s", .type = TIP_OPT_SIZE, .offset = AT(external_bytes_per_s), .fallback = "4MiB",
     .min = 64 << 10, .max = 1 << 30, .unit = "a second",
     .help = "What a key of role consumer may fetch; more has to wait. Services and operators are served first, without it."},
    {.name = "feed_bytes", .type = TIP_OPT_SIZE, .offset = AT(feed_bytes), .fallback = "32MiB", .min = 1 << 20,
     .max = 1 << 30, .help = "What may wait for one slow subscriber, at 1 KiB a record; then it loses records. Four times that at all doors together."},
    {.name = "feed_subscriptions_max", .type = TIP_OPT_INT, .offset = AT(feed_subscriptions_max), .fallback = "100000",
     .min = 1, .max = 1e7, .help = "Most different prefixes subscribed to, of 32 bytes each on average; one more and every subscriber is disconnected."},
    {.name = "queue_max", .type = TIP_OPT_INT, .offset = AT(queue_max), .fallback = "4096", .min = 1, .max = 65536,
     .help = "Most calls and jobs of one queue, waiting and running; further ones are answered FULL."},
    {.name = "queue_caller_max", .type = TIP_OPT_INT, .offset = AT(queue_caller_max), .fallback = "1024", .min = 1,
     .max = 65536, .help = "Of these, most of one caller, so that none fills a queue alone."},
    {.name = "calls_max", .type = TIP_OPT_INT, .offset = AT(calls_max), .fallback = "8192", .min = 1, .max = 65536,
     .help = "Most calls and jobs of all queues together."},
    {.name = "calls_bytes", .type = TIP_OPT_SIZE, .offset = AT(calls_bytes), .fallback = "64MiB", .min = 2 << 20,
     .max = 1 << 30, .help = "Most memory for the bodies of calls."},
};
/* clang-format on */

const struct tip_opt_table broker_options_table = {
    .section = "broker",
    .rows = rows,
    .n_rows = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct broker_options),
    .help = "The event bus: journal, doors and limits.",
};

void broker_options_check(const void *options, struct tip_conf *conf)
{
    const struct broker_options *broker = options;

    if (broker->cap_bytes < broker->keep_bytes)
        tip_conf_refuse(conf, "broker.cap_bytes", "must not be less than keep_bytes");
    if (broker->cap_bytes < 3 * broker->segment_bytes)
        tip_conf_refuse(conf, "broker.cap_bytes", "must have room for three segments");
    for (size_t i = 0; i < broker->required.n; i++) {
        size_t len = strlen(broker->required.items[i]);

        if (len == 0 || len > JOURNAL_NAME_MAX)
            tip_conf_refuse(conf, "broker.required", "a consumer's name has 1 to %d bytes", JOURNAL_NAME_MAX);
    }
}
