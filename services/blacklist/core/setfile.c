#include "core/setfile.h"

#include <string.h>

#include <tip/crc32c.h>

#include "core/blocks.h"

static const char setfile_magic[8] = "TIPSET1\n";

_Static_assert(sizeof(struct bl_ip4) == 16 && sizeof(struct bl_text) == 16, "the layout is the file's");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "set files are little-endian");

struct setfile_header {
    char magic[8];
    uint32_t crc, zero;
    uint64_t version, n_ip4, n_text, n_arena, body_bytes, zero2;
};

_Static_assert(sizeof(struct setfile_header) == BL_SETFILE_HEADER, "the layout is the file's");

static int setfile_texts(struct bl_blocks *out, const struct bl_set *set)
{
    uint32_t at = 0;
    int r = 0;

    for (size_t i = 0; !r && i < set->n_text; i++) {
        struct bl_text entry = set->text[i];

        entry.text = at;
        at += entry.len + 1u;
        r = bl_blocks_put(out, &entry, sizeof(entry));
    }
    for (size_t i = 0; !r && i < set->n_text; i++)
        r = bl_blocks_put(out, set->arena + set->text[i].text, set->text[i].len + 1u);
    return r;
}

static uint64_t setfile_arena(const struct bl_set *set)
{
    uint64_t n = 0;

    for (size_t i = 0; i < set->n_text; i++)
        n += set->text[i].len + 1u;
    return n;
}

int bl_setfile_write(const struct bl_setfile *file, int (*write)(void *ctx, const void *bytes, size_t n), void *ctx,
                     unsigned char headp[static BL_SETFILE_HEADER])
{
    const struct bl_set *set = &file->set;
    struct setfile_header header = {
        .version = file->version,
        .n_ip4 = set->n_ip4,
        .n_text = set->n_text,
        .n_arena = setfile_arena(set),
        .body_bytes = file->body_bytes,
    };
    struct bl_blocks out = {.write = write, .ctx = ctx};
    int r;

    memcpy(header.magic, setfile_magic, sizeof(setfile_magic));
    out.crc = tip_crc32c(0, &header.zero, BL_SETFILE_HEADER - 12);
    r = write(ctx, &header, sizeof(header));
    r = r ? r : bl_blocks_put(&out, set->ip4, set->n_ip4 * sizeof(*set->ip4));
    r = r ? r : setfile_texts(&out, set);
    r = r ? r : bl_blocks_flush(&out);
    header.crc = out.crc;
    memcpy(headp, &header, sizeof(header));
    return r;
}

static bool setfile_ip4_ordered(const struct bl_set *set)
{
    for (size_t i = 1; i < set->n_ip4; i++) {
        if (set->ip4[i - 1].addr >= set->ip4[i].addr)
            return false;
    }
    return true;
}

/* Each text where the last one ended, of a known kind, within the arena, greater than the one before. */
static bool setfile_texts_ordered(const struct bl_set *set)
{
    uint64_t at = 0;

    for (size_t i = 0; i < set->n_text; i++) {
        const struct bl_text *entry = &set->text[i];

        if (entry->text != at || entry->kind == TIP_KIND_NONE || entry->kind >= TIP_KIND_COUNT ||
            entry->len > TIP_INDICATOR_MAX || at + entry->len + 1 > set->n_arena || set->arena[at + entry->len])
            return false;
        at += entry->len + 1u;
        if (i && bl_set_compare(set, set->n_ip4 + i - 1, set, set->n_ip4 + i) >= 0)
            return false;
    }
    return at == set->n_arena;
}

static bool setfile_sizes_fit(const struct setfile_header *header, size_t n)
{
    size_t rest = n - BL_SETFILE_HEADER;

    if (header->n_ip4 > rest / sizeof(struct bl_ip4))
        return false;
    rest -= header->n_ip4 * sizeof(struct bl_ip4);
    if (header->n_text > rest / sizeof(struct bl_text))
        return false;
    return rest - header->n_text * sizeof(struct bl_text) == header->n_arena && header->n_arena <= UINT32_MAX;
}

int bl_setfile_read(struct bl_setfile *file, const void *bytes, size_t n)
{
    const char *at = bytes;
    struct setfile_header header;

    if (n < sizeof(header))
        return BL_SETFILE_E_DAMAGED;
    memcpy(&header, at, sizeof(header));
    if (memcmp(header.magic, setfile_magic, sizeof(setfile_magic)) || header.zero || header.zero2 ||
        !setfile_sizes_fit(&header, n) || tip_crc32c(0, at + 12, n - 12) != header.crc)
        return BL_SETFILE_E_DAMAGED;
    *file = (struct bl_setfile){.version = header.version, .body_bytes = header.body_bytes};
    at += sizeof(header);
    file->set.ip4 = (const struct bl_ip4 *)(const void *)at;
    file->set.n_ip4 = header.n_ip4;
    at += header.n_ip4 * sizeof(struct bl_ip4);
    file->set.text = (const struct bl_text *)(const void *)at;
    file->set.n_text = header.n_text;
    file->set.arena = at + header.n_text * sizeof(struct bl_text);
    file->set.n_arena = header.n_arena;
    return setfile_ip4_ordered(&file->set) && setfile_texts_ordered(&file->set) ? 0 : BL_SETFILE_E_DAMAGED;
}
