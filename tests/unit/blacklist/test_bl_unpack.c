#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

#include "io/unpack.h"
#include "io/unpack_run.h"

enum { MIB = 1024 * 1024 };

/* How libarchive writes what libarchive must read; the program gets no writer. */
struct pack {
    enum bl_container container;
    int (*format)(struct archive *);
    int (*filter)(struct archive *);
};

static const struct pack packs[] = {
    {BL_CONTAINER_GZIP, archive_write_set_format_raw, archive_write_add_filter_gzip},
    {BL_CONTAINER_XZ, archive_write_set_format_raw, archive_write_add_filter_xz},
    {BL_CONTAINER_BZIP2, archive_write_set_format_raw, archive_write_add_filter_bzip2},
    {BL_CONTAINER_ZSTD, archive_write_set_format_raw, archive_write_add_filter_zstd},
    {BL_CONTAINER_ZIP, archive_write_set_format_zip, archive_write_add_filter_none},
    {BL_CONTAINER_TAR, archive_write_set_format_ustar, archive_write_add_filter_none},
    {BL_CONTAINER_7Z, archive_write_set_format_7zip, archive_write_add_filter_none},
};

enum { PACKS = sizeof(packs) / sizeof(*packs), FIRST_ARCHIVE = 4 };

static char path[64];
static struct tip_buf body;

static int take(void *ctx, const char *bytes, size_t n)
{
    return tip_buf_append(ctx, bytes, n);
}

static void add(struct archive *archive, const char *name, const char *bytes, size_t n)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)n);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(archive, bytes, n), n);
    archive_entry_free(entry);
}

static struct archive *begin(const struct pack *pack)
{
    struct archive *archive = archive_write_new();

