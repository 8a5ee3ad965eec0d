/* Each format, byte for byte, over entries that a format could trip over; cuts around what is allowed; losses. */
#include "check.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

#include "core/export.h"
#include "core/export_cut.h"

enum { NOW = 1795342920 /* 2026-11-22T10:22:00Z */ };

static const char *const categories[] = {"other", "spam", "scan"};

static struct bl_export_source sources[] = {
    {.name = "drop", .attribution = "The \"Drop\" people,\nwith thanks", .licence = "CC0", .has_part = true},
    {.name = "feed", .licence = "free\\", .has_part = true},
    {.name = "hidden", .attribution = "no part in it"},
};

static int put(void *ctx, const void *bytes, size_t n)
{
    return tip_buf_append(ctx, bytes, n);
}

static void add(struct bl_export_list *list, const char *text, bool is_subtree, unsigned tier, unsigned score)
{
    const struct bl_export_item item = {.tier = (uint8_t)tier,
                                        .score = (uint8_t)score,
                                        .category = tier == 3 ? 2 : 0,
                                        .is_subtree = is_subtree,
                                        .n_lists = (uint16_t)(tier + 1),
                                        .lists = {0, 1, BL_EXPORT_NO_LIST}};
    struct tip_indicator indicator;

    assert_int_equal(tip_indicator_parse(&indicator, TIP_KIND_NONE, text, strlen(text)), 0);
    assert_int_equal(bl_export_add(list, &item, indicator.kind, indicator.value, indicator.len), 0);
}

/* In no order. */
static void fill(struct bl_export_list *list)
{
    const struct bl_export_view nothing = {.items = NULL};

    bl_export_list_init(list, 100);
    add(list, "http://c.example/a,b'c?%22", false, 1, 30);
    add(list, "bad.example", false, 3, 95);
    add(list, "[2001:db8::7]:443", false, 1, 31);
    add(list, "192.0.2.0/24", false, 2, 60);
    add(list, "192.0.2.7", false, 3, 100);
    add(list, "2001:db8:0:1::/64", false, 2, 61);
    add(list, "tree.example", true, 3, 90);
    add(list, "192.0.2.7", false, 2, 60); /* the higher score stays */
    bl_export_sort(list);
    assert_int_equal(bl_export_follow(list, &nothing, NOW, NULL, NULL), 0);
}

static void write_file(struct tip_buf *text, enum bl_export_format_id id, size_t file, struct bl_export *export)
{
    struct bl_out out;

    tip_buf_init(text, 1 << 20);
    bl_out_init(&out, put, text);
    bl_export_write(&out, &bl_export_formats[id], &bl_export_formats[id].files[file], export);
    assert_int_equal(bl_out_end(&out), 0);
    assert_int_equal(out.n_skipped, 0);
}

static struct bl_export export_of(const struct bl_export_list *list)
{
    return (struct bl_export){.name = "view",
                              .title = "a \"view\"\n",
                              .audience = "green",
                              .zone = "bl.example",
                              .action = "REJECT\tno\nmore",
                              .producer = "https://tip.example/",
                              .generated_unix_s = NOW,
                              .since_unix_s = NOW,
                              .serial = NOW,
                              .lifetime_s = 3600,
                              .entries_max = 1000,
                              .sources = sources,
                              .n_sources = 3,
                              .categories = categories,
                              .view = bl_export_view_of(list)};
}

#define ANSWER2 "0.3:view: slow, other, score 0.60: drop,feed,+1\n"
#define ANSWER3 "2.2:view: block, scan, score "
#define ACTION  "\tREJECT no more\n"
#define SEEN    ",2026-11-22T10:22:00Z,2026-11-22T10:22:00Z,"

