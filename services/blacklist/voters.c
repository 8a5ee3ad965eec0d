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

static bool voters_may_be_trusted(const struct bl_stored *stored)
{
    return !stored->measured_half_life_s || stored->measured_independence + VOTERS_SLACK >= VOTERS_TRUSTED;
}

static bool voters_is_final(const struct app_source *source)
{
    return source->spec && source->spec->weight + VOTERS_SLACK >= BL_SCORE_FINAL;
}

/* Marks, and between them a number of whose it is and what it is made of; never 0. */
enum { VOTERS_TRUSTED_MARK = 1, VOTERS_FINAL_MARK = 2, VOTERS_KNOWN_MARK = 4, VOTERS_CRC_SHIFT = 3 };

#define VOTERS_WHOLE_MARK ((int64_t)1 << 40)
#define VOTERS_KIN_MASK   ((int64_t)UINT32_MAX << VOTERS_CRC_SHIFT | VOTERS_KNOWN_MARK)

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
    kin |= voters_may_be_trusted(&source->stored) ? VOTERS_TRUSTED_MARK : 0;
    kin |= voters_is_final(source) ? VOTERS_FINAL_MARK : 0;
    kin |= spec->is_whole ? VOTERS_WHOLE_MARK : 0;
    return kin | (int64_t)crc << VOTERS_CRC_SHIFT;
}

bool voters_same_kin(int64_t a, int64_t b)
{
    return (a & VOTERS_KIN_MASK) == (b & VOTERS_KIN_MASK);
}

struct work_kin app_source_kin_of(const struct app_source *source)
{
    const struct bl_spec *spec = source->spec;
    struct work_kin kin;

    if (!spec && source->stored.kin_of.group)
        return source->stored.kin_of;
    if (!spec) /* its file went before a build that keeps it came */
        return (struct work_kin){.group = bl_score_name(source->name)};
    kin = (struct work_kin){.group = bl_score_name(spec->group)};
    for (size_t i = 0; i < spec->n_derived_from && i < WORK_KIN_MAX; i++)
        kin.from[i] = bl_score_name(spec->derived_from[i]);
    return kin;
}

/* A build before this one kept less: then what the file says holds from the beginning. The number stays as it was: it
 * tells whether all has to be looked at. */
void voters_configure(struct app *app)
{
    struct app_source *source, *next;

    tip_hash_each (app->sources, source, next) {
        if (!source->stored.kin_of.group)
            source->stored.kin_of = app_source_kin_of(source);
    }
}

/* What a build that kept no kin has told, was told as if each was trusted and its file as it is. */
void voters_mark(struct work_marks *marks, const struct app_source *source, int64_t kin)
{
    kin = kin ? kin : app_source_kin(source) | VOTERS_TRUSTED_MARK;
    marks->is_trusted = kin & VOTERS_TRUSTED_MARK;
    marks->is_final = kin & VOTERS_FINAL_MARK;
    marks->is_whole = kin & VOTERS_WHOLE_MARK;
}

/* ---- all of them, for the pool ---- */

static bool voters_wants(const struct voters_wish *wish, const struct app_source *source, struct work_voter *voter)
{
    const struct bl_stored *stored = &source->stored;
    struct app_stand stand = {stored->version, bl_stored_law(stored), stored->kin, &stored->kin_of};

    if (wish->is_newest)
        stand = publish_stand(source);
    voter->version = stand.version;
    voter->law = stand.law;
    voters_mark(&voter->marks, source, stand.kin);
    voter->kin = work_kin(stand.kin_of);
    voter->tlp = app_source_tlp(source);
    if (wish->self && !strcmp(wish->self, source->name))
        return true;
    return voter->version && voter->law.weight > 0 && (!wish->audience || voter->tlp <= wish->audience);
}

static int voters_compare(const void *a, const void *b)
{
    return strcmp(((const struct work_voter *)a)->name, ((const struct work_voter *)b)->name);
}

/* Copies what their kin points at into the block of the array, so that who owns that owns it. */
static void voters_own_kin(struct work_voters *voters)
{
    size_t bytes = voters->n * sizeof(*voters->items);
    size_t n = 0;
    uint64_t *at;

    for (size_t i = 0; i < voters->n; i++)
        n += voters->items[i].kin.n_from;
    voters->items = tip_realloc(voters->items, bytes + n * sizeof(*at), 1);
    at = (uint64_t *)(void *)((char *)voters->items + bytes);
    for (size_t i = 0; i < voters->n; i++) {
        struct bl_kin *kin = &voters->items[i].kin;

        if (kin->n_from)
            memcpy(at, kin->from, kin->n_from * sizeof(*at));
        kin->from = at;
        at += kin->n_from;
    }
}

struct work_voters voters_make(struct app *app, const struct voters_wish *wish)
{
    struct work_voters voters = {.items = tip_new_array(tip_hash_count(app->sources) + 1, struct work_voter)};
    struct app_source *source, *next;

    tip_hash_each (app->sources, source, next) {
        struct work_voter *voter = &voters.items[voters.n];

        *voter = (struct work_voter){.fetched_unix_ms = source->stored.fetched_unix_ms};
        strcpy(voter->name, source->name);
        voters.n += voters_wants(wish, source, voter);
    }
    qsort(voters.items, voters.n, sizeof(*voters.items), voters_compare);
    voters_own_kin(&voters);
    for (voters.self = 0; wish->self && voters.self < voters.n; voters.self++) {
        if (!strcmp(voters.items[voters.self].name, wish->self))
            break;
    }
    voters.self = wish->self ? voters.self : voters.n;
    return voters;
}
