/* How lists are written, guessed from bodies of every kind; the rule is that of core/guess.h. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/buf.h>

#include "core/guess.h"
#include "random.h"

struct guessed {
    const char *body, *kind, *type;
    const char *where; /* pointer, prefix, name of the column, or "separator column" */
    uint64_t accepted, rejected;
};

#define NAMES "a.example\nb.example\nwww.c.example\n"

static const struct guessed guesseds[] = {
    {"# plain\n8.8.8.8\n9.9.9.9 # why\n1.1.1.1\n", "lines", "ip4", "", 3, 0},
    {"8.8.8.8\n9.9.9.0/24\n2a00::1\n", "lines", "net", "", 3, 0},
    {"2a00::1\n2a00::2\n", "lines", "ip6", "", 2, 0},
    {NAMES, "lines", "domain", "", 3, 0},
    {"8.8.8.8:80\n9.9.9.9:443\n", "lines", "ip:port", "", 2, 0},
    {"http://a.example/x\nhttps://b.example/y#z\n", "lines", "url", "", 2, 0},
    {"AS64000\nAS3\n", "lines", "asn", "", 2, 0},
    {"3\n4\n5\n", "lines", "asn", "", 3, 0},
    {"d41d8cd98f00b204e9800998ecf8427e\n900150983cd24fb0d6963f7d28e17f72\n", "lines", "hash", "", 2, 0},
    {"@a.example\n@b.example\n", "lines", "email_domain", "", 2, 0},
    {"8.8.8.8\na.example\nhttp://b.example/\n", "lines", "auto", "", 3, 0},
    {"1.2.3.0/24 ; SBL1\n5.6.7.0/24 ; SBL2\n", "lines", "net", "", 2, 0},
    {"8.8.8.8\t7\n9.9.9.9\t3\n", "lines", "ip4", "", 2, 0},
    {"ExitNode x\n", "extract", "", NULL, 0, 0},
    {"ExitAddress 8.8.8.8 2026\nExitAddress 9.9.9.9 2026\n", "lines", "ip4", "  2", 2, 0},
    {"8.8.8.8,9.9.9.9,1.1.1.1,4.4.4.4\n", "lines", "ip4", ", 0", 4, 0},
    {"id,address,note\n1,8.8.8.8,\"a, b\"\n2,9.9.9.9,c\n", "csv", "ip4", "address", 2, 0},
    {"\"1\", \"8.8.8.8\", \"x\"\n\"2\", \"9.9.9.9\", \"y\"\n", "csv", "ip4", ", 2", 2, 0},
    {"1;8.8.8.8;x\n2;9.9.9.9;y\n", "csv", "ip4", "; 2", 2, 0},
    {"64500  |  EXAMPLE  |  8.8.8.8  | x\n64501  |  EXAMPLE  |  9.9.9.9 | y\n", "csv", "ip4", "| 3", 2, 0},
    {"# date,url,link\n1,http://a.example/1,http://x.example/\n2,http://a.example/2,http://x.example/\n", "csv", "url",
     ", 2", 2, 0},
    {"[{\"ip\":\"8.8.8.8\",\"n\":1},{\"ip\":\"9.9.9.9\",\"n\":2}]", "json", "net", "/*/ip", 2, 0},
    {"{\"cidr\":\"9.9.9.0/24\",\"x\":\"SBL1\"}\n{\"cidr\":\"9.9.8.0/24\"}\n{\"type\":\"metadata\"}\n", "json", "net",
     "/cidr", 2, 0},
    {"{\"list\":[\"a.example\",\"b.example\"],\"name\":\"A list\"}", "json", "domain", "/list/*", 2, 0},
    {"{\"7\":[{\"ioc\":\"8.8.8.8:1\"}],\"8\":[{\"ioc\":\"9.9.9.9:1\"}]}", "json", "ip:port", "/*/*/ioc", 2, 0},
    {"{\"emotet\":[\"8.8.8.8\",\"1.1.1.1\"],\"qakbot\":[\"9.9.9.9\",\"4.4.4.4\"]}", "json", "net", "/*/*", 4, 0},
    {"{\"asn\":3,\"domain\":\"a.example\"}\n{\"asn\":4,\"domain\":\"b.example\"}\n", "json", "asn", "/asn", 2, 0},
    {"0.0.0.0 a.example\n0.0.0.0 b.example\n127.0.0.1 localhost\n", "hosts", "domain", "", 2, 0},
    {"$TTL 60\na.example CNAME .\n*.b.example CNAME .\nc.example CNAME rpz-drop.\n", "rpz", "domain", "", 3, 0},
    {":127.0.0.2:listed\n8.8.8.0/24\n!8.8.8.8\n9.9.9.9\n", "rbldnsd", "net", "", 9, 0},
    {"! list\n||a.example^\n||b.example^\n##.advert\n", "adblock", "domain", "", 2, 1},
    {"some: name:8.8.8.0-8.8.8.255\nother:9.9.9.9-9.9.9.9\n", "range", "net", "", 2, 0},
    {"8.8.8.0 8.8.8.255 24 7\n9.9.9.0 9.9.9.255 24 8\n", "range", "net", "", 2, 0},
    {"<html><body><td>8.8.8.8</td><td>9.9.9.9</td></body></html>", "extract", "ip4", "", 2, 0},
    {"alert ip [8.8.8.8,9.9.9.9] any -> $HOME_NET any (msg:\"x\"; sid:1;)\n", "extract", "net", "", 2, 0},
    {"# 4.4.4.4\nalert ip [8.8.8.8,9.9.9.9,1.1.1.1,2a00::1,8.8.4.0/24] any -> $HOME_NET any (msg:\"x 1, 2, 3\"; "
     "sid:1;)\n"
     "drop tcp $HOME_NET any <> 1.0.0.1 [80,443] (content:\"http://a.example/\"; sid:2;)\n"
     "#alert ip 7.7.7.7 any -> any any (sid:3;)\n",
     "extract", "net", "", 6, 0},
    {"alert dns any any -> any any (dns.query; content:\"a.example\"; sid:1;)\n", "extract", "", NULL, 0, 0},
    {"alert.example 8.8.8.8\nlog.example 9.9.9.9\n", "lines", "auto", "  0", 4, 0}, /* names */
};

