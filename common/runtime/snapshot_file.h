#pragma once
/*
 * The files of snapshots. <stream>.<tlp>.<id>.snap holds the events; <stream>.<tlp>.<id>.meta says what it is, and is
 * written last: a snapshot without one is none. Blocking: for the pool, and for start.
 *
 *     meta    offset  bytes, integers little-endian
 *             0       8      "TIPSNAP1"
 *             8       4      CRC-32C of bytes 12 to the end
 *             12      4      TLP of the view
 *             16      16     id
 *             32      16     journal id
 *             48      8      seq
 *             56      8      taken, milliseconds since 1970
 *             64      8      size of the file
 *             72      32     its SHA-256
 */
#include <stdbool.h>
#include <stdint.h>

#include <sodium.h>

#include <tip/buf.h>
#include <tip/call.h>
#include <tip/snapshot.h>

enum {
    SNAPSHOT_META_BYTES = 104,
    SNAPSHOT_DIR_MAX = 3072,
    SNAPSHOT_PATH = SNAPSHOT_DIR_MAX + 256,
    SNAPSHOT_E_DAMAGED = 1
};

struct snapshot_meta {
    enum tip_tlp tlp;
    struct tip_id id, journal_id;
    uint64_t seq;
    int64_t taken_unix_ms;
    uint64_t size;
    uint8_t sha256[TIP_SNAPSHOT_DIGEST_BYTES];
};

void snapshot_meta_write(const struct snapshot_meta *meta, uint8_t bytes[static SNAPSHOT_META_BYTES]);

/** @return 0 or SNAPSHOT_E_DAMAGED */
tip_nodiscard int snapshot_meta_read(struct snapshot_meta *meta, const uint8_t *bytes, size_t n);

/** Where the files of a stream lie. */
struct snapshot_place {
    char dir[SNAPSHOT_DIR_MAX];
    char stream[TIP_SNAPSHOT_STREAM_MAX + 1];
};

/** @param suffix  "snap", "meta", or with ".new" behind it what is being written */
void snapshot_path(const struct snapshot_place *place, const struct snapshot_meta *meta, const char *suffix,
                   char path[static SNAPSHOT_PATH]);

/* ---- writing ---- */

struct snapshot_writer {
    struct snapshot_place place;
    struct snapshot_meta meta; /* size and sha256 with finish */
    uint64_t bytes_max;
    int fd; /* -1: nothing written yet */
    bool is_finished;
    crypto_hash_sha256_state hash;
};

/** @param meta  all but size and sha256 */
void snapshot_writer_init(struct snapshot_writer *writer, const struct snapshot_place *place,
                          const struct snapshot_meta *meta, uint64_t bytes_max);

/** What is not finished goes. */
void snapshot_writer_deinit(struct snapshot_writer *writer);

/** @return 0, -EFBIG, or another negative errno: then there is no use in going on */
tip_nodiscard int snapshot_writer_put(struct snapshot_writer *writer, const void *bytes, size_t n);

/** Durable under its name when this returns 0. */
tip_nodiscard int snapshot_writer_finish(struct snapshot_writer *writer);

/** Removes a snapshot; its meta first. */
void snapshot_remove(const struct snapshot_place *place, const struct snapshot_meta *meta);

/* ---- what is there ---- */

/** The newest of one view, newest first. */
struct snapshot_shelf {
    struct snapshot_meta items[TIP_SNAPSHOT_KEPT];
    size_t n;
};

/** Finds complete ones, removes what else has the stream's name. @param shelves  by TLP */
tip_nodiscard int snapshot_shelves_load(struct snapshot_shelf shelves[static TIP_TLP_COUNT],
                                        const struct snapshot_place *place);

/** Puts one in front. @return true when *gonep must be removed */
bool snapshot_shelf_add(struct snapshot_shelf *shelf, const struct snapshot_meta *meta, struct snapshot_meta *gonep);
const struct snapshot_meta *snapshot_shelf_find(const struct snapshot_shelf *shelf, const struct tip_id *id);

/** One page, encoded as the answer. @return 0, or negative errno: -EIO when the file is shorter than it should be */
tip_nodiscard int snapshot_page_read(const struct snapshot_place *place, const struct snapshot_meta *meta,
                                     uint32_t page, struct tip_buf *out);

/* ---- cutting bytes into events ---- */

struct snapshot_cut {
    struct tip_buf rest; /* of an event that has not come whole */
    uint64_t n_events;
};

void snapshot_cut_init(struct snapshot_cut *cut);
void snapshot_cut_deinit(struct snapshot_cut *cut);

/** @param each  0 to go on @return 0, SNAPSHOT_E_DAMAGED, or what each returned */
tip_nodiscard int snapshot_cut_feed(struct snapshot_cut *cut, const uint8_t *bytes, size_t n,
                                    int (*each)(void *ctx, const uint8_t *event, size_t n), void *ctx);

/** @return 0, or SNAPSHOT_E_DAMAGED when the last event is not whole */
tip_nodiscard int snapshot_cut_end(const struct snapshot_cut *cut);

/* ---- collecting pages ---- */

/** A file without a name that grows page by page; nobody sees what is in it before it is whole and right. */
struct snapshot_spool {
    struct snapshot_meta meta;
    int fd;
    uint64_t size;
    crypto_hash_sha256_state hash;
};

/** @param first  any page of the snapshot: what it says of the file. @return 0 or negative errno */
tip_nodiscard int snapshot_spool_init(struct snapshot_spool *spool, const char *dir,
                                      const struct tip_snapshot_page *first);
void snapshot_spool_deinit(struct snapshot_spool *spool);

/** The next page. @return 0, SNAPSHOT_E_DAMAGED when it is another one, or of another file; or negative errno */
tip_nodiscard int snapshot_spool_add(struct snapshot_spool *spool, const struct tip_snapshot_page *page);

/** @return 0 when it is whole and its digest is right, else SNAPSHOT_E_DAMAGED */
tip_nodiscard int snapshot_spool_check(struct snapshot_spool *spool);
