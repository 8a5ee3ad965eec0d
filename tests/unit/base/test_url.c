#include "check.h"

#include <stdlib.h>

#include <tip/url.h>

static void test_url_canonical(void **state)
{
    static const struct {
        const char *text, *canonical;
    } rows[] = {
        {"http://example.com", "http://example.com/"},
        {"HTTP://EXAMPLE.com/", "http://example.com/"},
        {"http://example.com.:80/a", "http://example.com/a"},
        {"http://example.com:", "http://example.com/"},
        {"https://example.com:443/", "https://example.com/"},
        {"https://example.com:80/", "https://example.com:80/"},
        {"ftp://example.com:021/", "ftp://example.com/"},
        {"http://example.com:08080/", "http://example.com:8080/"},
        {"http://example.com?a=b", "http://example.com/?a=b"},
        {"http://example.com/?", "http://example.com/?"},
        {"http://example.com/#f", "http://example.com/"},
        {"http://example.com#f?x", "http://example.com/"},
        {"http://example.com/a?b#c#d", "http://example.com/a?b"},
        /* RFC 3986 section 6.2.2 */
        {"http://example.com/%7Efoo/%3a", "http://example.com/~foo/%3A"},
        {"http://example.com/a%c2%b1b", "http://example.com/a%C2%B1b"},
        {"http://example.com/a%2fb", "http://example.com/a%2Fb"},
        {"http://example.com/%zz%", "http://example.com/%25zz%25"},
        {"http://example.com/%%341", "http://example.com/%2541"},
        {"http://example.com/a b\"<>\\^`{|}", "http://example.com/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D"},
        {"http://example.com/\xc3\xbc\xff", "http://example.com/%C3%BC%FF"},
        {"http://example.com/a[1]?b[]=1", "http://example.com/a%5B1%5D?b%5B%5D=1"},
        /* RFC 3986 section 5.4, as absolute paths */
        {"http://a.example/b/c/./g", "http://a.example/b/c/g"},
        {"http://a.example/b/c/g/", "http://a.example/b/c/g/"},
        {"http://a.example/b/c/..", "http://a.example/b/"},
        {"http://a.example/b/c/../..", "http://a.example/"},
        {"http://a.example/b/c/../../../g", "http://a.example/g"},
        {"http://a.example/b/c/.", "http://a.example/b/c/"},
        {"http://a.example/g..", "http://a.example/g.."},
        {"http://a.example/..g/...", "http://a.example/..g/..."},
        {"http://a.example/b/./g/.", "http://a.example/b/g/"},
        {"http://a.example/b/%2e%2E/g", "http://a.example/g"},
        {"http://a.example//b//../c", "http://a.example//b/c"},
        {"http://a.example/?b/../c", "http://a.example/?b/../c"},
        {"http://b\xc3\xbc"
         "cher.example/",
         "http://xn--bcher-kva.example/"},
        {"http://192.0.2.1:8080/x", "http://192.0.2.1:8080/x"},
        {"http://[2001:DB8::0:1]/", "http://[2001:db8::1]/"},
        {"http://[2001:db8::1]:81", "http://[2001:db8::1]:81/"},
        {"http://[::ffff:192.0.2.1]/", "http://192.0.2.1/"},
        /* who asks is no part of the place, whatever it looks like: RFC 3986 section 3.2.1 */
        {"http://user@example.com/", "http://example.com/"},
        {"http://www.bank.example:pw@192.0.2.1/", "http://192.0.2.1/"},
        {"https://@Example.com:443?u=a@b", "https://example.com/?u=a@b"},
        {"http://a%40b:%2F!$&'()*+,;=@[2001:DB8::1]:81/x@y", "http://[2001:db8::1]:81/x@y"},
        {"http://www.bank.example@b\xc3\xbc"
         "cher.example:8080/%7e",
         "http://xn--bcher-kva.example:8080/~"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_url url;
        int r = tip_url_parse(&url, rows[i].text, strlen(rows[i].text), 0);

        if (r)
            fail_msg("%s: %s", rows[i].text, tip_url_reason(r));
        assert_string_equal(url.text, rows[i].canonical);
        assert_int_equal(url.len, strlen(url.text));
        assert_int_equal(url.text[url.path_at], '/');
        assert_int_equal(tip_url_parse(&url, rows[i].canonical, strlen(rows[i].canonical), 0), 0);
        assert_string_equal(url.text, rows[i].canonical);
    }
}

static void test_url_refused(void **state)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"", TIP_URL_E_NO_SCHEME},
        {"example.com/a", TIP_URL_E_NO_SCHEME},
        {"http:/example.com", TIP_URL_E_NO_SCHEME},
        {"example.com/?u=http://x.example", TIP_URL_E_NO_SCHEME},
        {"://example.com", TIP_URL_E_SCHEME},
        {"hxxp://example.com/", TIP_URL_E_SCHEME},
        {"javascript://example.com/", TIP_URL_E_SCHEME},
        {"http://a@b@example.com/", TIP_URL_E_USERINFO},
        {"http://a[@example.com/", TIP_URL_E_USERINFO},
        {"http://a%4@example.com/", TIP_URL_E_USERINFO},
        {"http://\xc3\xbc@example.com/", TIP_URL_E_USERINFO},
        {"http://user@/", TIP_URL_E_HOST},
        {"http://user@:80/", TIP_URL_E_HOST},
        {"http:///a", TIP_URL_E_HOST},
        {"http://localhost/", TIP_URL_E_HOST},
        {"http://2130706433/", TIP_URL_E_HOST},
        {"http://0x7f.1/", TIP_URL_E_HOST},
        {"http://010.0.0.1/", TIP_URL_E_HOST},
        {"http://*.example.com/", TIP_URL_E_HOST},
        {"http://ex%61mple.com/", TIP_URL_E_HOST},
        {"http://example.com\\@x.example/", TIP_URL_E_USERINFO},
        {"http://example.com\\x/", TIP_URL_E_HOST},
        {"http://[2001:db8::1/", TIP_URL_E_HOST},
        {"http://[2001:db8::1]x/", TIP_URL_E_HOST},
        {"http://[fe80::1%251]/", TIP_URL_E_HOST},
        {"http://[192.0.2.1]/", TIP_URL_E_HOST},
        {"http://2001:db8::1/", TIP_URL_E_HOST},
        {"http://example.com:0/", TIP_URL_E_PORT},
        {"http://example.com:65536/", TIP_URL_E_PORT},
        {"http://example.com:80x/", TIP_URL_E_PORT},
        {"http://example.com:-1/", TIP_URL_E_PORT},
        {"http://example.com/a\nb", TIP_URL_E_CHAR},
        {"http://example.com/?\x7f", TIP_URL_E_CHAR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_url url;
        int r = tip_url_parse(&url, rows[i].text, strlen(rows[i].text), 0);

        if (r != rows[i].code)
            fail_msg("%s: %d %s", rows[i].text, r, tip_url_reason(r));
        assert_true(*tip_url_reason(r));
    }
}

