#include "core/evidence.h"

#include <math.h>
#include <string.h>

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
