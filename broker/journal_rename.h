#pragma once
/*
 * Gives a journal that nobody writes to another identity: for one that was put back from a backup. The numbers that the
 * lost one gave out behind the backup's last one will be given out again, for other events; under another id nobody
 * takes them for the same.
 *
 * Whatever is whole under the old identity is whole under the new one, at the same place; what is damaged stays
 * damaged. In place, so a kill in between leaves neither: work on a copy.
 */
#include "journal_disk.h"
#include "journal_format.h"

struct journal_rename {
    struct journal_disk *disk;        /* borrowed */
    struct journal_identity identity; /* the new one */
    const char *consumer;             /* its position is set back to `committed` if it is beyond; may be NULL */
    uint64_t committed;
    /** Replaces the journal's id in the Record of an event. @return false when it is not there */
    bool (*payload)(uint8_t *payload, size_t n, const uint8_t *old_id, const uint8_t *new_id);
    /* found */
    struct journal_identity before;
    uint64_t n_records;
};

/** @return 0; -ENOENT when this is no journal; -EBADMSG when journal.id or a record is not what it should be; … */
tip_nodiscard int journal_rename_run(struct journal_rename *rename);
