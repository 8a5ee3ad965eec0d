#include "check.h"

#include <tip/cleanup.h>

#include "sets.h"

/* What a format and a body give: entries, then counts of rejects, then what was passed over. */
struct parse_case {
    enum bl_kind kind;
    enum bl_type type;
    void (*with)(struct bl_format *format); /* changes the defaults; may be NULL */
    const char *body;
    const char *entries;
    const char *rejects;
    unsigned skipped;
    const char *why;
};

static void with_column_2(struct bl_format *format)
{
    format->column = 2;
}

static void with_all_columns(struct bl_format *format)
{
    format->column = 0;
    format->separator = ',';
}

static void with_pipe_3(struct bl_format *format)
{
    format->column = 3;
    format->separator = '|';
}

static void with_prefix(struct bl_format *format)
{
    strcpy(format->prefix, "ExitAddress ");
}

static void with_documentation(struct bl_format *format)
{
    assert_int_equal(tip_prefix_parse(&format->ordinary[0], NULL, "192.0.2.0/24", 12), 0);
    format->n_ordinary = 1;
}

static void with_two_at_most(struct bl_format *format)
{
    format->entries_max = 2;
}

static void with_header(struct bl_format *format)
{
    format->header = true;
    strcpy(format->column_name, "ip");
}

static void with_skip_space(struct bl_format *format)
{
    format->column = 2;
    format->skip_space = true;
}

static void with_tabs(struct bl_format *format)
{
    format->column = 2;
    format->separator = '\t';
}

static void with_cidr(struct bl_format *format)
{
    strcpy(format->pointer, "/cidr");
}

static void with_deep(struct bl_format *format)
{
    strcpy(format->pointer, "/*/*/ioc");
}

static void with_second(struct bl_format *format)
{
    strcpy(format->pointer, "/a~1b/1");
}

static void with_list(struct bl_format *format)
{
    strcpy(format->pointer, "/list/*");
}

static void with_zone(struct bl_format *format)
{
    strcpy(format->zone, "rpz.test");
}

static void with_start(struct bl_format *format)
{
    strcpy(format->skip_until, "Start");
}

#define LINES BL_KIND_LINES
#define RANGE BL_KIND_RANGE
#define CSV   BL_KIND_CSV
#define JSON  BL_KIND_JSON
#define HOSTS BL_KIND_HOSTS
#define RPZ   BL_KIND_RPZ
#define RBL   BL_KIND_RBLDNSD
#define ADS   BL_KIND_ADBLOCK
#define ANY   BL_KIND_EXTRACT

