#include "check.h"

#include <errno.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_grows_to_its_cap),
        cmocka_unit_test(test_buf_formats_and_consumes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