static void where_of(const struct bl_format *format, char text[static BL_FORMAT_POINTER])
{
    text[0] = '\0';
    if (format->kind == BL_KIND_JSON)
        strcpy(text, format->pointer);
    else if (format->prefix[0] || format->column_name[0])
        strcpy(text, format->prefix[0] ? format->prefix : format->column_name);
    else if (format->kind == BL_KIND_CSV || format->column != 1)
        (void)snprintf(text, BL_FORMAT_POINTER, "%c %u", format->separator, format->column);
}

static void test_every_kind_is_guessed(void **state)
{
    char where[BL_FORMAT_POINTER];

    (void)state;
    for (size_t i = 0; i < sizeof(guesseds) / sizeof(*guesseds); i++) {
        const struct guessed *want = &guesseds[i];
        tip_auto(bl_guesses_deinit) struct bl_guesses guesses;
        const struct bl_guess *best = &guesses.best;

        bl_guess_run(&guesses, want->body, strlen(want->body), true);
        if (!want->accepted) {
            assert_int_equal(best->accepted, 0);
            continue;
        }
        where_of(&best->format, where);
        if (strcmp(bl_kind_names[best->format.kind], want->kind) ||
            strcmp(bl_type_names[best->format.type], want->type) || strcmp(where, want->where) ||
            best->accepted != want->accepted || best->rejected != want->rejected)
            fail_msg("%s: %s %s \"%s\", %llu accepted, %llu rejected", want->body, bl_kind_names[best->format.kind],
                     bl_type_names[best->format.type], where, (unsigned long long)best->accepted,
                     (unsigned long long)best->rejected);
    }
}

/* Only its beginning is looked at, and a line that is cut there is no reject. */
static void test_a_long_body_is_guessed_from_its_beginning(void **state)
{
    static const struct {
        const char *start, *before, *after, *kind;
    } rows[] = {{"", "", "\n", "lines"},
                {"", "{\"ip\":\"", "\"}\n", "json"},
                {"[", "{\"ip\":\"", "\"},\n", "json"},
                {"", "\"x\",\"", "\"\n", "csv"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        tip_auto(bl_guesses_deinit) struct bl_guesses guesses;
        tip_auto(tip_buf_deinit) struct tip_buf body;

        tip_buf_init(&body, 4 * BL_GUESS_BYTES);
        assert_int_equal(tip_buf_append_text(&body, rows[i].start), 0);
        for (unsigned n = 0; body.len < 2 * BL_GUESS_BYTES; n++) {
            assert_int_equal(tip_buf_append_format(&body, "%s198.%u.%u.%u%s", rows[i].before, 20 + n / 65536,
                                                   n / 256 % 256, n % 256, rows[i].after),
                             0);
        }
        bl_guess_run(&guesses, tip_buf_text(&body), body.len, true);
        assert_string_equal(bl_kind_names[guesses.best.format.kind], rows[i].kind);
        assert_int_equal(guesses.best.rejected, 0);
        assert_in_range(guesses.best.accepted, BL_GUESS_BYTES / 32, BL_GUESS_BYTES / 8);
    }
}

/* Bytes of any kind end in some guess or none, with all within bounds. */
static void test_noise(void **state)
{
    static const char signs[] = "{}[]\",:;|!#^\n\t -./0189abx*";
    uint64_t seed = test_seed();
    char body[600];

    (void)state;
    for (int turn = 0; turn < 300; turn++) {
        tip_auto(bl_guesses_deinit) struct bl_guesses guesses;
        size_t n = test_random(&seed) % sizeof(body);

        for (size_t i = 0; i < n; i++)
            body[i] = signs[test_random(&seed) % (sizeof(signs) - 1)];
        bl_guess_run(&guesses, body, n, turn % 2);
        assert_in_range(guesses.n, 1, BL_GUESSES_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_is_guessed),
        cmocka_unit_test(test_a_long_body_is_guessed_from_its_beginning),
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