static const struct parse_case cases[] = {
    /* lines */
    {LINES, BL_TYPE_IP4, NULL, "8.8.8.8\n1.1.1.1\n8.8.8.8\n", "ip 1.1.1.1 @2, ip 8.8.8.8 @1", "", 0, ""},
    {LINES, BL_TYPE_IP4, NULL, "8.8.8.8\r\n1.1.1.1\r\n", "ip 1.1.1.1 @2, ip 8.8.8.8 @1", "", 0, ""},
    {LINES, BL_TYPE_IP4, NULL,
     "\xef\xbb\xbf"
     "8.8.8.8",
     "ip 8.8.8.8 @1", "", 0, ""},
    {LINES, BL_TYPE_IP4, NULL, "# a\n; b\n\n  8.8.8.8 # c\n8.8.4.4#d\n1.1.1.1;e",
     "ip 1.1.1.1 @6, ip 8.8.4.4 @5, ip 8.8.8.8 @4", "", 0, ""},
    {LINES, BL_TYPE_IP4, NULL, "8.8.8.8\t7\n9.9.9.9 x y\n", "ip 8.8.8.8 @1, ip 9.9.9.9 @2", "", 0, ""},
    {LINES, BL_TYPE_IP4, NULL, "010.0.0.1\n256.1.1.1\n1.2.3\nexample.com\n", "",
     "leading_zero=1 address_range=1 address_syntax=2", 0, ""},
    {LINES, BL_TYPE_IP4, NULL, "2001:4860::1\n", "", "family=1", 0, ""},
    {LINES, BL_TYPE_IP6, NULL, "2001:4860:0:0::1\n8.8.8.8\nfe80::1%eth0\n", "ip 2001:4860::1 @1", "family=1 zone_id=1",
     0, ""},
    {LINES, BL_TYPE_NET, NULL, "1.10.16.0/20 ; SBL1\n1.1.1.1/32\n8.8.8.9/24\n2001:4860::/32\n",
     "ip 1.1.1.1 @2, net 1.10.16.0/20 @1, net 2001:4860::/32 @4, net 8.8.8.0/24 H @3", "", 0, ""},
    {LINES, BL_TYPE_NET, NULL, "0.0.0.0/0\n::/0\n4.0.0.0/7\n2000::/18\n1.1.1.0/33\n", "",
     "default_route=2 too_wide=2 prefix_length=1", 0, ""},
    {LINES, BL_TYPE_AUTO, NULL, "10.0.0.1\n192.0.2.0/24\n192.0.2.1\n127.0.0.1:80\nhttp://192.168.1.1/x\n",
     "ip 10.0.0.1 S @1, ip 192.0.2.1 S @3, net 192.0.2.0/24 S @2, url http://192.168.1.1/x S @5, endpoint 127.0.0.1:80 "
     "S @4",
     "", 0, ""},
    {LINES, BL_TYPE_AUTO, with_documentation, "192.0.2.1\n192.0.2.0/25\n198.51.100.1\n",
     "ip 192.0.2.1 @1, ip 198.51.100.1 S @3, net 192.0.2.0/25 @2", "", 0, ""},
    {LINES, BL_TYPE_AUTO, NULL,
     "8.8.8.8\n2001:4860::1\nBad.Example.COM.\n*.evil.example\n8.8.8.8:443\nhttp://a.example/x#y\na.example/p;q\n/only/"
     "path\n",
     "ip 8.8.8.8 @1, ip 2001:4860::1 @2, domain bad.example.com @3, domain evil.example * @4, url http://a.example/p;q "
     "@7, url http://a.example/x @6, endpoint 8.8.8.8:443 @5",
     "url_host=1", 0, ""},
    {LINES, BL_TYPE_DOMAIN, NULL, "co.uk\na.example\n.a.example\nlocalhost\n8.8.8.8\n",
     "domain a.example * @2, domain co.uk P @1", "single_label=1 numeric_tld=1", 0, ""},
    {LINES, BL_TYPE_IP_PORT, NULL, "8.8.8.8:80\n[2001:4860::1]:443\n8.8.8.8\n8.8.8.8:0\n",
     "endpoint 8.8.8.8:80 @1, endpoint [2001:4860::1]:443 @2", "address_port=2", 0, ""},
    {LINES, BL_TYPE_IP4, with_column_2, "a 8.8.8.8\nb\n\tc\t9.9.9.9 d\n", "ip 8.8.8.8 @1, ip 9.9.9.9 @3", "no_column=1",
     0, ""},
    {LINES, BL_TYPE_IP4, with_all_columns, "8.8.8.8, 9.9.9.9,,1.1.1.1\n", "ip 1.1.1.1 @1, ip 8.8.8.8 @1, ip 9.9.9.9 @1",
     "", 0, ""},
    {LINES, BL_TYPE_IP4, with_pipe_3, "1 | as, x | 8.8.8.8 | 2026\n", "ip 8.8.8.8 @1", "", 0, ""},
    {LINES, BL_TYPE_IP4, with_prefix, "ExitNode X\nExitAddress 8.8.8.8 2026-01-01\n", "ip 8.8.8.8 @2", "", 1, ""},
    {LINES, BL_TYPE_IP4, with_two_at_most, "8.8.8.8\n8.8.4.4\n1.1.1.1\n", NULL, NULL, 0, "too_many_entries"},
    {LINES, BL_TYPE_AUTO, NULL, "Could not connect: ", "", "single_label=1", 0, ""},
    /* range */
    {RANGE, BL_TYPE_NET, NULL, "1.2.3.0-1.2.3.255\n1.2.4.1 - 1.2.4.2\nBad, name: x:9.9.9.9-9.9.9.9\n",
     "ip 1.2.4.1 @2, ip 1.2.4.2 @2, ip 9.9.9.9 @3, net 1.2.3.0/24 @1", "", 0, ""},
    {RANGE, BL_TYPE_NET, NULL,
     "1.2.3.0 255.255.255.0\n1.2.4.9\t255.255.255.0\n1.2.5.0 1.2.5.255 24 x\n5.6.0.0/16\n7.7.7.7\n",
     "ip 7.7.7.7 @5, net 1.2.3.0/24 @1, net 1.2.4.0/24 H @2, net 1.2.5.0/24 @3, net 5.6.0.0/16 @4", "", 0, ""},
    {RANGE, BL_TYPE_NET, NULL, "2001:4860::-2001:4860::1\nsome name:2001:4861::-2001:4861::1\n",
     "net 2001:4860::/127 @1, net 2001:4861::/127 @2", "", 0, ""},
    {RANGE, BL_TYPE_NET, NULL,
     "0.0.0.0-255.255.255.255\n4.0.0.0-7.255.255.255\n1.2.3.4-1.2.3.3\n1.2.3.4-2001::1\nx-y\n1.1.1.1-\n", "",
     "default_route=1 too_wide=1 range_order=1 mixed_families=1 address_syntax=2", 0, ""},
    /* csv */
    {CSV, BL_TYPE_IP4, with_header, "# c\nname,ip\r\n\"a, \"\"b\"\"\n c\",8.8.8.8\r\nd\r\n\"e\", 9.9.9.9 \n",
     "ip 8.8.8.8 @3, ip 9.9.9.9 @6", "no_column=1", 0, ""},
    {CSV, BL_TYPE_IP4, with_header, "name,addr\nx,8.8.8.8\n", NULL, NULL, 0, "no_column"},
    {CSV, BL_TYPE_URL, with_skip_space, "\"1\", \"http://a.example/?q=1,2\", \"x\"\n", "url http://a.example/?q=1,2 @1",
     "", 0, ""},
    {CSV, BL_TYPE_IP4, with_tabs, "\t8.8.8.8\nx\t9.9.9.9", "ip 8.8.8.8 @1, ip 9.9.9.9 @2", "", 0, ""},
    {CSV, BL_TYPE_IP4, NULL, "\"8.8.8.8\"x,1\n\"9.9.9.9\n", "", "bad_quote=1 open_quote=1", 0, ""},
    {CSV, BL_TYPE_IP4, NULL, "\n\n,x\n8.8.8.8", "ip 8.8.8.8 @4", "empty=1", 0, ""},
    /* json */
    {JSON, BL_TYPE_NET, with_cidr,
     "{\"cidr\":\"1.10.16.0/20\",\"sblid\":\"SBL1\"}\n{\"cidr\":\"1.19.0.0/16\"}\n{\"type\":\"metadata\",\"size\":2}\n",
     "net 1.10.16.0/20 @1, net 1.19.0.0/16 @2", "", 1, ""},
    {JSON, BL_TYPE_IP4, with_deep,
     "{\"1\": [{\"ioc\": \"8.8.8.8\", \"o\": {\"ioc\": \"7.7.7.7\"}}],\n \"2\": [{\"x\":[[]]},\n {\"ioc\": 5}]}",
     "ip 8.8.8.8 @1", "not_a_string=1", 1, ""},
    {JSON, BL_TYPE_IP4, with_second, "{\"a/b\": [\"9.9.9.9\", \"8.8.8.8\"], \"c\": [\"1.1.1.1\", \"2.2.2.2\"]}",
     "ip 8.8.8.8 @1", "", 0, ""},
    {JSON, BL_TYPE_AUTO, with_list, "{\"name\": \"x.example\", \"list\": [\"8.8.8.0/24\",\n\"a.example\", null]}",
     "net 8.8.8.0/24 @1, domain a.example @2", "not_a_string=1", 0, ""},
    {JSON, BL_TYPE_IP4, with_list, "{\"list\": [\"8.8.8.8\"", NULL, NULL, 0, "bad_json"},
    {JSON, BL_TYPE_IP4, with_list, "{\"list\": [\"8.8.8.8\"]}]", NULL, NULL, 0, "bad_json"},
    {JSON, BL_TYPE_IP4, with_list, "not json", NULL, NULL, 0, "bad_json"},
    {JSON, BL_TYPE_IP4, with_list, "{\"list\": []}", "", "", 0, ""},
    {JSON, BL_TYPE_IP4, NULL, "[]", "", "", 0, ""},
    {JSON, BL_TYPE_IP4, with_list, "{\"error\": \"try again\"}", NULL, NULL, 0, "no_value"},
    {JSON, BL_TYPE_IP4, with_deep, "{\"error\": \"try again\"}", NULL, NULL, 0, "no_value"},
    {JSON, BL_TYPE_IP4, with_cidr, "{\"error\": \"try again\"}", NULL, NULL, 0, "no_value"},
    /* hosts */
    {HOSTS, BL_TYPE_DOMAIN, NULL,
     "127.0.0.1 localhost\n0.0.0.0 a.example b.example # c\n::1 ip6-localhost\n0.0.0.0 0.0.0.0\n",
     "domain a.example @2, domain b.example @2", "", 3, ""},
    {HOSTS, BL_TYPE_DOMAIN, NULL, "10.0.0.1 intranet.example\n0.0.0.0\n0.0.0.0 bad_.-\nff02::1 ip6-allnodes\n", "",
     "not_sink=1 no_name=1 bad_tld=1", 1, ""},
    /* rpz */
    {RPZ, BL_TYPE_DOMAIN, NULL,
     "a.test CNAME .\n*.b.test CNAME *. ; c\nc.test 60 IN CNAME rpz-drop.\nd.test A 127.0.0.1",
     "domain a.test @1, domain b.test * @2, domain c.test @3, domain d.test @4", "", 0, ""},
    {RPZ, BL_TYPE_AUTO, NULL,
     "\xef\xbb\xbf$TTL 300\r\n$ORIGIN rpz.test.\r\n@ IN SOA ns. root. (\r\n 1 ; serial\r\n 2 3 4 5 )\r\n  IN NS "
     "localhost.\r\n"
     "a.test CNAME .\r\nb.test.rpz.test. CNAME .\r\nc.test. CNAME .\r\nd.test CNAME rpz-passthru.\r\n"
     "e.test CNAME e.test.\r\na.test TXT \"x ; y ( z\"\r\n$INCLUDE other\r\n",
     "domain a.test @7, domain b.test @8", "out_of_zone=1 unsupported=1", 8, ""},
    {RPZ, BL_TYPE_AUTO, with_zone, "a.test.RPZ.test. CNAME .\n$ORIGIN com.rpz.test.\nb CNAME .\n\tAAAA ::1\n",
     "domain a.test @1, domain b.com @3", "", 1, ""},
    {RPZ, BL_TYPE_AUTO, NULL,
     "32.1.0.9.9.rpz-ip CNAME .\n24.0.8.8.8.rpz-nsip CNAME .\n128.1.zz.4860.2001.rpz-ip CNAME .\n"
     "32.zz.4860.2001.rpz-ip CNAME .\n33.1.0.9.9.rpz-ip CNAME .\n24.8.8.rpz-ip CNAME .\n"
     "0.0.0.0.0.rpz-ip CNAME .\nns.test.rpz-nsdname CNAME .\n32.1.0.9.9.rpz-client-ip CNAME .\n",
     "ip 9.9.0.1 @1, ip 2001:4860::1 @3, net 2001:4860::/32 @4, net 8.8.8.0/24 @2",
     "rpz_address=2 default_route=1 unsupported=2", 0, ""},
    {RPZ, BL_TYPE_DOMAIN, NULL,
     "; c\n# c\n\n   \na.test CNAME\nb.test\n; only (\na_.-b CNAME .\nc.test CNAME . ; (\nd.test CNAME .",
     "domain c.test @9, domain d.test @10", "no_record=2 bad_tld=1", 0, ""},
    {RPZ, BL_TYPE_DOMAIN, NULL, "a.test CNAME ( .\n )\nb.test CNAME (\n .\n", "domain a.test @1",
     "no_record=1 open_parenthesis=1", 0, ""},
    /* rbldnsd */
    {RBL, BL_TYPE_NET, NULL,
     "\xef\xbb\xbf# c\r\n; c\r\n$TTL 600\r\n$SOA 0 ns. root. 0 1 2 3 4\r\n:127.0.0.2:See $\r\n9.9.9.9\r\n9.9.8 "
     ":3:text\r\n"
     "9.9/16\r\n8.8.4.4-6\r\n8.8.5.1-8.8.5.2\r\n8.8-9\r\n2001:4860::/32 x",
     "ip 8.8.4.6 @9, ip 8.8.5.1 @10, ip 8.8.5.2 @10, ip 9.9.9.9 @6, net 2001:4860::/32 @12, net 8.8.0.0/15 @11, net "
     "8.8.4.4/31 @9, net 9.9.0.0/16 @8, net 9.9.8.0/24 @7",
     "", 3, ""},
    {RBL, BL_TYPE_NET, NULL,
     "9.9.9.0/29\n!9.9.9.3\n!8.8.8.8\n8.8.8.8\n!7.7.7.0/24\n7.7.7.1\n7.7.6.0/23\n! 6.6.6.0/30\n6.6.6.0/30\n",
     "ip 7.7.7.1 @6, ip 9.9.9.2 @1, net 7.7.6.0/24 @7, net 9.9.9.0/31 @1, net 9.9.9.4/30 @1", "", 4, ""},
    {RBL, BL_TYPE_NET, NULL, "2001:4860::/126\n!2001:4860::1\n!2001:4860::2\n", "ip 2001:4860:: @1, ip 2001:4860::3 @1",
     "", 2, ""},
    {RBL, BL_TYPE_DOMAIN, NULL, ".a.test :1:x\nb.test\n*.c.test\n!b.test\n!ok.c.test\n!x.test\n!\nd.test",
     "domain a.test * @1, domain c.test @3, domain d.test @8", "empty=1", 4, ""},
    {RBL, BL_TYPE_AUTO, NULL, "a.test\n9.9.9.9\n0/0\n4/7\n010.1.1.1\n1.2.3.4/33\n9.9.9.9-1\n9.9.9.9-1.1\n!bad_.-\n",
     "ip 9.9.9.9 @2, domain a.test @1", "default_route=1 too_wide=1 address_syntax=3 range_order=1 bad_tld=1", 1, ""},
    /* adblock */
    {ADS, BL_TYPE_DOMAIN, NULL,
     "\xef\xbb\xbf[Adblock Plus 2.0]\r\n! Title: x\r\n# c\r\n\r\n||A.test^\r\n||b.test^$third-party\r\n@@||c.test^\r\n"
     "||d.test/x^\r\n||*.e.test^\r\n##.ad\r\n/ads/*\r\nf.test##.x\r\n||^\r\n||co.uk^\r\n  ||g.test^  ",
     "domain a.test * @5, domain co.uk * P @14, domain g.test * @15", "unsupported=8", 0, ""},
    {ADS, BL_TYPE_AUTO, NULL, "||9.9.9.9^\n||localhost^\n", "ip 9.9.9.9 @1", "single_label=1", 0, ""},
    /* extract */
    {ANY, BL_TYPE_AUTO, NULL,
     "alert ip [9.9.9.9,8.8.8.0/24] any -> $HOME_NET any (msg:\"x 1.2.3\"; reference:url,x.test; sid:1;)\r\n"
     "seen 8.8.4.4. (2001:4860::1), v1.2.3.4 and 1.2.3.4.5 or x@9.9.9.8 12:30:45 :: "
     "https://a.test/x?y=(1).\r\n8.8.4.5:443",
     "ip 8.8.4.4 @2, ip 9.9.9.9 @1, ip 2001:4860::1 @2, net 8.8.8.0/24 @1, url https://a.test/x?y=(1 @2, endpoint "
     "8.8.4.5:443 @3",
     "", 0, ""},
    {ANY, BL_TYPE_IP4, NULL,
     "<html><head><style>\n.a{margin:1.1.1.1}\n</style><script src=\"http://9.9.9.9/\">\nvar x = "
     "'9.9.9.8';\n</script>\n"
     "<tr><td>8.8.8.8</td><td\nclass=\"7.7.7.7\">8.8.4.4:80</td><td>2001:4860::1</td><td>0.0.0.0/0</td>\n<!-- 6.6.6.6 "
     "-->\n",
     "ip 8.8.4.4 @7, ip 8.8.8.8 @6", "other_kind=1", 6, ""},
    {ANY, BL_TYPE_DOMAIN, NULL,
     "Bad names: Evil.test, http://www.b.test:80/index.html (x@mail.test) v1.2 9.9.9.9\nnothing",
     "domain evil.test @1, domain www.b.test @1", "", 1, ""},
    /* lines behind a title */
    {LINES, BL_TYPE_IP4, with_start, "9.9.9.9\nStart End\n8.8.8.8\n", "ip 8.8.8.8 @3", "", 0, ""},
};

