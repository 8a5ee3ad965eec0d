#include "check.h"
#include "random.h"

#include <arpa/inet.h>

#include <tip/addr.h>

static void test_addr_parses_and_formats(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *canonical; /* NULL: the text itself */
    } rows[] = {
        {"0.0.0.0", 0, NULL},
        {"255.255.255.255", 0, NULL},
        {"192.0.2.1", 0, NULL},
        {"192.0.2", TIP_ADDR_E_SYNTAX, NULL},
        {"192.0.2.", TIP_ADDR_E_SYNTAX, NULL},
        {"192.0.2.1.", TIP_ADDR_E_SYNTAX, NULL},
        {"192.0.2.1.1", TIP_ADDR_E_SYNTAX, NULL},
        {"192..2.1", TIP_ADDR_E_SYNTAX, NULL},
        {".192.0.2", TIP_ADDR_E_SYNTAX, NULL},
        {"192.0.2.1 ", TIP_ADDR_E_SYNTAX, NULL},
        {" 192.0.2.1", TIP_ADDR_E_SYNTAX, NULL},
        {"+1.0.2.1", TIP_ADDR_E_SYNTAX, NULL},
        {"0x1.0.2.1", TIP_ADDR_E_SYNTAX, NULL},
        {"10.1", TIP_ADDR_E_SYNTAX, NULL},
        {"3221225985", TIP_ADDR_E_RANGE, NULL},
        {"", TIP_ADDR_E_SYNTAX, NULL},
        {"example.com", TIP_ADDR_E_SYNTAX, NULL},
        {"010.0.0.1", TIP_ADDR_E_LEADING_ZERO, NULL},
        {"10.0.0.00", TIP_ADDR_E_LEADING_ZERO, NULL},
        {"10.0.0.256", TIP_ADDR_E_RANGE, NULL},
        {"10.0.0.1000", TIP_ADDR_E_RANGE, NULL},
        {"999.0.0.1", TIP_ADDR_E_RANGE, NULL},
        {"::", 0, NULL},
        {"::1", 0, NULL},
        {"1::", 0, NULL},
        {"2001:db8::1", 0, NULL},
        {"2001:DB8::ABCD", 0, "2001:db8::abcd"},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", 0, "2001:db8::1"},
        {"2001:db8:0:0:1:0:0:1", 0, "2001:db8::1:0:0:1"},
        {"2001:0:0:1:0:0:0:1", 0, "2001:0:0:1::1"},
        {"2001:db8:0:1:1:1:1:1", 0, NULL},
        {"2001:db8::1:1:1:1:1", 0, "2001:db8:0:1:1:1:1:1"},
        {"1:2:3:4:5:6:7::", 0, "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", 0, "0:2:3:4:5:6:7:8"},
        {"::ffff:192.0.2.1", 0, "192.0.2.1"},
        {"0:0:0:0:0:ffff:c000:0201", 0, "192.0.2.1"},
        {"64:ff9b::192.0.2.33", 0, "64:ff9b::c000:221"},
        {"::192.0.2.1", 0, "::c000:201"},
        {"1:2:3:4:5:6:192.0.2.1", 0, "1:2:3:4:5:6:c000:201"},
        {"1:2:3:4:5:6:7:192.0.2.1", TIP_ADDR_E_SYNTAX, NULL},
        {"1:2:3:4:5:6:7:8:9", TIP_ADDR_E_SYNTAX, NULL},
        {"1:2:3:4:5:6:7", TIP_ADDR_E_SYNTAX, NULL},
        {"1:2:3:4::5:6:7:8", TIP_ADDR_E_SYNTAX, NULL},
        {"1::2::3", TIP_ADDR_E_SYNTAX, NULL},
        {":::", TIP_ADDR_E_SYNTAX, NULL},
        {":1:2:3:4:5:6:7:8", TIP_ADDR_E_SYNTAX, NULL},
        {":1", TIP_ADDR_E_SYNTAX, NULL},
        {"1:", TIP_ADDR_E_SYNTAX, NULL},
        {":", TIP_ADDR_E_SYNTAX, NULL},
        {"1:2:3:4:5:6:7:8:", TIP_ADDR_E_SYNTAX, NULL},
        {"::g", TIP_ADDR_E_SYNTAX, NULL},
        {"::192.0.2.1:1", TIP_ADDR_E_SYNTAX, NULL},
        {"[::1]", TIP_ADDR_E_SYNTAX, NULL},
        {"::00001", TIP_ADDR_E_RANGE, NULL},
        {"::12345", TIP_ADDR_E_RANGE, NULL},
        {"::192.0.2.256", TIP_ADDR_E_RANGE, NULL},
        {"::192.0.02.1", TIP_ADDR_E_LEADING_ZERO, NULL},
        {"fe80::1%eth0", TIP_ADDR_E_ZONE, NULL},
        {"fe80::1%25", TIP_ADDR_E_ZONE, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[TIP_ADDR_TEXT];
        size_t n;
        struct tip_addr addr;
        int r = tip_addr_parse(&addr, rows[i].text, strlen(rows[i].text));

        if (r != rows[i].code)
            fail_msg("%s: %d %s", rows[i].text, r, tip_addr_reason(r));
        if (r)
            continue;
        n = tip_addr_format(&addr, text);
        assert_int_equal(n, strlen(text));
        assert_string_equal(text, rows[i].canonical ? rows[i].canonical : rows[i].text);
    }
}

