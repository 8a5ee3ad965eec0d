#include "io/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "io/unpack_run.h"

enum { UNPACK_CHUNK = 256 * 1024, UNPACK_RATIO_MAX = 200, UNPACK_RATIO_FROM = 1024 * 1024, UNPACK_TAR_AT = 257 };

const char *const bl_container_names[] = {"auto", "none", "gzip", "zip", "xz", "bzip2", "zstd", "tar", "7z", NULL};

/** How libarchive is told of a container, and what a file of it starts with. */
struct unpack_kind {
    size_t at, n;
    const char *magic;
    int (*filter)(struct archive *);
    int (*format)(struct archive *);
    int filter_code; /* the filter that must have been found */
};

static const struct unpack_kind unpack_kinds[BL_CONTAINER_COUNT] = {
    [BL_CONTAINER_GZIP] = {0, 2, "\x1f\x8b", archive_read_support_filter_gzip, archive_read_support_format_raw,
                           ARCHIVE_FILTER_GZIP},
    [BL_CONTAINER_ZIP] = {0, 4, "PK\3\4", NULL, archive_read_support_format_zip, 0},
    [BL_CONTAINER_XZ] = {0, 6,
                         "\xfd"
                         "7zXZ\0",
                         archive_read_support_filter_xz, archive_read_support_format_raw, ARCHIVE_FILTER_XZ},
    [BL_CONTAINER_BZIP2] = {0, 3, "BZh", archive_read_support_filter_bzip2, archive_read_support_format_raw,
                            ARCHIVE_FILTER_BZIP2},
    [BL_CONTAINER_ZSTD] = {0, 4, "\x28\xb5\x2f\xfd", archive_read_support_filter_zstd, archive_read_support_format_raw,
                           ARCHIVE_FILTER_ZSTD},
    [BL_CONTAINER_TAR] = {UNPACK_TAR_AT, 5, "ustar", NULL, archive_read_support_format_tar, 0},
    [BL_CONTAINER_7Z] = {0, 6, "7z\xbc\xaf\x27\x1c", NULL, archive_read_support_format_7zip, 0},
};

static enum bl_container unpack_guess(const char *head, size_t n)
{
    for (int i = 0; i < BL_CONTAINER_COUNT; i++) {
        const struct unpack_kind *kind = &unpack_kinds[i];

        if (kind->n && n >= kind->at + kind->n && !memcmp(head + kind->at, kind->magic, kind->n))
            return (enum bl_container)i;
    }
    return BL_CONTAINER_NONE;
}