static const struct {
    enum bl_export_format_id id;
    const char *text;
} goldens[] = {
    {BL_EXPORT_PLAIN, "192.0.2.0/24\n192.0.2.7\n2001:db8:0:1::/64\nbad.example\ntree.example\n*.tree.example\n"
                      "http://c.example/a,b'c?%22\n[2001:db8::7]:443\n"},
    {BL_EXPORT_CSV, "indicator,type,scope,tier,score,first_seen,last_changed,sources,category\n"
                    "192.0.2.0/24,net,exact,slow,0.60" SEEN "drop;feed;+1,other\n"
                    "192.0.2.7,ip,exact,block,1.00" SEEN "drop;feed;+2,scan\n"
                    "2001:db8:0:1::/64,net,exact,slow,0.61" SEEN "drop;feed;+1,other\n"
                    "bad.example,domain,exact,block,0.95" SEEN "drop;feed;+2,scan\n"
                    "tree.example,domain,subtree,block,0.90" SEEN "drop;feed;+2,scan\n"
                    "\"http://c.example/a,b'c?%22\",url,exact,watch,0.30" SEEN "drop;feed,other\n"
                    "[2001:db8::7]:443,endpoint,exact,watch,0.31" SEEN "drop;feed,other\n"},
    {BL_EXPORT_RBLDNSD_IP4,
     "$SOA 300 bl.example hostmaster.bl.example 1795342920 600 300 604800 300\n$TTL 300\n:127.0.0.2:listed in view\n"
     "127.0.0.2 :127.0.0.2:test entry\n192.0.2.0/24 :127.0." ANSWER2 "192.0.2.7 :127.0." ANSWER3
     "1.00: drop,feed,+2\n"},
    {BL_EXPORT_RBLDNSD_IP6,
     "$SOA 300 bl.example hostmaster.bl.example 1795342920 600 300 604800 300\n$TTL 300\n:127.0.0.2:listed in view\n"
     "0:0:0:0:0:ffff:7f00:2 :127.0.0.2:test entry\n"
     "2001:db8:0:1::/64 :127.0.0.3:view: slow, other, score 0.61: drop,feed,+1\n"},
    {BL_EXPORT_RBLDNSD_NAMES,
     "$SOA 300 bl.example hostmaster.bl.example 1795342920 600 300 604800 300\n$TTL 300\n:127.0.0.2:listed in view\n"
     "test :127.0.0.2:test entry\nbad.example :127.0." ANSWER3 "0.95: drop,feed,+2\n.tree.example :127.0." ANSWER3
     "0.90: drop,feed,+2\n"},
    {BL_EXPORT_RPZ,
     "$TTL 300\n$ORIGIN bl.example.\n@ SOA localhost. hostmaster.localhost. 1795342920 300 60 604800 60\n"
     "@ NS localhost.\n24.0.2.0.192.rpz-ip CNAME .\n32.7.2.0.192.rpz-ip CNAME .\n"
     "64.zz.1.0.db8.2001.rpz-ip CNAME .\nbad.example CNAME .\ntree.example CNAME .\n*.tree.example CNAME .\n"},
    {BL_EXPORT_IPSET,
     "create view-4 hash:net family inet maxelem 1000 -exist\n"
     "create view-4-new hash:net family inet maxelem 1000 -exist\nflush view-4-new\nadd view-4-new 192.0.2.0/24\n"
     "add view-4-new 192.0.2.7\nswap view-4-new view-4\ndestroy view-4-new\n"
     "create view-6 hash:net family inet6 maxelem 1000 -exist\n"
     "create view-6-new hash:net family inet6 maxelem 1000 -exist\nflush view-6-new\n"
     "add view-6-new 2001:db8:0:1::/64\nswap view-6-new view-6\ndestroy view-6-new\n"},
    {BL_EXPORT_NFTABLES, "add table inet tip\nadd set inet tip view-4 { type ipv4_addr; flags interval; auto-merge; }\n"
                         "flush set inet tip view-4\nadd element inet tip view-4 {\n192.0.2.0/24,\n192.0.2.7 }\n"
                         "add set inet tip view-6 { type ipv6_addr; flags interval; auto-merge; }\n"
                         "flush set inet tip view-6\nadd element inet tip view-6 {\n2001:db8:0:1::/64 }\n"},
    {BL_EXPORT_POSTFIX_CIDR, "192.0.2.7" ACTION "192.0.2.0/24" ACTION "2001:db8:0:1::/64" ACTION},
    {BL_EXPORT_POSTFIX_TEXTHASH, "bad.example" ACTION "tree.example" ACTION ".tree.example" ACTION},
};

