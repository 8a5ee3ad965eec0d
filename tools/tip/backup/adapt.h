#pragma once
/* What was put back gets another identity: a new journal id, and outboxes that are new volumes to everybody. */
#include <tip/uuid.h>

#include "backup/target.h"

struct adapted {
    char journal[TIP_UUID_TEXT]; /* its new id */
    uint64_t n_dropped, n_kept;  /* events that waited in outboxes: the journal has them; it has not */
};

/** Staged targets. @return an enum cli_exit; the reason has been said */
int adapt_all(const struct targets *targets, const struct manifest *manifest, const char *consumer,
              struct adapted *adapted);

/** In a Record, by place: stamp first, and in it the journal's id. */
bool adapt_payload(uint8_t *payload, size_t n, const uint8_t *old_id, const uint8_t *new_id);