static void test_url_without_scheme(void **state)
{
    struct tip_url url;

    (void)state;
    assert_int_equal(tip_url_parse(&url, "example.com:8080/a", 18, TIP_URL_SCHEME_OPTIONAL), 0);
    assert_string_equal(url.text, "http://example.com:8080/a");
    assert_int_equal(tip_url_parse(&url, "example.com/?u=http://x.example", 31, TIP_URL_SCHEME_OPTIONAL), 0);
    assert_string_equal(url.text, "http://example.com/?u=http://x.example");
    assert_int_equal(tip_url_parse(&url, "example.com/a@b", 15, TIP_URL_SCHEME_OPTIONAL), 0);
    assert_int_equal(tip_url_parse(&url, "somebody@example.com/", 21, TIP_URL_SCHEME_OPTIONAL), TIP_URL_E_USERINFO);
    assert_int_equal(tip_url_parse(&url, "gopher://example.com/", 21, TIP_URL_SCHEME_OPTIONAL), TIP_URL_E_SCHEME);
}

static void test_url_parts(void **state)
{
    char host[TIP_ADDR_TEXT];
    struct tip_url url;

    (void)state;
    assert_int_equal(tip_url_parse(&url, "https://a.co.uk:8443/x?y", 24, 0), 0);
    assert_int_equal(url.scheme, TIP_URL_HTTPS);
    assert_int_equal(url.port, 8443);
    assert_false(url.host_is_addr);
    assert_string_equal(tip_url_host(&url, host), "a.co.uk");
    assert_string_equal(url.text + url.path_at, "/x?y");
    assert_int_equal(tip_url_parse(&url, "http://[2001:db8::1]/", 21, 0), 0);
    assert_true(url.host_is_addr);
    assert_int_equal(url.port, 80);
    assert_string_equal(tip_url_host(&url, host), "2001:db8::1");
    assert_int_equal(tip_url_parse(&url, "http://github.io/", 17, 0), 0);
    assert_true(url.domain.public_suffix);
}

static void test_url_nul_hides_nothing(void **state)
{
    struct tip_url url;

    (void)state;
    assert_int_equal(tip_url_parse(&url, "http://example.com\0.x.example/", 30, 0), TIP_URL_E_HOST);
    assert_int_equal(tip_url_parse(&url, "http://example.com/a\0b", 22, 0), TIP_URL_E_CHAR);
    assert_int_equal(tip_url_parse(&url, "http://example.com/?a\0b", 23, 0), TIP_URL_E_CHAR);
}

static void test_url_bounds(void **state)
{
    static const char head[] = "http://example.com/";
    size_t n_head = sizeof(head) - 1;
    char text[3 * TIP_URL_MAX + 1];
    struct tip_url url;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, head, n_head);
    assert_int_equal(tip_url_parse(&url, text, TIP_URL_MAX, 0), 0);
    assert_int_equal(url.len, TIP_URL_MAX);
    assert_int_equal(tip_url_parse(&url, text, TIP_URL_MAX + 1, 0), TIP_URL_E_LONG);
    assert_int_equal(tip_url_parse(&url, text, sizeof(text), 0), TIP_URL_E_LONG);
    text[TIP_URL_MAX - 1] = ' ';
    assert_int_equal(tip_url_parse(&url, text, TIP_URL_MAX, 0), TIP_URL_E_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_canonical),         cmocka_unit_test(test_url_refused),
        cmocka_unit_test(test_url_without_scheme),    cmocka_unit_test(test_url_parts),
        cmocka_unit_test(test_url_nul_hides_nothing), cmocka_unit_test(test_url_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
