#pragma once
/*
 * What a batch says of each row, folded to the few writes that lead to the same end.
 *
 * A row may be listed, confirmed, removed and listed again within one batch. Statements must not touch a row twice, and
 * the result must not depend on where batches begin and end: so neighbours of the same kind are merged, and each change
 * of mind goes into a later round. Within a round rows are in the order of their key, so that two writers lock them in
 * the same order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/addr.h>

/** Which row: what it is keyed by, and how it is found again. value is borrowed. */
struct store_key {
    uint64_t ikey;
    uint32_t source_id; /* 0 for verdicts */
    uint16_t value_len;
    uint8_t kind; /* enum tip_kind */
    const char *value;
    struct tip_prefix net; /* of an ip, net or endpoint; else family 0 */
};

/** "The source lists this" or, without `listed`, "no longer". Pointers are borrowed. */
struct store_listing {
    struct store_key key;
    bool listed;
    uint16_t raw_len;
    const uint8_t *raw;
    int16_t tlp; /* the marking of the event */
    uint32_t flags;
    uint32_t mark;
    uint64_t line, version;
    int64_t first_unix_ms; /* set both to when it was seen; folding parts them */
    int64_t last_unix_ms;
    int64_t confirmed_unix_ms; /* without `listed`: when the source last named it; 0: not known */
    int64_t stated_unix_ms;    /* with it: when the source itself says that it saw it; 0: it says nothing that counts */
    uint32_t order;            /* set by folding, with round */
    uint32_t round;
};

/** Pointers are borrowed. */
struct store_verdict {
    struct store_key key;
    double score;
    int16_t tier, tlp;
    uint32_t n_reasons;
    const char *families, *reasons; /* JSON */
    const char *names;              /* JSON: the names in both, in order */
    const char *cause_source;
    uint64_t cause_version;
    int64_t next_change_unix_ms, expires_unix_ms;
    int64_t first_unix_ms, last_unix_ms;
    bool subtree, whole;  /* how far it reaches: all below a domain, each address in a network */
    int64_t told_unix_us; /* when the broker committed it, to the millisecond: as times are shown */
    uint32_t order;
};

/** As PostgreSQL orders the keys of both tables. */
int store_key_compare(const struct store_key *a, const struct store_key *b);

/**
 * Folds in place.
 *
 * @return how many are left, at the front, ordered by round, listed before not listed, key
 */
size_t store_listing_fold(struct store_listing *rows, size_t n);

/** How many rows from the first on may go into one statement: same round, same `listed`. */
size_t store_listing_run(const struct store_listing *rows, size_t n);

/** Folds in place: the last word on each key wins. @return how many are left, ordered by key; the others stand behind
 */
size_t store_verdict_fold(struct store_verdict *rows, size_t n);

/**
 * A time a publisher claims, clamped to 30 days before the broker's commit and 5 minutes after it.
 *
 * @param clampedp  counted up if it had to be
 */
int64_t store_clamp_ms(int64_t unix_ms, int64_t commit_unix_us, uint64_t *clampedp);
