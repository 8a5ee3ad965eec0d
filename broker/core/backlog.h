#pragma once
/*
 * How many records may wait for each subscriber of a door. ZeroMQ counts messages, memory counts bytes.
 *
 * The bound of a live connection may be raised, never lowered: libzmq's reading side tells the writing side how far it
 * has come only after half of the bound, and if the bound then falls below what is untold, the connection is full for
 * ever, though nothing waits in it. So the bound begins at what small records allow. When memory is really taken by
 * large ones, or by a crowd, the door is opened anew with a bound that fits them: everybody connects again, once, and a
 * reader that does not read holds little from then on. After a quiet while the bound is raised again.
 *
 * What the records themselves take, at all doors, is known to the byte and looked at as they are sent. At half of what
 * may wait it is noted for each connection what the kernel was given for it, and again each second until it is less
 * than three eighths. At three quarters those whose other side has not even taken that, a while later, and for which
 * the kernel takes no more, are ended, and nobody else notices: who reads little because it is sent little is not one
 * of them. Should that not help, the door at which most waits is opened anew. So nothing that readers do makes it more.
 * libzmq's own share, a slot for each record and subscriber, is seen in the memory of the process only: that is
 * looked at each second, and whenever so many slots were filled that they could matter (`backlog_is_due`).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BACKLOG_RECORD_BYTES = 1024,   /* what a small record costs */
    BACKLOG_SLOT_BYTES = 160,      /* of libzmq's, for a record that waits for one subscriber; the record is shared */
    BACKLOG_SHARES = 4,            /* all that waits at all doors: so many times bytes_max */
    BACKLOG_MEAN_RECORDS = 256,    /* over about so many the mean size is taken */
    BACKLOG_MIN = 16,              /* records */
    BACKLOG_QUIET_MS = 600 * 1000, /* without an overflow, then the bound is raised */
    BACKLOG_NOTE_MS = 1000,        /* then a note is old */
    BACKLOG_PATIENCE_MS = 250 /* of a note before it is used: a way round the world; at seven eighths less will do */
};

struct backlog {
    int64_t bytes_max;  /* for one subscriber, about */
    int64_t mean_bytes; /* of a record, times BACKLOG_MEAN_RECORDS */
    int64_t hwm;        /* in force: records */
    int64_t slot_bytes; /* filled since backlog_judge was asked last, at most */
    uint64_t n_overflows;
    int64_t quiet_ms; /* since when nothing overflowed */
};

void backlog_init(struct backlog *backlog, int64_t bytes_max);

/** A record was sent to so many subscribers at most. */
void backlog_sent(struct backlog *backlog, size_t len, size_t n_subscribers);

/** Whether backlog_judge is to be asked before the second is over. */
bool backlog_is_due(const struct backlog *backlog);

/** More waits than may: hwm is the new bound, for the new door. */
void backlog_shrink(struct backlog *backlog, size_t n_subscribers, int64_t now_ms);

enum backlog_act { BACKLOG_STAY, BACKLOG_RAISE, BACKLOG_REOPEN };

struct backlog_facts {
    size_t n_subscribers;
    int64_t held_bytes;   /* of memory the process has taken since the door was opened first, whatever for */
    uint64_t n_overflows; /* so far */
    int64_t now_ms;       /* monotonic */
};

/** Asked once a second, and when it is due. Unless it is STAY, hwm is the new bound: for live connections, or for the
 * new door. */
enum backlog_act backlog_judge(struct backlog *backlog, const struct backlog_facts *facts);

/** All doors together. Zeroed is the beginning. */
struct backlog_level {
    enum { BACKLOG_LOW, BACKLOG_NOTED, BACKLOG_ENDED } state;
    int64_t noted_ms;
};

enum backlog_step {
    BACKLOG_GO_ON,
    BACKLOG_NOTE,     /* how far each connection has come */
    BACKLOG_END_DEAF, /* those that have not come so far by now */
    BACKLOG_CLOSE     /* the door at which most waits; see backlog_shrink */
};

/** So little waits that it need not be known exactly. */
bool backlog_is_low(int64_t bytes_max, int64_t held_bytes);

/** Records were sent. @param held_bytes  of records that wait for whomever @param now_ms  monotonic */
enum backlog_step backlog_level_step(struct backlog_level *level, int64_t bytes_max, int64_t held_bytes,
                                     int64_t now_ms);
