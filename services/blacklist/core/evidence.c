#include "core/evidence.h"

#include <math.h>
#include <string.h>

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

bool bl_evidence_counts(const struct bl_observation *observation)
{
    return bl_evidence_first(observation->what) > 0 && observation->depth <= BL_EVIDENCE_DEPTH_MAX;
}

bool bl_evidence_confirms(const struct bl_observation *observation, const char *source, uint32_t since_s)
{
    if (!bl_evidence_counts(observation) || (observation->because_of && !strcmp(observation->because_of, source)))
        return false;
    return observation->at_s >= since_s && observation->at_s - since_s <= BL_EVIDENCE_CONFIRM_S;
}

double bl_evidence_rule(double score, const struct bl_evidence_base *base)
{
    if (base->n_families >= 2 || base->n_independent >= 2 || score <= BL_EVIDENCE_SLOW_MOST)
        return score;
    return BL_EVIDENCE_SLOW_MOST;
}
