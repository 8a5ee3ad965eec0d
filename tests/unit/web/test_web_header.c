#include "check.h"

#include "core/header.h"

static void test_cookies(void **state)
{
    static const struct {
        const char *header;
        int code;
        const char *value;
    } rows[] = {
        {"tip_session=abc", 0, "abc"},
        {"a=b; tip_session=abc; c=d", 0, "abc"},
        {"a=b;tip_session=abc ;c", 0, "abc"},
        {"xtip_session=no; tip_session=yes", 0, "yes"},
        {"tip_session=first; tip_session=second", 0, "first"},
        {"tip_session=", WEB_HEADER_E_NONE, ""},
        {"tip_session= ", WEB_HEADER_E_FORM, ""},
        {"tip_session=a\"b", WEB_HEADER_E_FORM, ""},
        {"tip_session=0123456789012345678901234567890123456789012345678901234567890123", WEB_HEADER_E_FORM, ""},
        {"other=x", WEB_HEADER_E_NONE, ""},
        {";;;=;", WEB_HEADER_E_NONE, ""},
        {"", WEB_HEADER_E_NONE, ""},
        {NULL, WEB_HEADER_E_NONE, ""},
    };
    char value[WEB_SECRET_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int r = web_cookie_get(rows[i].header, "tip_session", value);

        if (rows[i].header && !strcmp(rows[i].header, "tip_session=")) {
            assert_int_not_equal(r, 0);
            continue;
        }
        assert_int_equal(r, rows[i].code);
        assert_string_equal(value, rows[i].value);
    }
}

static void test_bearer(void **state)
{
    char value[WEB_SECRET_TEXT];

    (void)state;
    assert_int_equal(web_bearer_get("Bearer abc", value), 0);
    assert_string_equal(value, "abc");
    assert_int_equal(web_bearer_get("bearer  abc ", value), 0);
    assert_string_equal(value, "abc");
    assert_int_equal(web_bearer_get("Basic abc", value), WEB_HEADER_E_NONE);
    assert_int_equal(web_bearer_get("Bearer ", value), WEB_HEADER_E_FORM);
    assert_int_equal(web_bearer_get("Bearer a b", value), WEB_HEADER_E_FORM);
    assert_int_equal(web_bearer_get(NULL, value), WEB_HEADER_E_NONE);
}

static void test_accept(void **state)
{
    static const struct {
        const char *header, *type;
        unsigned weight;
    } rows[] = {
        {NULL, "text/csv", 1000},
        {"text/csv", "text/csv", 1000},
        {"text/csv;q=0.5, application/json", "text/csv", 500},
        {"text/csv; q=0.5, application/json", "application/json", 1000},
        {"text/*;q=0.3, text/csv;q=0.7", "text/csv", 700},
        {"*/*;q=0.1", "text/csv", 100},
        {"text/html", "text/csv", 0},
        {"text/csv;q=0", "text/csv", 0},
        {"text/csv;q=banana", "text/csv", 0},
        {",,;q=1,", "text/csv", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(web_accept_weight(rows[i].header, rows[i].type), rows[i].weight);
    assert_true(web_accepts_gzip("gzip, deflate, br"));
    assert_true(web_accepts_gzip("*"));
    assert_false(web_accepts_gzip("gzip;q=0"));
    assert_false(web_accepts_gzip("identity"));
    assert_false(web_accepts_gzip(NULL));
}

static void test_etags(void **state)
{
    (void)state;
    assert_true(web_etag_matches("\"a\"", "\"a\""));
    assert_true(web_etag_matches("\"b\", W/\"a\"", "\"a\""));
    assert_true(web_etag_matches("*", "\"a\""));
    assert_false(web_etag_matches("\"ab\"", "\"a\""));
    assert_false(web_etag_matches("a", "\"a\""));
    assert_false(web_etag_matches(NULL, "\"a\""));
}

static void test_positions(void **state)
{
    static const char good[] = "00112233445566778899aabbccddeeff:42";
    static const char *const bad[] = {"",
                                      "42",
                                      "00112233445566778899aabbccddeeff",
                                      "00112233445566778899aabbccddeeff:",
                                      "00112233445566778899AABBCCDDEEFF:1",
                                      "00112233445566778899aabbccddeeff:-1",
                                      "00112233445566778899aabbccddeeff:1234567890123456789",
                                      "00112233445566778899aabbccddeef:11"};
    struct web_position position;
    char text[WEB_POSITION_TEXT];

    (void)state;
    assert_int_equal(web_position_parse(&position, good), 0);
    assert_int_equal(position.seq, 42);
    web_position_format(&position, text);
    assert_string_equal(text, good);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(web_position_parse(&position, bad[i]), WEB_HEADER_E_FORM);
}

static void test_origins(void **state)
{
    static const struct {
        struct web_from from;
        bool is_ours;
    } rows[] = {
        {{.origin = "http://127.0.0.1:8080", .host = "127.0.0.1:8080"}, true},
        {{.origin = "http://evil.example", .host = "127.0.0.1:8080"}, false},
        {{.origin = "null", .host = "127.0.0.1:8080", .has_credential = true}, false},
        {{.origin = "https://tip.example", .host = "x", .ours = "https://tip.example"}, true},
        {{.origin = "http://x", .host = "x", .ours = "https://tip.example"}, false},
        {{.origin = "http://x", .host = NULL}, false},
        {{.host = "x"}, false},
        {{.host = "x", .has_credential = true}, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(web_origin_is_ours(&rows[i].from), rows[i].is_ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cookies), cmocka_unit_test(test_bearer),    cmocka_unit_test(test_accept),
        cmocka_unit_test(test_etags),   cmocka_unit_test(test_positions), cmocka_unit_test(test_origins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
