#include "core/weight.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "core/beta.h"
#include "core/flag.h"
#include "core/sweep.h"

static const double weigh_prior = 2;     /* a = b */
static const double weigh_punish = 5;    /* k */
static const double weigh_per = 10000;   /* rates are hits per so many */
static const double weigh_least = 0.05;  /* I */
static const double weigh_witness = 0.5; /* I of who counts as a witness of a lead */
static const double weigh_lead_s = 24 * 60 * 60;
static const double weigh_sureness = 0.9;

struct weigh {
    const struct bl_weigh_job *job;
    struct bl_weight *weights;
    size_t n;
    double *copied;    /* [n * n] entries of the row that the column had first */
    bool *is_stranger; /* [n * n] of another maintainer */
    bool *is_parent;   /* [n * n] the row is derived from the column */
    size_t *rank;      /* of the names */
    double *memory;    /* [n] how much the entry counts for each of its holders, in their order */
    double *scored;    /* [n] likewise; 0 when it may never count */
};

/* ---- how much an entry counts ---- */

static double weigh_memory(const struct weigh *weigh, const struct bl_seen_times *times)
{
    if (times->state & BL_SEEN_LISTED || times->last_s >= weigh->job->now_s)
        return 1;
    if (weigh->job->now_s - times->last_s > BL_SEEN_WINDOW_S)
        return 0; /* its file has not been written since */
    return exp2(-(double)(weigh->job->now_s - times->last_s) / BL_WEIGH_MEMORY_S);
}

static bool weigh_scored(const struct weigh *weigh, const struct bl_seen_times *times)
{
    return !(times->flags & BL_FLAG_NEVER_SCORED) && weigh_memory(weigh, times) > 0;
}

/* ---- who is who ---- */

static bool weigh_derives(const struct bl_weigh_source *source, const struct bl_weigh_source *other)
{
    for (size_t i = 0; i < source->n_derived_from; i++) {
        if (!strcmp(source->derived_from[i], other->name) || !strcmp(source->derived_from[i], other->group))
            return true;
    }
    return false;
}

static void weigh_relate(struct weigh *weigh)
{
    const struct bl_weigh_source *sources = weigh->job->sources;

    for (size_t a = 0; a < weigh->n; a++) {
        for (size_t b = 0; b < weigh->n; b++) {
            weigh->is_stranger[a * weigh->n + b] = a != b && strcmp(sources[a].group, sources[b].group) != 0;
            weigh->is_parent[a * weigh->n + b] = a != b && weigh_derives(&sources[a], &sources[b]);
            weigh->rank[a] += strcmp(sources[b].name, sources[a].name) < 0;
        }
    }
}

/* ---- independence ---- */

static bool weigh_was_first(const struct weigh *weigh, const struct bl_holder *one, const struct bl_holder *other)
{
    if (one->times->first_s != other->times->first_s)
        return one->times->first_s < other->times->first_s;
    return weigh->rank[one->source] < weigh->rank[other->source];
}

static bool weigh_is_derived(const struct weigh *weigh, size_t source, const struct bl_holder *holders, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (weigh->is_parent[source * weigh->n + holders[i].source] && weigh->memory[i] > 0)
            return true;
    }
    return false;
}

/* Of another maintainer, and not made out of it: what it has from there says nothing about where that is from. */
static bool weigh_may_witness(const struct weigh *weigh, size_t source, size_t other)
{
    return weigh->is_stranger[source * weigh->n + other] && !weigh->is_parent[other * weigh->n + source];
}

static void weigh_independence(void *ctx, const struct bl_holder *holders, size_t n)
{
    struct weigh *weigh = ctx;

    for (size_t i = 0; i < n; i++) {
        weigh->memory[i] = weigh_memory(weigh, holders[i].times);
        weigh->scored[i] = holders[i].times->flags & BL_FLAG_NEVER_SCORED ? 0 : weigh->memory[i];
    }
    if (weigh->job->overlaps)
        bl_overlaps_add(weigh->job->overlaps, holders, weigh->scored, n);
    for (size_t i = 0; i < n; i++) {
        const struct bl_holder *own = &holders[i];
        double memory = weigh->scored[i];

        if (memory <= 0)
            continue;
        weigh->weights[own->source].n_scored += memory;
        if (weigh_is_derived(weigh, own->source, holders, n))
            continue;
        weigh->weights[own->source].n_exclusive += memory;
        for (size_t j = 0; j < n; j++) {
            if (weigh_may_witness(weigh, own->source, holders[j].source) && weigh_was_first(weigh, &holders[j], own) &&
                weigh->memory[j] > 0)
                weigh->copied[own->source * weigh->n + holders[j].source] += memory;
        }
    }
}