enum bl_container bl_unpack_guess(const char *path)
{
    tip_auto(tip_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char head[UNPACK_TAR_AT + 8];
    ssize_t n = fd == -1 ? -1 : read(fd, head, sizeof(head));

    return n > 0 ? unpack_guess(head, (size_t)n) : BL_CONTAINER_NONE;
}

int unpack_put(int fd, const char *bytes, size_t n)
{
    ssize_t done;

    while (n) {
        done = write(fd, bytes, n);
        if (done == -1 && errno == EINTR)
            continue;
        if (done == -1)
            return tip_fail(-errno);
        bytes += done;
        n -= (size_t)done;
    }
    return 0;
}

int unpack_take(struct bl_unpack *unpack, const char *bytes, size_t n)
{
    int r;

    if (n > unpack->bytes_max - unpack->n_bytes)
        return BL_UNPACK_E_TOO_LARGE;
    unpack->n_bytes += n;
    r = unpack->take(unpack->ctx, bytes, n);
    return r > 0 ? BL_UNPACK_E_STOPPED : r;
}

static int unpack_plain(struct bl_unpack *unpack)
{
    tip_auto(tip_free) char *chunk = tip_new_array(UNPACK_CHUNK, char);
    tip_auto(tip_fd_close) int fd = open(unpack->from, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;
    int r = 0;

    if (fd == -1)
        return tip_fail(-errno);
    while (!r && (n = read(fd, chunk, UNPACK_CHUNK)) > 0)
        r = unpack_take(unpack, chunk, (size_t)n);
    return n == -1 ? tip_fail(-errno) : r;
}

/* ---- archives ---- */

/** One unpacking: its archive, and how far it is. */
struct unpack_run {
    struct bl_unpack *unpack;
    struct archive *archive;
    char *chunk;
    uint64_t n_packed; /* bytes of the file */
    unsigned n_members, n_taken;
    char last; /* byte of the body */
};

static void unpack_run_deinit(struct unpack_run *run)
{
    if (run->archive)
        archive_read_free(run->archive);
    free(run->chunk);
}

/* Some readers of libarchive say that memory is out in words only. */
static int unpack_damage(const struct unpack_run *run)
{
    const char *why = archive_error_string(run->archive);

    if (archive_errno(run->archive) == ENOMEM || (why && strstr(why, "llocate memory")))
        return BL_UNPACK_E_MEMORY;
    return BL_UNPACK_E_DAMAGED;
}

/* A tar may itself be packed. */
static int unpack_support_tar(struct archive *archive)
{
    int r = ARCHIVE_OK;

    for (int i = 0; i < BL_CONTAINER_COUNT && r == ARCHIVE_OK; i++)
        r = unpack_kinds[i].filter ? unpack_kinds[i].filter(archive) : ARCHIVE_OK;
    return r;
}

static int unpack_open(struct unpack_run *run)
{
    const struct bl_unpack *unpack = run->unpack;
    const struct unpack_kind *kind = &unpack_kinds[unpack->container];
    struct stat packed;

    if (!run->archive || stat(unpack->from, &packed) == -1)
        return tip_fail(-errno);
    run->n_packed = (uint64_t)packed.st_size;
    if (unpack->container == BL_CONTAINER_TAR && unpack_support_tar(run->archive) != ARCHIVE_OK)
        return BL_UNPACK_E_DAMAGED;
    if ((kind->filter && kind->filter(run->archive) != ARCHIVE_OK) || kind->format(run->archive) != ARCHIVE_OK ||
        archive_read_open_filename(run->archive, unpack->from, UNPACK_CHUNK) != ARCHIVE_OK)
        return unpack_damage(run);
    return 0;
}

/* A small body may hold any ratio; a bomb may not grow. */
static bool unpack_is_bomb(const struct unpack_run *run)
{
    uint64_t n = run->unpack->n_bytes;

    return n > UNPACK_RATIO_FROM && n / UNPACK_RATIO_MAX > run->n_packed;
}

static int unpack_keep(struct unpack_run *run, const char *bytes, size_t n)
{
    int r = unpack_take(run->unpack, bytes, n);

    r = r || !unpack_is_bomb(run) ? r : BL_UNPACK_E_RATIO;
    if (n)
        run->last = bytes[n - 1];
    return r;
}

/* Entries of two members never share a line. */
static int unpack_part(struct unpack_run *run)
{
    return run->n_taken++ && run->last != '\n' ? unpack_keep(run, "\n", 1) : 0;
}

static int unpack_member(struct unpack_run *run)
{
    la_ssize_t n = 0;
    bool is_first = true;
    int r = unpack_part(run);

    while (!r && (n = archive_read_data(run->archive, run->chunk, UNPACK_CHUNK)) > 0) {
        if (is_first && unpack_guess(run->chunk, (size_t)n) != BL_CONTAINER_NONE)
            return BL_UNPACK_E_NESTED;
        is_first = false;
        r = unpack_keep(run, run->chunk, (size_t)n);
    }
    return !r && n < 0 ? unpack_damage(run) : r;
}

static bool unpack_wants(const struct unpack_run *run, struct archive_entry *entry)
{
    const char *glob = run->unpack->member;
    const char *name = archive_entry_pathname(entry);

    if (archive_format(run->archive) == ARCHIVE_FORMAT_RAW)
        return true;
    return archive_entry_filetype(entry) == AE_IFREG && (!glob || !*glob || (name && !fnmatch(glob, name, 0)));
}

static int unpack_entry(struct unpack_run *run, struct archive_entry *entry)
{
    int filter = unpack_kinds[run->unpack->container].filter_code;

    if (filter && archive_filter_code(run->archive, 0) != filter)
        return BL_UNPACK_E_DAMAGED;
    if (++run->n_members > BL_MEMBERS_MAX)
        return BL_UNPACK_E_MEMBERS;
    if (!unpack_wants(run, entry))
        return 0;
    return archive_entry_is_encrypted(entry) ? BL_UNPACK_E_ENCRYPTED : unpack_member(run);
}

int bl_unpack_here(struct bl_unpack *unpack)
{
    tip_auto(unpack_run_deinit) struct unpack_run run = {
        .unpack = unpack, .archive = archive_read_new(), .chunk = tip_new_array(UNPACK_CHUNK, char)};
    struct archive_entry *entry;
    int found = ARCHIVE_OK;
    int r;

    unpack->n_bytes = 0;
    r = unpack_open(&run);
    while (!r && ((found = archive_read_next_header(run.archive, &entry)) == ARCHIVE_OK || found == ARCHIVE_WARN))
        r = unpack_entry(&run, entry);
    if (r)
        return r;
    if (found != ARCHIVE_EOF)
        return unpack_damage(&run);
    return run.n_taken ? 0 : BL_UNPACK_E_NO_MEMBER;
}

int bl_unpack(struct bl_unpack *unpack)
{
    static const struct unpack_limits limits = {.silence_ms = 60 * 1000, .cpu_s = 300};

    unpack->n_bytes = 0;
    return unpack->container == BL_CONTAINER_NONE ? unpack_plain(unpack) : unpack_apart(unpack, &limits);
}

/* ---- words ---- */

static const char *const unpack_sentences[BL_UNPACK_E_END] = {
    [BL_UNPACK_E_DAMAGED] = "the body is not such a container, or is cut short",
    [BL_UNPACK_E_TOO_LARGE] = "the body is larger than max_bytes",
    [BL_UNPACK_E_STOPPED] = "",
    [BL_UNPACK_E_RATIO] = "the body grows more than 200 times when it is unpacked",
    [BL_UNPACK_E_MEMBERS] = "the archive has more than 1000 members",
    [BL_UNPACK_E_NO_MEMBER] = "the archive has no member of that name",
    [BL_UNPACK_E_NESTED] = "a container lies within the container",
    [BL_UNPACK_E_ENCRYPTED] = "the archive is encrypted",
    [BL_UNPACK_E_MEMORY] = "the container asks for more than 192 MiB of memory to be unpacked",
    [BL_UNPACK_E_ENDED] = "the process that unpacked the container was ended",
};

const char *bl_unpack_reason(int code, enum bl_container container)
{
    static const char *const damaged[BL_CONTAINER_COUNT] = {
        [BL_CONTAINER_GZIP] = "damaged_gzip", [BL_CONTAINER_ZIP] = "damaged_zip",
        [BL_CONTAINER_XZ] = "damaged_xz",     [BL_CONTAINER_BZIP2] = "damaged_bzip2",
        [BL_CONTAINER_ZSTD] = "damaged_zstd", [BL_CONTAINER_TAR] = "damaged_tar",
        [BL_CONTAINER_7Z] = "damaged_7z",
    };
    static const char *const words[BL_UNPACK_E_END] = {
        [BL_UNPACK_E_TOO_LARGE] = "too_large", [BL_UNPACK_E_STOPPED] = "",
        [BL_UNPACK_E_RATIO] = "bomb",          [BL_UNPACK_E_MEMBERS] = "too_many_members",
        [BL_UNPACK_E_NO_MEMBER] = "no_member", [BL_UNPACK_E_NESTED] = "nested",
        [BL_UNPACK_E_ENCRYPTED] = "encrypted", [BL_UNPACK_E_MEMORY] = "too_much_memory",
        [BL_UNPACK_E_ENDED] = "unpack_ended",
    };

    return code == BL_UNPACK_E_DAMAGED ? damaged[container] : words[code];
}

const char *bl_unpack_sentence(int code)
{
    return unpack_sentences[code];
}