static void case_rejects(const struct bl_report *report, struct tip_buf *out)
{
    uint64_t n = 0;

    for (size_t i = 0; i < report->n_counts; i++) {
        assert_int_equal(tip_buf_append_format(out, "%s%s=%llu", i ? " " : "", report->counts[i].reason,
                                               (unsigned long long)report->counts[i].n),
                         0);
        n += report->counts[i].n;
    }
    assert_int_equal(n, report->n_rejected);
}

static void case_run(const struct parse_case *at, size_t step)
{
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf entries;
    tip_auto(tip_buf_deinit) struct tip_buf rejects;
    struct bl_format format;
    struct bl_set set;
    int r;

    tip_buf_init(&entries, 10000);
    tip_buf_init(&rejects, 10000);
    bl_format_init(&format, at->kind, at->type);
    if (at->with)
        at->with(&format);
    parse = sets_parse(&format, at->body, strlen(at->body), step, &r);
    assert_string_equal(bl_parse_why(parse), at->why);
    assert_int_equal(r, *at->why ? BL_PARSE_E_BODY : 0);
    if (r)
        return;
    set = bl_parse_set(parse);
    sets_text(&set, true, &entries);
    case_rejects(bl_parse_report(parse), &rejects);
    assert_string_equal(tip_buf_text(&entries), at->entries);
    assert_string_equal(tip_buf_text(&rejects), at->rejects);
    assert_int_equal(bl_parse_report(parse)->n_skipped, at->skipped);
}

