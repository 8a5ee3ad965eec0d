/* Which entry of the allow and deny list decides: tables, and a random list against one that looks at every entry. */
#include "check.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/allow.h"
/* "+" allow, "-" deny; "!" configured; "*" subtree; then the indicator. */
static void add(struct bl_allow *allow, const char *text, uint64_t id)
{
    struct bl_allow_entry entry = {.id = id};
    struct tip_indicator indicator;

    for (; *text && strchr("+-!*", *text); text++) {
        entry.rule = *text == '+' ? BL_RULE_ALLOW : *text == '-' ? BL_RULE_DENY : entry.rule;
        entry.is_configured |= *text == '!';
        entry.is_subtree |= *text == '*';
    }
    assert_int_equal(tip_indicator_parse(&indicator, TIP_KIND_NONE, text, strlen(text)), 0);
    assert_int_equal(bl_allow_add(allow, &entry, indicator.kind, indicator.value, indicator.len), 0);
}

static struct bl_allow_hit find(const struct bl_allow *allow, const char *text)
{
    struct tip_indicator indicator;

    assert_int_equal(tip_indicator_parse(&indicator, TIP_KIND_NONE, text, strlen(text)), 0);
    return bl_allow_find(allow, indicator.kind, indicator.value, indicator.len);
}

static const char *const entries[] = {
    "+*192.0.2.0/24",    "-192.0.2.7",     "-*192.0.2.128/25", "+192.0.2.200",      "+198.51.100.0/24",
    "+!*203.0.113.0/24", "-203.0.113.9",   "+*2001:db8::/32",  "-*2001:db8:1::/48", "+*good.example",
    "-bad.good.example", "-worse.example", "-*0.0.0.0/8",
};

static void test_the_most_specific_decides(void **state)
{
    static const struct {
        const char *text;
        enum bl_rule rule;
        bool is_self;
    } rows[] = {
        {"192.0.2.1", BL_RULE_ALLOW, false},
        {"192.0.2.0/24", BL_RULE_ALLOW, true},
        {"192.0.2.0/25", BL_RULE_ALLOW, false},
        {"192.0.2.0/23", BL_RULE_NONE, false}, /* wider than the entry */
        {"192.0.2.7", BL_RULE_DENY, true},
        {"192.0.2.7:443", BL_RULE_DENY, false},
        {"http://192.0.2.7/x", BL_RULE_DENY, false},
        {"192.0.2.130", BL_RULE_DENY, false},
        {"192.0.2.200", BL_RULE_ALLOW, true},
        {"192.0.3.0", BL_RULE_NONE, false},
        {"198.51.100.0/24", BL_RULE_ALLOW, true}, /* exact: only itself */
        {"198.51.100.1", BL_RULE_NONE, false},
        {"203.0.113.9", BL_RULE_ALLOW, false}, /* a configured one decides */
        {"2001:db8::1", BL_RULE_ALLOW, false},
        {"2001:db8:1::1", BL_RULE_DENY, false},
        {"2001:db9::1", BL_RULE_NONE, false},
        {"good.example", BL_RULE_ALLOW, true},
        {"a.b.good.example", BL_RULE_ALLOW, false},
        {"https://a.good.example/", BL_RULE_ALLOW, false},
        {"bad.good.example", BL_RULE_DENY, true},
        {"x.bad.good.example", BL_RULE_ALLOW, false}, /* exact: not below */
        {"http://bad.good.example/x", BL_RULE_DENY, false},
        {"notgood.example", BL_RULE_NONE, false},
        {"worse.example", BL_RULE_DENY, true},
        {"a.worse.example", BL_RULE_NONE, false},
        {"0.1.2.3", BL_RULE_DENY, false},
        {"255.255.255.255", BL_RULE_NONE, false},
    };
    struct bl_allow *allow = bl_allow_new();

    (void)state;
    for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
        add(allow, entries[i], i + 1);
    bl_allow_build(allow);
    assert_int_equal(bl_allow_count(allow), sizeof(entries) / sizeof(*entries));
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct bl_allow_hit hit = find(allow, rows[i].text);

        if (hit.rule != rows[i].rule || hit.is_self != rows[i].is_self)
            fail_msg("%s: rule %d self %d", rows[i].text, hit.rule, hit.is_self);
    }
    bl_allow_destroy(&allow);
}

static void test_one_entry_an_indicator(void **state)
{
    struct bl_allow *allow = bl_allow_new(), *copy;
    struct bl_allow_item item;

    (void)state;
    add(allow, "-192.0.2.0/24", 1);
    add(allow, "+!*192.0.2.0/24", 2);
    add(allow, "-*192.0.2.0/24", 3);
    add(allow, "+a.example", 4);
    add(allow, "-a.example", 5);
    bl_allow_build(allow);
    copy = bl_allow_copy(allow);
    bl_allow_destroy(&allow);
    assert_int_equal(bl_allow_count(copy), 2);
    assert_int_equal(find(copy, "192.0.2.1").id, 2);
    assert_int_equal(find(copy, "a.example").id, 5);
    bl_allow_item(copy, 0, &item);
    assert_int_equal(item.kind, TIP_KIND_NET);
    assert_string_equal(item.value, "192.0.2.0/24");
    bl_allow_item(copy, 1, &item);
    assert_int_equal(item.kind, TIP_KIND_DOMAIN);
    assert_string_equal(item.value, "a.example");
    bl_allow_destroy(&copy);
}

