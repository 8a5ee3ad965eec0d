#pragma once
/*
 * The journal's thread: writes and flushes groups in order, keeps one segment file allocated ahead, recycles retired
 * ones, saves the consumers' file. Everything on the disk below journal_recover happens here.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

#include "journal_disk.h"
#include "journal_spare.h"
#include "journal_table.h"

#define JOURNAL_IDENTITY_NAME "journal.id"
#define JOURNAL_HOLDS_NAME    "consumers"

enum { JOURNAL_NAME_BYTES = 32 }; /* of a segment file: 16 hex digits and .seg */

struct journal_touched {
    struct journal_publisher *publisher;
    uint64_t epoch, pub_seq, seq;
};

/** What is flushed together. A group lies in one segment. */
struct journal_group {
    uint8_t *bytes;
    size_t len, cap;
    uint64_t segment, file_bytes;
    uint64_t offset;       /* of the group in the segment */
    uint32_t header_bytes; /* at its start, when it starts a segment; else 0 */
    struct tip_buf footer; /* not empty when it seals the segment */
    uint64_t last_seq;     /* given out with or before it */
    int64_t last_us;
    uint64_t n_events;
    struct journal_touched *touched;
    size_t n_touched, touched_room;
    uint64_t flush_us;
};

struct journal_retired {
    uint64_t segment, bytes;
    bool pinned; /* somebody has it open: nothing may be written into it any more */
};

struct journal_writer {
    struct journal_disk *disk;
    bool threaded;
    int wake; /* eventfd towards the owner */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under the lock */
    bool stop;
    bool no_space;               /* the group waits for it */
    bool spare_full;             /* there was none for the spare, or the reserve */
    int failed;                  /* negative errno, for ever */
    struct journal_group *group; /* to be written */
    struct journal_group *done;  /* durable, not yet collected */
    struct journal_retired *retired;
    size_t n_retired;
    struct tip_buf holds; /* the file's next content; empty for none */
    struct journal_spare spare;
    /* the thread's own */
    int file; /* of the segment being written, or -1 */
    uint64_t file_segment;
};

void journal_segment_name(char name[static JOURNAL_NAME_BYTES], uint64_t segment);

/** Starts the thread. @param spare  what recovery has left; the writer keeps it up */
tip_nodiscard int journal_writer_open(struct journal_writer *writer, struct journal_disk *disk,
                                      const struct journal_spare *spare, bool threaded);
/** Ends it after the group under way. */
void journal_writer_deinit(struct journal_writer *writer);

/** False while another group is under way or not yet collected. The group stays the caller's, untouched until done. */
bool journal_writer_submit(struct journal_writer *writer, struct journal_group *group);

/** The group that became durable, once; NULL for none. @param failedp  negative errno or 0 */
struct journal_group *journal_writer_collect(struct journal_writer *writer, int *failedp);

/** Nobody can open it from here on. */
void journal_writer_retire(struct journal_writer *writer, const struct journal_retired *retired);

/** Copies what the consumers' file shall hold. */
void journal_writer_save_holds(struct journal_writer *writer, const struct tip_buf *content);

/** Tries again what waits for space. @return true while it waits */
bool journal_writer_kick(struct journal_writer *writer);
