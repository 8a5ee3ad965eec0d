#include "check.h"

#include <tip/cleanup.h>

#include "core/setfile.h"
#include "random.h"
#include "sets.h"

static const char list[] = "9.9.9.9\n8.8.8.8\nb.example\na.example\nb.example\n2001:4860::1\n1.0.0.0/9\n";

static int write_buf(void *ctx, const void *bytes, size_t n)
{
    return tip_buf_append(ctx, bytes, n);
}

static void write_list(struct tip_buf *out)
{
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    unsigned char head[BL_SETFILE_HEADER];
    struct bl_setfile file = {.version = 7, .body_bytes = sizeof(list) - 1};
    struct bl_format format;
    int r;

    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
    parse = sets_parse(&format, list, sizeof(list) - 1, 100, &r);
    assert_int_equal(r, 0);
    file.set = bl_parse_set(parse);
    assert_int_equal(bl_setfile_write(&file, write_buf, out, head), 0);
    memcpy(out->data, head, sizeof(head));
}

static void test_setfile_comes_back_as_it_was(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    tip_auto(tip_buf_deinit) struct tip_buf text;
    struct bl_setfile file;

    (void)state;
    tip_buf_init(&bytes, 1 << 20);
    tip_buf_init(&text, 10000);
    write_list(&bytes);
    assert_int_equal(bl_setfile_read(&file, bytes.data, bytes.len), 0);
    assert_int_equal(file.version, 7);
    assert_int_equal(file.body_bytes, sizeof(list) - 1);
    sets_text(&file.set, true, &text);
    assert_string_equal(tip_buf_text(&text), "ip 8.8.8.8 @2, ip 9.9.9.9 @1, ip 2001:4860::1 @6, net 1.0.0.0/9 @7, "
                                             "domain a.example @4, domain b.example @3");
}

static void test_setfile_of_nothing(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    unsigned char head[BL_SETFILE_HEADER];
    struct bl_setfile file = {.version = 1};

    (void)state;
    tip_buf_init(&bytes, 1000);
    assert_int_equal(bl_setfile_write(&file, write_buf, &bytes, head), 0);
    memcpy(bytes.data, head, sizeof(head));
    assert_int_equal(bl_setfile_read(&file, bytes.data, bytes.len), 0);
    assert_int_equal(bl_set_count(&file.set), 0);
}

static void test_setfile_refuses_every_flipped_bit_and_every_cut(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    struct bl_setfile file;

    (void)state;
    tip_buf_init(&bytes, 1 << 20);
    write_list(&bytes);
    for (size_t i = 0; i < bytes.len * 8; i++) {
        bytes.data[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(bl_setfile_read(&file, bytes.data, bytes.len), BL_SETFILE_E_DAMAGED);
        bytes.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t n = 0; n < bytes.len; n++)
        assert_int_equal(bl_setfile_read(&file, bytes.data, n), BL_SETFILE_E_DAMAGED);
    assert_int_equal(bl_setfile_read(&file, bytes.data, bytes.len), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_setfile_comes_back_as_it_was),
        cmocka_unit_test(test_setfile_of_nothing),
        cmocka_unit_test(test_setfile_refuses_every_flipped_bit_and_every_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
