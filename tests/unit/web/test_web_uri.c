#include "check.h"

#include "core/uri.h"

static void test_uri_of_requests(void **state)
{
    static const struct {
        const char *target;
        int code;
        const char *path, *name, *value;
        size_t n;
    } rows[] = {
        {"/", 0, "/", NULL, NULL, 0},
        {"/api/v1/search?q=192.0.2.0%2F24", 0, "/api/v1/search", "q", "192.0.2.0/24", 1},
        {"/a?q=a+b&r=%2B", 0, "/a", "q", "a b", 2},
        {"/a?q=1&q=2", 0, "/a", "q", "1", 2},
        {"/a?&&q=%C3%BC&", 0, "/a", "q", "\xc3\xbc", 1},
        {"/a?flag", 0, "/a", "flag", "", 1},
        {"/a?q=x#part", 0, "/a", "q", "x", 1},
        {"/a%2fb", 0, "/a%2fb", NULL, NULL, 0},
        {"http://x/", WEB_URI_E_FORM, NULL, NULL, NULL, 0},
        {"", WEB_URI_E_FORM, NULL, NULL, NULL, 0},
        {"*", WEB_URI_E_FORM, NULL, NULL, NULL, 0},
        {"/a?q=%", WEB_URI_E_FORM, NULL, NULL, NULL, 0},
        {"/a?q=%4", WEB_URI_E_FORM, NULL, NULL, NULL, 0},
        {"/a?q=%zz", WEB_URI_E_FORM, NULL, NULL, NULL, 0},
        {"/a?q=%00", WEB_URI_E_TEXT, NULL, NULL, NULL, 0},
        {"/a?q=%0d%0aX:%20y", WEB_URI_E_TEXT, NULL, NULL, NULL, 0},
        {"/a?q=%ff", WEB_URI_E_TEXT, NULL, NULL, NULL, 0},
        {"/a\xff", WEB_URI_E_TEXT, NULL, NULL, NULL, 0},
    };
    static struct web_uri uri;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(web_uri_parse(&uri, rows[i].target), rows[i].code);
        assert_true(!rows[i].code == !*web_uri_reason(rows[i].code));
        if (rows[i].code)
            continue;
        assert_string_equal(uri.path, rows[i].path);
        assert_int_equal(uri.n, rows[i].n);
        if (rows[i].name)
            assert_string_equal(web_uri_get(&uri, rows[i].name), rows[i].value);
    }
    assert_null(web_uri_get(&uri, "nothing"));
}

static void test_uri_is_bounded(void **state)
{
    static struct web_uri uri;
    static char target[WEB_URL_MAX + 2];

    (void)state;
    memset(target, '&', WEB_URL_MAX);
    memcpy(target, "/?", 2);
    assert_int_equal(web_uri_parse(&uri, target), 0);
    for (size_t i = 0; i < WEB_PARAMS_MAX; i++)
        memcpy(target + 2 + 2 * i, "a&", 2);
    assert_int_equal(web_uri_parse(&uri, target), 0);
    assert_int_equal(uri.n, WEB_PARAMS_MAX);
    assert_int_equal(web_uri_count(&uri, "a"), WEB_PARAMS_MAX);
    memcpy(target + 2 + 2 * WEB_PARAMS_MAX, "a", 1);
    assert_int_equal(web_uri_parse(&uri, target), WEB_URI_E_LONG);
    memset(target, 'a', WEB_URL_MAX + 1);
    target[0] = '/';
    assert_int_equal(web_uri_parse(&uri, target), WEB_URI_E_LONG);
    target[WEB_URL_MAX] = '\0';
    assert_int_equal(web_uri_parse(&uri, target), 0);
}

static void test_uri_numbers(void **state)
{
    static const struct {
        const char *target;
        int code;
        long value;
    } rows[] = {{"/?n=7", 0, 7},
                {"/", 0, 100},
                {"/?n=0", WEB_URI_E_FORM, 0},
                {"/?n=1001", WEB_URI_E_FORM, 0},
                {"/?n=-1", WEB_URI_E_FORM, 0},
                {"/?n=", WEB_URI_E_FORM, 0},
                {"/?n=1e2", WEB_URI_E_FORM, 0},
                {"/?n=99999999999999999999", WEB_URI_E_FORM, 0}};
    static struct web_uri uri;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        long value = 100;

        assert_int_equal(web_uri_parse(&uri, rows[i].target), 0);
        assert_int_equal(web_uri_int(&uri, "n", 1, 1000, &value), rows[i].code);
        if (!rows[i].code)
            assert_int_equal(value, rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uri_of_requests),
        cmocka_unit_test(test_uri_is_bounded),
        cmocka_unit_test(test_uri_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
