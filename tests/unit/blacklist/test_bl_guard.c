#include "check.h"

#include <tip/cleanup.h>

#include "core/guard.h"
#include "sets.h"

/* Deliveries as they happened, rewritten: two empty, a client's error, two web pages, a downloader's log. */
static const struct {
    const char *body;
    bool can_be_empty;
    const char *why;
} deliveries[] = {
    {"", false, "empty"},
    {"\n# nothing today\n\n", false, "empty"},
    {"", true, ""},
    {"# nothing today\n", true, ""},
    {"Could not connect: ", false, "error_text"},
    {"Could not connect: ", true, "error_text"},
    {"<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>503 Service Unavailable</title>\n",
     false, "html"},
    {"\xef\xbb\xbf \n<HTML><body>8.8.8.8</body>", true, "html"},
    {"<?xml version=\"1.0\"?><rss/>", false, "xml"},
    {"--2018-03-13 07:57:23--  https://lists.example/torlist/?exit\n"
     "Resolving lists.example (lists.example)... 192.0.2.20, 2001:db8::87a\n"
     "Connecting to lists.example|192.0.2.20|:443... connected.\n"
     "HTTP request sent, awaiting response... 403 Forbidden\n2018-03-13 07:57:24 ERROR 403: Forbidden.\n",
     false, "error_text"},
    {"0.0.0.0/0\n", false, "no_valid_entry"},
    {"0.0.0.0/0\n", true, "no_valid_entry"},
    {"8.8.8.8\nnonsense\n", false, ""},
    {"<notes> are comments to nobody\n8.8.8.8\n", false, ""},
};

static void test_guard_names_what_is_no_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(deliveries) / sizeof(*deliveries); i++) {
        tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
        const char *body = deliveries[i].body;
        struct bl_delivery delivery;
        struct bl_format format;
        struct bl_set set;
        int r;

        bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
        parse = sets_parse(&format, body, strlen(body), 100, &r);
        assert_int_equal(r, 0);
        set = bl_parse_set(parse);
        delivery = (struct bl_delivery){.head = body,
                                        .n_head = strlen(body),
                                        .n_bytes = strlen(body),
                                        .parse_why = bl_parse_why(parse),
                                        .report = bl_parse_report(parse),
                                        .n_entries = bl_set_count(&set),
                                        .can_be_empty = deliveries[i].can_be_empty};
        assert_string_equal(bl_guard_why(&delivery), deliveries[i].why);
        assert_true(!*deliveries[i].why || strchr(bl_guard_sentence(deliveries[i].why), ' '));
    }
}

static void test_guard_passes_on_what_the_parser_refused(void **state)
{
    struct bl_report report = {.n_content = 3, .n_valid = 3};
    struct bl_delivery delivery = {.head = "[\"8.8.8.8\",",
                                   .n_head = 11,
                                   .n_bytes = 11,
                                   .parse_why = "bad_json",
                                   .report = &report,
                                   .n_entries = 1};

    (void)state;
    assert_string_equal(bl_guard_why(&delivery), "bad_json");
    delivery.can_be_empty = true;
    assert_string_equal(bl_guard_why(&delivery), "bad_json");
}

/* Where entries are taken out of a web page, it is a list once it holds one. */
static void test_guard_lets_pages_pass_that_are_read_as_such(void **state)
{
    static const char body[] = "<html><body>503 Service Unavailable</body></html>";
    const struct bl_report report = {.n_content = 1};
    struct bl_delivery delivery = {.head = body,
                                   .n_head = sizeof(body) - 1,
                                   .n_bytes = sizeof(body) - 1,
                                   .parse_why = "",
                                   .report = &report,
                                   .reads_markup = true};

    (void)state;
    assert_string_equal(bl_guard_why(&delivery), "html");
    delivery.n_entries = 1;
    assert_string_equal(bl_guard_why(&delivery), "");
    delivery.reads_markup = false;
    assert_string_equal(bl_guard_why(&delivery), "html");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard_names_what_is_no_list),
        cmocka_unit_test(test_guard_lets_pages_pass_that_are_read_as_such),
        cmocka_unit_test(test_guard_passes_on_what_the_parser_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
