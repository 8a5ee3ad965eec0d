#include "check.h"
#include "random.h"

#include <tip/addr.h>

static struct tip_addr addr_of(const char *text)
{
    struct tip_addr addr;

    assert_int_equal(tip_addr_parse(&addr, text, strlen(text)), 0);
    return addr;
}

static struct tip_prefix prefix_of(const char *text)
{
    struct tip_prefix prefix;

    assert_int_equal(tip_prefix_parse(&prefix, NULL, text, strlen(text)), 0);
    return prefix;
}

static void test_prefix_parses_and_formats(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *canonical;
        bool masked;
    } rows[] = {
        {"192.0.2.0/24", 0, "192.0.2.0/24", false},
        {"192.0.2.1", 0, "192.0.2.1/32", false},
        {"192.0.2.1/32", 0, "192.0.2.1/32", false},
        {"192.0.2.1/24", 0, "192.0.2.0/24", true},
        {"255.255.255.255/1", 0, "128.0.0.0/1", true},
        {"0.0.0.0/0", 0, "0.0.0.0/0", false},
        {"1.2.3.4/0", 0, "0.0.0.0/0", true},
        {"2001:db8::/32", 0, "2001:db8::/32", false},
        {"2001:db8:ffff::/33", 0, "2001:db8:8000::/33", true},
        {"2001:db8::1", 0, "2001:db8::1/128", false},
        {"::/0", 0, "::/0", false},
        {"::ffff:192.0.2.0/120", 0, "192.0.2.0/24", false},
        {"::ffff:192.0.2.1", 0, "192.0.2.1/32", false},
        {"::ffff:0:0/96", 0, "0.0.0.0/0", false},
        {"::ffff:0:0/95", 0, "::fffe:0:0/95", true},
        {"192.0.2.0/33", TIP_ADDR_E_LENGTH, NULL, false},
        {"192.0.2.0/256", TIP_ADDR_E_LENGTH, NULL, false},
        {"192.0.2.0/99999999999", TIP_ADDR_E_LENGTH, NULL, false},
        {"::/129", TIP_ADDR_E_LENGTH, NULL, false},
        {"192.0.2.0/", TIP_ADDR_E_SYNTAX, NULL, false},
        {"192.0.2.0/2x", TIP_ADDR_E_SYNTAX, NULL, false},
        {"192.0.2.0/-1", TIP_ADDR_E_SYNTAX, NULL, false},
        {"192.0.2.0/24/24", TIP_ADDR_E_SYNTAX, NULL, false},
        {"/24", TIP_ADDR_E_SYNTAX, NULL, false},
        {"", TIP_ADDR_E_SYNTAX, NULL, false},
        {"192.0.2/24", TIP_ADDR_E_SYNTAX, NULL, false},
        {"192.0.2.0/024", TIP_ADDR_E_LEADING_ZERO, NULL, false},
        {"192.0.02.0/24", TIP_ADDR_E_LEADING_ZERO, NULL, false},
        {"192.0.300.0/24", TIP_ADDR_E_RANGE, NULL, false},
        {"fe80::%1/64", TIP_ADDR_E_ZONE, NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[TIP_PREFIX_TEXT];
        size_t n;
        struct tip_prefix prefix;
        bool masked = false;
        int r = tip_prefix_parse(&prefix, &masked, rows[i].text, strlen(rows[i].text));

        if (r != rows[i].code || masked != rows[i].masked)
            fail_msg("%s: %d %s, masked %d", rows[i].text, r, tip_addr_reason(r), masked);
        if (r)
            continue;
        n = tip_prefix_format(&prefix, text);
        assert_int_equal(n, strlen(text));
        assert_string_equal(text, rows[i].canonical);
    }
}

