#include "core/score.h"

#include <string.h>

#include <tip/alloc.h>

#include "core/flag.h"

static const double score_floors[] = {0.3, 0.6, 0.9};

/* Sums of weights such as 0.3 and 0.5 must reach the tier they are meant to reach. */
static const double score_slack = 1e-9;

enum { SCORE_STEPS = 20 };

/* The families of own observations. */
static const struct score_kind {
    enum bl_evidence_kind what;
    enum bl_family family;
} score_kinds[] = {
    {BL_EVIDENCE_TRAP, BL_FAMILY_TRAP},
    {BL_EVIDENCE_FLUX, BL_FAMILY_FLUX},
    {BL_EVIDENCE_SMTP, BL_FAMILY_SMTP},
};

enum { SCORE_KINDS = sizeof(score_kinds) / sizeof(*score_kinds) };

const char *bl_family_name(enum bl_family family)
{
    static const char *const names[BL_FAMILY_COUNT] = {
        [BL_FAMILY_LIST] = "list", [BL_FAMILY_TRAP] = "trap", [BL_FAMILY_FLUX] = "flux", [BL_FAMILY_SMTP] = "smtp"};

    return names[family];
}

int bl_score_tier(double score)
{
    int tier = 0;

    while (tier < 3 && score + score_slack >= score_floors[tier])
        tier++;
    return tier;
}

uint32_t bl_score_told(const struct bl_score *score)
{
    uint32_t told = (uint32_t)bl_score_tier(score->score);

    if (!told)
        return score->is_exempt && bl_score_tier(score->found);
    told = told << 8 | (uint32_t)(score->score * SCORE_STEPS + 0.5 + score_slack);
    told = told << 2 | score->rule;
    for (int i = 0; i < BL_FAMILY_COUNT; i++)
        told = told << 1 | (score->families[i] + score_slack >= BL_SCORE_STANDS);
    return told << 2 | (uint32_t)score->is_subtree << 1 | score->is_whole;
}

/* FNV-1a. */
uint64_t bl_score_name(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
    return hash ? hash : 1;
}

/* ---- what is known ---- */

static void score_rewind(struct bl_score_job *job)
{
    for (size_t i = 0; i < job->n_sources; i++)
        job->sources[i].cursor[BL_BEFORE] = job->sources[i].cursor[BL_AFTER] = 0;
}

void bl_score_job_init(struct bl_score_job *job, struct bl_score_source *sources, size_t n)
{
    *job = (struct bl_score_job){.sources = sources, .n_sources = n};
    for (int side = 0; side < BL_SIDE_COUNT; side++)
        job->stands[side].lists = tip_new_array(n, struct bl_stand_list);
    score_rewind(job);
}

void bl_score_job_deinit(struct bl_score_job *job)
{
    for (int side = 0; side < BL_SIDE_COUNT; side++)
        tip_free(&job->stands[side].lists);
}

static void stand_add(struct bl_stand *stand, size_t source, const struct bl_seen_times *times)
{
    if (times)
        stand->lists[stand->n++] = (struct bl_stand_list){.source = (uint16_t)source, .times = times};
}

void bl_score_add(struct bl_score_job *job, size_t source, const struct bl_seen_times *before,
                  const struct bl_seen_times *after)
{
    stand_add(&job->stands[BL_BEFORE], source, before);
    stand_add(&job->stands[BL_AFTER], source, after);
}

static void score_look_source(struct bl_score_job *job, size_t i, const struct bl_key *key)
{
    struct bl_score_source *source = &job->sources[i];
    const struct bl_seen_times *after = bl_key_seek(&source->seen[BL_AFTER], &source->cursor[BL_AFTER], key);
    const struct bl_seen_times *before = after;

    if (source->has_changed)
        before = bl_key_seek(&source->seen[BL_BEFORE], &source->cursor[BL_BEFORE], key);
    bl_score_add(job, i, before, after);
}

