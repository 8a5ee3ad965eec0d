#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include <tip/buf.h>

static void test_buf_grows_to_its_cap(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, 8);
    assert_string_equal(tip_buf_text(&buf), "");
    assert_int_equal(tip_buf_append_text(&buf, "abcde"), 0);
    assert_int_equal(tip_buf_append_text(&buf, "fgh"), 0);
    assert_string_equal(tip_buf_text(&buf), "abcdefgh");
    assert_int_equal(tip_buf_append_text(&buf, "i"), -ENOBUFS);
    assert_string_equal(tip_buf_text(&buf), "abcdefgh");
}

static void test_buf_formats_and_consumes(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, 1000);
    assert_int_equal(tip_buf_append_format(&buf, "%s=%d", "n", 17), 0);
    assert_string_equal(tip_buf_text(&buf), "n=17");
    tip_buf_consume(&buf, 2);
    assert_string_equal(tip_buf_text(&buf), "17");
    assert_int_equal(tip_buf_append_format(&buf, "%1000d", 1), -ENOBUFS);
    assert_string_equal(tip_buf_text(&buf), "17");
    tip_buf_clear(&buf);
    assert_string_equal(tip_buf_text(&buf), "");
}

static void test_buf_gives_away_what_it_holds(void **state)
{
    struct tip_buf buf;
    uint8_t *taken;

    (void)state;
    tip_buf_init(&buf, 1000);
    assert_null(tip_buf_take(&buf));
    assert_int_equal(tip_buf_reserve(&buf, 500), 0);
    assert_int_equal(tip_buf_append_text(&buf, "abc"), 0);
    tip_buf_shrink(&buf);
    assert_int_equal(buf.room, 3);
    assert_string_equal(tip_buf_text(&buf), "abc");
    taken = tip_buf_take(&buf);
    assert_memory_equal(taken, "abc", 3);
    free(taken);
    assert_int_equal(buf.len, 0);
    assert_int_equal(tip_buf_append_text(&buf, "d"), 0); /* begins anew */
    assert_string_equal(tip_buf_text(&buf), "d");
    tip_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_grows_to_its_cap),
        cmocka_unit_test(test_buf_formats_and_consumes),
        cmocka_unit_test(test_buf_gives_away_what_it_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