static void test_formats_byte_for_byte(void **state)
{
    tip_auto(bl_export_list_deinit) struct bl_export_list list;
    struct bl_export export;

    (void)state;
    fill(&list);
    export = export_of(&list);
    for (size_t i = 0; i < sizeof(goldens) / sizeof(*goldens); i++) {
        tip_auto(tip_buf_deinit) struct tip_buf text;

        write_file(&text, goldens[i].id, 0, &export);
        assert_string_equal(tip_buf_text(&text), goldens[i].text);
    }
}

#define MD5    "d41d8cd98f00b204e9800998ecf8427e"
#define SHA1   "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Systems, hashes and e-mail domains: in the formats that are not about addresses or names. */
static void test_what_has_no_name(void **state)
{
    static const struct {
        const char *value, *stix, *misp;
    } rows[] = {
        {"AS64500", "\"[autonomous-system:number = 64500]\"",
         "\"AS\",\"category\":\"Network activity\",\"to_ids\":true,\"value\":\"64500\""},
        {MD5, "\"[file:hashes.MD5 = '" MD5 "']\"",
         "\"md5\",\"category\":\"Payload delivery\",\"to_ids\":true,\"value\":\"" MD5 "\""},
        {SHA1, "\"[file:hashes.'SHA-1' = '" SHA1 "']\"", "\"sha1\",\"category\":\"Payload delivery\""},
        {SHA256, "\"[file:hashes.'SHA-256' = '" SHA256 "']\"", "\"sha256\",\"category\":\"Payload delivery\""},
        {"@mail.example", "\"[email-addr:value MATCHES '@mail[.]example$']\"",
         "\"email-src\",\"category\":\"Network activity\",\"to_ids\":true,\"value\":\"@mail.example\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        tip_auto(bl_export_list_deinit) struct bl_export_list list;
        tip_auto(tip_buf_deinit) struct tip_buf plain, stix, misp, rpz;
        struct bl_export export;

        bl_export_list_init(&list, 1);
        add(&list, rows[i].value, true, 3, 90);
        export = export_of(&list);
        write_file(&plain, BL_EXPORT_PLAIN, 0, &export);
        write_file(&stix, BL_EXPORT_STIX, 0, &export);
        write_file(&misp, BL_EXPORT_MISP, 2, &export);
        write_file(&rpz, BL_EXPORT_RPZ, 0, &export);
        assert_int_equal(strlen(tip_buf_text(&plain)), strlen(rows[i].value) + 1); /* and no `*.` of it */
        assert_memory_equal(tip_buf_text(&plain), rows[i].value, strlen(rows[i].value));
        assert_non_null(strstr(tip_buf_text(&stix), rows[i].stix));
        assert_non_null(strstr(tip_buf_text(&misp), rows[i].misp));
        assert_null(strstr(tip_buf_text(&rpz), rows[i].value));
    }
}

static void test_comments_are_lines(void **state)
{
    tip_auto(bl_export_list_deinit) struct bl_export_list list;
    tip_auto(tip_buf_deinit) struct tip_buf text;
    struct bl_export export;

    (void)state;
    bl_export_list_init(&list, 1);
    export = export_of(&list);
    export.body_sha256 = "abc";
    write_file(&text, BL_EXPORT_PLAIN, 0, &export);
    assert_string_equal(tip_buf_text(&text),
                        "# view: view\n# title: a \"view\" \n# tlp: green\n# generated: 2026-11-22T10:22:00Z\n"
                        "# entries: 0\n# sha256: abc\n# source: drop: The \"Drop\" people, with thanks (CC0)\n"
                        "# source: feed (free\\)\n");
}

static void test_zeros_of_a_reversed_address(void **state)
{
    static const struct {
        const char *address, *owner;
    } rows[] = {
        {"2001:db8::1", "128.1.zz.db8.2001.rpz-ip"},     {"2001:db8:1:2:3:4:5:6", "128.6.5.4.3.2.1.db8.2001.rpz-ip"},
        {"2001:db8::/32", "32.zz.db8.2001.rpz-ip"},      {"2001:db8:0:1:2:3:4:5", "128.5.4.3.2.1.0.db8.2001.rpz-ip"},
        {"2001:0:0:1::1", "128.1.zz.1.0.0.2001.rpz-ip"}, {"2001:db8:1::", "128.zz.1.db8.2001.rpz-ip"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        tip_auto(bl_export_list_deinit) struct bl_export_list list;
        tip_auto(tip_buf_deinit) struct tip_buf text;
        struct bl_export export;

        bl_export_list_init(&list, 1);
        add(&list, rows[i].address, false, 3, 90);
        export = export_of(&list);
        write_file(&text, BL_EXPORT_RPZ, 0, &export);
        if (!strstr(tip_buf_text(&text), rows[i].owner))
            fail_msg("%s is not %s in %s", rows[i].address, rows[i].owner, tip_buf_text(&text));
    }
}

/* What could be taken for something else is left out and counted. */
static void test_what_a_format_cannot_say(void **state)
{
    tip_auto(bl_export_list_deinit) struct bl_export_list list;
    const struct bl_export_item item = {.tier = 3, .score = 90};
    static const char *const names[] = {"32.1.2.0.192.rpz-ip", "x.rpz-drop", "test", "invalid"};
    static const struct {
        enum bl_export_format_id id;
        uint64_t n_skipped;
    } rows[] = {{BL_EXPORT_RPZ, 2}, {BL_EXPORT_RBLDNSD_NAMES, 2}, {BL_EXPORT_RBLDNSD_IP4, 1}, {BL_EXPORT_PLAIN, 0}};
    struct bl_export export;

    (void)state;
    bl_export_list_init(&list, 10);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(bl_export_add(&list, &item, TIP_KIND_DOMAIN, names[i], strlen(names[i])), 0);
    assert_int_equal(bl_export_add(&list, &item, TIP_KIND_NET, "127.0.0.0/30", 12), 0);
    bl_export_sort(&list);
    export = export_of(&list);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        tip_auto(tip_buf_deinit) struct tip_buf text;
        struct bl_out out;

        tip_buf_init(&text, 1 << 16);
        bl_out_init(&out, put, &text);
        bl_export_write(&out, &bl_export_formats[rows[i].id], &bl_export_formats[rows[i].id].files[0], &export);
        assert_int_equal(bl_out_end(&out), 0);
        assert_int_equal(out.n_skipped, rows[i].n_skipped);
    }
}

static void test_only_clean_values_are_let_in(void **state)
{
    static const struct {
        enum tip_kind kind;
        const char *value;
    } bad[] = {{TIP_KIND_DOMAIN, "a b.example"},
               {TIP_KIND_DOMAIN, "a\n.example"},
               {TIP_KIND_DOMAIN, ".a.example"},
               {TIP_KIND_DOMAIN, "a.example."},
               {TIP_KIND_DOMAIN, "A.example"},
               {TIP_KIND_DOMAIN, "a;b.example"},
               {TIP_KIND_DOMAIN, ""},
               {TIP_KIND_URL, "http://a.example/ b"},
               {TIP_KIND_URL, "http://a.example/\x7f"},
               {TIP_KIND_URL, "http://a.example/\xc3\xa4"},
               {TIP_KIND_IP, "192.0.2.256"},
               {TIP_KIND_NET, "0.0.0.0/0"},
               {TIP_KIND_NONE, "x"},
               {TIP_KIND_ENDPOINT, "192.0.2.1:1\n"},
               {TIP_KIND_ASN, "64500"},
               {TIP_KIND_ASN, "AS1] OR [1"},
               {TIP_KIND_HASH, "D41D8CD98F00B204E9800998ECF8427E"},
               {TIP_KIND_HASH, "d41d8cd98f00b204e9800998ecf8427"},
               {TIP_KIND_EMAIL_DOMAIN, "mail.example"},
               {TIP_KIND_EMAIL_DOMAIN, "@mail'.example"},
               {TIP_KIND_EMAIL_DOMAIN, "@"},
               {TIP_KIND_EMAIL_DOMAIN, ""}};
    tip_auto(bl_export_list_deinit) struct bl_export_list list;
    const struct bl_export_item item = {.tier = 3};

    (void)state;
    bl_export_list_init(&list, 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(bl_export_add(&list, &item, bad[i].kind, bad[i].value, strlen(bad[i].value)),
                         BL_EXPORT_E_VALUE);
    assert_int_equal(bl_export_add(&list, &item, TIP_KIND_IP, "192.0.2.1", 9), 0);
    assert_int_equal(bl_export_add(&list, &item, TIP_KIND_IP, "192.0.2.2", 9), BL_EXPORT_E_FULL);
}

/* ---- from one to the next ---- */

static bool is_meant(const void *ctx, const struct bl_export_view *before, size_t i)
{
    char text[TIP_PREFIX_TEXT];

    return strcmp(bl_export_value(before, &before->items[i], text), ctx) == 0;
}

static void test_entries_keep_their_time(void **state)
{
    tip_auto(bl_export_list_deinit) struct bl_export_list before, after;
    struct bl_export_view old;
    const struct bl_export_item *items;

    (void)state;
    fill(&before);
    old = bl_export_view_of(&before);
    bl_export_list_init(&after, 10);
    add(&after, "192.0.2.7", false, 3, 100);
    add(&after, "bad.example", false, 3, 99);
    add(&after, "new.example", false, 3, 99);
    bl_export_sort(&after);
    assert_int_equal(bl_export_follow(&after, &old, NOW + 60, is_meant, "tree.example"), 4);
    items = bl_export_view_of(&after).items;
    assert_int_equal(items[0].since_unix_s, NOW);
    assert_int_equal(items[0].changed_unix_s, NOW);
    assert_int_equal(items[1].since_unix_s, NOW);
    assert_int_equal(items[1].changed_unix_s, NOW + 60); /* its score is another one */
    assert_int_equal(items[2].since_unix_s, NOW + 60);
    assert_true(bl_export_loses(7, 4));
    assert_false(bl_export_loses(7, 3));
    assert_false(bl_export_loses(8, 4));
    assert_true(bl_export_loses(1, 1));
    assert_false(bl_export_loses(0, 0));
}

static void allow(struct bl_allow *list, const char *text, enum bl_rule rule, bool is_subtree)
{
    const struct bl_allow_entry entry = {.rule = rule, .is_subtree = is_subtree};
    struct tip_indicator indicator;

    assert_int_equal(tip_indicator_parse(&indicator, TIP_KIND_NONE, text, strlen(text)), 0);
    assert_int_equal(bl_allow_add(list, &entry, indicator.kind, indicator.value, indicator.len), 0);
}

/* Random prefixes around random exceptions, the operators' and those of reference lists: each address is in what is
 * left, or in neither's, and never both. Scanners are no exception: a block may hold them. */
static void test_cuts(void **state)
{
    uint64_t seed = test_seed();

    (void)state;
    for (unsigned turn = 0; turn < 200; turn++) {
        tip_auto(bl_allow_destroy) struct bl_allow *list = bl_allow_new();
        tip_auto(bl_export_list_deinit) struct bl_export_list left;
        tip_auto(bl_cut_destroy) struct bl_cut *cut = NULL;
        const struct bl_export_item item = {.tier = 3};
        struct tip_addr base = tip_addr_from4(0x0b000000);
        struct tip_prefix prefix = tip_prefix_of(&base, 22);
        struct bl_export_view view;
        tip_auto(tip_buf_deinit) struct tip_buf file;
        struct bl_exempt_build build;
        struct bl_exempt exempt;

        bl_exempt_build_init(&build);
        tip_buf_init(&file, 1 << 20);
        for (unsigned i = 0; i < turn % 8; i++) {
            struct tip_addr addr = tip_addr_from4(0x0b000000 + (uint32_t)(test_random(&seed) % 1024));
            struct tip_prefix allowed = tip_prefix_of(&addr, (uint8_t)(24 + test_random(&seed) % 9));
            enum bl_role role = test_random(&seed) % 3 ? BL_ROLE_RESOLVER : BL_ROLE_SCANNER;
            char text[TIP_PREFIX_TEXT];
            size_t len = tip_prefix_format(&allowed, text);

            if (test_random(&seed) % 2)
                allow(list, text, BL_RULE_ALLOW, true);
            else
                assert_int_equal(bl_exempt_build_add(&build, role, "a", text, len), 0);
        }
        bl_allow_build(list);
        assert_int_equal(bl_exempt_build_finish(&build, &file), 0);
        assert_int_equal(bl_exempt_read(&exempt, file.data, file.len), 0);
        bl_exempt_build_deinit(&build);
        cut = bl_cut_new(list);
        bl_export_list_init(&left, 10000);
        assert_int_equal(bl_cut_add(cut, &exempt, &left, &item, &prefix), 0);
        view = bl_export_view_of(&left);
        for (uint32_t host = 0x0b000000; host < 0x0b000400; host++) {
            struct tip_addr addr = tip_addr_from4(host);
            char text[TIP_ADDR_TEXT];
            size_t len = tip_addr_format(&addr, text);
            unsigned n = bl_allow_find(list, TIP_KIND_IP, text, len).rule == BL_RULE_ALLOW ||
                         bl_exempt_find(&exempt, TIP_KIND_IP, text, len).effect == BL_EXEMPT_HARD;

            for (size_t i = 0; i < view.n; i++) {
                struct tip_prefix part = bl_export_prefix(&view.items[i]);

                n += tip_prefix_contains(&part, &addr);
            }
            assert_int_equal(n, 1);
        }
    }
}

static void test_names_with_something_allowed_below(void **state)
{
    tip_auto(bl_allow_destroy) struct bl_allow *list = bl_allow_new();
    tip_auto(bl_cut_destroy) struct bl_cut *cut = NULL;

    (void)state;
    allow(list, "mail.good.bad.example", BL_RULE_ALLOW, false);
    allow(list, "tree.example", BL_RULE_DENY, true);
    allow(list, "alone.example", BL_RULE_DENY, false);
    allow(list, "192.0.2.0/24", BL_RULE_ALLOW, false);
    bl_allow_build(list);
    cut = bl_cut_new(list);
    assert_true(bl_cut_is_below(cut, "bad.example"));
    assert_true(bl_cut_is_below(cut, "good.bad.example"));
    assert_false(bl_cut_is_below(cut, "mail.good.bad.example"));
    assert_false(bl_cut_is_below(cut, "tree.example"));
    assert_true(bl_cut_is_denied_tree(cut, "tree.example", 12));
    assert_false(bl_cut_is_denied_tree(cut, "alone.example", 13));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats_byte_for_byte),
        cmocka_unit_test(test_what_has_no_name),
        cmocka_unit_test(test_comments_are_lines),
        cmocka_unit_test(test_zeros_of_a_reversed_address),
        cmocka_unit_test(test_what_a_format_cannot_say),
        cmocka_unit_test(test_only_clean_values_are_let_in),
        cmocka_unit_test(test_entries_keep_their_time),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_names_with_something_allowed_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
