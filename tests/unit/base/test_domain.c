#include "check.h"

#include <tip/domain.h>

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

enum { SUBTREE = 1, BAD_IDNA = 2, SUFFIX = 4 };

static void test_domain_canonical(void **state)
{
    static const struct {
        const char *text, *name;
        int flags;
    } rows[] = {
        {"example.com", "example.com", 0},
        {"ExAmPlE.COM", "example.com", 0},
        {"example.com.", "example.com", 0},
        {"*.example.com", "example.com", SUBTREE},
        {".example.com", "example.com", SUBTREE},
        {"*.example.com.", "example.com", SUBTREE},
        {"_dmarc.example.com", "_dmarc.example.com", 0},
        {"r3---sn-x.example", "r3---sn-x.example", 0},
        {"-a-.example.com", "-a-.example.com", 0},
        {"1.2.3.example", "1.2.3.example", 0},
        {"4chan.org", "4chan.org", 0},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example", 0},
        {"B\xc3\x9c"
         "CHER.example",
         "xn--bcher-kva.example", 0},
        {"fa\xc3\x9f.de", "xn--fa-hia.de", 0}, /* non-transitional */
        {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x80\x82jp", "xn--wgv71a119e.jp", 0},
        {"xn--bcher-kva.example", "xn--bcher-kva.example", 0},
        {"XN--BCHER-KVA.example", "xn--bcher-kva.example", 0},
        {"image.xn--asp.example", "image.xn--asp.example", BAD_IDNA},
        {"xn--.example", "xn--.example", BAD_IDNA},
        {"co.uk", "co.uk", SUFFIX},
        {"*.co.uk", "co.uk", SUFFIX | SUBTREE},
        {"github.io", "github.io", SUFFIX},
        {"example.co.uk", "example.co.uk", 0},
        {"host.invalid", "host.invalid", 0},
        {L63 ".example", L63 ".example", 0},
        {L63 "." L63 "." L63 "." L61, L63 "." L63 "." L63 "." L61, 0}, /* 253 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_domain domain;
        int r = tip_domain_parse(&domain, rows[i].text, strlen(rows[i].text));

        if (r)
            fail_msg("%s: %s", rows[i].text, tip_domain_reason(r));
        assert_string_equal(domain.name, rows[i].name);
        assert_int_equal(domain.len, strlen(domain.name));
        if ((domain.subtree ? SUBTREE : 0) + (domain.bad_idna ? BAD_IDNA : 0) + (domain.public_suffix ? SUFFIX : 0) !=
            rows[i].flags)
            fail_msg("%s: flags", rows[i].text);
    }
}

static void test_domain_refused(void **state)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"", TIP_DOMAIN_E_EMPTY},
        {".", TIP_DOMAIN_E_EMPTY},
        {"*.", TIP_DOMAIN_E_EMPTY},
        {"..", TIP_DOMAIN_E_EMPTY},
        {"a..example", TIP_DOMAIN_E_LABEL},
        {"example.com..", TIP_DOMAIN_E_LABEL},
        {"a" L63 ".example", TIP_DOMAIN_E_LABEL},
        {L63 "." L63 "." L63 ".a" L61, TIP_DOMAIN_E_LONG},
        {"exa mple.com", TIP_DOMAIN_E_CHAR},
        {"example.com/", TIP_DOMAIN_E_CHAR},
        {"*.*.example.com", TIP_DOMAIN_E_CHAR},
        {"a@example.com", TIP_DOMAIN_E_CHAR},
        {"exa\xffmple.com", TIP_DOMAIN_E_CHAR},
        {"b\xc3\xbc cher.example", TIP_DOMAIN_E_IDNA},
        {"\xe2\x80\x8d.example", TIP_DOMAIN_E_IDNA}, /* a lone zero-width joiner */
        {"\xcc\x88"
         "a.example",
         TIP_DOMAIN_E_IDNA}, /* begins with a combining mark */
        {"localhost", TIP_DOMAIN_E_SINGLE},
        {"com.", TIP_DOMAIN_E_SINGLE},
        {"192.0.2.1", TIP_DOMAIN_E_ADDR},
        {"192.0.2.01", TIP_DOMAIN_E_ADDR},
        {"example.123", TIP_DOMAIN_E_ADDR},
        {"0x7f.0x1", TIP_DOMAIN_E_ADDR},
        {"0x7f000001", TIP_DOMAIN_E_ADDR},
        {"2130706433", TIP_DOMAIN_E_ADDR},
        {"example.-com", TIP_DOMAIN_E_TLD},
        {"example.com-", TIP_DOMAIN_E_TLD},
        {"example.c_m", TIP_DOMAIN_E_TLD},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_domain domain;
        int r = tip_domain_parse(&domain, rows[i].text, strlen(rows[i].text));

        if (r != rows[i].code)
            fail_msg("%s: %d %s", rows[i].text, r, tip_domain_reason(r));
        assert_true(*tip_domain_reason(r));
    }
}

static void test_domain_bytes_behind_the_end(void **state)
{
    static const char text[] = {'a', '.', 'b', 'c', 'X', '/'};
    struct tip_domain domain;

    (void)state;
    assert_int_equal(tip_domain_parse(&domain, text, 4), 0);
    assert_string_equal(domain.name, "a.bc");
    assert_int_equal(tip_domain_parse(&domain, "a.b\0c.com", 9), TIP_DOMAIN_E_CHAR);
    assert_int_equal(tip_domain_parse(&domain, "\xc3\xbc.b\0c.com", 10), TIP_DOMAIN_E_CHAR);
}

static void test_domain_suffixes(void **state)
{
    (void)state;
    assert_true(tip_domain_is_public_suffix("co.uk"));
    assert_false(tip_domain_is_public_suffix("example.co.uk"));
    assert_string_equal(tip_domain_registrable("a.b.example.co.uk"), "example.co.uk");
    assert_string_equal(tip_domain_registrable("shop.github.io"), "shop.github.io");
    assert_null(tip_domain_registrable("co.uk"));
    assert_true(tip_domain_is_under("a.example.com", "example.com"));
    assert_true(tip_domain_is_under("example.com", "example.com"));
    assert_false(tip_domain_is_under("badexample.com", "example.com"));
    assert_false(tip_domain_is_under("com", "example.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_domain_canonical),
        cmocka_unit_test(test_domain_refused),
        cmocka_unit_test(test_domain_bytes_behind_the_end),
        cmocka_unit_test(test_domain_suffixes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
