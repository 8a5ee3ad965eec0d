#include "check.h"

#include <tip/addr.h>
#include <tip/domain.h>
#include <tip/indicator.h>
#include <tip/url.h>

static void test_indicator_detects(void **state)
{
    static const struct {
        const char *text;
        enum tip_kind kind;
        const char *value;
        unsigned flags;
    } rows[] = {
        {"192.0.2.1", TIP_KIND_IP, "192.0.2.1", 0},
        {"192.0.2.1/32", TIP_KIND_IP, "192.0.2.1", 0},
        {"2001:DB8::1/128", TIP_KIND_IP, "2001:db8::1", 0},
        {"::ffff:192.0.2.1", TIP_KIND_IP, "192.0.2.1", 0},
        {"192.0.2.0/24", TIP_KIND_NET, "192.0.2.0/24", 0},
        {"192.0.2.9/24", TIP_KIND_NET, "192.0.2.0/24", TIP_INDICATOR_MASKED},
        {"2001:db8::/32", TIP_KIND_NET, "2001:db8::/32", 0},
        {"Example.COM.", TIP_KIND_DOMAIN, "example.com", 0},
        {"*.example.com", TIP_KIND_DOMAIN, "example.com", TIP_INDICATOR_SUBTREE},
        {"co.uk", TIP_KIND_DOMAIN, "co.uk", TIP_INDICATOR_PUBLIC_SUFFIX},
        {"xn--asp.example", TIP_KIND_DOMAIN, "xn--asp.example", TIP_INDICATOR_BAD_IDNA},
        {"12.example", TIP_KIND_DOMAIN, "12.example", 0},
        {"http://Example.com", TIP_KIND_URL, "http://example.com/", 0},
        {"https://192.0.2.1/", TIP_KIND_URL, "https://192.0.2.1/", 0},
        {"http://[2001:db8::1]/", TIP_KIND_URL, "http://[2001:db8::1]/", 0},
        {"example.com/a", TIP_KIND_URL, "http://example.com/a", 0},
        {"example.com:8080/a", TIP_KIND_URL, "http://example.com:8080/a", 0},
        {"example.com?a", TIP_KIND_URL, "http://example.com/?a", 0},
        {"192.0.2.1:8080/a", TIP_KIND_URL, "http://192.0.2.1:8080/a", 0},
        {"[2001:db8::1]:8080/a", TIP_KIND_URL, "http://[2001:db8::1]:8080/a", 0},
        {"192.0.2.1:443", TIP_KIND_ENDPOINT, "192.0.2.1:443", 0},
        {"[2001:db8::1]:443", TIP_KIND_ENDPOINT, "[2001:db8::1]:443", 0},
        {"AS64496", TIP_KIND_ASN, "AS64496", 0},
        {"as1", TIP_KIND_ASN, "AS1", 0},
        {"AS4294967294", TIP_KIND_ASN, "AS4294967294", 0},
        {"as64496.example", TIP_KIND_DOMAIN, "as64496.example", 0},
        {"D41D8CD98F00B204E9800998ECF8427E", TIP_KIND_HASH, "d41d8cd98f00b204e9800998ecf8427e", 0},
        {"da39a3ee5e6b4b0d3255bfef95601890afd80709", TIP_KIND_HASH, "da39a3ee5e6b4b0d3255bfef95601890afd80709", 0},
        {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", TIP_KIND_HASH,
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0},
        {"00000000000000000000000000000000", TIP_KIND_HASH, "00000000000000000000000000000000", 0},
        {"@Mail.Example.", TIP_KIND_EMAIL_DOMAIN, "@mail.example", 0},
        {"@co.uk", TIP_KIND_EMAIL_DOMAIN, "@co.uk", TIP_INDICATOR_PUBLIC_SUFFIX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_indicator found, again;
        int r = tip_indicator_parse(&found, TIP_KIND_NONE, rows[i].text, strlen(rows[i].text));

        if (r || found.kind != rows[i].kind || found.flags != rows[i].flags)
            fail_msg("%s: %s %s %x", rows[i].text, tip_indicator_reason(r), tip_kind_name(found.kind), found.flags);
        assert_string_equal(found.value, rows[i].value);
        assert_int_equal(found.len, strlen(found.value));
        assert_int_equal(tip_indicator_parse(&again, found.kind, found.value, found.len), 0);
        assert_int_equal(again.kind, found.kind);
        assert_string_equal(again.value, found.value);
    }
}

static void test_indicator_refuses(void **state)
{
    static const struct {
        enum tip_kind kind;
        const char *text;
        int code;
    } rows[] = {
        {TIP_KIND_NONE, "", TIP_INDICATOR_E_EMPTY},
        {TIP_KIND_NONE, "example.com:25", TIP_INDICATOR_E_KIND},
        {TIP_KIND_NONE, "010.0.0.1", TIP_ADDR_E_LEADING_ZERO},
        {TIP_KIND_NONE, "192.0.2.0/33", TIP_ADDR_E_LENGTH},
        {TIP_KIND_NONE, "fe80::1%eth0", TIP_ADDR_E_ZONE},
        {TIP_KIND_NONE, "192.0.2.1:0", TIP_ADDR_E_PORT},
        {TIP_KIND_NONE, "localhost", TIP_DOMAIN_E_SINGLE},
        {TIP_KIND_NONE, "http://a@b@example.com/", TIP_URL_E_USERINFO},
        {TIP_KIND_IP, "192.0.2.0/24", TIP_INDICATOR_E_KIND},
        {TIP_KIND_IP, "example.com", TIP_ADDR_E_SYNTAX},
        {TIP_KIND_NET, "example.com", TIP_ADDR_E_SYNTAX},
        {TIP_KIND_DOMAIN, "192.0.2.1", TIP_DOMAIN_E_ADDR},
        {TIP_KIND_URL, "hxxp://example.com/", TIP_URL_E_SCHEME},
        {TIP_KIND_ENDPOINT, "192.0.2.1", TIP_ADDR_E_PORT},
        {TIP_KIND_COUNT, "192.0.2.1", TIP_INDICATOR_E_KIND},
        {TIP_KIND_NONE, "AS0", TIP_INDICATOR_E_ASN},
        {TIP_KIND_NONE, "AS064496", TIP_INDICATOR_E_ASN},
        {TIP_KIND_NONE, "AS4294967295", TIP_INDICATOR_E_ASN},
        {TIP_KIND_NONE, "AS64496000000", TIP_INDICATOR_E_ASN},
        {TIP_KIND_ASN, "AS", TIP_INDICATOR_E_ASN},
        {TIP_KIND_ASN, "1.10", TIP_INDICATOR_E_ASN},
        {TIP_KIND_ASN, "-1", TIP_INDICATOR_E_ASN},
        {TIP_KIND_HASH, "d41d8cd98f00b204e9800998ecf8427", TIP_INDICATOR_E_HASH},
        {TIP_KIND_HASH, "g41d8cd98f00b204e9800998ecf8427e", TIP_INDICATOR_E_HASH},
        {TIP_KIND_EMAIL_DOMAIN, "somebody@mail.example", TIP_INDICATOR_E_KIND},
        {TIP_KIND_NONE, "@@mail.example", TIP_INDICATOR_E_KIND},
        {TIP_KIND_NONE, "@", TIP_DOMAIN_E_EMPTY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_indicator indicator;
        int r = tip_indicator_parse(&indicator, rows[i].kind, rows[i].text, strlen(rows[i].text));

        if (r != rows[i].code)
            fail_msg("%s: %d %s", rows[i].text, r, tip_indicator_reason(r));
        assert_true(*tip_indicator_reason(r));
    }
}

static void test_indicator_of_the_asked_kind(void **state)
{
    struct tip_indicator indicator;

    (void)state;
    assert_int_equal(tip_indicator_parse(&indicator, TIP_KIND_NET, "192.0.2.1", 9), 0);
    assert_int_equal(indicator.kind, TIP_KIND_IP);
    assert_int_equal(tip_indicator_parse(&indicator, TIP_KIND_URL, "example.com", 11), 0);
    assert_string_equal(indicator.value, "http://example.com/");
}

static void test_kind_names(void **state)
{
    (void)state;
    for (int kind = TIP_KIND_IP; kind < TIP_KIND_COUNT; kind++) {
        const char *name = tip_kind_name((enum tip_kind)kind);

        assert_int_equal(tip_kind_from_name(name, strlen(name)), kind);
    }
    assert_int_equal(tip_kind_from_name("none", 4), TIP_KIND_NONE);
    assert_int_equal(tip_kind_from_name("ipx", 3), TIP_KIND_NONE);
    assert_string_equal(tip_kind_name(TIP_KIND_COUNT), "none");
}

static void test_reasons_are_distinct(void **state)
{
    (void)state;
    for (int a = 1; a < TIP_INDICATOR_E_END; a++) {
        for (int b = a + 1; b < TIP_INDICATOR_E_END && *tip_indicator_reason(a); b++)
            assert_string_not_equal(tip_indicator_reason(a), tip_indicator_reason(b));
    }
    assert_string_equal(tip_indicator_reason(0), "");
    assert_string_equal(tip_indicator_reason(1000), "");
    assert_string_equal(tip_indicator_reason(-5), "");
}

/* The last row of the reference vectors of SipHash-2-4 that fits: key 00 to 0f, input 00 to 0e. */
static void test_ikey_is_siphash(void **state)
{
    uint8_t key[16];
    char value[14];

    (void)state;
    for (int i = 0; i < 16; i++)
        key[i] = (uint8_t)i;
    for (int i = 0; i < 14; i++)
        value[i] = (char)(i + 1);
    assert_true(tip_ikey(key, (enum tip_kind)0, value, sizeof(value)) == 0xa129ca6149be45e5u);
    assert_true(tip_ikey(key, TIP_KIND_IP, "x", 1) != tip_ikey(key, TIP_KIND_DOMAIN, "x", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_indicator_detects),           cmocka_unit_test(test_indicator_refuses),
        cmocka_unit_test(test_indicator_of_the_asked_kind), cmocka_unit_test(test_kind_names),
        cmocka_unit_test(test_reasons_are_distinct),        cmocka_unit_test(test_ikey_is_siphash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
