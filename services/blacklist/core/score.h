#pragma once
/*
 * The score of one indicator, before and after something happened.
 *
 *   - A source's share: core/law.h. A family's: noisy-or of its shares, 1 - prod(1 - p); each kind of own observations
 *     is a family of its own, p = bl_evidence_p * 2^(-age / half-life). The score: noisy-or of all families.
 *   - It reaches `block` only on two families, or on two sources that are independent of each other: of different
 *     groups, neither derived from the other, both with independence of at least 0.5 and a share of at least 0.05. A
 *     source whose file says a weight of at least 0.9 is the operators' word and blocks alone, while its share is so
 *     high.
 *   - Then what reference lists exempt loses it, all or most (core/exempt.h); last of all the allow and deny list
 *     decides (core/allow.h).
 *
 * It is a function of what sources have said, weights and half-lives, own observations, the operators' list, the table
 * of exemptions and the score time tau alone. What happened changes one of them: so nothing needs to be remembered of
 * what was told. A verdict is worth telling when its tier changed, or when it is at least `watch` and a family came or
 * went (at a share of 0.05), the score moved to another step of 0.05, or it means more or less than itself (subtree,
 * whole). Below `watch` there is one verdict, the removal, then silence. By time alone every score falls or stays.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>

#include "core/allow.h"
#include "core/exempt.h"
#include "core/key.h"
#include "core/law.h"
#include "core/witness.h"

enum {
    BL_SCORE_REASONS = 3,
};

#define BL_SCORE_STANDS 0.05 /* the share from which on a source or a family stands behind a score */
#define BL_SCORE_FINAL  0.9  /* the weight in a file that is the operators' word */

enum bl_family { BL_FAMILY_LIST, BL_FAMILY_TRAP, BL_FAMILY_FLUX, BL_FAMILY_SMTP, BL_FAMILY_COUNT };

const char *bl_family_name(enum bl_family family);

enum bl_side { BL_BEFORE, BL_AFTER, BL_SIDE_COUNT };

/** Who maintains a source, and what it is made of: sources or groups, by bl_score_name. Borrowed. */
struct bl_kin {
    uint64_t group;
    const uint64_t *from;
    size_t n_from;
};

/** A number for the name of a source or a group; never 0. */
uint64_t bl_score_name(const char *name);

/** A source. Its place in the array is its number. */
struct bl_score_source {
    struct bl_seen seen[BL_SIDE_COUNT]; /* the same twice, unless it is its version that changes */
    struct bl_law law[BL_SIDE_COUNT];
    bool has_changed;               /* `seen` differs */
    bool is_trusted[BL_SIDE_COUNT]; /* its independence is at least 0.5 */
    bool is_final[BL_SIDE_COUNT];   /* its file says BL_SCORE_FINAL at least */
    bool is_whole[BL_SIDE_COUNT];   /* its networks mean each address in them */
    uint8_t tlp;                    /* marking: a verdict takes the strictest of its lists */
    uint64_t name;                  /* bl_score_name */
    struct bl_kin kin[BL_SIDE_COUNT];
    size_t cursor[BL_SIDE_COUNT];
};

/** What else a score rests on. NULL: empty. */
struct bl_score_moment {
    uint32_t tau_s;
    const struct bl_allow *allow;
    const struct bl_exempt *exempt;
    const struct bl_witnesses *witnesses;
};

/** What a source says of an indicator. */
struct bl_stand_list {
    uint16_t source;
    const struct bl_seen_times *times;
    double p; /* scratch: at the time it was last scored for */
};

/** Everything that is known of an indicator. */
struct bl_stand {
    struct bl_stand_list *lists; /* in the order of their numbers */
    size_t n;
    const struct bl_witness *witness; /* NULL: not seen */
    struct bl_allow_hit hit;
    struct bl_exempt_hit exempt;
};

struct bl_score_job {
    struct bl_score_source *sources;
    size_t n_sources;
    struct bl_score_moment moment[BL_SIDE_COUNT];
    struct bl_stand stands[BL_SIDE_COUNT]; /* of the indicator that was last looked up */
    struct bl_key last;
    size_t exempt_at[BL_SIDE_COUNT]; /* where the last host stood in the tables */
};

/** Room for the stands; sources are the caller's. */
void bl_score_job_init(struct bl_score_job *job, struct bl_score_source *sources, size_t n);
void bl_score_job_deinit(struct bl_score_job *job);

/** Gathers what is known of an indicator on both sides. Keys in ascending order are cheap. */
void bl_score_look(struct bl_score_job *job, const struct bl_key *key);

/** The same for whoever has found it already: begins, and then each source that names it, in the order of numbers. */
void bl_score_begin(struct bl_score_job *job, const struct bl_key *key);
void bl_score_add(struct bl_score_job *job, size_t source, const struct bl_seen_times *before,
                  const struct bl_seen_times *after);

struct bl_score {
    double families[BL_FAMILY_COUNT];
    double all;      /* noisy-or of them */
    double found;    /* by the rule: before what follows */
    double score;    /* that is told */
    uint8_t rule;    /* enum bl_rule that has decided */
    bool is_exempt;  /* with BL_RULE_ALLOW: a reference list has, not the operators */
    uint16_t exempt; /* that list, by its number in the table */
    bool is_subtree; /* a list that has a share names it with all below it, or it is denied so */
    bool is_whole;   /* the strongest list means each address in it, or it is denied so */
};

/** Of what was looked up, on one side, at a time. */
struct bl_score bl_score_at(struct bl_score_job *job, enum bl_side side, uint32_t tau_s);

/** 0 to 3, the tiers of <tip/event.h>: none < 0.3 <= watch < 0.6 <= slow < 0.9 <= block. */
int bl_score_tier(double score);

/** A number that is another one when the change has to be told. 0 below `watch`, unless it is that
 * by an exemption alone: that is told, too. */
uint32_t bl_score_told(const struct bl_score *score);

/** Does it fall by time alone, at that time? */
bool bl_score_fades(const struct bl_score_job *job, enum bl_side side, uint32_t tau_s);

/** The first second after from_s, until until_s at most, that must be told if nothing else happens; 0 for none. */
uint32_t bl_score_next(struct bl_score_job *job, enum bl_side side, uint32_t from_s, uint32_t until_s);

/** Likewise the first one below `watch`. */
uint32_t bl_score_end(struct bl_score_job *job, enum bl_side side, uint32_t from_s, uint32_t until_s);

/** Of what has a share in a score. */
struct bl_score_mark {
    uint8_t tlp;   /* the strictest; 0: of nothing */
    uint8_t depth; /* of the deepest observation */
};

/** Adds what a side has to *mark, by the shares that bl_score_at has just left there. */
void bl_score_mark(const struct bl_score_job *job, enum bl_side side, const struct bl_score *score,
                   struct bl_score_mark *mark);

/** What a verdict says besides its score. Families but lists are numbered behind the sources: n_sources + family. */
struct bl_score_detail {
    struct bl_score score;
    uint8_t rule_before;       /* that decided before */
    uint32_t next_s, end_s;    /* bl_score_next and bl_score_end; 0: never */
    struct bl_score_mark mark; /* of what had or has a share */
    size_t n_reasons, n_shown;
    uint16_t reasons[BL_SCORE_REASONS]; /* the strongest, strongest first */
    double shares[BL_SCORE_REASONS];
};

/** Of what was looked up. */
void bl_score_explain(struct bl_score_job *job, struct bl_score_detail *detail);