/* Of several that had as much first, the one whose name sorts first. */
static void weigh_copied(struct weigh *weigh, size_t source)
{
    struct bl_weight *weight = &weigh->weights[source];

    weight->copied_from = weigh->n;
    for (size_t i = 0; i < weigh->n; i++) {
        double copied = weigh->copied[source * weigh->n + i];

        if (copied <= 0 || copied < weight->n_copied ||
            (copied == weight->n_copied && weight->copied_from < weigh->n &&
             weigh->rank[i] > weigh->rank[weight->copied_from]))
            continue;
        weight->n_copied = copied;
        weight->copied_from = i;
    }
}

static double weigh_independence_of(const struct bl_weight *weight)
{
    double share = weight->n_scored > 0 ? (weight->n_exclusive - weight->n_copied) / weight->n_scored : 1;

    return share > weigh_least ? share : weigh_least;
}

/* ---- lead ---- */

/* When a witness had it first; UINT32_MAX: there is none. */
static uint32_t weigh_witnessed(const struct weigh *weigh, size_t source, const struct bl_holder *holders, size_t n)
{
    uint32_t first_s = UINT32_MAX;

    for (size_t i = 0; i < n; i++) {
        size_t other = holders[i].source;

        if (weigh_may_witness(weigh, source, other) && weigh->weights[other].independence >= weigh_witness &&
            holders[i].times->first_s < first_s && weigh_memory(weigh, holders[i].times) > 0)
            first_s = holders[i].times->first_s;
    }
    return first_s;
}

static void weigh_lead(void *ctx, const struct bl_holder *holders, size_t n)
{
    struct weigh *weigh = ctx;

    for (size_t i = 0; n > 1 && i < n; i++) {
        const struct bl_seen_times *own = holders[i].times;
        uint32_t other_s = weigh_witnessed(weigh, holders[i].source, holders, n);
        double memory, late_s;

        if (other_s == UINT32_MAX || !weigh_scored(weigh, own))
            continue;
        memory = weigh_memory(weigh, own);
        late_s = own->first_s > other_s ? own->first_s - other_s : 0;
        weigh->weights[holders[i].source].n_shared += memory;
        weigh->weights[holders[i].source].lead_sum += memory * (late_s > 0 ? exp2(-late_s / weigh_lead_s) : 1);
    }
}

/* ---- trust ---- */

static double weigh_penalty(unsigned roles)
{
    double most = 0;

    for (unsigned i = 0; i < BL_ROLE_COUNT; i++) {
        if (roles >> i & 1 && bl_role_penalty((enum bl_role)i) > most)
            most = bl_role_penalty((enum bl_role)i);
    }
    return most;
}

static void weigh_hit(struct bl_weight *weight, unsigned roles, double memory)
{
    weight->n_entries += memory;
    if (!roles)
        return;
    weight->penalties += memory * weigh_penalty(roles);
    for (unsigned i = 0; i < BL_ROLE_COUNT; i++)
        weight->hits[i] += roles >> i & 1 ? memory : 0;
}

static void weigh_hits(struct weigh *weigh, size_t source)
{
    const struct bl_seen *seen = &weigh->job->sources[source].seen;
    struct bl_reference_walk walk = {{0}};

    for (size_t i = 0; i < seen->n_ip4; i++) {
        const struct bl_seen_ip4 *entry = &seen->ip4[i];

        weigh_hit(&weigh->weights[source],
                  bl_reference_next4(weigh->job->reference, &walk, entry->addr, entry->times.flags),
                  weigh_memory(weigh, &entry->times));
    }
    for (size_t i = 0; i < seen->n_text; i++) {
        const struct bl_seen_text *entry = &seen->text[i];

        weigh_hit(&weigh->weights[source],
                  bl_reference_roles(weigh->job->reference, (enum tip_kind)entry->kind, seen->arena + entry->text,
                                     entry->len, entry->times.flags),
                  weigh_memory(weigh, &entry->times));
    }
}

static double weigh_confirms(const struct weigh *weigh, size_t source, const struct bl_seen_times *times,
                             const struct bl_observation *observation)
{
    uint32_t now_s = weigh->job->now_s;

    if (!bl_evidence_confirms(observation, weigh->job->sources[source].name, bl_seen_came(times)))
        return 0;
    return observation->at_s >= now_s ? 1 : exp2(-(double)(now_s - observation->at_s) / BL_WEIGH_MEMORY_S);
}

/* An indicator that the source names counts once, by its newest observation that confirms. */
static void weigh_confirm(struct weigh *weigh, size_t source, const struct bl_seen_times *times, size_t witness)
{
    const struct bl_observation *seen;
    double most = 0;
    size_t n;

    if (!weigh_scored(weigh, times))
        return;
    seen = bl_witnesses_of(weigh->job->witnesses, witness, &n);
    for (size_t i = 0; i < n; i++) {
        double confirms = weigh_confirms(weigh, source, times, &seen[i]);

        most = confirms > most ? confirms : most;
    }
    weigh->weights[source].n_confirmed += most;
}