static void test_parse_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (size_t step = 1; step < 9; step += 3) /* pieces of 1, 4, 7 bytes, then all at once */
            case_run(&cases[i], step);
        case_run(&cases[i], 1 << 20);
    }
}

static void test_parse_evidence_is_where_the_line_starts(void **state)
{
    static const char body[] = "# x\n8.8.8.8\n\n9.9.9.9\r\nbad\nexample.com";
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;
    struct bl_item item;
    struct bl_set set;
    int r;

    (void)state;
    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
    for (size_t step = 1; step < sizeof(body); step++) {
        bl_parse_destroy(&parse);
        parse = sets_parse(&format, body, sizeof(body) - 1, step, &r);
        assert_int_equal(r, 0);
        set = bl_parse_set(parse);
        assert_int_equal(bl_set_count(&set), 3);
        for (size_t i = 0; i < 3; i++) {
            bl_set_item(&set, i, &item);
            assert_memory_equal(body + item.at, item.value, item.len);
        }
        assert_int_equal(bl_parse_report(parse)->n_lines, 6);
        assert_int_equal(bl_parse_report(parse)->n_content, 4);
        assert_int_equal(bl_parse_report(parse)->sample[0].line, 5);
        assert_string_equal(bl_parse_report(parse)->sample[0].reason, "single_label");
        assert_memory_equal(bl_parse_report(parse)->sample[0].raw, "bad", 3);
    }
}

