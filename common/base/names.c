#include <tip/names.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/domain.h>
#include <tip/hash.h>

enum { NAMES_FIRST_SLOTS = 16 };

void tip_names_init(struct tip_names *names, size_t names_max, size_t bytes_max)
{
    size_t most = UINT32_MAX / 4; /* an index is 32 bits, and so is a slot's place */

    *names = (struct tip_names){0};
    tip_buf_init(&names->names, (names_max < most ? names_max : most) * sizeof(struct tip_name));
    tip_buf_init(&names->arena, bytes_max < UINT32_MAX ? bytes_max : UINT32_MAX);
}

void tip_names_deinit(struct tip_names *names)
{
    tip_buf_deinit(&names->names);
    tip_buf_deinit(&names->arena);
    free(names->slots);
    names->slots = NULL;
    names->n_slots = 0;
    memset(names->depths, 0, sizeof(names->depths));
}

size_t tip_names_count(const struct tip_names *names)
{
    return names->names.len / sizeof(struct tip_name);
}

static struct tip_name *names_item(const struct tip_names *names, size_t i)
{
    return (struct tip_name *)(void *)names->names.data + i;
}

const struct tip_name *tip_names_at(const struct tip_names *names, size_t i)
{
    return names_item(names, i);
}

const char *tip_names_text(const struct tip_names *names, const struct tip_name *name)
{
    return (const char *)names->arena.data + name->at;
}

/* The slot of the name, or the free one where it would go; the table is never full. */
static struct tip_names_slot *names_slot(const struct tip_names *names, const char *name, size_t len, uint32_t hash)
{
    size_t i = hash & (names->n_slots - 1);

    for (; names->slots[i].index; i = (i + 1) & (names->n_slots - 1)) {
        const struct tip_name *item = names_item(names, names->slots[i].index - 1);

        if (names->slots[i].hash == hash && item->len == len && !memcmp(tip_names_text(names, item), name, len))
            break;
    }
    return &names->slots[i];
}

/* Twice the slots when three of four are taken. */
static int names_grow(struct tip_names *names)
{
    size_t n = names->n_slots ? 2 * names->n_slots : NAMES_FIRST_SLOTS;
    struct tip_names_slot *slots;

    if (4 * (tip_names_count(names) + 1) <= 3 * names->n_slots)
        return 0;
    slots = calloc(n, sizeof(*slots));
    if (!slots)
        return -ENOBUFS;
    for (size_t i = 0; i < names->n_slots; i++) {
        size_t to = names->slots[i].hash & (n - 1);

        if (!names->slots[i].index)
            continue;
        while (slots[to].index)
            to = (to + 1) & (n - 1);
        slots[to] = names->slots[i];
    }
    free(names->slots);
    names->slots = slots;
    names->n_slots = n;
    return 0;
}

static unsigned names_labels(const char *name, size_t len)
{
    unsigned n = 1;

    for (size_t i = 0; i < len; i++)
        n += name[i] == '.';
    return n;
}

/* Canonical names have at most 127 labels; should one have more, it shares the last bit. */
static unsigned names_depth(unsigned labels)
{
    return labels < 128 ? labels : 127;
}

static void names_scope(struct tip_names *names, struct tip_name *item, unsigned scope)
{
    unsigned depth;

    item->scope |= (uint8_t)scope;
    if (!(scope & TIP_NAMES_BELOW))
        return;
    depth = names_depth(names_labels(tip_names_text(names, item), item->len));
    names->depths[depth / 64] |= 1ull << depth % 64;
}

int tip_names_add(struct tip_names *names, const char *name, size_t len, unsigned scope)
{
    struct tip_name item = {.at = (uint32_t)names->arena.len, .len = (uint8_t)len};
    uint32_t hash;
    struct tip_names_slot *slot;
    int r;

    if (!len || len > TIP_DOMAIN_MAX)
        return TIP_NAMES_E_LENGTH;
    r = names_grow(names);
    if (r)
        return r;
    hash = (uint32_t)tip_hash(name, len);
    slot = names_slot(names, name, len, hash);
    if (!slot->index) {
        r = tip_buf_reserve(&names->names, sizeof(item));
        r = r ? r : tip_buf_append(&names->arena, name, len);
        r = r ? r : tip_buf_append(&names->names, &item, sizeof(item));
        if (r)
            return r;
        *slot = (struct tip_names_slot){hash, (uint32_t)tip_names_count(names)};
    }
    names_scope(names, names_item(names, slot->index - 1), scope);
    return 0;
}

const struct tip_name *tip_names_find(const struct tip_names *names, const char *name, size_t len)
{
    const struct tip_names_slot *slot;

    if (!names->n_slots || !len || len > TIP_DOMAIN_MAX)
        return NULL;
    slot = names_slot(names, name, len, (uint32_t)tip_hash(name, len));
    return slot->index ? names_item(names, slot->index - 1) : NULL;
}

const struct tip_name *tip_names_cover(const struct tip_names *names, const char *name, size_t len)
{
    const struct tip_name *found = tip_names_find(names, name, len);
    unsigned labels;

    if (found && found->scope & TIP_NAMES_SELF)
        return found;
    if (!(names->depths[0] | names->depths[1]) || len > TIP_DOMAIN_MAX)
        return NULL;
    labels = names_labels(name, len);
    for (size_t i = 0; i < len; i++) {
        unsigned depth;

        if (name[i] != '.')
            continue;
        depth = names_depth(--labels);
        if (!(names->depths[depth / 64] >> depth % 64 & 1))
            continue;
        found = tip_names_find(names, name + i + 1, len - i - 1);
        if (found && found->scope & TIP_NAMES_BELOW)
            return found;
    }
    return NULL;
}

size_t tip_names_common(const struct tip_names *a, const struct tip_names *b)
{
    const struct tip_names *small = tip_names_count(a) < tip_names_count(b) ? a : b;
    const struct tip_names *large = small == a ? b : a;
    size_t n = 0;

    for (size_t i = 0; i < tip_names_count(small); i++) {
        const struct tip_name *name = tip_names_at(small, i);

        n += tip_names_find(large, tip_names_text(small, name), name->len) != NULL;
    }
    return n;
}
