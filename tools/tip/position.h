#pragma once
/* Where `tip sub --durable NAME` stands: a small file below $XDG_STATE_HOME/tip. */
#include <tip/event.h>

struct position {
    char path[1024];
    struct tip_id journal_id; /* zero before the first batch */
    uint64_t next_seq;
};

enum { POSITION_E_BAD = 1 }; /* the file is there and cannot be read as one */

/** @param name  [a-z0-9_-], 1 to 48 bytes @return 0, POSITION_E_BAD, -EINVAL for a bad name, or another errno */
tip_nodiscard int position_load(struct position *position, const char *name);

/** On disk when it returns. */
tip_nodiscard int position_save(const struct position *position);
