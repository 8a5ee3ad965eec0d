#include "journal_holds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/crc32c.h>

#include "le.h"

/* File: magic, id, u32 n, u32 crc, then n of { committed, seen_us, name in 64 bytes }. */
static const char journal_holds_magic[8] = "TIPJHLD1";

enum { HOLDS_HEADER_BYTES = 32, HOLD_BYTES = 16 + JOURNAL_NAME_MAX };

void journal_holds_init(struct journal_holds *holds)
{
    *holds = (struct journal_holds){0};
}

void journal_holds_deinit(struct journal_holds *holds)
{
    free(holds->items);
    journal_holds_init(holds);
}

struct journal_hold *journal_holds_find(const struct journal_holds *holds, const char *name)
{
    for (size_t i = 0; i < holds->n; i++) {
        if (strcmp(holds->items[i].name, name) == 0)
            return &holds->items[i];
    }
    return NULL;
}

int journal_holds_get(struct journal_holds *holds, const char *name, int64_t now_us, struct journal_hold **holdp)
{
    struct journal_hold *hold;
    size_t len;

    len = strlen(name);
    if (len == 0 || len > JOURNAL_NAME_MAX)
        return -EINVAL;
    *holdp = journal_holds_find(holds, name);
    if (*holdp)
        return 0;
    if (holds->n == JOURNAL_HOLDS_MAX)
        return JOURNAL_HOLDS_E_FULL;
    holds->items = tip_realloc(holds->items, holds->n + 1, sizeof(*holds->items));
    hold = &holds->items[holds->n++];
    *hold = (struct journal_hold){.seen_us = now_us};
    memcpy(hold->name, name, len);
    holds->changed = true;
    *holdp = hold;
    return 0;
}

const struct journal_hold *journal_holds_oldest(const struct journal_holds *holds, bool all)
{
    const struct journal_hold *oldest = NULL;

    for (size_t i = 0; i < holds->n; i++) {
        const struct journal_hold *hold = &holds->items[i];

        if (hold->away || (!all && !hold->required))
            continue;
        if (!oldest || hold->committed < oldest->committed)
            oldest = hold;
    }
    return oldest;
}

void journal_holds_expire(struct journal_holds *holds, int64_t before_us)
{
    size_t kept = 0;

    for (size_t i = 0; i < holds->n; i++) {
        struct journal_hold *hold = &holds->items[i];

        hold->away = hold->seen_us < before_us;
        if (!hold->away || hold->required)
            holds->items[kept++] = *hold;
    }
    holds->changed = holds->changed || kept != holds->n;
    holds->n = kept;
}

int journal_holds_encode(struct journal_holds *holds, struct tip_buf *out, const struct journal_identity *identity)
{
    size_t bytes = HOLDS_HEADER_BYTES + holds->n * HOLD_BYTES;
    uint8_t *at;
    int r;

    r = tip_buf_reserve(out, bytes);
    if (r)
        return r;
    at = out->data + out->len;
    memset(at, 0, bytes);
    memcpy(at, journal_holds_magic, 8);
    memcpy(at + 8, identity->id, JOURNAL_ID_BYTES);
    le32_put(at + 24, (uint32_t)holds->n);
    for (size_t i = 0; i < holds->n; i++) {
        const struct journal_hold *hold = &holds->items[i];
        uint8_t *entry = at + HOLDS_HEADER_BYTES + i * HOLD_BYTES;

        le64_put(entry, hold->committed);
        le64_put(entry + 8, (uint64_t)hold->seen_us);
        memcpy(entry + 16, hold->name, strlen(hold->name));
    }
    le32_put(at + 28, tip_crc32c(0, at, bytes)); /* over a zero in its own place */
    out->len += bytes;
    holds->changed = false;
    return 0;
}

static bool journal_holds_check(const uint8_t *bytes, size_t n, const struct journal_identity *identity)
{
    static const uint8_t zeros[4];
    uint32_t crc;

    if (n < HOLDS_HEADER_BYTES || memcmp(bytes, journal_holds_magic, 8) != 0 ||
        memcmp(bytes + 8, identity->id, JOURNAL_ID_BYTES) != 0)
        return false;
    if (le32_get(bytes + 24) > JOURNAL_HOLDS_MAX || n != HOLDS_HEADER_BYTES + (size_t)le32_get(bytes + 24) * HOLD_BYTES)
        return false;
    crc = tip_crc32c(0, bytes, 28);
    crc = tip_crc32c(crc, zeros, sizeof(zeros));
    crc = tip_crc32c(crc, bytes + HOLDS_HEADER_BYTES, n - HOLDS_HEADER_BYTES);
    return crc == le32_get(bytes + 28);
}

int journal_holds_decode(struct journal_holds *holds, const uint8_t *bytes, size_t n,
                         const struct journal_identity *identity)
{
    char name[JOURNAL_NAME_MAX + 1] = {0};
    struct journal_hold *hold;

    if (!journal_holds_check(bytes, n, identity))
        return -EBADMSG;
    for (uint32_t i = 0; i < le32_get(bytes + 24); i++) {
        const uint8_t *entry = bytes + HOLDS_HEADER_BYTES + (size_t)i * HOLD_BYTES;

        memcpy(name, entry + 16, JOURNAL_NAME_MAX);
        if (journal_holds_get(holds, name, (int64_t)le64_get(entry + 8), &hold))
            return -EBADMSG;
        hold->committed = le64_get(entry);
    }
    holds->changed = false;
    return 0;
}