static void score_look_moment(struct bl_score_job *job, enum bl_side side, const struct bl_key *key)
{
    const struct bl_score_moment *moment = &job->moment[side];
    struct bl_stand *stand = &job->stands[side];
    const struct bl_ip4 host = {.addr = key->addr};
    const struct bl_set set = {.ip4 = &host, .n_ip4 = 1};

    if (key->value) {
        stand->hit = bl_allow_find(moment->allow, (enum tip_kind)key->kind, key->value, key->len);
        stand->exempt = bl_exempt_find(moment->exempt, (enum tip_kind)key->kind, key->value, key->len);
        stand->witness = bl_witnesses_find(moment->witnesses, (enum tip_kind)key->kind, key->value, key->len);
    } else {
        stand->hit = bl_allow_find_in(moment->allow, &set, 0);
        stand->exempt = bl_exempt_find4(moment->exempt, &job->exempt_at[side], key->addr);
        stand->witness = bl_witnesses_find_in(moment->witnesses, &set, 0);
    }
}

void bl_score_begin(struct bl_score_job *job, const struct bl_key *key)
{
    job->last = *key;
    for (int side = 0; side < BL_SIDE_COUNT; side++) {
        job->stands[side].n = 0;
        score_look_moment(job, (enum bl_side)side, key);
    }
}

void bl_score_look(struct bl_score_job *job, const struct bl_key *key)
{
    if (bl_key_compare(key, &job->last) < 0)
        score_rewind(job);
    bl_score_begin(job, key);
    for (size_t i = 0; i < job->n_sources; i++)
        score_look_source(job, i, key);
}

/* ---- what it is worth ---- */

static bool score_derives(const struct bl_score_source *source, const struct bl_score_source *from, enum bl_side side)
{
    const struct bl_kin *kin = &source->kin[side];

    for (size_t i = 0; i < kin->n_from; i++) {
        if (kin->from[i] == from->name || kin->from[i] == from->kin[side].group)
            return true;
    }
    return false;
}

static bool score_are_independent(const struct bl_score_job *job, enum bl_side side, uint16_t a, uint16_t b)
{
    const struct bl_score_source *left = &job->sources[a], *right = &job->sources[b];

    return left->kin[side].group != right->kin[side].group && !score_derives(left, right, side) &&
           !score_derives(right, left, side);
}

static bool score_stands(const struct bl_score_job *job, enum bl_side side, const struct bl_stand_list *list)
{
    return list->p + score_slack >= BL_SCORE_STANDS && job->sources[list->source].is_trusted[side];
}

/* Two that stand behind it and neither knows of the other. All are held against all: as many as name one indicator. */
static unsigned score_n_independent(const struct bl_score_job *job, enum bl_side side)
{
    const struct bl_stand *stand = &job->stands[side];
    unsigned n = 0;

    for (size_t i = 0; i < stand->n; i++) {
        if (!score_stands(job, side, &stand->lists[i]))
            continue;
        n = 1;
        for (size_t k = 0; k < i; k++) {
            if (score_stands(job, side, &stand->lists[k]) &&
                score_are_independent(job, side, stand->lists[k].source, stand->lists[i].source))
                return 2;
        }
    }
    return n;
}

static bool score_is_final(const struct bl_score_job *job, enum bl_side side)
{
    const struct bl_stand *stand = &job->stands[side];

    for (size_t i = 0; i < stand->n; i++) {
        if (job->sources[stand->lists[i].source].is_final[side] && stand->lists[i].p + score_slack >= BL_SCORE_FINAL)
            return true;
    }
    return false;
}

static double score_kind_share(const struct bl_witness *witness, const struct score_kind *kind, uint32_t tau_s)
{
    if (!witness || !witness->n[kind->what] || !tau_s)
        return 0;
    return bl_decayed(bl_evidence_p(kind->what, witness->n[kind->what]), (int64_t)tau_s - witness->last_s[kind->what],
                      bl_evidence_half_life(kind->what));
}

