#pragma once
/*
 * What is told of each indicator, for questions: built once, only read afterwards, and the answer to a question is what
 * <tip/inherit.h> makes of all the verdicts in it. One address costs a search in the 65536th part of the hosts and one
 * among the networks; a name one probe of a table for itself and each name above.
 *
 * An IPv4 host takes 8 bytes, anything else 12, its text and 4 to 8 of the table, a network 48 more. What is told is
 * kept once for all of which the same is told: of a list without decay that is one record, of one with decay one a
 * second in which something of it left.
 */
#include "core/score.h"

struct bl_index;

struct bl_index *bl_index_new(void);
void bl_index_destroy(struct bl_index **indexp);

/**
 * Another verdict, behind all that were added: keys ascend.
 *
 * @param record  of bl_index_record
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int bl_index_add(struct bl_index *index, const struct bl_key *key, uint32_t record);

/** Keeps what is told; *recordp is its number. @return 0 or -ENOBUFS */
tip_nodiscard int bl_index_record(struct bl_index *index, const struct bl_score_detail *detail, uint32_t *recordp);

/**
 * Ends the adding; questions come after it.
 *
 * @param allow   taken over; NULL: empty
 * @param exempt  borrowed as long as the index lives; NULL: none
 */
tip_nodiscard int bl_index_finish(struct bl_index *index, struct bl_allow *allow, const struct bl_exempt *exempt);

/**
 * All of it: what is at least `watch` of what the sources of a job name, and of `extra`, and the end. It says exactly
 * what bl_score_explain says of each. The job's table of exemptions is the index' from then on, borrowed.
 *
 * @param extra  indicators that stand in no list, or need not
 * @param allow  taken over, also when it fails; NULL: empty
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int bl_index_fill(struct bl_index *index, struct bl_score_job *job, const struct bl_seen *extra,
                                struct bl_allow *allow);

struct bl_index_found {
    double score;                          /* of what was asked about, exemptions and the operators' word included */
    double share;                          /* of the score of the verdict that decides; 1: its own; 0: it is exempt */
    bool is_own;                           /* it is its own verdict that decides */
    enum bl_rule rule;                     /* what the operators say of it */
    const struct bl_score_detail *own;     /* its own verdict; NULL: none */
    const struct bl_score_detail *decides; /* the one that decides; NULL: none */
    struct bl_key own_key, from;           /* of whom both are; their texts live as long as the index */
};

/** @param value  canonical, NUL-terminated */
struct bl_index_found bl_index_find(const struct bl_index *index, enum tip_kind kind, const char *value, size_t len);

/** The same of an IPv4 host. */
struct bl_index_found bl_index_find4(const struct bl_index *index, uint32_t addr);

struct bl_index_stats {
    size_t n_ip4, n_text, n_nets, n_records, bytes;
};

struct bl_index_stats bl_index_stats(const struct bl_index *index);
