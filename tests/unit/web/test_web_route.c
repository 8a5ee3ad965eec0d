#include "check.h"

#include "core/route.h"

static void test_routes_of_paths(void **state)
{
    static const struct {
        enum web_method method;
        const char *path;
        int code;
        enum web_route_id id;
        const char *value;
    } rows[] = {
        {WEB_GET, "/api/v1/search", 0, WEB_ROUTE_SEARCH, ""},
        {WEB_GET, "/api/v1/indicators/192.0.2.0%2F24", 0, WEB_ROUTE_INDICATOR, "192.0.2.0%2F24"},
        {WEB_GET, "/api/v1/indicators/192.0.2.0/24", 0, WEB_ROUTE_INDICATOR, "192.0.2.0/24"},
        {WEB_GET, "/api/v1/indicators/", WEB_ROUTE_E_NONE, 0, NULL},
        {WEB_GET, "/api/v1/sources", 0, WEB_ROUTE_SOURCES, ""},
        {WEB_GET, "/api/v1/sources/drop.v4", 0, WEB_ROUTE_SOURCE, "drop.v4"},
        {WEB_GET, "/api/v1/sources/drop/entries", 0, WEB_ROUTE_ENTRIES, "drop"},
        {WEB_GET, "/api/v1/sources/drop/other", WEB_ROUTE_E_NONE, 0, NULL},
        {WEB_GET, "/api/v1/sources//entries", WEB_ROUTE_E_NONE, 0, NULL},
        {WEB_GET, "/api/v1/search/", WEB_ROUTE_E_NONE, 0, NULL},
        {WEB_GET, "/api/v2/search", WEB_ROUTE_E_NONE, 0, NULL},
        {WEB_POST, "/api/v1/search", WEB_ROUTE_E_METHOD, 0, NULL},
        {WEB_OTHER, "/api/v1/session", WEB_ROUTE_E_METHOD, 0, NULL},
        {WEB_POST, "/api/v1/session", 0, WEB_ROUTE_LOGIN, ""},
        {WEB_GET, "/api/v1/session", 0, WEB_ROUTE_SESSION, ""},
        {WEB_DELETE, "/api/v1/session", 0, WEB_ROUTE_LOGOUT, ""},
        {WEB_GET, "/api/v1/exports", 0, WEB_ROUTE_EXPORTS, ""},
        {WEB_GET, "/export/drop", 0, WEB_ROUTE_EXPORT, "drop"},
        {WEB_GET, "/export/feed/manifest.json", 0, WEB_ROUTE_EXPORT, "feed/manifest.json"},
        {WEB_GET, "/export/", WEB_ROUTE_E_NONE, 0, NULL},
        {WEB_POST, "/export/drop", WEB_ROUTE_E_METHOD, 0, NULL},
    };
    enum web_route_id id;
    const char *value;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(web_route_find(rows[i].method, rows[i].path, &id, &value, &len), rows[i].code);
        if (rows[i].code)
            continue;
        assert_int_equal(id, rows[i].id);
        assert_int_equal(len, strlen(rows[i].value));
        assert_memory_equal(value, rows[i].value, len);
    }
}

static void test_routes_say_their_methods(void **state)
{
    char methods[64];

    (void)state;
    web_route_methods("/api/v1/session", methods);
    assert_string_equal(methods, "POST, GET, HEAD, DELETE");
    web_route_methods("/nothing", methods);
    assert_string_equal(methods, "");
}

static void test_routes_that_change_something_want_more(void **state)
{
    (void)state;
    for (int id = 0; id < WEB_ROUTE_COUNT; id++) {
        assert_non_null(web_routes[id].name);
        if (id != WEB_ROUTE_LOGIN && id != WEB_ROUTE_OPENAPI && id != WEB_ROUTE_EXPORT)
            assert_true(web_routes[id].scope >= WEB_SCOPE_ANY);
    }
    assert_int_equal(web_routes[WEB_ROUTE_CONTROL].scope, WEB_SCOPE_OPERATE);
    assert_int_equal(web_routes[WEB_ROUTE_EXPORT].scope, WEB_SCOPE_OPEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes_of_paths),
        cmocka_unit_test(test_routes_say_their_methods),
        cmocka_unit_test(test_routes_that_change_something_want_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