static void test_prefix_contains(void **state)
{
    static const struct {
        const char *outer, *inner;
        bool covers;
    } rows[] = {
        {"192.0.2.0/24", "192.0.2.0/24", true},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.0/25", "192.0.2.128", false},
        {"192.0.2.0/25", "192.0.2.0/24", false},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "::", false},
        {"::/0", "1.2.3.4", false},
        {"::/0", "ffff::/16", true},
        {"2001:db8::/33", "2001:db8:8000::/33", false},
        {"2001:db8::1/128", "2001:db8::1", true},
        {"192.0.2.1", "192.0.2.1", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_prefix outer = prefix_of(rows[i].outer), inner = prefix_of(rows[i].inner);

        if (tip_prefix_covers(&outer, &inner) != rows[i].covers)
            fail_msg("%s %s", rows[i].outer, rows[i].inner);
    }
}

static void test_prefix_ends_and_order(void **state)
{
    struct tip_prefix wide = prefix_of("192.0.2.0/24"), narrow = prefix_of("192.0.2.0/25");
    struct tip_addr last = tip_prefix_last(&wide), expected = addr_of("192.0.2.255");

    (void)state;
    assert_int_equal(tip_addr_compare(&last, &expected), 0);
    assert_true(tip_prefix_compare(&wide, &narrow) < 0);
    wide = prefix_of("2001:db8::/32");
    last = tip_prefix_last(&wide);
    expected = addr_of("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
    assert_int_equal(tip_addr_compare(&last, &expected), 0);
}

static void test_netmasks(void **state)
{
    static const struct {
        const char *mask;
        int code;
        uint8_t len;
    } rows[] = {
        {"255.255.255.0", 0, 24},
        {"255.255.240.0", 0, 20},
        {"0.0.0.0", 0, 0},
        {"255.255.255.255", 0, 32},
        {"ffff:ffff::", 0, 32},
        {"255.0.255.0", TIP_ADDR_E_NETMASK, 0},
        {"0.0.0.255", TIP_ADDR_E_NETMASK, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_addr mask = addr_of(rows[i].mask);
        uint8_t len = 0;

        assert_int_equal(tip_addr_netmask_len(&mask, &len), rows[i].code);
        assert_int_equal(len, rows[i].len);
    }
}

static void test_ranges_by_example(void **state)
{
    static const struct {
        const char *low, *high, *prefixes;
        int code;
    } rows[] = {
        {"192.0.2.0", "192.0.2.255", "192.0.2.0/24 ", 0},
        {"192.0.2.1", "192.0.2.1", "192.0.2.1/32 ", 0},
        {"192.0.2.1", "192.0.2.6", "192.0.2.1/32 192.0.2.2/31 192.0.2.4/31 192.0.2.6/32 ", 0},
        {"0.0.0.0", "255.255.255.255", "0.0.0.0/0 ", 0},
        {"255.255.255.254", "255.255.255.255", "255.255.255.254/31 ", 0},
        {"0.0.0.1", "0.0.0.3", "0.0.0.1/32 0.0.0.2/31 ", 0},
        {"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0 ", 0},
        {"2001:db8::", "2001:db8::2", "2001:db8::/127 2001:db8::2/128 ", 0},
        {"192.0.2.2", "192.0.2.1", "", TIP_ADDR_E_ORDER},
        {"192.0.2.2", "2001::", "", TIP_ADDR_E_FAMILY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_addr low = addr_of(rows[i].low), high = addr_of(rows[i].high);
        struct tip_range range;
        struct tip_prefix prefix;
        char text[512] = "";
        int r = tip_range_init(&range, &low, &high);

        assert_int_equal(r, rows[i].code);
        while (!r && tip_range_next(&range, &prefix)) {
            tip_prefix_format(&prefix, text + strlen(text));
            strcat(text, " ");
        }
        assert_string_equal(text, rows[i].prefixes);
    }
}

/* The prefixes of a random range join without a gap, and no two neighbours would make one. */
static void range_check(uint32_t a, uint32_t b)
{
    struct tip_addr low = tip_addr_from4(a < b ? a : b), high = tip_addr_from4(a < b ? b : a);
    struct tip_prefix prefix, before = {0};
    struct tip_range range;
    uint64_t at = tip_addr_to4(&low);

    assert_int_equal(tip_range_init(&range, &low, &high), 0);
    while (tip_range_next(&range, &prefix)) {
        struct tip_addr last = tip_prefix_last(&prefix);

        assert_int_equal(tip_addr_to4(&prefix.addr), at);
        at = (uint64_t)tip_addr_to4(&last) + 1;
        if (before.len && before.len == prefix.len) {
            struct tip_prefix parent = tip_prefix_of(&before.addr, (uint8_t)(before.len - 1));

            assert_false(tip_prefix_covers(&parent, &prefix));
        }
        before = prefix;
    }
    assert_int_equal(at, (uint64_t)tip_addr_to4(&high) + 1);
}

static void test_ranges_at_random(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint32_t a = (uint32_t)test_random(&random);

        range_check(a, i % 2 ? (uint32_t)test_random(&random) : a ^ (uint32_t)(test_random(&random) % 1024));
    }
}

static void test_special_blocks(void **state)
{
    static const struct {
        const char *prefix;
        const char *name;
    } rows[] = {
        {"8.8.8.8", "none"},
        {"1.1.1.0/24", "none"},
        {"9.255.255.255", "none"},
        {"0.0.0.0", "this_network"},
        {"10.1.2.3", "private"},
        {"172.15.255.255", "none"},
        {"172.16.0.0/12", "private"},
        {"172.32.0.0", "none"},
        {"192.168.7.0/24", "private"},
        {"100.64.0.1", "shared"},
        {"100.128.0.0", "none"},
        {"127.0.0.1", "loopback"},
        {"169.254.169.254", "link_local"},
        {"192.0.0.9", "protocol"},
        {"192.0.2.1", "documentation"},
        {"198.51.100.0/24", "documentation"},
        {"203.0.113.255", "documentation"},
        {"198.19.255.255", "benchmark"},
        {"192.88.99.1", "transition"},
        {"192.175.48.1", "protocol"},
        {"224.0.0.251", "multicast"},
        {"240.0.0.1", "reserved"},
        {"255.255.255.255", "broadcast"},
        {"192.168.0.0/15", "private"}, /* holds 192.168.0.0/16 */
        {"0.0.0.0/0", "broadcast"},    /* holds everything; the first row of the table */
        {"2606:4700::1111", "none"},
        {"2a00::/12", "none"},
        {"::", "this_network"},
        {"::1", "loopback"},
        {"::2", "reserved"},
        {"64:ff9b::7f00:1", "transition"},
        {"100::1", "reserved"},
        {"2001::1", "transition"},
        {"2001:2::1", "benchmark"},
        {"2001:20::1", "protocol"},
        {"2001:200::1", "none"},
        {"2001:db8::1", "documentation"},
        {"3fff::1", "documentation"},
        {"2002:7f00:1::", "transition"},
        {"4000::1", "reserved"},
        {"fc00::1", "private"},
        {"fd12::1", "private"},
        {"fe80::1", "link_local"},
        {"fec0::1", "reserved"},
        {"ff02::1", "multicast"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_prefix prefix = prefix_of(rows[i].prefix);
        enum tip_special special = tip_prefix_special(&prefix);

        if (strcmp(tip_special_name(special), rows[i].name) != 0)
            fail_msg("%s: %s", rows[i].prefix, tip_special_name(special));
        if (prefix.len == tip_addr_bits(&prefix.addr))
            assert_int_equal(tip_addr_is_public(&prefix.addr), special == TIP_SPECIAL_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix_parses_and_formats),
        cmocka_unit_test(test_prefix_contains),
        cmocka_unit_test(test_prefix_ends_and_order),
        cmocka_unit_test(test_netmasks),
        cmocka_unit_test(test_ranges_by_example),
        cmocka_unit_test(test_ranges_at_random),
        cmocka_unit_test(test_special_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
