#include "core/evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

const char *bl_evidence_name(enum bl_evidence_kind what)
{
    static const char *const names[BL_EVIDENCE_KIND_COUNT] = {
        [BL_EVIDENCE_TRAP] = "trap",
        [BL_EVIDENCE_FLUX] = "flux",
        [BL_EVIDENCE_SMTP] = "smtp",
        [BL_EVIDENCE_ABANDONMENT] = "abandonment",
    };

    return names[what];
}

double bl_evidence_first(enum bl_evidence_kind what)
{
    static const double firsts[BL_EVIDENCE_KIND_COUNT] = {
        [BL_EVIDENCE_TRAP] = 0.5,
        [BL_EVIDENCE_FLUX] = 0.4,
        [BL_EVIDENCE_SMTP] = 0.3,
        [BL_EVIDENCE_ABANDONMENT] = 0,
    };

    return firsts[what];
}

double bl_evidence_p(enum bl_evidence_kind what, uint64_t n)
{
    double p = 1 - pow(1 - bl_evidence_first(what), (double)n);

    return p < BL_EVIDENCE_MOST ? p : BL_EVIDENCE_MOST;
}

uint32_t bl_evidence_half_life(enum bl_evidence_kind what)
{
    static const uint32_t days[BL_EVIDENCE_KIND_COUNT] = {
        [BL_EVIDENCE_TRAP] = 3,
        [BL_EVIDENCE_FLUX] = 7,
        [BL_EVIDENCE_SMTP] = 1,
        [BL_EVIDENCE_ABANDONMENT] = 1,
    };

    return days[what] * 24 * 60 * 60;
}

uint64_t bl_evidence_distinct(const char *text, size_t len, uint64_t number)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len + sizeof(number); i++) {
        hash ^= i < len ? (unsigned char)text[i] : number >> 8 * (i - len) & 255;
        hash *= UINT64_C(0x100000001b3);
    }
    return hash;
}

uint32_t bl_evidence_also(const char *text, size_t len)
{
    uint64_t hash = bl_evidence_distinct(text, len, 0);
    uint32_t folded = (uint32_t)(hash ^ hash >> 32);

    if (!len)
        return 0;
    return folded ? folded : 1;
}

/** One that is known by a second number. */
struct evidence_alias {
    uint32_t also, run; /* run: of those with one `distinct` */
};

static int evidence_alias_order(const void *left, const void *right)
{
    const struct evidence_alias *a = left, *b = right;

    return (a->also > b->also) - (a->also < b->also);
}

static uint32_t evidence_root(uint32_t *parents, uint32_t at)
{
    while (parents[at] != at)
        at = parents[at] = parents[parents[at]];
    return at;
}

/* Of the runs, by how many fewer they are when those with one `also` are joined. */
static size_t evidence_joined(struct evidence_alias *aliases, size_t n, size_t n_runs)
{
    tip_auto(tip_free) uint32_t *parents = tip_new_array(n_runs, uint32_t);
    size_t joined = 0;

    for (size_t i = 0; i < n_runs; i++)
        parents[i] = (uint32_t)i;
    qsort(aliases, n, sizeof(*aliases), evidence_alias_order);
    for (size_t i = 1; i < n; i++) {
        uint32_t a = evidence_root(parents, aliases[i - 1].run), b = evidence_root(parents, aliases[i].run);

        if (aliases[i - 1].also != aliases[i].also || a == b)
            continue;
        parents[b] = a;
        joined++;
    }
    return joined;
}

size_t bl_evidence_independent(const struct bl_observation *items, size_t n)
{
    tip_auto(tip_free) struct evidence_alias *aliases = NULL;
    size_t n_runs = 0, n_aliases = 0;

    for (size_t i = 0; i < n; i++) {
        n_runs += !i || items[i].distinct != items[i - 1].distinct;
        if (!items[i].also)
            continue;
        if (!aliases)
            aliases = tip_new_array(n, struct evidence_alias);
        aliases[n_aliases++] = (struct evidence_alias){items[i].also, (uint32_t)(n_runs - 1)};
    }
    return n_aliases > 1 ? n_runs - evidence_joined(aliases, n_aliases, n_runs) : n_runs;
}

bool bl_evidence_counts(const struct bl_observation *observation)
{
    return bl_evidence_first(observation->what) > 0 && observation->depth <= BL_EVIDENCE_DEPTH_MAX;
}

static bool evidence_names(const char *names, const char *source)
{
    size_t len = strlen(source);

    if (!strcmp(names, BL_EVIDENCE_ANY_SOURCE))
        return true;
    for (const char *at = names; *at; at += *at == ' ') {
        size_t n = strcspn(at, " ");

        if (n == len && !memcmp(at, source, n))
            return true;
        at += n;
    }
    return false;
}

bool bl_evidence_confirms(const struct bl_observation *observation, const char *source, uint32_t since_s)
{
    if (!bl_evidence_counts(observation) ||
        (observation->because_of && evidence_names(observation->because_of, source)))
        return false;
    return observation->at_s >= since_s && observation->at_s - since_s <= BL_EVIDENCE_CONFIRM_S;
}

double bl_evidence_rule(double score, const struct bl_evidence_base *base)
{
    if (base->n_families >= 2 || base->n_independent >= 2 || score <= BL_EVIDENCE_SLOW_MOST)
        return score;
    return BL_EVIDENCE_SLOW_MOST;
}
