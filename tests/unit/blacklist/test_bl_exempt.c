#include "check.h"

#include <stdlib.h>

#include "core/exempt.h"
#include "random.h"

/* A table in memory. */
struct table {
    struct tip_buf file;
    struct bl_exempt exempt;
};

struct row {
    enum bl_role role;
    const char *list, *text;
};

static const struct row rows[] = {
    {BL_ROLE_SCANNER, "shodan-scanning", "45.1.0.0/16"},
    {BL_ROLE_RESOLVER, "public-dns-v4", "45.1.0.53"},
    {BL_ROLE_RESOLVER, "public-dns-v4", "8.8.8.8"},
    {BL_ROLE_RESOLVER, "public-dns-v6", "2001:db9::53"},
    {BL_ROLE_INFRASTRUCTURE, "cloudflare", "104.16.0.0/13"},
    {BL_ROLE_INFRASTRUCTURE, "cloudflare", "255.255.255.0/24"},
    {BL_ROLE_INFRASTRUCTURE, "cloudflare", "2606:4700::/32"},
    {BL_ROLE_INFRASTRUCTURE, "smtp-sending-ips", ".gmail.com"},
    {BL_ROLE_TOP_SITE, "tranco10k", ".google.com"},
    {BL_ROLE_TOP_SITE, "tranco10k", "mail.gmail.com"},
    {BL_ROLE_PEER, "peer-ours", "mx.partner.net"},
};

static void table_finish(struct table *table, struct bl_exempt_build *build)
{
    tip_buf_init(&table->file, BL_EXEMPT_BYTES_MAX);
    assert_int_equal(bl_exempt_build_finish(build, &table->file), 0);
    assert_int_equal(bl_exempt_read(&table->exempt, table->file.data, table->file.len), 0);
    bl_exempt_build_deinit(build);
}

static void table_make(struct table *table, const struct row *from, size_t n, bool is_backwards)
{
    struct bl_exempt_build build;

    bl_exempt_build_init(&build);
    for (size_t i = 0; i < n; i++) {
        const struct row *row = &from[is_backwards ? n - 1 - i : i];

        assert_int_equal(bl_exempt_build_add(&build, row->role, row->list, row->text, strlen(row->text)), 0);
    }
    table_finish(table, &build);
}

static void table_deinit(struct table *table)
{
    tip_buf_deinit(&table->file);
}

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

static void test_exempt_finds(void **state)
{
    static const struct {
        enum tip_kind kind;
        const char *value;
        enum bl_exempt_effect effect;
        const char *list;
    } asked[] = {
        {TIP_KIND_IP, "8.8.8.8", BL_EXEMPT_HARD, "public-dns-v4"},
        {TIP_KIND_IP, "8.8.8.9", BL_EXEMPT_NOT, NULL},
        {TIP_KIND_ENDPOINT, "8.8.8.8:53", BL_EXEMPT_HARD, "public-dns-v4"},
        {TIP_KIND_NET, "8.8.8.0/24", BL_EXEMPT_NOT, NULL}, /* wider than what is exempt */
        {TIP_KIND_URL, "http://8.8.8.8/", BL_EXEMPT_NOT, NULL},
        {TIP_KIND_IP, "45.1.0.53", BL_EXEMPT_HARD, "public-dns-v4"}, /* the stronger of two */
        {TIP_KIND_IP, "45.1.0.54", BL_EXEMPT_SOFT, "shodan-scanning"},
        {TIP_KIND_NET, "45.1.0.0/24", BL_EXEMPT_SOFT, "shodan-scanning"}, /* as weak as its weakest */
        {TIP_KIND_NET, "45.0.0.0/15", BL_EXEMPT_NOT, NULL},
        {TIP_KIND_NET, "104.16.0.0/13", BL_EXEMPT_HARD, "cloudflare"},
        {TIP_KIND_NET, "104.23.0.0/16", BL_EXEMPT_HARD, "cloudflare"},
        {TIP_KIND_IP, "104.24.0.0", BL_EXEMPT_NOT, NULL},
        {TIP_KIND_IP, "255.255.255.255", BL_EXEMPT_HARD, "cloudflare"},
        {TIP_KIND_IP, "2001:db9::53", BL_EXEMPT_HARD, "public-dns-v6"},
        {TIP_KIND_IP, "2001:db9::54", BL_EXEMPT_NOT, NULL},
        {TIP_KIND_ENDPOINT, "[2606:4700::1]:443", BL_EXEMPT_HARD, "cloudflare"},
        {TIP_KIND_NET, "2606:4700::/48", BL_EXEMPT_HARD, "cloudflare"},
        {TIP_KIND_DOMAIN, "gmail.com", BL_EXEMPT_HARD, "smtp-sending-ips"},
        {TIP_KIND_DOMAIN, "mail.gmail.com", BL_EXEMPT_HARD, "smtp-sending-ips"},
        {TIP_KIND_DOMAIN, "notgmail.com", BL_EXEMPT_NOT, NULL},
        {TIP_KIND_DOMAIN, "google.com", BL_EXEMPT_SOFT, "tranco10k"},
        {TIP_KIND_DOMAIN, "sites.google.com", BL_EXEMPT_NOT, NULL}, /* the exact name only */
        {TIP_KIND_DOMAIN, "mx.partner.net", BL_EXEMPT_HARD, "peer-ours"},
        {TIP_KIND_DOMAIN, "partner.net", BL_EXEMPT_NOT, NULL},
        {TIP_KIND_DOMAIN, "a.mx.partner.net", BL_EXEMPT_NOT, NULL},
    };
    struct table table;

    (void)state;
    table_make(&table, rows, N_ROWS, false);
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
        struct bl_exempt_hit hit = bl_exempt_find(&table.exempt, asked[i].kind, asked[i].value, strlen(asked[i].value));

        assert_int_equal(hit.effect, asked[i].effect);
        if (asked[i].list)
            assert_string_equal(bl_exempt_name(&table.exempt, hit.list), asked[i].list);
        assert_int_equal(bl_exempt_find(NULL, asked[i].kind, asked[i].value, strlen(asked[i].value)).effect,
                         BL_EXEMPT_NOT);
    }
    assert_true(bl_exempt_is_above(&table.exempt, "partner.net", 11));
    assert_true(bl_exempt_is_above(&table.exempt, "net", 3));
    assert_false(bl_exempt_is_above(&table.exempt, "mx.partner.net", 14));
    assert_false(bl_exempt_is_above(&table.exempt, "google.com", 10));
    table_deinit(&table);
}

