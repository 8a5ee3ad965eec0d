#include "core/prefixes.h"

#include <tip/alloc.h>
#include <tip/hash.h>

/** Known by its keyed hash: what it says is in libzmq. */
struct prefix {
    uint64_t hash;
    size_t n;
    UT_hash_handle hh;
};

static struct prefix *prefixes_find(const struct prefixes *prefixes, uint64_t hash)
{
    struct prefix *prefix;

    tip_hash_find_key(prefixes->set, &hash, prefix);
    return prefix;
}

static void prefixes_drop(struct prefixes *prefixes, struct prefix *prefix)
{
    prefixes->n_bytes -= prefix->n;
    tip_hash_remove(prefixes->set, prefix);
    free(prefix);
}

void prefixes_clear(struct prefixes *prefixes)
{
    struct prefix *prefix, *next;

    tip_hash_each (prefixes->set, prefix, next)
        prefixes_drop(prefixes, prefix);
    *prefixes = (struct prefixes){0};
}

void prefixes_add(struct prefixes *prefixes, const void *bytes, size_t n)
{
    uint64_t hash = tip_hash(bytes, n);
    struct prefix *prefix;

    if (prefixes_find(prefixes, hash))
        return; /* another subscriber has it, too */
    prefixes->n_asked++;
    prefix = tip_new(struct prefix);
    prefix->hash = hash;
    prefix->n = n;
    prefixes->n_bytes += n;
    tip_hash_add_key(prefixes->set, hash, prefix);
}

void prefixes_add_unseen(struct prefixes *prefixes, size_t n_bytes_max)
{
    prefixes->n_asked++;
    prefixes->n_bytes += n_bytes_max;
}

void prefixes_remove(struct prefixes *prefixes, const void *bytes, size_t n)
{
    struct prefix *prefix = prefixes_find(prefixes, tip_hash(bytes, n));

    if (prefix)
        prefixes_drop(prefixes, prefix);
}

size_t prefixes_count(const struct prefixes *prefixes)
{
    return tip_hash_count(prefixes->set);
}

bool prefixes_are_too_many(const struct prefixes *prefixes, size_t max)
{
    return prefixes_count(prefixes) > max || prefixes->n_bytes > max * PREFIXES_BYTES_EACH ||
           prefixes->n_asked > max * PREFIXES_TURNOVER;
}
