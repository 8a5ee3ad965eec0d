#pragma once
/*
 * Loss on a live subscription. The broker counts class_seq per class and marking; a subscriber of a whole class sees
 * each loss as a jump, and at the tail through v1.bus.head. Of a part of a class nothing can be said.
 */
#include <stdbool.h>
#include <stddef.h>

#include <tip/event.h>

enum { GAP_CLASSES = 64 };

struct gap_class {
    char name[TIP_NAME_MAX + 1];
    enum tip_tlp tlp;
    bool is_known;     /* last_seq means something */
    uint64_t last_seq; /* seen, or said by a head */
};

struct gap {
    struct tip_id journal_id;
    size_t n;
    struct gap_class classes[GAP_CLASSES];
};

/** What was lost: class_seq from..to of a class; from == 0: nothing. A new journal starts over. */
struct gap_loss {
    const char *class_name;
    enum tip_tlp tlp;
    uint64_t from, to;
    bool is_new_journal;
};

/** True if the prefix covers whole classes ("v1.", "v1.listing.") and not a part of one ("v1.listing.delta."). */
bool gap_covers(const char *prefix);

/** A record has come. @return true if `loss` says something */
bool gap_record(struct gap *gap, const struct tip_stamp *stamp, struct gap_loss *loss);

/** One counter of a head. The first one of a class is where counting begins. @return as above */
bool gap_head(struct gap *gap, const struct tip_id *journal_id, const struct tip_class_head *head,
              struct gap_loss *loss);