/* The last word is the operators': of what nobody lists only the name itself is denied. */
static void score_decide(struct bl_score *score, const struct bl_stand *stand)
{
    const struct bl_allow_hit *hit = &stand->hit;

    score->score = bl_allow_score(hit, score->found);
    score->rule = (uint8_t)(hit->rule != BL_RULE_DENY || score->score >= 1 ? hit->rule : BL_RULE_NONE);
    if (score->rule != BL_RULE_NONE || !stand->exempt.effect || score->found <= 0)
        return;
    score->score = bl_exempt_score(&stand->exempt, score->found);
    score->rule = BL_RULE_ALLOW;
    score->is_exempt = true;
    score->exempt = stand->exempt.list;
    score->is_subtree = score->is_whole = false;
}

/* What is denied with all inside it or below. */
static void score_denies(struct bl_score *score, const struct bl_allow_hit *hit, enum tip_kind kind)
{
    if (hit->rule != BL_RULE_DENY || !hit->is_self || !hit->is_subtree)
        return;
    score->is_subtree |= kind == TIP_KIND_DOMAIN;
    score->is_whole |= kind == TIP_KIND_NET;
}

/* Returns what is left of doubt, and notes what the lists mean by it. */
static double score_lists(struct bl_score *score, struct bl_score_job *job, enum bl_side side, uint32_t tau_s)
{
    struct bl_stand *stand = &job->stands[side];
    double doubt = 1, most = 0;

    for (size_t i = 0; i < stand->n; i++) {
        struct bl_stand_list *list = &stand->lists[i];
        const struct bl_score_source *source = &job->sources[list->source];

        list->p = bl_law_share(&source->law[side], list->times, tau_s);
        doubt *= 1 - list->p;
        score->is_subtree |= list->p > 0 && list->times->flags & BL_FLAG_SUBTREE;
        if (list->p > most)
            score->is_whole = source->is_whole[side] && job->last.kind == TIP_KIND_NET;
        most = list->p > most ? list->p : most;
    }
    return doubt;
}

struct bl_score bl_score_at(struct bl_score_job *job, enum bl_side side, uint32_t tau_s)
{
    const struct bl_stand *stand = &job->stands[side];
    struct bl_score score = {.rule = BL_RULE_NONE};
    struct bl_evidence_base base = {.n_families = 0};
    double listed = score_lists(&score, job, side, tau_s), doubt;

    score.families[BL_FAMILY_LIST] = 1 - listed;
    for (size_t i = 0; i < SCORE_KINDS; i++)
        score.families[score_kinds[i].family] = score_kind_share(stand->witness, &score_kinds[i], tau_s);
    doubt = listed;
    for (int i = 0; i < BL_FAMILY_COUNT; i++) {
        doubt *= i == BL_FAMILY_LIST ? 1 : 1 - score.families[i];
        base.n_families += score.families[i] + score_slack >= BL_SCORE_STANDS;
    }
    score.all = score.found = 1 - doubt;
    if (score.all > BL_EVIDENCE_SLOW_MOST && !score_is_final(job, side)) {
        base.n_independent = score_n_independent(job, side);
        score.found = bl_evidence_rule(score.all, &base);
    }
    score_decide(&score, stand);
    score_denies(&score, &stand->hit, (enum tip_kind)job->last.kind);
    return score;
}

/* ---- what time does to it ---- */

bool bl_score_fades(const struct bl_score_job *job, enum bl_side side, uint32_t tau_s)
{
    const struct bl_stand *stand = &job->stands[side];

    for (size_t i = 0; i < stand->n; i++) {
        if (bl_law_fades(&job->sources[stand->lists[i].source].law[side], stand->lists[i].times, tau_s))
            return true;
    }
    for (size_t i = 0; i < SCORE_KINDS; i++) {
        if (score_kind_share(stand->witness, &score_kinds[i], tau_s) > 0)
            return true;
    }
    return false;
}

/* Scores only fall, so what was crossed once stays crossed. `floor`: the tier that is left; 0 asks for any change. */
static uint32_t score_cross(struct bl_score_job *job, enum bl_side side, const uint32_t span[2], int floor)
{
    struct bl_score now = bl_score_at(job, side, span[0]);
    uint32_t told = bl_score_told(&now);
    uint32_t low = span[0], high = span[1];

    if (floor && bl_score_tier(now.score) < floor)
        return 0;
    for (bool is_first = true; is_first || high - low > 1; is_first = false) {
        uint32_t at_s = is_first ? high : low + (high - low) / 2;
        struct bl_score then = bl_score_at(job, side, at_s);
        bool is_over = floor ? bl_score_tier(then.score) < floor : bl_score_told(&then) != told;

        if (is_first && !is_over)
            return 0;
        if (is_over)
            high = at_s;
        else
            low = at_s;
    }
    return high;
}

