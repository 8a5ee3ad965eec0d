#pragma once
/*
 * The second frame of DATA and LIVE: n x { u16 topic_len, u8 tlp, u8 0, u32 event_len, topic, event }, little-endian.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

enum { ENTRIES_EVENT_MAX = 128 * 1024, ENTRIES_TOPIC_MAX = 255, ENTRIES_HEAD_BYTES = 8 };

struct entry {
    const char *topic; /* topic_len bytes */
    uint8_t topic_len;
    uint8_t tlp;
    uint32_t event_len;
    const uint8_t *event;
};

struct entries {
    const uint8_t *at, *end;
    uint32_t left;
};

enum {
    ENTRIES_E_END = 1,     /* there is none left, and nothing behind the last */
    ENTRIES_E_SHORT = 2,   /* the frame ends inside an entry, or goes on behind the last one */
    ENTRIES_E_TOPIC = 3,   /* a topic of 0 or more than 255 bytes */
    ENTRIES_E_TLP = 4,     /* not clear, green or amber */
    ENTRIES_E_EVENT = 5,   /* an event of 0 or more than 128 KiB */
    ENTRIES_E_RESERVED = 6 /* the byte that is 0 is not */
};

void entries_init(struct entries *entries, const void *bytes, size_t n, uint32_t count);

/** The next entry; it points into the frame. @return 0 or an ENTRIES_E_… */
tip_nodiscard int entries_next(struct entries *entries, struct entry *entry);

/** A sentence for each ENTRIES_E_… */
const char *entries_why(int code);
