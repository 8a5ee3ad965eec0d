/* What a backup says of itself, from friends and strangers; where its files go; the journal's id inside a record. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/adapt.h"
#include "backup/manifest.h"
#include "backup/target.h"
#include "up/tree.h"

#define ID  "01890a5d-ac96-774b-bcce-b302099a8057"
#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD(format, schema, id, next)                                                                         \
    "{\"format\": " format ", \"tip\": \"0.1.0\", \"made\": \"2026-11-22T10:00:00.000Z\", \"schema\": " schema \
    ", \"journal\": {\"id\": \"" id "\", \"first_seq\": 1, \"last_seq\": 70, \"damages\": 0}, \"stored\": "    \
    "{\"journal\": \"-\", \"next_seq\": " next "}, \"files\": "
#define FILE_OF(path, bytes, sha) "{\"path\": \"" path "\", \"bytes\": " bytes ", \"sha256\": \"" sha "\"}"
#define GOOD                      FILE_OF("journal/journal.id", "48", SHA)

static int read_text(struct manifest *manifest, const char *text, char *why)
{
    why[0] = '\0';
    return manifest_read(manifest, text, strlen(text), why);
}

static void test_is_read_as_it_was_written(void **state)
{
    struct manifest manifest = {.schema = 9, .next_seq = 68, .first_seq = 1, .last_seq = 70}, again;
    char why[MANIFEST_WHY], path[MANIFEST_PATH];
    json_t *object;
    char *text;

    (void)state;
    strcpy(manifest.tip, "0.1.0");
    strcpy(manifest.made, "2026-11-22T10:00:00.000Z");
    strcpy(manifest.journal, ID);
    strcpy(manifest.stored, "-");
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(path, sizeof(path), "sets/list.%u-7.set", i);
        strcpy(manifest_add(&manifest, path)->sha256, SHA);
        manifest.files[i].bytes = i;
    }
    object = manifest_json(&manifest);
    text = json_dumps(object, 0);
    assert_int_equal(read_text(&again, text, why), 0);
    assert_int_equal(again.n, 100);
    assert_memory_equal(again.files, manifest.files, 100 * sizeof(*again.files));
    assert_int_equal(again.next_seq, 68);
    assert_string_equal(again.journal, ID);
    assert_string_equal(again.stored, "-");
    free(text);
    json_decref(object);
    manifest_deinit(&manifest);
    manifest_deinit(&again);
}

static void test_refuses(void **state)
{
    static const struct {
        const char *text, *why;
        int r;
    } rows[] = {
        {"", "line 1", -EBADMSG},
        {"[]", "no manifest", -EBADMSG},
        {"{\"format\": 1, \"format\": 1}", "duplicate", -EBADMSG},
        {HEAD("2", "9", ID, "1") "[" GOOD "]}", "its format is 2", -EPROTONOSUPPORT},
        {HEAD("1", "-1", ID, "1") "[" GOOD "]}", "cannot be", -EBADMSG},
        {HEAD("1", "9", "nonsense", "1") "[" GOOD "]}", "cannot be", -EBADMSG},
        {HEAD("1", "9", ID, "-5") "[" GOOD "]}", "cannot be", -EBADMSG},
        {HEAD("1", "9", ID, "\"5\"") "[" GOOD "]}", "missing", -EBADMSG},
        {HEAD("1", "9", ID, "1") "[]}", "no files", -EBADMSG},
        {HEAD("1", "9", ID, "1") "7}", "no files", -EBADMSG},
        {HEAD("1", "9", ID, "1") "[7]}", "entry 1", -EBADMSG},
        {HEAD("1", "9", ID, "1") "[" GOOD ", " FILE_OF("etc/passwd", "1", SHA) "]}", "entry 2", -EBADMSG},
        {HEAD("1", "9", ID, "1") "[" FILE_OF("keys/tip.cert", "-1", SHA) "]}", "entry 1", -EBADMSG},
        {HEAD("1", "9", ID, "1") "[" FILE_OF("keys/tip.cert", "1", "abc") "]}", "entry 1", -EBADMSG},
    };
    struct manifest manifest;
    char why[MANIFEST_WHY];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(read_text(&manifest, rows[i].text, why), rows[i].r);
        assert_non_null(strstr(why, rows[i].why));
        assert_null(manifest.files);
    }
}

static void test_paths(void **state)
{
    static const char *const good[] = {
        "database.dump",   "journal/0000000000000001.seg", "outbox/web.mdb",         "sets/drop.v4-17.set",
        "exempt/3.exempt", "keys/soc.cert.revoked",        "config/sources.d/a.yaml"};
    static const char *const bad[] = {
        "",           "/etc/passwd",  "database.dump/x", "manifest.json", "journal",    "journal/",
        "journal/..", "journal/../x", "keys/.hidden",    "keys//x",       "keys/a/b/c", "x/y",
        "exemptx/y",  "journalx/y",   "config/a b",      "sets/\xc3\xa4", "keys/x/"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(manifest_path_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(manifest_path_valid(bad[i]));
}

/* A Record as the broker writes it: the stamp first, its length in one byte or two. */
static void test_id_in_a_record(void **state)
{
    uint8_t old_id[16], new_id[16], record[400];

    (void)state;
    memset(old_id, 1, sizeof(old_id));
    memset(new_id, 2, sizeof(new_id));
    for (size_t two = 0; two < 2; two++) {
        memset(record, 0x55, sizeof(record));
        record[0] = 0x0a;
        record[1] = two ? 0xc8 : 0x40;
        record[2] = 0x02;
        record[2 + two] = 0x0a;
        record[3 + two] = 16;
        memcpy(record + 4 + two, old_id, 16);
        assert_false(adapt_payload(record, 19 + two, old_id, new_id)); /* cut */
        assert_false(adapt_payload(record, sizeof(record), new_id, old_id));
        assert_true(adapt_payload(record, sizeof(record), old_id, new_id));
        assert_memory_equal(record + 4 + two, new_id, 16);
        assert_int_equal(record[20 + two], 0x55);
    }
    memset(record, 0xff, sizeof(record));
    assert_false(adapt_payload(record, sizeof(record), old_id, new_id));
    record[0] = 0x0a;
    assert_false(adapt_payload(record, sizeof(record), old_id, new_id));
}

/* ---- a directory ---- */

struct seen {
    char names[64];
};

static int seen_add(void *ctx, const char *name)
{
    struct seen *seen = ctx;

    strcat(strcat(seen->names, name), " ");
    return 0;
}

/* What a journal loses while it is copied is its oldest: so that is what comes last. */
static void test_the_newest_comes_first(void **state)
{
    static const char *const names[] = {"0002.seg", "0001.seg", "0010.seg"};
    char dir[] = "/tmp/tip-backup-XXXXXX", path[64];
    struct seen seen = {""};

    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        assert_int_equal(close(creat(path, 0600)), 0);
    }
    (void)snprintf(path, sizeof(path), "%s/link", dir);
    assert_int_equal(symlink("0001.seg", path), 0);
    assert_int_equal(layout_each(dir, seen_add, &seen), 0);
    assert_string_equal(seen.names, "0010.seg 0002.seg 0001.seg ");
    assert_int_equal(tree_remove(dir), 0);
    assert_int_equal(layout_each(dir, seen_add, &seen), 0); /* a missing one is empty */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_read_as_it_was_written),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_id_in_a_record),
        cmocka_unit_test(test_the_newest_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
