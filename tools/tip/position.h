#pragma once
/*
 * Where `tip sub --durable NAME` stands: a small file, replaced as a whole; below $XDG_STATE_HOME/tip, or where --state
 * says. One process at a time: the file beside it, with .lock behind its name, is held until position_close.
 */
#include <tip/event.h>

struct position {
    char path[1024];
    int lock;                 /* descriptor; 0: none */
    struct tip_id journal_id; /* zero before the first batch */
    uint64_t next_seq;
};

enum {
    POSITION_E_BAD = 1, /* the file is there and cannot be read as one */
    POSITION_E_HELD = 2 /* another process writes it */
};

/** The place of a name. @param name  [a-z0-9_-], 1 to 48 bytes @return 0, -EINVAL for a bad name, or another errno */
tip_nodiscard int position_place(struct position *position, const char *name);

/** A place of one's own; its directory is there. @return 0 or -ENAMETOOLONG */
tip_nodiscard int position_at(struct position *position, const char *path);

/** Locks and reads it; nothing there is the beginning. @return 0, POSITION_E_…, or negative errno */
tip_nodiscard int position_load(struct position *position);

/** On disk when it returns. */
tip_nodiscard int position_save(const struct position *position);

/** Lets others have it. Accepts one that was never loaded. */
void position_close(struct position *position);
