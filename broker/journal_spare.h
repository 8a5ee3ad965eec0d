#pragma once
/*
 * Files that are allocated ahead. next.seg becomes the next segment. `reserve` is what a recovery copies the newest
 * segment into, so that a journal can be opened while its disk is full; what it copied from is the next reserve.
 *
 * What an allocated file still holds was written under the number, and so the salt, of an older segment. Of a next.seg
 * found at the start that may not be so: nothing of it may stay.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "journal_disk.h"

#define JOURNAL_SPARE_NAME   "next.seg"
#define JOURNAL_RESERVE_NAME "reserve"

/** Which of them are in place, of exactly `segment_bytes`. */
struct journal_spare {
    uint64_t segment_bytes;
    bool next, reserve;
};

/** Makes next.seg, of exactly that size, with what it held forgotten or not. */
tip_nodiscard int journal_spare_make(struct journal_disk *disk, uint64_t bytes);

/**
 * At the start. What next.seg holds is forgotten: it is wiped and becomes the reserve when there is none (a recovery
 * that did not come to its end has taken it), else it goes. A reserve of another size goes.
 *
 * @param spare  next and reserve: such a file was found
 */
tip_nodiscard int journal_spare_begin(struct journal_spare *spare, struct journal_disk *disk);

/** next.seg is there afterwards, of that size: it was, the reserve becomes it, or it is made. */
tip_nodiscard int journal_spare_take(struct journal_spare *spare, struct journal_disk *disk, uint64_t bytes);

/** A file that is not needed any more becomes the reserve, or next.seg, or is removed. */
tip_nodiscard int journal_spare_give(struct journal_spare *spare, struct journal_disk *disk, const char *name,
                                     uint64_t bytes);

/** Makes the reserve when there is none. On a full disk nothing is left of it. */
tip_nodiscard int journal_spare_keep(struct journal_spare *spare, struct journal_disk *disk);
