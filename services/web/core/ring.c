#include "core/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

struct web_text *web_text_new(const char *bytes, size_t len)
{
    struct web_text *text = tip_alloc(1, sizeof(*text) + len + 1);

    text->n_owners = 1;
    text->len = len;
    memcpy(text->bytes, bytes, len);
    return text;
}

struct web_text *web_text_own(struct web_text *text)
{
    text->n_owners++;
    return text;
}

void web_text_destroy(struct web_text **textp)
{
    if (*textp && --(*textp)->n_owners == 0)
        free(*textp);
    *textp = NULL;
}

struct web_ring {
    uint8_t journal_id[16];
    bool is_begun;
    uint64_t first_seq, next_seq;
    size_t begin, n, bytes;
    struct web_record records[WEB_RING_RECORDS];
};

struct web_ring *web_ring_new(void)
{
    return tip_new(struct web_ring);
}

static struct web_record *ring_at(struct web_ring *ring, size_t i)
{
    return &ring->records[(ring->begin + i) % WEB_RING_RECORDS];
}

static void ring_drop(struct web_ring *ring)
{
    struct web_record *record = ring_at(ring, 0);

    ring->bytes -= record->text->len;
    ring->first_seq = record->seq + 1;
    web_text_destroy(&record->text);
    ring->begin = (ring->begin + 1) % WEB_RING_RECORDS;
    ring->n--;
}

void web_ring_destroy(struct web_ring **ringp)
{
    if (!*ringp)
        return;
    while ((*ringp)->n)
        ring_drop(*ringp);
    free(*ringp);
    *ringp = NULL;
}

void web_ring_begin(struct web_ring *ring, const uint8_t journal_id[static 16], uint64_t next_seq)
{
    while (ring->n)
        ring_drop(ring);
    memcpy(ring->journal_id, journal_id, sizeof(ring->journal_id));
    ring->is_begun = true;
    ring->first_seq = ring->next_seq = next_seq;
}

void web_ring_add(struct web_ring *ring, const struct web_record *record)
{
    while (ring->n && (ring->n == WEB_RING_RECORDS || ring->bytes + record->text->len > WEB_RING_BYTES))
        ring_drop(ring);
    *ring_at(ring, ring->n++) = *record;
    ring->bytes += record->text->len;
    ring->next_seq = record->seq + 1;
}

void web_ring_advance(struct web_ring *ring, uint64_t next_seq)
{
    if (next_seq > ring->next_seq)
        ring->next_seq = next_seq;
}

const uint8_t *web_ring_journal(const struct web_ring *ring)
{
    return ring->journal_id;
}

bool web_ring_is_begun(const struct web_ring *ring)
{
    return ring->is_begun;
}

uint64_t web_ring_first(const struct web_ring *ring)
{
    return ring->first_seq;
}

uint64_t web_ring_next(const struct web_ring *ring)
{
    return ring->next_seq;
}

size_t web_ring_bytes(const struct web_ring *ring)
{
    return ring->bytes;
}

size_t web_ring_count(const struct web_ring *ring)
{
    return ring->n;
}

const struct web_record *web_ring_newest(const struct web_ring *ring, size_t i)
{
    return i < ring->n ? &ring->records[(ring->begin + ring->n - 1 - i) % WEB_RING_RECORDS] : NULL;
}

bool web_follow_wants(const struct web_follow *follow, const char *topic, uint8_t audience)
{
    if (audience > follow->audience || audience == 0)
        return false;
    for (size_t i = 0; i < follow->n_prefixes; i++) {
        if (!strncmp(topic, follow->prefixes[i], strlen(follow->prefixes[i])))
            return true;
    }
    return follow->n_prefixes == 0;
}

/* The first record with at least this seq, by halving. */
static size_t ring_find(const struct web_ring *ring, uint64_t seq)
{
    size_t low = 0, high = ring->n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (ring->records[(ring->begin + middle) % WEB_RING_RECORDS].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int web_ring_read(const struct web_ring *ring, struct web_follow *follow, const struct web_record **recordp)
{
    *recordp = NULL;
    if (follow->next_seq < ring->first_seq)
        return WEB_RING_E_GONE;
    for (size_t i = ring_find(ring, follow->next_seq); i < ring->n; i++) {
        const struct web_record *record = &ring->records[(ring->begin + i) % WEB_RING_RECORDS];

        follow->next_seq = record->seq + 1;
        if (web_follow_wants(follow, record->topic, record->audience)) {
            *recordp = record;
            return 0;
        }
    }
    if (follow->next_seq < ring->next_seq)
        follow->next_seq = ring->next_seq;
    return 0;
}

int web_prefix_make(const char *text, char prefix[static 256])
{
    bool is_whole = !strncmp(text, "v1.", 3) || !strcmp(text, "v1");
    int n = snprintf(prefix, 256, "%s%s", is_whole || !*text ? "" : "v1.", text);

    return n < 0 || n > 255 || strspn(prefix, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != (size_t)n;
}