uint32_t bl_score_next(struct bl_score_job *job, enum bl_side side, uint32_t from_s, uint32_t until_s)
{
    return until_s > from_s ? score_cross(job, side, (uint32_t[]){from_s, until_s}, 0) : 0;
}

uint32_t bl_score_end(struct bl_score_job *job, enum bl_side side, uint32_t from_s, uint32_t until_s)
{
    return until_s > from_s ? score_cross(job, side, (uint32_t[]){from_s, until_s}, 1) : 0;
}

/* ---- why ---- */

static void explain_rank(struct bl_score_detail *detail, uint16_t number, double p)
{
    size_t at = detail->n_shown;

    if (p <= 0)
        return;
    detail->n_reasons++;
    while (at && detail->shares[at - 1] < p)
        at--;
    detail->n_shown += detail->n_shown < BL_SCORE_REASONS;
    for (size_t i = detail->n_shown - 1; i > at && at < BL_SCORE_REASONS; i--) {
        detail->reasons[i] = detail->reasons[i - 1];
        detail->shares[i] = detail->shares[i - 1];
    }
    if (at < BL_SCORE_REASONS) {
        detail->reasons[at] = number;
        detail->shares[at] = p;
    }
}

/* Own observations count among them as long as they say anything. */
void bl_score_mark(const struct bl_score_job *job, enum bl_side side, const struct bl_score *score,
                   struct bl_score_mark *mark)
{
    const struct bl_stand *stand = &job->stands[side];

    for (size_t i = 0; i < stand->n; i++) {
        uint8_t tlp = job->sources[stand->lists[i].source].tlp;

        if (stand->lists[i].p > 0 && tlp > mark->tlp)
            mark->tlp = tlp;
    }
    for (size_t i = 0; i < SCORE_KINDS; i++) {
        const struct score_kind *kind = &score_kinds[i];

        if (score->families[kind->family] <= 0)
            continue;
        if (stand->witness->tlp[kind->what] > mark->tlp)
            mark->tlp = stand->witness->tlp[kind->what];
        if (stand->witness->depth[kind->what] > mark->depth)
            mark->depth = stand->witness->depth[kind->what];
    }
}

static void explain_lists(struct bl_score_detail *detail, const struct bl_score_job *job)
{
    const struct bl_stand *stand = &job->stands[BL_AFTER];

    for (size_t i = 0; i < stand->n; i++)
        explain_rank(detail, stand->lists[i].source, stand->lists[i].p);
}

void bl_score_explain(struct bl_score_job *job, struct bl_score_detail *detail)
{
    uint32_t tau_s = job->moment[BL_AFTER].tau_s;

    *detail = (struct bl_score_detail){.score = bl_score_at(job, BL_BEFORE, job->moment[BL_BEFORE].tau_s)};
    detail->rule_before = detail->score.rule;
    bl_score_mark(job, BL_BEFORE, &detail->score, &detail->mark); /* by the shares that it leaves */
    if (bl_score_fades(job, BL_AFTER, tau_s)) {
        detail->next_s = bl_score_next(job, BL_AFTER, tau_s, UINT32_MAX);
        detail->end_s = bl_score_end(job, BL_AFTER, tau_s, UINT32_MAX);
    }
    detail->score = bl_score_at(job, BL_AFTER, tau_s);
    bl_score_mark(job, BL_AFTER, &detail->score, &detail->mark);
    explain_lists(detail, job);
    for (int i = BL_FAMILY_LIST + 1; i < BL_FAMILY_COUNT; i++)
        explain_rank(detail, (uint16_t)(job->n_sources + (size_t)i), detail->score.families[i]);
}
