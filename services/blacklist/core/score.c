#include "core/score.h"

static const double score_floors[] = {0.3, 0.6, 0.9};

/* Sums of weights such as 0.3 and 0.5 must reach the tier they are meant to reach. */
enum { SCORE_STEPS = 20 };
static const double score_slack = 1e-9;

int bl_score_tier(double score)
{
    int tier = 0;

    while (tier < 3 && score + score_slack >= score_floors[tier])
        tier++;
    return tier;
}

static int score_step(double score)
{
    return (int)(score * SCORE_STEPS + 0.5);
}

bool bl_score_moved(double before, double after)
{
    if (bl_score_tier(before) != bl_score_tier(after))
        return true;
    return bl_score_tier(after) && score_step(before) != score_step(after);
}

/* Puts a voter among the strongest. */
static void score_rank(const struct bl_score_job *job, struct bl_verdict *verdict, uint16_t voter)
{
    size_t n = verdict->count < BL_SCORE_REASONS ? verdict->count : BL_SCORE_REASONS;
    size_t at = n;

    while (at && job->voters[verdict->voters[at - 1]].weight < job->voters[voter].weight)
        at--;
    for (size_t i = n < BL_SCORE_REASONS ? n : BL_SCORE_REASONS - 1; i > at; i--)
        verdict->voters[i] = verdict->voters[i - 1];
    if (at < BL_SCORE_REASONS)
        verdict->voters[at] = voter;
    verdict->count++;
}

/* What the other lists leave of doubt: the product of 1 - w. */
static double score_others(struct bl_score_job *job, const struct bl_set *set, struct bl_verdict *verdict)
{
    double doubt = 1;

    for (size_t i = 0; i < job->n_voters; i++) {
        struct bl_voter *voter = &job->voters[i];

        if (!bl_set_find(&voter->set, &voter->cursor, set, verdict->index) ||
            !bl_set_scored(&voter->set, voter->cursor))
            continue;
        doubt *= 1 - voter->weight;
        verdict->tlp = voter->tlp > verdict->tlp ? voter->tlp : verdict->tlp;
        score_rank(job, verdict, (uint16_t)i);
    }
    return doubt;
}

/* Which verdicts are told. */
enum score_told { SCORE_MOVED, SCORE_WATCHED, SCORE_EVERY };

/* Where the list itself stood and stands on an indicator. */
struct score_self {
    double before, after;
    enum score_told told;
};

/* The last word is the operators'. Leaves in the verdict which one it was. */
static double score_decided(const struct bl_allow *allow, const struct bl_set *set, struct bl_verdict *verdict,
                            double listed)
{
    const struct bl_allow_hit hit = bl_allow_find_in(allow, set, verdict->index);
    double score = bl_allow_score(&hit, listed);
    bool decides = hit.rule != BL_RULE_DENY || score >= 1; /* of what nobody lists only the name itself is denied */

    verdict->rule = (uint8_t)(decides ? hit.rule : BL_RULE_NONE);
    return score;
}

static int score_one(struct tip_buf *verdicts, struct bl_score_job *job, struct bl_verdict verdict,
                     const struct score_self *self)
{
    const struct bl_set *set = verdict.in_old ? &job->before : &job->after;
    double doubt = score_others(job, set, &verdict);
    double before = score_decided(job->allow_before, set, &verdict, 1 - doubt * (1 - self->before));
    uint8_t rule = verdict.rule;
    double after;

    verdict.self = self->after > 0;
    verdict.score = 1 - doubt * (1 - self->after);
    after = score_decided(job->allow_after, set, &verdict, verdict.score);
    if ((self->told == SCORE_MOVED && !bl_score_moved(before, after) &&
         !(rule != verdict.rule && bl_score_tier(after))) ||
        (self->told == SCORE_WATCHED && !bl_score_tier(after)))
        return 0;
    return tip_buf_append(verdicts, &verdict, sizeof(verdict));
}

static void score_rewind(struct bl_score_job *job)
{
    for (size_t i = 0; i < job->n_voters; i++)
        job->voters[i].cursor = 0;
}

static double score_share(const struct bl_set *set, size_t index, double weight)
{
    return bl_set_scored(set, index) ? weight : 0;
}

static int score_removed(struct tip_buf *verdicts, struct bl_score_job *job, const struct tip_buf *removed)
{
    struct score_self self = {0};
    int r = 0;

    score_rewind(job);
    for (size_t i = 0; !r && i < bl_diff_count(removed); i++) {
        uint32_t index = bl_diff_at(removed, i);

        self.before = score_share(&job->before, index, job->weight_before);
        r = score_one(verdicts, job, (struct bl_verdict){.index = index, .in_old = true}, &self);
    }
    return r;
}

/* The same indicator with other flags: it may have begun or ceased to count. */
static int score_changed(struct tip_buf *verdicts, struct bl_score_job *job, const struct tip_buf *changed)
{
    struct score_self self = {0};
    size_t cursor = 0;
    int r = 0;

    score_rewind(job);
    for (size_t i = 0; !r && i < bl_diff_count(changed); i++) {
        uint32_t index = bl_diff_at(changed, i);

        self.before = bl_set_find(&job->before, &cursor, &job->after, index)
                          ? score_share(&job->before, cursor, job->weight_before)
                          : 0;
        self.after = score_share(&job->after, index, job->weight_after);
        r = score_one(verdicts, job, (struct bl_verdict){.index = index}, &self);
    }
    return r;
}

static int score_added(struct tip_buf *verdicts, struct bl_score_job *job, const struct tip_buf *added)
{
    struct score_self self = {0};
    int r = 0;

    score_rewind(job);
    for (size_t i = 0; !r && i < bl_diff_count(added); i++) {
        uint32_t index = bl_diff_at(added, i);

        self.after = score_share(&job->after, index, job->weight_after);
        r = score_one(verdicts, job, (struct bl_verdict){.index = index}, &self);
    }
    return r;
}

int bl_score_diff(struct tip_buf *verdicts, struct bl_score_job *job, const struct bl_diff *diff)
{
    int r;

    r = score_removed(verdicts, job, &diff->removed);
    r = r ? r : score_changed(verdicts, job, &diff->changed);
    return r ? r : score_added(verdicts, job, &diff->added);
}

static int score_all(struct tip_buf *verdicts, struct bl_score_job *job, enum score_told told)
{
    struct score_self self = {.told = told};
    int r = 0;

    score_rewind(job);
    for (size_t i = 0; !r && i < bl_set_count(&job->after); i++) {
        self.before = score_share(&job->after, i, job->weight_before);
        self.after = score_share(&job->after, i, job->weight_after);
        r = score_one(verdicts, job, (struct bl_verdict){.index = (uint32_t)i}, &self);
    }
    return r;
}

int bl_score_weight(struct tip_buf *verdicts, struct bl_score_job *job)
{
    return score_all(verdicts, job, SCORE_MOVED);
}

int bl_score_full(struct tip_buf *verdicts, struct bl_score_job *job)
{
    return score_all(verdicts, job, SCORE_WATCHED);
}

int bl_score_every(struct tip_buf *verdicts, struct bl_score_job *job)
{
    return score_all(verdicts, job, SCORE_EVERY);
}
