#include "check.h"

#include <errno.h>

#include "core/gzip.h"
#include "core/table.h"

static const char *const names[] = {"kind", "value", "score", "families", "reasons", "listed", "at", "raw", "line"};
static const enum web_type types[] = {WEB_TEXT, WEB_TEXT, WEB_REAL,  WEB_TEXT, WEB_TEXT,
                                      WEB_BOOL, WEB_TIME, WEB_BYTES, WEB_INT};
static const char *const cells[] = {"ip",
                                    "192.0.2.1",
                                    "0.75",
                                    "{\"list\": 0.75}",
                                    "[{\"source\": \"a\", \"weight\": 0.5}]",
                                    "true",
                                    "2026-11-22T04:00:00Z",
                                    "3c78ff5c",
                                    "7",
                                    "domain",
                                    "=cmd|' /C calc'!A0",
                                    NULL,
                                    NULL,
                                    "not json",
                                    NULL,
                                    NULL,
                                    NULL,
                                    "99999999999999999999"};
static const struct web_table table = {.n_columns = 9, .n_rows = 2, .names = names, .types = types, .cells = cells};

static const struct web_field shape[] = {
    {"kind", NULL, WEB_AS_WORD},       {"value", NULL, WEB_AS_WORD},    {"score", NULL, WEB_AS_SHARE},
    {"families", NULL, WEB_AS_OBJECT}, {"reasons", NULL, WEB_AS_ARRAY}, {"listed", NULL, WEB_AS_FLAG},
    {"at", NULL, WEB_AS_TIMED},        {"raw", NULL, WEB_AS_RAW},       {"line", NULL, WEB_AS_IS},
    {"absent", NULL, WEB_AS_IS},       {NULL, NULL, WEB_AS_IS}};

static void check_json(json_t *json, const char *wanted)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;

    tip_buf_init(&text, 65536);
    assert_int_equal(web_json_write(json, &text), 0);
    assert_string_equal(tip_buf_text(&text), wanted);
    json_decref(json);
}

static void test_rows_as_json(void **state)
{
    (void)state;
    check_json(web_table_object(&table, 0, shape),
               "{\"kind\":\"ip\",\"value\":\"192.0.2.1\",\"score\":0.75,\"families\":{\"list\":0.75},"
               "\"reasons\":[{\"source\":\"a\",\"weight\":0.5}],\"listed\":true,\"at\":\"2026-11-22T04:00:00.000Z\","
               "\"raw\":\"<x\\\\xff\\\\x5c\",\"line\":7,\"absent\":null}");
    check_json(web_table_object(&table, 1, shape),
               "{\"kind\":\"domain\",\"value\":\"=cmd|' /C calc'!A0\",\"score\":0.0,\"families\":{},\"reasons\":[],"
               "\"listed\":false,\"at\":null,\"raw\":null,\"line\":\"99999999999999999999\",\"absent\":null}");
}

static void test_rows_as_csv(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf csv;

    (void)state;
    tip_buf_init(&csv, 65536);
    assert_int_equal(web_table_csv(&table, shape, &csv), 0);
    assert_string_equal(tip_buf_text(&csv),
                        "kind,value,score,families,reasons,listed,at,raw,line,absent\r\n"
                        "ip,192.0.2.1,0.75,\"{\"\"list\"\":0.75}\",\"[{\"\"source\"\":\"\"a\"\",\"\"weight\"\":0.5}]\","
                        "true,2026-11-22T04:00:00.000Z,<x\\xff\\x5c,7,\r\n"
                        "domain,\"'=cmd|' /C calc'!A0\",0.0,{},[],false,,,99999999999999999999,\r\n");
    tip_buf_deinit(&csv);
    tip_buf_init(&csv, 100);
    assert_int_equal(web_table_csv(&table, shape, &csv), -ENOBUFS);
}

static void test_foreign_bytes(void **state)
{
    (void)state;
    check_json(web_json_text("a\xff\"<b>"), "\"a\xef\xbf\xbd\\\"<b>\"");
    check_json(web_json_text(NULL), "null");
}

static void test_problems(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;

    (void)state;
    tip_buf_init(&text, 1024);
    assert_int_equal(web_problem_write(404, "no \"such\" thing", &text), 0);
    assert_string_equal(tip_buf_text(&text), "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                                             "\"detail\":\"no \\\"such\\\" thing\"}");
}

static void test_packing(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf packed;
    char one[WEB_ETAG_TEXT], other[WEB_ETAG_TEXT], text[4096];

    (void)state;
    memset(text, 'a', sizeof(text));
    tip_buf_init(&packed, 65536);
    assert_int_equal(web_gzip(text, sizeof(text), 6, &packed), 0);
    assert_true(packed.len < 100 && packed.data[0] == 0x1f && packed.data[1] == 0x8b);
    tip_buf_deinit(&packed);
    tip_buf_init(&packed, 16);
    assert_int_equal(web_gzip(text, sizeof(text), 6, &packed), -ENOBUFS);
    web_etag(text, 1, one);
    web_etag(text, 2, other);
    assert_string_not_equal(one, other);
    assert_int_equal(strlen(one), 34);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_as_json), cmocka_unit_test(test_rows_as_csv), cmocka_unit_test(test_foreign_bytes),
        cmocka_unit_test(test_problems),     cmocka_unit_test(test_packing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
