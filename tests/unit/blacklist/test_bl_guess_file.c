/* The file of a guessed source, read again: what was guessed is what its file says. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/cleanup.h>

#include "core/guess.h"
#include "guess_work.h"
#include "spec.h"

#define STRANGE "a \"b\" \\c\\n\n\t\x1b\x7f \xc3\xa9 \xef\xbb\xbf\xf0\x9f\x98\x80 #: '"

static void order_init(struct guess_order *order, enum bl_kind kind)
{
    *order = (struct guess_order){.name = "guessed", .url = "https://lists.example/a?b=\"\\#"};
    bl_format_init(&order->parse.format, kind, BL_TYPE_NET);
    order->parse.now_unix_ms = 1767268800000;
}

static void file_write(const char *path, const char *text)
{
    tip_auto(tip_file_close) FILE *out = fopen(path, "we");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
}

/* Writes the file, loads it as the collector does. */
static void read_back(const struct guess_order *order, struct bl_specs *specs)
{
    tip_auto(tip_conf_destroy) struct tip_conf *conf = tip_conf_new();
    tip_auto(tip_buf_deinit) struct tip_buf file;
    char dir[] = "/tmp/test_bl_guess_file.XXXXXX";
    char path[sizeof(dir) + 16];
    struct bl_options options = {.sources = dir, .interval_floor_ms = 1000};
    int r;

    tip_buf_init(&file, 4096);
    assert_int_equal(guess_file(order, NULL, 0, &file), 0);
    for (const char *at = tip_buf_text(&file); *at; at++)
        assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/guessed.yaml", dir);
    file_write(path, tip_buf_text(&file));
    r = bl_specs_load(specs, &options, conf);
    (void)unlink(path);
    (void)rmdir(dir);
    if (r)
        fail_msg("%s\n%s", tip_conf_error(conf, 0), tip_buf_text(&file));
    assert_int_equal(specs->n, 1);
    assert_string_equal(specs->items[0].url, order->url);
}

static void test_a_prefix_comes_back(void **state)
{
    tip_auto(bl_specs_deinit) struct bl_specs specs = {0};
    struct guess_order order;

    (void)state;
    order_init(&order, BL_KIND_LINES);
    strcpy(order.parse.format.prefix, STRANGE);
    read_back(&order, &specs);
    assert_string_equal(specs.items[0].format.prefix, STRANGE);
    assert_int_equal(specs.items[0].format.type, BL_TYPE_NET);
}

static void test_a_pointer_comes_back(void **state)
{
    tip_auto(bl_specs_deinit) struct bl_specs specs = {0};
    struct guess_order order;

    (void)state;
    order_init(&order, BL_KIND_JSON);
    strcpy(order.parse.format.pointer, "/*/" STRANGE);
    read_back(&order, &specs);
    assert_string_equal(specs.items[0].format.pointer, "/*/" STRANGE);
}

static void test_a_column_comes_back(void **state)
{
    static const char separators[] = {',', ';', '|', '\t'};

    (void)state;
    for (size_t i = 0; i < sizeof(separators); i++) {
        tip_auto(bl_specs_deinit) struct bl_specs specs = {0};
        struct guess_order order;

        order_init(&order, BL_KIND_CSV);
        order.parse.format.separator = separators[i];
        order.parse.format.header = true;
        strcpy(order.parse.format.column_name, "Ad dress");
        read_back(&order, &specs);
        assert_string_equal(specs.items[0].format.column_name, "Ad dress");
        assert_int_equal(specs.items[0].format.separator, separators[i]);
        assert_true(specs.items[0].format.header);
    }
}

/* What is switched off in them stays out. */
static void test_rules_come_back(void **state)
{
    tip_auto(bl_specs_deinit) struct bl_specs specs = {0};
    struct guess_order order;

    (void)state;
    order_init(&order, BL_KIND_EXTRACT);
    strcpy(order.parse.format.comments, "#");
    read_back(&order, &specs);
    assert_int_equal(specs.items[0].format.kind, BL_KIND_EXTRACT);
    assert_string_equal(specs.items[0].format.comments, "#");
}

/* No YAML holds it: nothing is written instead of something else. */
static void test_what_is_not_utf8_is_not_written(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf file;
    struct guess_order order;

    (void)state;
    tip_buf_init(&file, 4096);
    order_init(&order, BL_KIND_LINES);
    strcpy(order.parse.format.prefix, "b\xe9t ");
    assert_int_equal(guess_file(&order, NULL, 0, &file), -EILSEQ);
}

/* Nor is it guessed, though it would fit. */
static void test_what_is_not_utf8_is_not_guessed(void **state)
{
    static const char *const bodies[] = {"b\xe9t 8.8.8.8\nb\xe9t 9.9.9.9\n", "{\"b\xe9t\":[\"8.8.8.8\",\"9.9.9.9\"]}"};

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        tip_auto(bl_guesses_deinit) struct bl_guesses guesses;

        bl_guess_run(&guesses, bodies[i], strlen(bodies[i]), true);
        for (size_t n = 0; n < guesses.n; n++) {
            assert_null(strchr(guesses.items[n].format.prefix, '\xe9'));
            assert_null(strchr(guesses.items[n].format.pointer, '\xe9'));
        }
        assert_int_equal(guesses.best.accepted, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_prefix_comes_back),
        cmocka_unit_test(test_a_pointer_comes_back),
        cmocka_unit_test(test_a_column_comes_back),
        cmocka_unit_test(test_rules_come_back),
        cmocka_unit_test(test_what_is_not_utf8_is_not_written),
        cmocka_unit_test(test_what_is_not_utf8_is_not_guessed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
