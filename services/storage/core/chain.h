#pragma once
/*
 * Which version of a source the stored rows are, and whether a part of a delta or baseline fits onto it.
 *
 * The chain of a source is exact when its listed rows are the set of (stream, version), plus the first updating_part
 * parts of the delta to updating_to. Everything that cannot be applied without a doubt is a break: then only a baseline
 * helps, and the caller asks the owner for one.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/uuid.h>

struct store_chain {
    struct tip_uuid stream;
    uint64_t version;
    bool exact;

    uint64_t updating_to; /* a delta under way; 0: none */
    uint32_t updating_part, updating_parts;

    struct tip_uuid baseline_id; /* a baseline under way while baseline_part > 0 */
    struct tip_uuid baseline_stream;
    uint64_t baseline_version;
    uint32_t baseline_part, baseline_parts;
    uint32_t mark; /* of the newest baseline that has begun: rows it confirms carry it */

    struct tip_uuid closed_id; /* the last baseline that was applied to its end */
    bool needs_baseline;
};

/** A part of a listing.delta or, with is_baseline, of a listing.baseline: then from is 0 and to its version. */
struct store_part {
    bool is_baseline;
    struct tip_uuid stream;
    struct tip_uuid baseline_id;
    uint64_t from, to;
    uint32_t part, n_parts; /* from 1 */
};

enum store_step {
    STORE_STEP_APPLY,    /* apply the entries of this part */
    STORE_STEP_CLOSE,    /* likewise, then close the rows that do not carry the mark: the baseline is complete */
    STORE_STEP_REPEATED, /* has been applied before: nothing to do */
    STORE_STEP_WAITING,  /* does not fit, and a baseline is wanted already: nothing to do */
    STORE_STEP_BREAK,    /* does not fit: needs_baseline is set now */
    STORE_STEP_COUNT
};

/** Decides on a part, in the order of the journal, and moves the chain. */
enum store_step store_chain_step(struct store_chain *chain, const struct store_part *part);

const char *store_step_name(enum store_step step);