/* Feeds `n` bytes of one character without ever holding them. */
static int feed_long(struct bl_parse *parse, char c, size_t n)
{
    static char block[256 * 1024];
    int r = 0;

    memset(block, c, sizeof(block));
    for (size_t at = 0; !r && at < n; at += sizeof(block))
        r = bl_parse_feed(parse, block, sizeof(block));
    return r;
}

static void test_parse_passes_over_a_huge_line(void **state)
{
    enum { HUGE_LINE = 256 * 1024 * 1024 };
    static const enum bl_kind kinds[] = {BL_KIND_LINES, BL_KIND_RANGE, BL_KIND_CSV, BL_KIND_RBLDNSD, BL_KIND_EXTRACT};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
        struct bl_format format;

        bl_format_init(&format, kinds[i], BL_TYPE_IP4);
        parse = bl_parse_new(&format);
        assert_int_equal(bl_parse_feed(parse, "8.8.8.8\n", 8), 0);
        assert_int_equal(feed_long(parse, 'x', HUGE_LINE), 0);
        assert_int_equal(bl_parse_feed(parse, "\n9.9.9.9", 8), 0);
        assert_int_equal(bl_parse_end(parse), 0);
        assert_int_equal(bl_parse_set(parse).n_ip4, 2);
        assert_int_equal(bl_parse_set(parse).ip4[1].line, 3);
        assert_int_equal(bl_report_count(bl_parse_report(parse), "line_too_long"), 1);
        assert_int_equal(bl_parse_report(parse)->n_rejected, 1);
    }
}

