#pragma once
/*
 * Events to what the tables hold.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/event.h>

#include "core/chain.h"
#include "core/fold.h"

enum { STORE_CODEC_E_REJECT = 1 };

/**
 * Decodes an event and checks what its tables ask for: numbers that fit, addresses that are some.
 *
 * @param reasonp  set to a static sentence with STORE_CODEC_E_REJECT
 * @return 0, STORE_CODEC_E_REJECT, or a negative errno
 */
tip_nodiscard int store_codec_read(const uint8_t *bytes, size_t n, struct tip_event **eventp, const char **reasonp);

/** The source whose row this event changes, or NULL. */
const char *store_codec_source(const struct tip_event *event);

/** True for a part of a delta or baseline. */
bool store_codec_part(const struct tip_event *event, struct store_part *part);

/** What is the same for all rows of one event. */
struct store_codec_context {
    const uint8_t *ikey_key; /* 16 bytes */
    uint32_t source_id, mark;
    int16_t tlp;
    int64_t commit_unix_us;
    uint64_t *clampedp; /* times that had to be clamped */
};

/** How many rows store_codec_listings writes; they point into the event. */
size_t store_codec_n_listings(const struct tip_event *event);
void store_codec_listings(const struct tip_event *event, const struct store_codec_context *context,
                          struct store_listing *rows);

/** As many rows as the event has verdicts; their JSON is freed by store_codec_verdicts_free. */
void store_codec_verdicts(const struct tip_event *event, const struct store_codec_context *context,
                          struct store_verdict *rows);
void store_codec_verdicts_free(struct store_verdict *rows, size_t n);

/** The payload of a source.weight as consumers see it. The caller frees. */
char *store_codec_weight(const struct tip_event *event);

/** JSON of a source's rejects: an object of counts, an array of samples. The caller frees. */
char *store_codec_reject_counts(const struct tip_source_state *state);
char *store_codec_reject_sample(const struct tip_source_state *state);

/** The key of an indicator in the tables: ikey and net are computed. @return false if value is none of its kind */
bool store_codec_key(struct store_key *key, const uint8_t *ikey_key, enum tip_kind kind, const char *value, size_t len);