    assert_int_equal(pack->format(archive), ARCHIVE_OK);
    assert_int_equal(pack->filter(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    return archive;
}

static void end(struct archive *archive)
{
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

static void pack_one(const struct pack *pack, const char *bytes, size_t n)
{
    struct archive *archive = begin(pack);

    add(archive, "list.txt", bytes, n);
    end(archive);
}

static int unpack(enum bl_container container, const char *member, uint64_t max)
{
    struct bl_unpack job = {
        .from = path, .container = container, .member = member, .bytes_max = max, .take = take, .ctx = &body};
    int r;

    tip_buf_clear(&body);
    r = bl_unpack(&job);
    assert_true(job.n_bytes <= max);
    return r;
}

static void test_unpack_every_container(void **state)
{
    (void)state;
    for (size_t i = 0; i < PACKS; i++) {
        pack_one(&packs[i], "8.8.8.8\n9.9.9.9", 15);
        assert_int_equal(bl_unpack_guess(path), packs[i].container);
        assert_int_equal(unpack(packs[i].container, NULL, MIB), 0);
        assert_string_equal(tip_buf_text(&body), "8.8.8.8\n9.9.9.9");
        assert_int_equal(unpack(packs[i].container, NULL, 14), BL_UNPACK_E_TOO_LARGE);
        assert_int_equal(truncate(path, 20), 0);
        assert_int_equal(unpack(packs[i].container, NULL, MIB), BL_UNPACK_E_DAMAGED);
        assert_int_equal(strncmp(bl_unpack_reason(BL_UNPACK_E_DAMAGED, packs[i].container), "damaged_", 8), 0);
    }
}

static void test_unpack_members(void **state)
{
    (void)state;
    for (size_t i = FIRST_ARCHIVE; i < PACKS; i++) {
        struct archive *archive = begin(&packs[i]);

        add(archive, "readme", "no list", 7);
        add(archive, "a.txt", "8.8.8.8", 7);
        add(archive, "d/b.txt", "9.9.9.9", 7);
        end(archive);
        assert_int_equal(unpack(packs[i].container, "*.txt", MIB), 0);
        assert_string_equal(tip_buf_text(&body), "8.8.8.8\n9.9.9.9");
        assert_int_equal(unpack(packs[i].container, "*.csv", MIB), BL_UNPACK_E_NO_MEMBER);
    }
}

static void test_unpack_too_many_members(void **state)
{
    char name[32];

    (void)state;
    for (size_t i = FIRST_ARCHIVE; i < PACKS; i++) {
        struct archive *archive = begin(&packs[i]);

        for (int n = 0; n <= BL_MEMBERS_MAX; n++) {
            (void)snprintf(name, sizeof(name), "%d", n);
            add(archive, name, "x", 1);
        }
        end(archive);
        assert_int_equal(unpack(packs[i].container, NULL, MIB), BL_UNPACK_E_MEMBERS);
        assert_int_equal(unpack(packs[i].container, "none", MIB), BL_UNPACK_E_MEMBERS);
    }
}

static void test_unpack_bombs(void **state)
{
    static char zeros[16 * MIB];

    (void)state;
    for (size_t i = 0; i < PACKS; i++) {
        if (packs[i].container == BL_CONTAINER_TAR)
            continue; /* packs nothing */
        pack_one(&packs[i], zeros, sizeof(zeros));
        assert_int_equal(unpack(packs[i].container, NULL, 1024 * MIB), BL_UNPACK_E_RATIO);
        assert_true(body.len < sizeof(zeros));
        assert_int_equal(unpack(packs[i].container, NULL, MIB), BL_UNPACK_E_TOO_LARGE);
    }
}

static void test_unpack_nested(void **state)
{
    static const char inner[] = "PK\3\4 and what follows";

    (void)state;
    for (size_t i = 0; i < PACKS; i++) {
        pack_one(&packs[i], inner, sizeof(inner) - 1);
        assert_int_equal(unpack(packs[i].container, NULL, MIB), BL_UNPACK_E_NESTED);
    }
}

static void test_unpack_packed_tar(void **state)
{
    static const struct pack both = {BL_CONTAINER_TAR, archive_write_set_format_ustar, archive_write_add_filter_gzip};

    (void)state;
    pack_one(&both, "8.8.8.8", 7);
    assert_int_equal(unpack(BL_CONTAINER_TAR, "*.txt", MIB), 0);
    assert_string_equal(tip_buf_text(&body), "8.8.8.8");
    assert_int_equal(unpack(BL_CONTAINER_GZIP, NULL, MIB), BL_UNPACK_E_NESTED);
}

/* ---- who does not come to an end ---- */

static int unpack_within(const char *from, enum bl_container container, const struct unpack_limits *limits)
{
    struct bl_unpack job = {.from = from, .container = container, .member = "none", .bytes_max = MIB, .take = take};
    int r;

    job.ctx = &body;
    r = unpack_apart(&job, limits);
    assert_true(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    return r;
}

static void test_unpack_what_hangs_is_ended(void **state)
{
    static const struct unpack_limits limits = {.silence_ms = 200, .cpu_s = 300};
    char fifo[sizeof(path) + 8];

    (void)state;
    (void)snprintf(fifo, sizeof(fifo), "%s.fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0); /* nobody will write: to open it takes for ever */
    assert_int_equal(unpack_within(fifo, BL_CONTAINER_GZIP, &limits), BL_UNPACK_E_ENDED);
    assert_int_equal(unlink(fifo), 0);
}

/* The head of a member of that many bytes, as ustar has it. */
static void tar_head(char head[static 512], uint64_t n)
{
    unsigned sum = 0;

    memset(head, 0, 512);
    strcpy(head, "zeros");
    strcpy(head + 100, "0000644");
    (void)snprintf(head + 124, 12, "%011llo", (unsigned long long)n);
    head[156] = '0';
    memcpy(head + 257, "ustar\00000", 8);
    memset(head + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)head[i];
    (void)snprintf(head + 148, 8, "%06o", sum);
}

static void packed_append(struct tip_buf *packed, const char *bytes, size_t n)
{
    tip_auto(tip_file_close) FILE *file = NULL;
    char chunk[4096];
    size_t got;

    pack_one(&packs[0], bytes, n);
    file = fopen(path, "re");
    assert_non_null(file);
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        assert_int_equal(tip_buf_append(packed, chunk, got), 0);
}

/* A tar of one member of zeros, packed piece by piece: gzip takes what follows what it has packed for the same file. */
static void tar_of_zeros(unsigned n_pieces)
{
    static char zeros[16 * MIB];
    tip_auto(tip_buf_deinit) struct tip_buf head, piece;
    tip_auto(tip_file_close) FILE *file = NULL;
    char block[512];

    tip_buf_init(&head, MIB);
    tip_buf_init(&piece, MIB);
    tar_head(block, (uint64_t)n_pieces * sizeof(zeros) - 2 * sizeof(block)); /* two blocks of zeros are the end */
    packed_append(&head, block, sizeof(block));
    packed_append(&piece, zeros, sizeof(zeros));
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(head.data, head.len, 1, file), 1);
    for (unsigned i = 0; i < n_pieces; i++)
        assert_int_equal(fwrite(piece.data, piece.len, 1, file), 1);
}

/* Nothing that is wanted is in it, so nobody sees a byte of it: neither its size nor its ratio is a reason to stop. */
static void test_unpack_what_takes_too_long_is_ended(void **state)
{
    static const struct unpack_limits limits = {.silence_ms = 60 * 1000, .cpu_s = 1};

    (void)state;
    tar_of_zeros(1);
    assert_int_equal(unpack_within(path, BL_CONTAINER_TAR, &limits), BL_UNPACK_E_NO_MEMBER);
    tar_of_zeros(511);
    assert_int_equal(unpack_within(path, BL_CONTAINER_TAR, &limits), BL_UNPACK_E_ENDED);
}

static int setup(void **state)
{
    int fd;

    (void)state;
    strcpy(path, "/tmp/tip-unpack-XXXXXX");
    fd = mkstemp(path);
    tip_buf_init(&body, 64 * MIB);
    return fd == -1 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    tip_buf_deinit(&body);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unpack_every_container),
        cmocka_unit_test(test_unpack_members),
        cmocka_unit_test(test_unpack_too_many_members),
        cmocka_unit_test(test_unpack_bombs),
        cmocka_unit_test(test_unpack_nested),
        cmocka_unit_test(test_unpack_packed_tar),
        cmocka_unit_test(test_unpack_what_hangs_is_ended),
        cmocka_unit_test(test_unpack_what_takes_too_long_is_ended),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