/* glibc's inet_pton is a second reading of the same grammar. */
static void addr_compare_with_libc(const char *text)
{
    uint8_t theirs[16];
    struct tip_addr addr, expected;
    char canonical[TIP_ADDR_TEXT];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    bool libc = inet_pton(family, text, theirs) == 1;
    int r = tip_addr_parse(&addr, text, strlen(text));

    if (libc != !r)
        fail_msg("%s: libc says %d, we say %s", text, libc, tip_addr_reason(r));
    if (r)
        return;
    expected = tip_addr_from_bytes(theirs, family == AF_INET ? 4 : 16);
    assert_memory_equal(&addr, &expected, sizeof(addr));
    tip_addr_format(&addr, canonical);
    assert_int_equal(tip_addr_parse(&expected, canonical, strlen(canonical)), 0);
    assert_memory_equal(&addr, &expected, sizeof(addr));
}

static void test_addr_agrees_with_libc(void **state)
{
    static const char *const alphabets[] = {"0123456789.", "012.25", "0123:", "0f:", "0:1:f.2"};
    uint64_t random = test_seed();

    (void)state;
    for (int round = 0; round < 300000; round++) {
        const char *alphabet = alphabets[test_random(&random) % 5];
        size_t n = test_random(&random) % 20;
        char text[32];

        for (size_t i = 0; i < n; i++)
            text[i] = alphabet[test_random(&random) % strlen(alphabet)];
        text[n] = '\0';
        addr_compare_with_libc(text);
    }
}

static void test_addr_valid_agrees_with_libc(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (int round = 0; round < 100000; round++) {
        uint8_t bytes[16];
        char text[INET6_ADDRSTRLEN];
        uint64_t zeros = test_random(&random);

        for (int i = 0; i < 16; i++)
            bytes[i] = zeros >> (i / 2 * 2) & 3 ? 0 : (uint8_t)test_random(&random);
        inet_ntop(round % 2 ? AF_INET6 : AF_INET, bytes, text, sizeof(text));
        addr_compare_with_libc(text);
    }
}

static void test_addr_fast_stops_where_it_must(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
        {"192.0.2.1", 9}, {"192.0.2.1\t7", 9}, {"1.2.3.4/8", 7}, {"255.255.255.255,", 15},
        {"1.2.3.4.5", 7}, {"1.2.3.1234", 0},   {"1.2.3.256", 0}, {"01.2.3.4", 0},
        {"1.2.3.", 0},    {"1.2.3", 0},        {"1.2.3.00", 0},  {"", 0},
        {"1", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint32_t host = 0;
        size_t n = tip_addr4_parse_fast(rows[i].text, rows[i].text + strlen(rows[i].text), &host);

        if (n != rows[i].n)
            fail_msg("%s: %zu", rows[i].text, n);
    }
}