static void test_exempt_scores(void **state)
{
    const struct bl_exempt_hit none = {.effect = BL_EXEMPT_NOT}, soft = {.effect = BL_EXEMPT_SOFT},
                               hard = {.effect = BL_EXEMPT_HARD};

    (void)state;
    assert_true(bl_exempt_score(&none, 0.8) == 0.8);
    assert_true(bl_exempt_score(&soft, 0.8) == 0.2);
    assert_true(bl_exempt_score(&hard, 0.8) == 0);
}

static void test_exempt_refuses_what_is_too_much(void **state)
{
    static const struct row refused[] = {
        {BL_ROLE_RESOLVER, "a", "0.0.0.0/0"},
        {BL_ROLE_RESOLVER, "a", "10.0.0.0/7"},
        {BL_ROLE_RESOLVER, "a", "2000::/16"},
        {BL_ROLE_RESOLVER, "a", ".co.uk"},
        {BL_ROLE_RESOLVER, "a", "no name at all"},
        {BL_ROLE_SPECIAL, "a", "8.8.8.8"},
        {BL_ROLE_SUFFIX, "a", "co.uk"},
    };
    struct bl_exempt_build build;

    (void)state;
    bl_exempt_build_init(&build);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_int_equal(
            bl_exempt_build_add(&build, refused[i].role, refused[i].list, refused[i].text, strlen(refused[i].text)),
            BL_REFERENCE_E_UNKNOWN);
    assert_int_equal(bl_exempt_build_add(&build, BL_ROLE_RESOLVER, "a", "9.0.0.0/8", 9), 0);
    bl_exempt_build_deinit(&build);
}

static void test_exempt_tells_how_much_of_a_block(void **state)
{
    static const struct {
        const char *prefix;
        enum bl_exempt_part part;
    } asked[] = {
        {"8.8.8.8/32", BL_EXEMPT_ALL},      {"8.8.8.0/24", BL_EXEMPT_SOME},      {"8.8.9.0/24", BL_EXEMPT_NONE},
        {"45.1.0.0/24", BL_EXEMPT_SOME},    {"45.1.1.0/24", BL_EXEMPT_NONE},     {"104.16.0.0/13", BL_EXEMPT_ALL},
        {"104.0.0.0/8", BL_EXEMPT_SOME},    {"255.255.255.0/24", BL_EXEMPT_ALL}, {"2606:4700::/33", BL_EXEMPT_ALL},
        {"2606:4600::/23", BL_EXEMPT_SOME}, {"2607::/32", BL_EXEMPT_NONE},
    };
    struct tip_prefix prefix;
    struct table table;

    (void)state;
    table_make(&table, rows, N_ROWS, false);
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
        assert_int_equal(tip_prefix_parse(&prefix, NULL, asked[i].prefix, strlen(asked[i].prefix)), 0);
        assert_int_equal(bl_exempt_hard_in(&table.exempt, &prefix), asked[i].part);
        assert_int_equal(bl_exempt_hard_in(NULL, &prefix), BL_EXEMPT_NONE);
    }
    table_deinit(&table);
}

/* So a look at lists that say the same makes no other table. */
static void test_exempt_order_does_not_matter(void **state)
{
    struct table one, other;

    (void)state;
    table_make(&one, rows, N_ROWS, false);
    table_make(&other, rows, N_ROWS, true);
    assert_int_equal(one.file.len, other.file.len);
    assert_memory_equal(one.file.data, other.file.data, one.file.len);
    table_deinit(&one);
    table_deinit(&other);
}

