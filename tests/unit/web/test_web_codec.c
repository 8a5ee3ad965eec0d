#include "check.h"

#include "codec.h"

static int read_control(struct codec_control *control, const char *body, const char **why)
{
    return codec_control_read(control, (const uint8_t *)body, strlen(body), why);
}

static void test_actions(void **state)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"service\":\"a\"}",
                                      "{\"service\":\"a\",\"action\":1}",
                                      "{\"service\":\"a.b\",\"action\":\"c\"}",
                                      "{\"service\":\"a\",\"action\":\"b\",\"more\":1}",
                                      "{\"service\":\"a\",\"action\":\"b\",\"params\":{\"x\":1}}",
                                      "{\"service\":\"a\",\"action\":\"b\",\"params\":[]}",
                                      "{\"service\":\"a\",\"action\":\"b\",\"expires\":\"soon\"}",
                                      "{\"service\":\"a\",\"service\":\"b\",\"action\":\"b\"}"};
    struct codec_control control;
    const char *why = NULL;

    (void)state;
    assert_int_equal(
        read_control(&control,
                     "{\"service\":\"scheduler\",\"action\":\"run\",\"target\":\"blacklist\",\"dry_run\":true,"
                     "\"params\":{\"force\":\"true\"},\"expires\":\"2026-11-22T04:00:00Z\"}",
                     &why),
        0);
    assert_string_equal(control.request.target, "blacklist");
    assert_string_equal(control.request.reason, "");
    assert_true(control.request.dry_run && control.request.n_params == 1 && control.request.expires_unix_ms > 0);
    codec_control_free(&control);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(read_control(&control, bad[i], &why), CODEC_E_FORM);
        assert_non_null(why);
        codec_control_free(&control);
    }
}

static void test_rights_are_stored_and_read(void **state)
{
    const struct web_right right = {
        .name = "soc", .scope = WEB_SCOPE_OPERATE, .audience = WEB_GREEN, .made_unix_ms = 5, .expires_unix_ms = 7};
    tip_auto(tip_free) char *text = codec_right_text(&right);
    struct web_right back;

    (void)state;
    assert_int_equal(codec_right_read(&back, text, strlen(text)), 0);
    assert_string_equal(back.name, right.name);
    assert_true(back.scope == right.scope && back.audience == right.audience);
    assert_true(back.made_unix_ms == right.made_unix_ms && back.expires_unix_ms == right.expires_unix_ms);
    assert_int_equal(codec_right_read(&back, "{}", 2), CODEC_E_FORM);
    assert_int_equal(codec_right_read(&back, text, strlen(text) - 1), CODEC_E_FORM);
}

static void test_a_record_is_one_event(void **state)
{
    static const uint8_t junk[] = {0xff, 0xff};
    struct tip_record record = {.stamp = {.seq = 42, .tlp = TIP_TLP_NONE, .publisher = "p", .topic = "v1.a.b."}};
    tip_auto(tip_buf_deinit) struct tip_buf out;
    size_t at, len;
    json_t *json;

    (void)state;
    record.event = junk;
    record.event_len = sizeof(junk);
    tip_buf_init(&out, 65536);
    assert_int_equal(codec_record(&record, &out, &at, &len), 0);
    assert_memory_equal(out.data, "event: record\nid: 00000000000000000000000000000000:42\ndata: {", 61);
    assert_memory_equal(out.data + out.len - 2, "\n\n", 2);
    json = json_loadb((const char *)out.data + at, len, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "tlp")), "amber");
    assert_int_equal(json_integer_value(json_object_get(json, "seq")), 42);
    assert_non_null(json_object_get(json, "kind"));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_rights_are_stored_and_read),
        cmocka_unit_test(test_a_record_is_one_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