/* Side by side in one order: the shorter one is walked, the other one galloped through. */
static void weigh_confirmed(struct weigh *weigh, size_t source)
{
    const struct bl_witnesses *witnesses = weigh->job->witnesses;
    const struct bl_seen *seen = &weigh->job->sources[source].seen;
    size_t n_seen = bl_seen_count(seen), n = bl_witnesses_count(witnesses), cursor = 0;

    for (size_t i = 0; n_seen < n && i < n_seen; i++) {
        const struct bl_key key = bl_key_at(seen, i);

        if (bl_witnesses_seek(witnesses, &cursor, &key))
            weigh_confirm(weigh, source, bl_seen_at(seen, i), cursor);
    }
    for (size_t i = 0; n <= n_seen && i < n; i++) {
        const struct bl_key key = bl_witnesses_key(witnesses, i);
        const struct bl_seen_times *times = bl_key_seek(seen, &cursor, &key);

        if (times)
            weigh_confirm(weigh, source, times, i);
    }
}

/* ---- the whole ---- */

static double weigh_rate(double hits, double of)
{
    return of > weigh_per ? hits * weigh_per / of : hits;
}

static double weigh_freshness(const struct bl_weight *weight)
{
    if (!weight->ok_s)
        return 0;
    if (weight->ok_s >= weight->now_s)
        return 1;
    return exp2(-(double)(weight->now_s - weight->ok_s) / (4 * (double)weight->interval_s));
}

void bl_weight_finish(struct bl_weight *weight)
{
    double confirmed = weigh_rate(weight->n_confirmed, weight->exposure) + weigh_prior;
    double refuted = weigh_punish * weigh_rate(weight->penalties, weight->n_entries) + weigh_prior;

    weight->trust = confirmed / (confirmed + refuted);
    weight->trust_low = bl_beta_quantile(confirmed, refuted, (1 - weigh_sureness) / 2);
    weight->trust_high = bl_beta_quantile(confirmed, refuted, (1 + weigh_sureness) / 2);
    weight->independence = weigh_independence_of(weight);
    weight->lead = weight->n_shared >= BL_WEIGH_FEW ? weight->lead_sum / weight->n_shared : 0.5;
    weight->freshness = weigh_freshness(weight);
    weight->weight = weight->trust * weight->independence * (0.5 + 0.5 * weight->lead) * weight->freshness;
}

static void weigh_all(struct weigh *weigh, const struct bl_seen *const *seens)
{
    bl_sweep(seens, weigh->n, weigh_independence, weigh);
    for (size_t i = 0; i < weigh->n; i++) {
        weigh_copied(weigh, i);
        weigh->weights[i].independence = weigh_independence_of(&weigh->weights[i]);
    }
    bl_sweep(seens, weigh->n, weigh_lead, weigh);
    for (size_t i = 0; i < weigh->n; i++) {
        const struct bl_weigh_source *source = &weigh->job->sources[i];
        struct bl_weight *weight = &weigh->weights[i];

        weigh_hits(weigh, i);
        weigh_confirmed(weigh, i);
        weight->exposure = weigh->job->exposure;
        weight->now_s = weigh->job->now_s;
        weight->ok_s = source->ok_s;
        weight->interval_s = source->interval_s;
        weight->survival = bl_survive(&source->seen, source->category, weigh->job->now_s);
        bl_weight_finish(weight);
    }
}

int bl_weigh(const struct bl_weigh_job *job, struct bl_weight *weights)
{
    size_t n = job->n_sources;
    tip_auto(tip_free) const struct bl_seen **seens = tip_new_array(n, const struct bl_seen *);
    tip_auto(tip_free) double *copied = NULL;
    tip_auto(tip_free) bool *is_stranger = NULL;
    tip_auto(tip_free) bool *is_parent = NULL;
    tip_auto(tip_free) size_t *rank = tip_new_array(n, size_t);
    tip_auto(tip_free) double *memory = tip_new_array(n, double);
    tip_auto(tip_free) double *scored = tip_new_array(n, double);
    struct weigh weigh = {.job = job, .weights = weights, .n = n, .rank = rank, .memory = memory, .scored = scored};

    if (n > BL_WEIGH_SOURCES_MAX)
        return -ENOBUFS;
    if (!n)
        return 0;
    weigh.copied = copied = tip_new_array(n * n, double);
    weigh.is_stranger = is_stranger = tip_new_array(n * n, bool);
    weigh.is_parent = is_parent = tip_new_array(n * n, bool);
    memset(weights, 0, n * sizeof(*weights));
    for (size_t i = 0; i < n; i++)
        seens[i] = &job->sources[i].seen;
    weigh_relate(&weigh);
    weigh_all(&weigh, seens);
    return 0;
}
