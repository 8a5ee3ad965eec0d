#include "snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/crc32c.h>
#include <tip/fail.h>

static const char meta_magic[8] = {'T', 'I', 'P', 'S', 'N', 'A', 'P', '1'};

enum { META_CRC = 8, META_BODY = 12 };

/* ---- little-endian ---- */

static void meta_put(uint8_t *at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t meta_get(const uint8_t *at, size_t n)
{
    uint64_t value = 0;

    for (size_t i = n; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

/* ---- meta ---- */

void snapshot_meta_write(const struct snapshot_meta *meta, uint8_t bytes[static SNAPSHOT_META_BYTES])
{
    memcpy(bytes, meta_magic, sizeof(meta_magic));
    meta_put(bytes + 12, meta->tlp, 4);
    memcpy(bytes + 16, meta->id.bytes, sizeof(meta->id.bytes));
    memcpy(bytes + 32, meta->journal_id.bytes, sizeof(meta->journal_id.bytes));
    meta_put(bytes + 48, meta->seq, 8);
    meta_put(bytes + 56, (uint64_t)meta->taken_unix_ms, 8);
    meta_put(bytes + 64, meta->size, 8);
    memcpy(bytes + 72, meta->sha256, sizeof(meta->sha256));
    meta_put(bytes + META_CRC, tip_crc32c(0, bytes + META_BODY, SNAPSHOT_META_BYTES - META_BODY), 4);
}

static bool meta_valid(const struct snapshot_meta *meta)
{
    return meta->tlp > TIP_TLP_NONE && meta->tlp < TIP_TLP_COUNT && !tip_id_is_zero(&meta->id) &&
           !tip_id_is_zero(&meta->journal_id) && meta->taken_unix_ms >= 0 && meta->size <= TIP_SNAPSHOT_BYTES_MAX;
}

int snapshot_meta_read(struct snapshot_meta *meta, const uint8_t *bytes, size_t n)
{
    if (n != SNAPSHOT_META_BYTES || memcmp(bytes, meta_magic, sizeof(meta_magic)) != 0 ||
        meta_get(bytes + META_CRC, 4) != tip_crc32c(0, bytes + META_BODY, SNAPSHOT_META_BYTES - META_BODY))
        return SNAPSHOT_E_DAMAGED;
    *meta = (struct snapshot_meta){.tlp = (enum tip_tlp)meta_get(bytes + 12, 4),
                                   .seq = meta_get(bytes + 48, 8),
                                   .taken_unix_ms = (int64_t)meta_get(bytes + 56, 8),
                                   .size = meta_get(bytes + 64, 8)};
    memcpy(meta->id.bytes, bytes + 16, sizeof(meta->id.bytes));
    memcpy(meta->journal_id.bytes, bytes + 32, sizeof(meta->journal_id.bytes));
    memcpy(meta->sha256, bytes + 72, sizeof(meta->sha256));
    return meta_valid(meta) ? 0 : SNAPSHOT_E_DAMAGED;
}

void snapshot_path(const struct snapshot_place *place, const struct snapshot_meta *meta, const char *suffix,
                   char path[static SNAPSHOT_PATH])
{
    char hex[2 * sizeof(meta->id.bytes) + 1];

    for (size_t i = 0; i < sizeof(meta->id.bytes); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", meta->id.bytes[i]);
    (void)snprintf(path, SNAPSHOT_PATH, "%s/%s.%s.%s.%s", place->dir, place->stream, tip_tlp_name(meta->tlp), hex,
                   suffix);
}

/* ---- writing ---- */

static int file_write(int fd, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    ssize_t done;

    while (n > 0) {
        done = write(fd, at, n);
        if (done == -1 && errno == EINTR)
            continue;
        if (done == -1)
            return -errno;
        at += done;
        n -= (size_t)done;
    }
    return 0;
}

static int file_create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    return fd == -1 ? -errno : fd;
}

/* Durable when it returns 0; closed in any case. */
static int file_close_durable(int *fdp)
{
    int r = fsync(*fdp) == -1 ? -errno : 0;

    if (close(*fdp) == -1 && !r)
        r = -errno;
    *fdp = -1;
    return r;
}

static int file_sync_dir(const char *dir)
{
    tip_auto(tip_fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1 || fsync(fd) == -1)
        return -errno;
    return 0;
}

void snapshot_writer_init(struct snapshot_writer *writer, const struct snapshot_place *place,
                          const struct snapshot_meta *meta, uint64_t bytes_max)
{
    *writer = (struct snapshot_writer){.place = *place, .meta = *meta, .bytes_max = bytes_max, .fd = -1};
    writer->meta.size = 0;
    (void)crypto_hash_sha256_init(&writer->hash); /* never fails */
}

static int writer_open(struct snapshot_writer *writer)
{
    char path[SNAPSHOT_PATH];

    if (writer->fd >= 0)
        return 0;
    snapshot_path(&writer->place, &writer->meta, "snap.new", path);
    writer->fd = file_create(path);
    return writer->fd < 0 ? writer->fd : 0;
}

int snapshot_writer_put(struct snapshot_writer *writer, const void *bytes, size_t n)
{
    int r;

    if (n > writer->bytes_max - writer->meta.size)
        return -EFBIG;
    r = writer_open(writer);
    if (!r)
        r = file_write(writer->fd, bytes, n);
    if (r)
        return r;
    (void)crypto_hash_sha256_update(&writer->hash, bytes, n);
    writer->meta.size += n;
    return 0;
}

static int writer_put_meta(const struct snapshot_writer *writer)
{
    uint8_t bytes[SNAPSHOT_META_BYTES];
    char path[SNAPSHOT_PATH];
    int fd, r;

    snapshot_path(&writer->place, &writer->meta, "meta.new", path);
    snapshot_meta_write(&writer->meta, bytes);
    fd = file_create(path);
    if (fd < 0)
        return fd;
    r = file_write(fd, bytes, sizeof(bytes));
    if (!r)
        return file_close_durable(&fd);
    tip_fd_close(&fd);
    return r;
}

static int writer_rename(const struct snapshot_writer *writer, const char *from, const char *to)
{
    char before[SNAPSHOT_PATH], after[SNAPSHOT_PATH];

    snapshot_path(&writer->place, &writer->meta, from, before);
    snapshot_path(&writer->place, &writer->meta, to, after);
    return rename(before, after) == -1 ? -errno : 0;
}

int snapshot_writer_finish(struct snapshot_writer *writer)
{
    int r = writer_open(writer); /* an empty one is a file too */

    (void)crypto_hash_sha256_final(&writer->hash, writer->meta.sha256);
    if (!r)
        r = file_close_durable(&writer->fd);
    if (!r)
        r = writer_put_meta(writer);
    if (!r)
        r = writer_rename(writer, "snap.new", "snap");
    if (!r)
        r = writer_rename(writer, "meta.new", "meta");
    if (!r)
        r = file_sync_dir(writer->place.dir);
    writer->is_finished = !r;
    return r;
}

static void place_remove(const struct snapshot_place *place, const struct snapshot_meta *meta, const char *suffix)
{
    char path[SNAPSHOT_PATH];

    snapshot_path(place, meta, suffix, path);
    (void)unlink(path); /* it may not be there; what stays is removed at the next start */
}

void snapshot_remove(const struct snapshot_place *place, const struct snapshot_meta *meta)
{
    place_remove(place, meta, "meta");
    place_remove(place, meta, "snap");
}

void snapshot_writer_deinit(struct snapshot_writer *writer)
{
    if (writer->fd >= 0)
        tip_fd_close(&writer->fd);
    if (writer->is_finished)
        return;
    snapshot_remove(&writer->place, &writer->meta);
    place_remove(&writer->place, &writer->meta, "meta.new");
    place_remove(&writer->place, &writer->meta, "snap.new");
}

/* ---- reading ---- */

static int file_read_at(int fd, uint8_t *bytes, size_t n, uint64_t at)
{
    ssize_t done;

    while (n > 0) {
        done = pread(fd, bytes, n, (off_t)at);
        if (done == -1 && errno == EINTR)
            continue;
        if (done == -1)
            return -errno;
        if (done == 0)
            return -EIO;
        bytes += done;
        at += (uint64_t)done;
        n -= (size_t)done;
    }
    return 0;
}

static int page_read(const struct snapshot_place *place, const struct snapshot_meta *meta, uint32_t page,
                     uint8_t *bytes)
{
    tip_auto(tip_fd_close) int fd = -1;
    char path[SNAPSHOT_PATH];

    snapshot_path(place, meta, "snap", path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return -errno;
    return file_read_at(fd, bytes, tip_snapshot_page_bytes(meta->size, page), (uint64_t)page * TIP_SNAPSHOT_PAGE_BYTES);
}

int snapshot_page_read(const struct snapshot_place *place, const struct snapshot_meta *meta, uint32_t page,
                       struct tip_buf *out)
{
    tip_auto(tip_free) uint8_t *bytes = malloc(TIP_SNAPSHOT_PAGE_BYTES);
    struct tip_snapshot_page answer = {.snapshot_id = meta->id,
                                       .journal_id = meta->journal_id,
                                       .seq = meta->seq,
                                       .taken_unix_ms = meta->taken_unix_ms,
                                       .size = meta->size,
                                       .n_pages = tip_snapshot_pages(meta->size),
                                       .page = page,
                                       .data = bytes,
                                       .data_len = tip_snapshot_page_bytes(meta->size, page)};
    int r;

    if (!bytes)
        return -ENOMEM;
    memcpy(answer.sha256, meta->sha256, sizeof(answer.sha256));
    r = page_read(place, meta, page, bytes);
    return r ? r : tip_snapshot_page_encode(&answer, out);
}

/* ---- cutting bytes into events ---- */

enum { CUT_HEAD = 4, CUT_MAX = CUT_HEAD + TIP_EVENT_BYTES_MAX };

void snapshot_cut_init(struct snapshot_cut *cut)
{
    *cut = (struct snapshot_cut){0};
    tip_buf_init(&cut->rest, CUT_MAX);
}

void snapshot_cut_deinit(struct snapshot_cut *cut)
{
    tip_buf_deinit(&cut->rest);
}

/* The bytes of the record that begins here, its head included: 0 when not even that is whole. */
static size_t cut_size(const uint8_t *bytes, size_t n)
{
    return n < CUT_HEAD ? 0 : CUT_HEAD + (size_t)meta_get(bytes, CUT_HEAD);
}

/* How much of what comes belongs to the record that has begun. */
static size_t cut_missing(const struct snapshot_cut *cut)
{
    size_t size = cut_size(cut->rest.data, cut->rest.len);

    return (size ? size : CUT_HEAD) - cut->rest.len;
}

/* Completes the record that has begun, as far as the bytes go. @return 0, or SNAPSHOT_E_DAMAGED */
static int cut_complete(struct snapshot_cut *cut, const uint8_t **bytesp, size_t *np)
{
    while (*np > 0 && cut_missing(cut) > 0) {
        size_t n = cut_missing(cut) < *np ? cut_missing(cut) : *np;

        if (tip_buf_append(&cut->rest, *bytesp, n))
            return SNAPSHOT_E_DAMAGED;
        *bytesp += n;
        *np -= n;
        if (cut_size(cut->rest.data, cut->rest.len) > CUT_MAX)
            return SNAPSHOT_E_DAMAGED;
    }
    return 0;
}

static int cut_rest(struct snapshot_cut *cut, const uint8_t **bytesp, size_t *np,
                    int (*each)(void *ctx, const uint8_t *event, size_t n), void *ctx)
{
    int r = cut_complete(cut, bytesp, np);

    if (r || cut->rest.len < CUT_HEAD || cut_missing(cut) > 0)
        return r;
    cut->n_events++;
    r = each(ctx, cut->rest.data + CUT_HEAD, cut->rest.len - CUT_HEAD);
    tip_buf_clear(&cut->rest);
    return r;
}

int snapshot_cut_feed(struct snapshot_cut *cut, const uint8_t *bytes, size_t n,
                      int (*each)(void *ctx, const uint8_t *event, size_t n), void *ctx)
{
    size_t size;
    int r = 0;

    if (cut->rest.len > 0)
        r = cut_rest(cut, &bytes, &n, each, ctx);
    while (!r && (size = cut_size(bytes, n)) != 0) {
        if (size > CUT_MAX)
            return SNAPSHOT_E_DAMAGED;
        if (size > n)
            break;
        cut->n_events++;
        r = each(ctx, bytes + CUT_HEAD, size - CUT_HEAD);
        bytes += size;
        n -= size;
    }
    if (!r && n > 0 && tip_buf_append(&cut->rest, bytes, n))
        return SNAPSHOT_E_DAMAGED;
    return r;
}

int snapshot_cut_end(const struct snapshot_cut *cut)
{
    return cut->rest.len > 0 ? SNAPSHOT_E_DAMAGED : 0;
}

/* ---- collecting pages ---- */

static int spool_open(const char *dir)
{
    char path[SNAPSHOT_PATH];
    int fd;

    if (!dir)
        dir = getenv("TMPDIR");
    if ((size_t)snprintf(path, sizeof(path), "%s/tip-snapshot-XXXXXX", dir && *dir ? dir : "/tmp") >= sizeof(path))
        return -ENAMETOOLONG;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd == -1)
        return -errno;
    (void)unlink(path); /* it was made just now */
    return fd;
}

int snapshot_spool_init(struct snapshot_spool *spool, const char *dir, const struct tip_snapshot_page *first)
{
    *spool = (struct snapshot_spool){.fd = spool_open(dir)};
    spool->meta = (struct snapshot_meta){.id = first->snapshot_id,
                                         .journal_id = first->journal_id,
                                         .seq = first->seq,
                                         .taken_unix_ms = first->taken_unix_ms,
                                         .size = first->size};
    memcpy(spool->meta.sha256, first->sha256, sizeof(spool->meta.sha256));
    (void)crypto_hash_sha256_init(&spool->hash); /* never fails */
    return spool->fd < 0 ? spool->fd : 0;
}

void snapshot_spool_deinit(struct snapshot_spool *spool)
{
    if (spool->fd >= 0)
        tip_fd_close(&spool->fd);
    spool->fd = -1;
}

static bool spool_same(const struct snapshot_meta *meta, const struct tip_snapshot_page *page)
{
    return tip_id_equal(&meta->id, &page->snapshot_id) && tip_id_equal(&meta->journal_id, &page->journal_id) &&
           meta->seq == page->seq && meta->size == page->size &&
           memcmp(meta->sha256, page->sha256, sizeof(meta->sha256)) == 0;
}

int snapshot_spool_add(struct snapshot_spool *spool, const struct tip_snapshot_page *page)
{
    int r;

    if (!spool_same(&spool->meta, page) || spool->size != (uint64_t)page->page * TIP_SNAPSHOT_PAGE_BYTES)
        return SNAPSHOT_E_DAMAGED;
    r = file_write(spool->fd, page->data, page->data_len);
    if (r)
        return r;
    (void)crypto_hash_sha256_update(&spool->hash, page->data, page->data_len);
    spool->size += page->data_len;
    return 0;
}

int snapshot_spool_check(struct snapshot_spool *spool)
{
    uint8_t sha256[TIP_SNAPSHOT_DIGEST_BYTES];

    if (spool->size != spool->meta.size)
        return SNAPSHOT_E_DAMAGED;
    (void)crypto_hash_sha256_final(&spool->hash, sha256);
    return memcmp(sha256, spool->meta.sha256, sizeof(sha256)) == 0 ? 0 : SNAPSHOT_E_DAMAGED;
}
