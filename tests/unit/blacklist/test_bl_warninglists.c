#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/warninglists.h"
#include "spec.h"

static const char list_good[] = "{\"type\": \"cidr\", \"list\": [\"45.1.0.53\"]}";

static const struct file {
    const char *name, *text;
    size_t n_files, n_passed, n_damaged; /* what it counts as */
    bool is_old;
} files[] = {
    {"resolver-a.json", list_good, 1, 0, 0, false},
    {"peer-own.json~", list_good, 0, 1, 0, false},
    {"peer-own.json.bak", "{", 0, 1, 0, false},
    {"peer-own", list_good, 0, 1, 0, false},
    {"unknown.json", "{", 0, 1, 0, false},
    {"sinkhole-regex.json", "{\"type\": \"regex\", \"list\": [\"a\"]}", 0, 1, 0, false},
    {"sinkhole-part.json", "{\"type\": \"substring\", \"list\": [\"a\"]}", 0, 1, 0, false},
    {"scanner-cut.json", "{\"type\": \"cidr\", \"list\": [\"45.", 0, 0, 1, false},
    {"scanner-none.json", "{\"type\": \"cidr\"}", 0, 0, 1, true},
    {".peer-hidden.json", "{", 0, 0, 0, false},
};

static int taken(void *ctx, enum bl_role role, const char *list, const char *text, size_t len)
{
    size_t *n = ctx;

    assert_int_equal(role, BL_ROLE_RESOLVER);
    assert_string_equal(list, "resolver-a");
    assert_memory_equal(text, "45.1.0.53", len);
    ++*n;
    return 0;
}

static void file_make(const char *path, const char *text, bool is_old)
{
    static const struct timespec old[] = {{.tv_sec = 1}, {.tv_sec = 1}};
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_true(!is_old || !utimensat(AT_FDCWD, path, old, 0));
}

static void test_only_what_is_no_list_is_damaged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char dir[] = "/tmp/test_bl_warninglists.XXXXXX";
        struct bl_warninglists counts = {0};
        char path[128];
        size_t n = 0;

        assert_non_null(mkdtemp(dir));
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
        file_make(path, files[i].text, files[i].is_old);
        assert_int_equal(bl_warninglists_each(dir, taken, &n, &counts), 0);
        (void)unlink(path);
        (void)rmdir(dir);
        if (counts.n_files != files[i].n_files || counts.n_passed != files[i].n_passed ||
            counts.n_damaged != files[i].n_damaged)
            fail_msg("%s: %zu read, %zu passed, %zu damaged", files[i].name, counts.n_files, counts.n_passed,
                     counts.n_damaged);
        assert_int_equal(counts.n_fresh, counts.n_damaged && !files[i].is_old);
        assert_int_equal(n, counts.n_files);
    }
}

static void test_a_host_is_in_lower_case(void **state)
{
    char host[BL_HOST];

    (void)state;
    bl_spec_host("https://WWW.Example.ORG:8443/Lists/A.txt", host);
    assert_string_equal(host, "www.example.org");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_no_list_is_damaged),
        cmocka_unit_test(test_a_host_is_in_lower_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