static void test_parse_refuses_a_huge_json_token(void **state)
{
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;

    (void)state;
    bl_format_init(&format, BL_KIND_JSON, BL_TYPE_IP4);
    parse = bl_parse_new(&format);
    assert_int_equal(bl_parse_feed(parse, "[\"", 2), 0);
    assert_int_equal(feed_long(parse, 'x', 4 << 20), BL_PARSE_E_BODY);
    assert_string_equal(bl_parse_why(parse), "line_too_long");
    bl_parse_destroy(&parse);
    parse = bl_parse_new(&format);
    assert_int_equal(feed_long(parse, '[', 1 << 20), BL_PARSE_E_BODY);
    assert_string_equal(bl_parse_why(parse), "too_deep");
}

static void test_parse_open_quote_gives_up_after_a_line_s_worth(void **state)
{
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;
    int r = 0;

    (void)state;
    bl_format_init(&format, BL_KIND_CSV, BL_TYPE_IP4);
    parse = bl_parse_new(&format);
    r = bl_parse_feed(parse, "\"", 1);
    for (int i = 0; !r && i < 200 * 1000; i++)
        r = bl_parse_feed(parse, "8.8.8.8,x\n", 10);
    assert_int_equal(r, 0);
    assert_int_equal(bl_parse_end(parse), 0);
    assert_int_equal(bl_report_count(bl_parse_report(parse), "line_too_long"), 1);
    assert_int_equal(bl_parse_set(parse).n_ip4, 1);
}

