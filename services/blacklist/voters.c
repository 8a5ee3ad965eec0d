/*
 * What a score rests on besides what the sources have said: how far and for how long each is trusted, and which are
 * independent of each other.
 */
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/crc32c.h>

#include "app.h"

#define VOTERS_TRUSTED 0.5
#define VOTERS_SLACK   1e-9

struct bl_law app_source_law(const struct app_source *source)
{
    const struct bl_stored *stored = &source->stored;
    struct bl_law law = {.weight = app_source_weight(source), .is_append = stored->measured_append};

    if (!source->spec)
        law = bl_stored_law(stored); /* nothing new is said of it */
    else if (source->spec->half_life_ms >= 0)
        law.half_life_s = (source->spec->half_life_ms + TIP_SECOND_MS - 1) / TIP_SECOND_MS;
    else
        law.half_life_s =
            stored->measured_half_life_s ? stored->measured_half_life_s : bl_survive_default(source->spec->category);
    if (app_source_is_over(source) && !stored->n_entries)
        law.weight = 0; /* nor does what it had listed mean anything any more */
    return law;
}

/* ---- who is independent of whom ---- */

static bool voters_is_trusted(const struct bl_stored *stored)
{
    return !stored->measured_half_life_s || stored->measured_independence + VOTERS_SLACK >= VOTERS_TRUSTED;
}

static bool voters_is_final(const struct app_source *source)
{
    return source->spec && source->spec->weight + VOTERS_SLACK >= BL_SCORE_FINAL;
}

static const char *voters_group(const struct app_source *source)
{
    return source->spec ? source->spec->group : source->name;
}

/* Two marks, and a number of whose it is and what it is made of; never 0. */
enum { VOTERS_TRUSTED_MARK = 1, VOTERS_FINAL_MARK = 2, VOTERS_KNOWN_MARK = 4, VOTERS_MARKS = 3 };

int64_t app_source_kin(const struct app_source *source)
{
    const struct bl_spec *spec = source->spec;
    int64_t kin = VOTERS_KNOWN_MARK;
    uint32_t crc;

    if (!spec)
        return source->stored.kin;
    crc = tip_crc32c(0, spec->group, strlen(spec->group) + 1);
    for (size_t i = 0; i < spec->n_derived_from; i++)
        crc = tip_crc32c(crc, spec->derived_from[i], strlen(spec->derived_from[i]) + 1);
    kin |= voters_is_trusted(&source->stored) ? VOTERS_TRUSTED_MARK : 0;
    kin |= voters_is_final(source) ? VOTERS_FINAL_MARK : 0;
    return kin | (int64_t)crc << VOTERS_MARKS;
}

bool voters_same_kin(int64_t a, int64_t b)
{
    return a >> VOTERS_MARKS == b >> VOTERS_MARKS && (a & VOTERS_KNOWN_MARK) == (b & VOTERS_KNOWN_MARK);
}

void voters_mark(struct work_marks *marks, int64_t kin)
{
    marks->is_trusted = kin & VOTERS_TRUSTED_MARK;
    marks->is_final = kin & VOTERS_FINAL_MARK;
}

static int voters_compare_groups(const void *a, const void *b)
{
    return strcmp(voters_group(*(struct app_source *const *)a), voters_group(*(struct app_source *const *)b));
}

void voters_configure(struct app *app)
{
    size_t n = 0;
    tip_auto(tip_free) struct app_source **all = tip_new_array(tip_hash_count(app->sources), struct app_source *);
    struct app_source *source, *next;

    tip_hash_each (app->sources, source, next)
        all[n++] = source;
    if (n)
        qsort(all, n, sizeof(*all), voters_compare_groups); /* a NULL array is undefined even when empty */
    for (size_t i = 1; i < n; i++)
        all[i]->group = (uint16_t)(all[i - 1]->group + (voters_compare_groups(&all[i - 1], &all[i]) != 0));
}

/* ---- all of them, for the pool ---- */

static bool voters_wants(const struct voters_wish *wish, const struct app_source *source, struct work_voter *voter)
{
    struct app_stand stand = {source->stored.version, bl_stored_law(&source->stored), source->stored.kin};

    if (wish->is_newest)
        stand = publish_stand(source);
    voter->version = stand.version;
    voter->law = stand.law;
    voters_mark(&voter->marks, stand.kin);
    voter->tlp = app_source_tlp(source);
    if (wish->self && !strcmp(wish->self, source->name))
        return true;
    return voter->version && voter->law.weight > 0 && (!wish->audience || voter->tlp <= wish->audience);
}

static int voters_compare(const void *a, const void *b)
{
    return strcmp(((const struct work_voter *)a)->name, ((const struct work_voter *)b)->name);
}

static bool voters_are_kin(struct app *app, const char *said, const struct work_voter *other)
{
    return !strcmp(said, other->name) || !strcmp(said, voters_group(app_source_find(app, other->name)));
}

static void voters_add_parents(struct app *app, struct tip_buf *parents, const struct work_voters *voters, size_t of)
{
    const struct bl_spec *spec = app_source_find(app, voters->items[of].name)->spec;

    for (size_t d = 0; spec && d < spec->n_derived_from; d++) {
        for (size_t i = 0; i < voters->n; i++) {
            uint16_t number = (uint16_t)i;

            if (i != of && voters_are_kin(app, spec->derived_from[d], &voters->items[i]) &&
                tip_buf_append(parents, &number, sizeof(number)))
                return; /* cannot be: it has room for all */
        }
    }
}

/* Into one block, so that who owns the array owns them. */
static void voters_parents(struct app *app, struct work_voters *voters)
{
    tip_auto(tip_buf_deinit) struct tip_buf parents;
    tip_auto(tip_free) size_t *ends = tip_new_array(voters->n, size_t);
    size_t bytes = voters->n * sizeof(*voters->items);
    uint16_t *all;

    tip_buf_init(&parents, SIZE_MAX / 2);
    for (size_t i = 0; i < voters->n; i++) {
        voters_add_parents(app, &parents, voters, i);
        ends[i] = parents.len / sizeof(uint16_t);
    }
    voters->items = tip_realloc(voters->items, bytes + parents.len, 1);
    all = (uint16_t *)(void *)((char *)voters->items + bytes);
    if (parents.len)
        memcpy(all, parents.data, parents.len);
    for (size_t i = 0; i < voters->n; i++) {
        voters->items[i].parents = all + (i ? ends[i - 1] : 0);
        voters->items[i].n_parents = ends[i] - (i ? ends[i - 1] : 0);
    }
}

struct work_voters voters_make(struct app *app, const struct voters_wish *wish)
{
    struct work_voters voters = {.items = tip_new_array(tip_hash_count(app->sources) + 1, struct work_voter)};
    struct app_source *source, *next;

    tip_hash_each (app->sources, source, next) {
        struct work_voter *voter = &voters.items[voters.n];

        *voter = (struct work_voter){.fetched_unix_ms = source->stored.fetched_unix_ms,
                                     .is_whole = source->spec && source->spec->is_whole,
                                     .group = source->group};
        strcpy(voter->name, source->name);
        voters.n += voters_wants(wish, source, voter);
    }
    qsort(voters.items, voters.n, sizeof(*voters.items), voters_compare);
    voters_parents(app, &voters);
    for (voters.self = 0; wish->self && voters.self < voters.n; voters.self++) {
        if (!strcmp(voters.items[voters.self].name, wish->self))
            break;
    }
    voters.self = wish->self ? voters.self : voters.n;
    return voters;
}