static void test_addr_orders(void **state)
{
    static const char *const ascending[] = {"0.0.0.0", "9.255.255.255", "10.0.0.0", "255.0.0.0", "::", "::1", "2001::"};
    struct tip_addr a, b;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(ascending) / sizeof(*ascending); i++) {
        assert_int_equal(tip_addr_parse(&a, ascending[i], strlen(ascending[i])), 0);
        assert_int_equal(tip_addr_parse(&b, ascending[i + 1], strlen(ascending[i + 1])), 0);
        assert_true(tip_addr_compare(&a, &b) < 0);
        assert_true(tip_addr_compare(&b, &a) > 0);
        assert_int_equal(tip_addr_compare(&a, &a), 0);
    }
    a = tip_addr_from4(0xc0000201);
    assert_int_equal(tip_addr_to4(&a), 0xc0000201);
}

static void test_addr_endpoints(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *canonical;
    } rows[] = {
        {"192.0.2.1:443", 0, NULL},
        {"[2001:db8::1]:443", 0, NULL},
        {"[2001:DB8:0::1]:65535", 0, "[2001:db8::1]:65535"},
        {"[::ffff:192.0.2.1]:1", 0, "192.0.2.1:1"},
        {"192.0.2.1:0", TIP_ADDR_E_PORT, NULL},
        {"192.0.2.1:65536", TIP_ADDR_E_PORT, NULL},
        {"192.0.2.1:99999999999999999999", TIP_ADDR_E_PORT, NULL},
        {"192.0.2.1:", TIP_ADDR_E_PORT, NULL},
        {"192.0.2.1", TIP_ADDR_E_PORT, NULL},
        {"[2001:db8::1]", TIP_ADDR_E_PORT, NULL},
        {"", TIP_ADDR_E_PORT, NULL},
        {"[:1", TIP_ADDR_E_PORT, NULL},
        {"192.0.2.1:080", TIP_ADDR_E_LEADING_ZERO, NULL},
        {"192.0.2.1:http", TIP_ADDR_E_SYNTAX, NULL},
        {"2001:db8::1:443", TIP_ADDR_E_SYNTAX, NULL},
        {"[192.0.2.1]:443", TIP_ADDR_E_SYNTAX, NULL},
        {":443", TIP_ADDR_E_SYNTAX, NULL},
        {"[]:443", TIP_ADDR_E_SYNTAX, NULL},
        {"[fe80::1%1]:443", TIP_ADDR_E_ZONE, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[TIP_ENDPOINT_TEXT];
        size_t n;
        struct tip_endpoint endpoint;
        int r = tip_endpoint_parse(&endpoint, rows[i].text, strlen(rows[i].text));

        if (r != rows[i].code)
            fail_msg("%s: %d %s", rows[i].text, r, tip_addr_reason(r));
        if (r)
            continue;
        n = tip_endpoint_format(&endpoint, text);
        assert_int_equal(n, strlen(text));
        assert_string_equal(text, rows[i].canonical ? rows[i].canonical : rows[i].text);
        assert_int_equal(tip_endpoint_compare(&endpoint, &endpoint), 0);
    }
}

static void test_addr_reasons_are_words(void **state)
{
    (void)state;
    for (int code = 1; code < TIP_ADDR_E_END; code++)
        assert_true(*tip_addr_reason(code));
    assert_string_equal(tip_addr_reason(0), "");
    assert_string_equal(tip_addr_reason(TIP_ADDR_E_END), "");
    assert_string_equal(tip_addr_reason(-1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addr_parses_and_formats),
        cmocka_unit_test(test_addr_agrees_with_libc),
        cmocka_unit_test(test_addr_valid_agrees_with_libc),
        cmocka_unit_test(test_addr_fast_stops_where_it_must),
        cmocka_unit_test(test_addr_orders),
        cmocka_unit_test(test_addr_endpoints),
        cmocka_unit_test(test_addr_reasons_are_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