static void test_parse_nul_is_a_reject(void **state)
{
    static const char body[] = "8.8\0.8.8\n9.9.9.9\n";
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;
    int r;

    (void)state;
    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
    parse = sets_parse(&format, body, sizeof(body) - 1, 100, &r);
    assert_int_equal(r, 0);
    assert_int_equal(bl_parse_set(parse).n_ip4, 1);
    assert_int_equal(bl_report_count(bl_parse_report(parse), "nul"), 1);
}

/* Each kind meets a NUL, then a line of nearly 1 MiB, then a good entry. */
static void test_parse_kinds_survive_nul_and_long_lines(void **state)
{
    static const struct {
        enum bl_kind kind;
        const char *last;
    } kinds[] = {{RPZ, "\na.test CNAME ."}, {RBL, "\na.test"}, {ADS, "\n||a.test^"}, {ANY, "\na.test"}};
    static const char with_nul[] = "a\0b.test CNAME .\n||a\0b.test^\n";

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
        struct bl_format format;

        bl_format_init(&format, kinds[i].kind, BL_TYPE_DOMAIN);
        parse = bl_parse_new(&format);
        assert_int_equal(bl_parse_feed(parse, with_nul, sizeof(with_nul) - 1), 0);
        assert_int_equal(feed_long(parse, 'x', BL_LINE_MAX - 256 * 1024), 0);
        assert_int_equal(bl_parse_feed(parse, kinds[i].last, strlen(kinds[i].last)), 0);
        assert_int_equal(bl_parse_end(parse), 0);
        assert_int_equal(bl_parse_set(parse).n_text, 1);
        assert_int_equal(bl_parse_report(parse)->n_lines, 4);
    }
}

