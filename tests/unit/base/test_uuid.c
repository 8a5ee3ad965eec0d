#include "check.h"

#include <errno.h>

#include <tip/uuid.h>

static const uint8_t zeros[10];
static const uint8_t ones[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* RFC 9562 appendix A.6 */
static void test_uuid_of_the_rfc(void **state)
{
    static const uint8_t random[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    struct tip_uuid uuid = tip_uuid_make(0x017F22E279B0, random), parsed;
    char text[TIP_UUID_TEXT];

    (void)state;
    tip_uuid_format(&uuid, text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert_int_equal(tip_uuid_unix_ms(&uuid), 0x017F22E279B0);
    assert_int_equal(tip_uuid_parse(&parsed, "017F22E2-79B0-7cc3-98c4-dc0c0c07398f", 36), 0);
    assert_int_equal(tip_uuid_compare(&uuid, &parsed), 0);
}

static void test_uuid_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e2079b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    };
    struct tip_uuid uuid;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(tip_uuid_parse(&uuid, rows[i], strlen(rows[i])), -EINVAL);
    assert_int_equal(tip_uuid_parse(&uuid, "017f22e2-79b0-7cc3-98c4-dc0c0c0739\0f", 36), -EINVAL);
}

static void test_uuid_clamps_time(void **state)
{
    struct tip_uuid early = tip_uuid_make(-5, zeros), late = tip_uuid_make(INT64_MAX, zeros);

    (void)state;
    assert_int_equal(tip_uuid_unix_ms(&early), 0);
    assert_int_equal(tip_uuid_unix_ms(&late), (INT64_C(1) << 48) - 1);
}

static void test_uuid_never_goes_back(void **state)
{
    static const int64_t times[] = {1000, 1000, 1000, 999, 0, -1, 1001, 1001, 5000, 10};
    struct tip_uuid_gen gen = {0};
    struct tip_uuid last = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        struct tip_uuid uuid = tip_uuid_gen_next(&gen, times[i], i % 2 ? zeros : ones);

        assert_true(tip_uuid_compare(&uuid, &last) > 0);
        assert_int_equal(uuid.bytes[6] >> 4, 7);
        assert_int_equal(uuid.bytes[8] >> 6, 2);
        last = uuid;
    }
    assert_int_equal(tip_uuid_unix_ms(&last), 5001); /* 5000 was full: its random bits were all ones */
}

static void test_uuid_counter_carries(void **state)
{
    struct tip_uuid_gen gen = {0};
    struct tip_uuid uuid;
    char text[TIP_UUID_TEXT];

    (void)state;
    (void)tip_uuid_gen_next(&gen, 1, ones);
    uuid = tip_uuid_gen_next(&gen, 1, ones); /* every free bit was set: on to the next millisecond */
    tip_uuid_format(&uuid, text);
    assert_string_equal(text, "00000000-0002-7000-8000-000000000000");
    uuid = tip_uuid_gen_next(&gen, 0, ones);
    tip_uuid_format(&uuid, text);
    assert_string_equal(text, "00000000-0002-7000-8000-000000000001");
}

static void test_uuid_starts_at_zero(void **state)
{
    struct tip_uuid_gen gen = {0};
    struct tip_uuid a = tip_uuid_gen_next(&gen, 0, zeros), b = tip_uuid_gen_next(&gen, 0, zeros);

    (void)state;
    assert_int_equal(a.bytes[6] >> 4, 7);
    assert_true(tip_uuid_compare(&a, &b) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuid_of_the_rfc),      cmocka_unit_test(test_uuid_refused),
        cmocka_unit_test(test_uuid_clamps_time),     cmocka_unit_test(test_uuid_never_goes_back),
        cmocka_unit_test(test_uuid_counter_carries), cmocka_unit_test(test_uuid_starts_at_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