static void test_what_becomes_of_a_score(void **state)
{
    static const struct {
        enum bl_rule rule;
        bool is_self;
        double before, after;
    } rows[] = {
        {BL_RULE_NONE, false, 0.7, 0.7}, {BL_RULE_ALLOW, false, 0.99, 0}, {BL_RULE_ALLOW, true, 0, 0},
        {BL_RULE_DENY, false, 0.1, 1},   {BL_RULE_DENY, false, 0, 0},     {BL_RULE_DENY, true, 0, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct bl_allow_hit hit = {.rule = rows[i].rule, .is_self = rows[i].is_self};

        assert_true(bl_allow_score(&hit, rows[i].before) == rows[i].after);
    }
    assert_int_equal(bl_allow_find(NULL, TIP_KIND_IP, "192.0.2.1", 9).rule, BL_RULE_NONE);
}

/* ---- against one that looks at every entry ---- */

struct naive {
    struct tip_prefix prefix;
    struct bl_allow_entry entry;
};

static bool naive_is_before(const struct naive *a, const struct naive *b)
{
    if (a->entry.is_configured != b->entry.is_configured)
        return a->entry.is_configured;
    return a->prefix.len > b->prefix.len;
}

static uint64_t naive_find(const struct naive *list, size_t n, const struct tip_prefix *asked)
{
    const struct naive *best = NULL;

    for (size_t i = 0; i < n; i++) {
        bool is_same = !tip_prefix_compare(&list[i].prefix, asked);

        if (!is_same && !(list[i].entry.is_subtree && tip_prefix_covers(&list[i].prefix, asked)))
            continue;
        if (!best || naive_is_before(&list[i], best))
            best = &list[i];
    }
    return best ? best->entry.id : 0;
}

static uint64_t below(uint64_t *random, uint64_t n)
{
    return test_random(random) % n;
}

static struct tip_prefix any_prefix(uint64_t *random)
{
    struct tip_addr addr = {.family = 4, .bytes = {10, (uint8_t)below(random, 4), 0, 0}};

    addr.bytes[2] = (uint8_t)below(random, 4);
    addr.bytes[3] = (uint8_t)below(random, 256);
    return tip_prefix_of(&addr, (uint8_t)(16 + below(random, 17)));
}

static void test_random_lists_as_the_naive_one(void **state)
{
    uint64_t random = test_seed();
    enum { N = 200, ASKED = 2000 };
    struct naive list[N];
    char text[TIP_PREFIX_TEXT];

    (void)state;
    for (int round = 0; round < 20; round++) {
        struct bl_allow *allow = bl_allow_new();
        size_t n = 0;

        while (n < N) {
            struct naive one = {.prefix = any_prefix(&random), .entry = {.id = n + 1}};
            bool is_new = true;

            one.entry.rule = below(&random, 2) ? BL_RULE_ALLOW : BL_RULE_DENY;
            one.entry.is_subtree = below(&random, 4) != 0;
            one.entry.is_configured = one.entry.is_subtree && below(&random, 20) == 0;
            for (size_t i = 0; i < n; i++)
                is_new &= tip_prefix_compare(&list[i].prefix, &one.prefix) != 0;
            if (!is_new)
                continue;
            list[n++] = one;
            assert_int_equal(bl_allow_add(allow, &one.entry, TIP_KIND_NET, text, tip_prefix_format(&one.prefix, text)),
                             0);
        }
        bl_allow_build(allow);
        for (int i = 0; i < ASKED; i++) {
            struct tip_prefix asked = any_prefix(&random);
            struct bl_allow_hit hit = bl_allow_find(allow, TIP_KIND_NET, text, tip_prefix_format(&asked, text));

            if (hit.id != naive_find(list, N, &asked))
                fail_msg("%s: %llu decides", text, (unsigned long long)hit.id);
        }
        bl_allow_destroy(&allow);
    }
}

static void test_a_hundred_thousand_entries(void **state)
{
    struct bl_allow *allow = bl_allow_new();
    char text[64];

    (void)state;
    for (unsigned i = 0; i < BL_ALLOW_MAX; i++) {
        struct bl_allow_entry entry = {.id = i + 1, .rule = BL_RULE_ALLOW, .is_subtree = true};
        int n = i % 2 ? snprintf(text, sizeof(text), "d%u.example", i)
                      : snprintf(text, sizeof(text), "10.%u.%u.%u/31", i >> 16, i >> 8 & 255, i & 254);

        assert_int_equal(bl_allow_add(allow, &entry, i % 2 ? TIP_KIND_DOMAIN : TIP_KIND_NET, text, (size_t)n), 0);
    }
    bl_allow_build(allow);
    assert_int_equal(bl_allow_count(allow), BL_ALLOW_MAX);
    assert_int_equal(find(allow, "10.0.1.1").id, 257);
    assert_int_equal(find(allow, "x.y.d99999.example").id, 100000);
    for (unsigned i = 0; i < 200000; i++) /* seconds if it looked at all of them */
        assert_int_equal(find(allow, "11.0.0.1").rule, BL_RULE_NONE);
    bl_allow_destroy(&allow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_most_specific_decides),  cmocka_unit_test(test_one_entry_an_indicator),
        cmocka_unit_test(test_what_becomes_of_a_score),    cmocka_unit_test(test_random_lists_as_the_naive_one),
        cmocka_unit_test(test_a_hundred_thousand_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