/* A parenthesis that nobody closes costs 64 lines, not the list. */
static void test_parse_open_parenthesis_is_bounded(void **state)
{
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;
    int r;

    (void)state;
    bl_format_init(&format, RPZ, BL_TYPE_DOMAIN);
    parse = bl_parse_new(&format);
    r = bl_parse_feed(parse, "x.test SOA (\n", 13);
    for (int i = 0; !r && i < 1000; i++)
        r = bl_parse_feed(parse, "a.test.x.test. CNAME .\n", 23);
    assert_int_equal(r ? r : bl_parse_end(parse), 0);
    assert_int_equal(bl_report_count(bl_parse_report(parse), "open_parenthesis"), 1);
    assert_int_equal(bl_parse_report(parse)->n_valid, 1000 - 63);
}

static void test_parse_sample_is_bounded(void **state)
{
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;
    int r = 0;

    (void)state;
    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_IP4);
    parse = bl_parse_new(&format);
    for (int i = 0; !r && i < 1000; i++)
        r = bl_parse_feed(parse, "nonsense\n", 9);
    assert_int_equal(r ? r : bl_parse_end(parse), 0);
    assert_int_equal(bl_parse_report(parse)->n_rejected, 1000);
    assert_int_equal(bl_parse_report(parse)->n_sample, BL_REPORT_SAMPLE);
    assert_int_equal(bl_parse_report(parse)->sample[BL_REPORT_SAMPLE - 1].line, BL_REPORT_SAMPLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_kinds),
        cmocka_unit_test(test_parse_evidence_is_where_the_line_starts),
        cmocka_unit_test(test_parse_passes_over_a_huge_line),
        cmocka_unit_test(test_parse_refuses_a_huge_json_token),
        cmocka_unit_test(test_parse_open_quote_gives_up_after_a_line_s_worth),
        cmocka_unit_test(test_parse_nul_is_a_reject),
        cmocka_unit_test(test_parse_kinds_survive_nul_and_long_lines),
        cmocka_unit_test(test_parse_open_parenthesis_is_bounded),
        cmocka_unit_test(test_parse_sample_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