static void test_exempt_refuses_damage(void **state)
{
    struct bl_exempt exempt;
    struct table table;

    (void)state;
    table_make(&table, rows, N_ROWS, false);
    for (size_t i = 0; i < table.file.len; i++) {
        assert_int_equal(bl_exempt_read(&exempt, table.file.data, i), BL_EXEMPT_E_DAMAGED);
        table.file.data[i] ^= 1;
        assert_int_equal(bl_exempt_read(&exempt, table.file.data, table.file.len), BL_EXEMPT_E_DAMAGED);
        table.file.data[i] ^= 1;
    }
    assert_int_equal(bl_exempt_read(&exempt, table.file.data, table.file.len), 0);
    table_deinit(&table);
    table_make(&table, NULL, 0, false);
    assert_int_equal(bl_exempt_find(&table.exempt, TIP_KIND_IP, "8.8.8.8", 7).effect, BL_EXEMPT_NOT);
    table_deinit(&table);
}

/* ---- beside a plain reading: which of all prefixes that hold a host is the strongest ---- */

enum { CHANCE_LISTS = 5, CHANCE_PREFIXES = 40, CHANCE_ROUNDS = 200 };

static const struct {
    enum bl_role role;
    const char *name;
} chance_lists[CHANCE_LISTS] = {
    /* in the order of their strength */
    {BL_ROLE_INFRASTRUCTURE, "i"}, {BL_ROLE_RESOLVER, "a"}, {BL_ROLE_RESOLVER, "b"},
    {BL_ROLE_TOP_SITE, "t"},       {BL_ROLE_SCANNER, "s"},
};

struct chance {
    struct tip_prefix prefixes[CHANCE_PREFIXES];
    int lists[CHANCE_PREFIXES];
    struct table table;
};

static void chance_make(struct chance *chance, uint64_t *random)
{
    struct bl_exempt_build build;
    char text[TIP_PREFIX_TEXT];

    bl_exempt_build_init(&build);
    for (size_t i = 0; i < CHANCE_PREFIXES; i++) {
        struct tip_addr addr = tip_addr_from4(0xffffff00 | (uint32_t)(test_random(random) % 256));
        size_t list = test_random(random) % CHANCE_LISTS;
        size_t len;

        chance->prefixes[i] = tip_prefix_of(&addr, (uint8_t)(26 + test_random(random) % 7));
        chance->lists[i] = (int)list;
        len = tip_prefix_format(&chance->prefixes[i], text);
        assert_int_equal(bl_exempt_build_add(&build, chance_lists[list].role, chance_lists[list].name, text, len), 0);
    }
    table_finish(&chance->table, &build);
}

static int chance_strongest(const struct chance *chance, uint32_t addr)
{
    struct tip_addr host = tip_addr_from4(addr);
    const struct tip_prefix prefix = tip_prefix_of(&host, 32);
    int best = CHANCE_LISTS;

    for (size_t i = 0; i < CHANCE_PREFIXES; i++) {
        if (tip_prefix_covers(&chance->prefixes[i], &prefix) && chance->lists[i] < best)
            best = chance->lists[i];
    }
    return best;
}

static void chance_check(const struct chance *chance, uint32_t addr, struct bl_exempt_hit hit)
{
    int best = chance_strongest(chance, addr);

    assert_int_equal(hit.effect, best == CHANCE_LISTS ? BL_EXEMPT_NOT : bl_exempt_effect(chance_lists[best].role));
    if (hit.effect)
        assert_string_equal(bl_exempt_name(&chance->table.exempt, hit.list), chance_lists[best].name);
}

static void test_exempt_is_what_a_plain_reading_finds(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (size_t round = 0; round < CHANCE_ROUNDS; round++) {
        struct chance chance;
        size_t cursor = 0, jumping = 0;
        char text[TIP_ADDR_TEXT];

        chance_make(&chance, &random);
        for (uint32_t addr = 0xffffff00; addr; addr++) { /* to the last one there is */
            struct tip_addr host = tip_addr_from4(addr);
            uint32_t other = 0xffffff00 | (uint32_t)(test_random(&random) % 256);
            size_t len = tip_addr_format(&host, text);

            chance_check(&chance, addr, bl_exempt_find4(&chance.table.exempt, &cursor, addr));
            chance_check(&chance, other, bl_exempt_find4(&chance.table.exempt, &jumping, other));
            chance_check(&chance, addr, bl_exempt_find(&chance.table.exempt, TIP_KIND_IP, text, len));
        }
        table_deinit(&chance.table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exempt_finds),
        cmocka_unit_test(test_exempt_scores),
        cmocka_unit_test(test_exempt_refuses_what_is_too_much),
        cmocka_unit_test(test_exempt_tells_how_much_of_a_block),
        cmocka_unit_test(test_exempt_order_does_not_matter),
        cmocka_unit_test(test_exempt_refuses_damage),
        cmocka_unit_test(test_exempt_is_what_a_plain_reading_finds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
