#include "journal_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "le.h"

enum { PUBLISHER_BYTES = 32, COUNTER_BYTES = 16 };

void journal_table_init(struct journal_table *table)
{
    *table = (struct journal_table){0};
}

void journal_table_deinit(struct journal_table *table)
{
    for (size_t i = 0; i < table->n_publishers; i++)
        free(table->publishers[i]);
    for (size_t i = 0; i < table->n_counters; i++)
        free(table->counters[i]);
    free(table->publishers);
    free(table->counters);
    journal_table_init(table);
}

static int journal_name_compare(const char *name, const char *text, size_t len)
{
    int r;

    r = strncmp(name, text, len);
    return r ? r : (name[len] ? 1 : 0);
}

/* Where the name stands or should stand. */
static size_t journal_table_place(const struct journal_table *table, const char *name, size_t len, bool *foundp)
{
    size_t low = 0, high = table->n_publishers;

    *foundp = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int r = journal_name_compare(table->publishers[middle]->name, name, len);

        if (r == 0) {
            *foundp = true;
            return middle;
        }
        if (r < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct journal_publisher *journal_table_find(const struct journal_table *table, const char *name, size_t len)
{
    bool found;
    size_t at;

    if (len == 0 || len > JOURNAL_NAME_MAX)
        return NULL;
    at = journal_table_place(table, name, len, &found);
    return found ? table->publishers[at] : NULL;
}

static bool journal_table_evict(struct journal_table *table)
{
    struct journal_publisher *publisher;
    size_t oldest = table->n_publishers;

    for (size_t i = 0; i < table->n_publishers; i++) {
        publisher = table->publishers[i];
        if (publisher->refs || publisher->appended != publisher->durable)
            continue;
        if (oldest == table->n_publishers || publisher->appended_seq < table->publishers[oldest]->appended_seq)
            oldest = i;
    }
    if (oldest == table->n_publishers)
        return false;
    free(table->publishers[oldest]);
    table->n_publishers--;
    memmove(table->publishers + oldest, table->publishers + oldest + 1,
            (table->n_publishers - oldest) * sizeof(*table->publishers));
    table->n_evicted++;
    return true;
}

int journal_table_publisher(struct journal_table *table, const char *name, size_t len,
                            struct journal_publisher **publisherp)
{
    struct journal_publisher *publisher;
    bool found;
    size_t at;

    if (len == 0 || len > JOURNAL_NAME_MAX)
        return -EINVAL;
    *publisherp = journal_table_find(table, name, len);
    if (*publisherp)
        return 0;
    if (table->n_publishers == JOURNAL_PUBLISHERS_MAX && !journal_table_evict(table))
        return JOURNAL_TABLE_E_FULL;
    at = journal_table_place(table, name, len, &found);
    publisher = tip_new(struct journal_publisher);
    memcpy(publisher->name, name, len);
    table->publishers = tip_realloc(table->publishers, table->n_publishers + 1, sizeof(*table->publishers));
    memmove(table->publishers + at + 1, table->publishers + at,
            (table->n_publishers - at) * sizeof(*table->publishers));
    table->publishers[at] = publisher;
    table->n_publishers++;
    *publisherp = publisher;
    return 0;
}

int journal_table_counter(struct journal_table *table, const char *name, size_t len, uint8_t tlp,
                          struct journal_counter **counterp)
{
    struct journal_counter *counter;
    size_t at;

    if (len == 0 || len > JOURNAL_NAME_MAX || tlp < 1 || tlp > JOURNAL_TLP_MAX)
        return -EINVAL;
    for (at = 0; at < table->n_counters; at++) {
        int r = journal_name_compare(table->counters[at]->name, name, len);

        r = r ? r : table->counters[at]->tlp - tlp;
        if (r == 0) {
            *counterp = table->counters[at];
            return 0;
        }
        if (r > 0)
            break;
    }
    if (table->n_counters == JOURNAL_COUNTERS_MAX)
        return JOURNAL_TABLE_E_FULL;
    counter = tip_new(struct journal_counter);
    memcpy(counter->name, name, len);
    counter->tlp = tlp;
    table->counters = tip_realloc(table->counters, table->n_counters + 1, sizeof(*table->counters));
    memmove(table->counters + at + 1, table->counters + at, (table->n_counters - at) * sizeof(*table->counters));
    table->counters[at] = counter;
    table->n_counters++;
    *counterp = counter;
    return 0;
}

bool journal_topic_class(const char *topic, size_t len, const char **classp, size_t *lenp)
{
    const char *begin, *end;

    begin = memchr(topic, '.', len);
    if (!begin)
        return false;
    begin++;
    end = memchr(begin, '.', len - (size_t)(begin - topic));
    if (!end || end == begin)
        return false;
    *classp = begin;
    *lenp = (size_t)(end - begin);
    return true;
}

bool journal_table_topic_again(const struct journal_table *table, const char *topic, size_t len, uint8_t tlp)
{
    return len && table->last.len == len && table->last.tlp == tlp && memcmp(table->last.topic, topic, len) == 0;
}

int journal_table_topic(struct journal_table *table, const char *topic, size_t len, uint8_t tlp,
                        struct journal_counter **counterp)
{
    const char *class;
    size_t class_len;
    int r;

    if (journal_table_topic_again(table, topic, len, tlp)) {
        *counterp = table->last.counter;
        return 0;
    }
    if (!journal_topic_class(topic, len, &class, &class_len))
        return -EINVAL;
    r = journal_table_counter(table, class, class_len, tlp, counterp);
    if (r || len > sizeof(table->last.topic))
        return r;
    memcpy(table->last.topic, topic, len);
    table->last.len = len;
    table->last.tlp = tlp;
    table->last.counter = *counterp; /* lives as long as the table */
    return 0;
}

void journal_table_fold(struct journal_table *table, const struct journal_record *record)
{
    struct journal_publisher *publisher;
    struct journal_counter *counter;
    const char *class;
    size_t len;

    if (record->kind != JOURNAL_EVENT && record->kind != JOURNAL_EPOCH)
        return;
    if (journal_table_publisher(table, journal_record_name(record), record->name_len, &publisher) == 0) {
        publisher->epoch = publisher->epoch_appended = publisher->epoch_durable = record->epoch;
        publisher->appended = publisher->durable = record->pub_seq;
        publisher->appended_seq = publisher->durable_seq = record->kind == JOURNAL_EVENT ? record->seq : 0;
    }
    if (record->kind == JOURNAL_EVENT &&
        journal_topic_class(journal_record_topic(record), record->topic_len, &class, &len) &&
        journal_table_counter(table, class, len, record->tlp, &counter) == 0)
        counter->count = counter->told = record->class_seq;
}

/* ---- on disk: publishers { epoch, pub_seq, seq, u8 len, 7 zero }, counters { count, u8 tlp, u8 len, 6 zero }, each
 * followed by its name, padded to 8 ---- */

static int journal_table_entry(struct tip_buf *out, const uint8_t *bytes, size_t n, const char *name)
{
    static const uint8_t zeros[8];
    size_t len;
    int r;

    len = strlen(name);
    r = tip_buf_append(out, bytes, n);
    if (!r)
        r = tip_buf_append(out, name, len);
    if (!r)
        r = tip_buf_append(out, zeros, -len & 7U);
    return r;
}

static int journal_table_encode_publisher(const struct journal_publisher *publisher, struct tip_buf *out)
{
    uint8_t bytes[PUBLISHER_BYTES] = {0};

    le64_put(bytes, publisher->epoch);
    le64_put(bytes + 8, publisher->appended);
    le64_put(bytes + 16, publisher->appended_seq);
    bytes[24] = (uint8_t)strlen(publisher->name);
    return journal_table_entry(out, bytes, sizeof(bytes), publisher->name);
}

static int journal_table_encode_counter(const struct journal_counter *counter, struct tip_buf *out)
{
    uint8_t bytes[COUNTER_BYTES] = {0};

    le64_put(bytes, counter->count);
    bytes[8] = counter->tlp;
    bytes[9] = (uint8_t)strlen(counter->name);
    return journal_table_entry(out, bytes, sizeof(bytes), counter->name);
}

int journal_table_encode(const struct journal_table *table, struct tip_buf *out, struct journal_header *header)
{
    int r = 0;

    for (size_t i = 0; !r && i < table->n_publishers; i++)
        r = journal_table_encode_publisher(table->publishers[i], out);
    for (size_t i = 0; !r && i < table->n_counters; i++)
        r = journal_table_encode_counter(table->counters[i], out);
    header->n_publishers = (uint32_t)table->n_publishers;
    header->n_counters = (uint32_t)table->n_counters;
    return r;
}

/* The name of an entry whose fixed part has n bytes; NULL when it does not fit. Moves the cursor behind the entry. */
static const char *journal_table_name(const uint8_t **atp, const uint8_t *end, size_t n, size_t len_at, size_t *lenp)
{
    const char *name;
    size_t padded;

    if ((size_t)(end - *atp) < n)
        return NULL;
    *lenp = (*atp)[len_at];
    padded = (*lenp + 7) & ~(size_t)7;
    if (*lenp == 0 || *lenp > JOURNAL_NAME_MAX || (size_t)(end - *atp) - n < padded)
        return NULL;
    name = (const char *)*atp + n;
    *atp += n + padded;
    return name;
}

static int journal_table_decode_publisher(struct journal_table *table, const uint8_t **atp, const uint8_t *end)
{
    const uint8_t *at = *atp;
    struct journal_publisher *publisher;
    const char *name;
    size_t len;

    name = journal_table_name(atp, end, PUBLISHER_BYTES, 24, &len);
    if (!name || journal_table_publisher(table, name, len, &publisher))
        return -EBADMSG;
    publisher->epoch = publisher->epoch_appended = publisher->epoch_durable = le64_get(at);
    publisher->appended = publisher->durable = le64_get(at + 8);
    publisher->appended_seq = publisher->durable_seq = le64_get(at + 16);
    return 0;
}

static int journal_table_decode_counter(struct journal_table *table, const uint8_t **atp, const uint8_t *end)
{
    const uint8_t *at = *atp;
    struct journal_counter *counter;
    const char *name;
    size_t len;

    name = journal_table_name(atp, end, COUNTER_BYTES, 9, &len);
    if (!name || journal_table_counter(table, name, len, at[8], &counter))
        return -EBADMSG;
    counter->count = counter->told = le64_get(at);
    return 0;
}

int journal_table_decode(struct journal_table *table, const struct journal_header *header, const uint8_t *bytes,
                         size_t n)
{
    const uint8_t *at = bytes, *end = bytes + n;
    int r = 0;

    for (uint32_t i = 0; !r && i < header->n_publishers; i++)
        r = journal_table_decode_publisher(table, &at, end);
    for (uint32_t i = 0; !r && i < header->n_counters; i++)
        r = journal_table_decode_counter(table, &at, end);
    return r;
}
