#include "check.h"

#include <errno.h>

#include "core/binary.h"

static void assert_bytes(const struct store_out *out, const void *bytes, size_t n)
{
    assert_int_equal(out->error, 0);
    assert_int_equal(out->buf.len, n);
    assert_memory_equal(out->buf.data, bytes, n);
}

#define assert_out(out, text) assert_bytes(out, text, sizeof(text) - 1)

static void test_binary_copy(void **state)
{
    tip_auto(store_out_deinit) struct store_out out;

    (void)state;
    store_out_init(&out, 1000);
    store_copy_begin(&out);
    store_copy_row(&out, 2);
    store_put_int2(&out, -2);
    store_put_text(&out, "ab");
    store_copy_end(&out);
    assert_out(&out, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
                     "\0\2\0\0\0\2\377\376\0\0\0\2ab\377\377");
}

static void test_binary_array(void **state)
{
    tip_auto(store_out_deinit) struct store_out out;

    (void)state;
    store_out_init(&out, 1000);
    store_array_begin(&out, STORE_OID_INT4);
    store_put_int4(&out, 7);
    store_put_null(&out);
    store_array_end(&out);
    assert_out(&out, "\0\0\0\1\0\0\0\1\0\0\0\27\0\0\0\2\0\0\0\1\0\0\0\4\0\0\0\7\377\377\377\377");
}

static void test_binary_values(void **state)
{
    tip_auto(store_out_deinit) struct store_out out;
    struct tip_uuid uuid = {{1}};
    struct tip_prefix net = {.len = 24};

    (void)state;
    store_out_init(&out, 1000);
    store_put_bool(&out, true);
    store_put_int8(&out, INT64_MIN);
    store_put_count(&out, UINT64_MAX);
    store_put_float8(&out, 1.0);
    assert_out(&out, "\0\0\0\1\1\0\0\0\10\200\0\0\0\0\0\0\0\0\0\0\10\177\377\377\377\377\377\377\377"
                     "\0\0\0\10\77\360\0\0\0\0\0\0");
    store_out_clear(&out);
    store_put_time_us(&out, INT64_C(946684800000001));
    store_put_time_ms(&out, 0);
    store_put_uuid(&out, &uuid);
    assert_out(&out, "\0\0\0\10\0\0\0\0\0\0\0\1\377\377\377\377"
                     "\0\0\0\20\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    store_out_clear(&out);
    store_put_inet(&out, &net);
    net.addr = tip_addr_from4(0xc0000200);
    store_put_inet(&out, &net);
    net.addr.family = 6;
    store_put_inet(&out, &net);
    assert_out(&out, "\377\377\377\377\0\0\0\10\2\30\0\4\300\0\2\0"
                     "\0\0\0\24\3\30\0\20\300\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

static void test_binary_keeps_its_bound(void **state)
{
    tip_auto(store_out_deinit) struct store_out out;

    (void)state;
    store_out_init(&out, 10);
    store_put_text(&out, "too long for ten bytes");
    store_put_int2(&out, 1);
    assert_int_equal(out.error, -ENOBUFS);
    store_out_clear(&out);
    store_put_int2(&out, 1);
    assert_int_equal(out.error, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary_copy),
        cmocka_unit_test(test_binary_array),
        cmocka_unit_test(test_binary_values),
        cmocka_unit_test(test_binary_keeps_its_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
