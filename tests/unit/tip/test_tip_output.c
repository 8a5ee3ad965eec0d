#include "check.h"

#include <stdlib.h>

#include <tip/cleanup.h>

#include "output.h"

static const struct tip_column columns[] = {
    {"name", TIP_COLUMN_TEXT}, {"n", TIP_COLUMN_INT},      {"score", TIP_COLUMN_REAL},
    {"ok", TIP_COLUMN_BOOL},   {"since", TIP_COLUMN_TIME},
};

static const char *const rows[][5] = {
    {"drop", "7", "0.8", "true", "2026-11-22T04:00:00Z"},
    {"a \"b\",\nc", "18446744073709551616", "nonsense", "false", NULL},
    {"\xc3\xa9\x1b[31m\xff\xe2\x80\xae", NULL, NULL, NULL, NULL},
};

/* What the table above looks like in a mode. The caller frees. */
static char *output_text(const struct out_config *as, int expected)
{
    tip_auto(out_destroy) struct out *out = NULL;
    struct out_config config = *as;
    const char *bad = NULL;
    char *text = NULL;
    size_t len;

    config.file = open_memstream(&text, &len);
    assert_int_equal(out_open(&out, &config, columns, 5, &bad), expected);
    for (size_t i = 0; out && i < 3; i++)
        out_row(out, rows[i], NULL);
    out_destroy(&out);
    fclose(config.file);
    return text;
}

static void test_output_modes(void **state)
{
    static const struct {
        struct out_config config;
        const char *text;
    } table[] = {
        {{.mode = OUT_CSV, .header = true},
         "name,n,score,ok,since\r\n"
         "drop,7,0.8,true,2026-11-22T04:00:00Z\r\n"
         "\"a \"\"b\"\",\nc\",18446744073709551616,nonsense,false,\r\n"
         "\xc3\xa9\x1b[31m\xff\xe2\x80\xae,,,,\r\n"},
        {{.mode = OUT_CSV, .fields = "score,name"},
         "0.8,drop\r\nnonsense,\"a \"\"b\"\",\nc\"\r\n,\xc3\xa9\x1b[31m\xff\xe2\x80\xae\r\n"},
        {{.mode = OUT_NDJSON},
         "{\"name\":\"drop\",\"n\":7,\"score\":0.8,\"ok\":true,\"since\":\"2026-11-22T04:00:00Z\"}\n"
         "{\"name\":\"a \\\"b\\\",\\nc\",\"n\":\"18446744073709551616\",\"score\":\"nonsense\",\"ok\":false,"
         "\"since\":null}\n"
         "{\"name\":\"\xc3\xa9\\u001B[31m\xef\xbf\xbd\xe2\x80\xae\",\"n\":null,\"score\":null,\"ok\":null,"
         "\"since\":null}\n"},
        {{.mode = OUT_JSON, .fields = "n"},
         "[\n  {\n    \"n\": 7\n  },\n  {\n    \"n\": \"18446744073709551616\"\n  },\n  {\n    \"n\": null\n  }\n]\n"},
        {{.mode = OUT_HUMAN, .header = true, .fields = "name,n,ok"},
         "NAME                                      N  OK\n"
         "drop                                      7  true\n"
         "a \"b\",\\x0ac            18446744073709551616  false\n"
         "\xc3\xa9\\x1b[31m\\xff\\u{202e}                     -  -\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        tip_auto(tip_free) char *text = output_text(&table[i].config, 0);

        assert_string_equal(text, table[i].text);
    }
}

/* A table of two columns of text, the second JSON. The caller frees. */
static char *nested_text(enum out_mode mode, const char *cell)
{
    static const struct tip_column two[] = {{"name", TIP_COLUMN_TEXT}, {"why", TIP_COLUMN_TEXT}};
    tip_auto(out_destroy) struct out *out = NULL;
    struct out_config config = {.mode = mode, .nested = "other,why"};
    const char *bad = NULL;
    char *text = NULL;
    size_t len;

    config.file = open_memstream(&text, &len);
    assert_int_equal(out_open(&out, &config, two, 2, &bad), 0);
    out_row(out, (const char *const[]){"[1]", cell}, NULL);
    out_destroy(&out);
    fclose(config.file);
    return text;
}

static void test_output_nests_what_is_json(void **state)
{
    static const struct {
        enum out_mode mode;
        const char *cell, *text;
    } table[] = {
        {OUT_NDJSON, "{\"a\":0.6}", "{\"name\":\"[1]\",\"why\":{\"a\":0.6}}\n"},
        {OUT_NDJSON, "not json", "{\"name\":\"[1]\",\"why\":\"not json\"}\n"},
        {OUT_NDJSON, NULL, "{\"name\":\"[1]\",\"why\":null}\n"},
        {OUT_JSON, "[1]", "[\n  {\n    \"name\": \"[1]\",\n    \"why\": [\n      1\n    ]\n  }\n]\n"},
        {OUT_CSV, "[1]", "[1],[1]\r\n"},
        {OUT_HUMAN, "[1]", "[1]  [1]\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        tip_auto(tip_free) char *text = nested_text(table[i].mode, table[i].cell);

        assert_string_equal(text, table[i].text);
    }
    assert_true(out_names("a,why", "a") && out_names("a,why", "why"));
    assert_false(out_names("a,why", "wh") || out_names("a,why", "hy") || out_names(NULL, "a") || out_names("", "a"));
}

/* The widest column of text gives way; numbers, titles, what is narrow and the first column stay. */
static void test_output_fits_a_terminal(void **state)
{
    static const struct tip_column three[] = {
        {"key", TIP_COLUMN_TEXT}, {"n", TIP_COLUMN_INT}, {"value", TIP_COLUMN_TEXT}};
    static const char *const cells[][3] = {
        {"blacklist.exports", "12345678901234567890", "0123456789abcdef0123456789abcdef0123456789abcdef"},
        {"tip.run", "1",
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
         "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"},
    };
    static const struct {
        int width;
        const char *text;
    } table[] = {
        {60, "blacklist.exports  12345678901234567890  0123456789abcdef...\n"
             "tip.run                               1  \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
             "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9...\n"},
        {10, "blacklist.exports  12345678901234567890  0123456789abc...\n"
             "tip.run                               1  \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
             "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9...\n"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct out_config config = {.mode = OUT_HUMAN, .width = table[i].width};
        tip_auto(tip_free) char *text = NULL;
        struct out *out = NULL;
        const char *bad = NULL;
        size_t len;

        config.file = open_memstream(&text, &len);
        assert_int_equal(out_open(&out, &config, three, 3, &bad), 0);
        out_row(out, cells[0], NULL);
        out_row(out, cells[1], NULL);
        out_destroy(&out);
        fclose(config.file);
        assert_string_equal(text, table[i].text);
    }
}

static void test_output_refuses_unknown_fields(void **state)
{
    tip_auto(tip_free) char *text = output_text(&(struct out_config){.mode = OUT_JSON, .fields = "n,nosuch"}, 1);

    (void)state;
    assert_string_equal(text, "");
}

static void test_output_colours_only_when_asked(void **state)
{
    const struct out_config plain = {.color = false}, coloured = {.color = true};

    (void)state;
    assert_string_equal(out_style_on(&plain, OUT_RED), "");
    assert_string_equal(out_style_off(&plain), "");
    assert_string_not_equal(out_style_on(&coloured, OUT_RED), "");
}

static void test_output_no_color(void **state)
{
    (void)state;
    setenv("NO_COLOR", "1", 1);
    assert_false(out_wants_color(stdout));
}

static void test_numbers_for_people(void **state)
{
    static const struct {
        const char *cell, *shown;
    } table[] = {
        {"0.011111111111111112", "0.0111"}, {"0.9999919774953692", "1"}, {"0.8", "0.8"}, {"1", "1"},
        {"12345.678901", "12345.6789"},     {"-0.00001", "0"},           {"100", "100"}, {"1e300", "1e300"},
        {"nonsense", "nonsense"},           {"0.5 of 1", "0.5 of 1"},    {"nan", "nan"}, {"", ""},
    };
    char text[OUT_ROUNDED];

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        assert_string_equal(out_rounded(table[i].cell, TIP_COLUMN_REAL, text), table[i].shown);
    assert_null(out_rounded(NULL, TIP_COLUMN_REAL, text));
    assert_string_equal(out_rounded("0.123456", TIP_COLUMN_TEXT, text), "0.123456");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_for_people),
        cmocka_unit_test(test_output_modes),
        cmocka_unit_test(test_output_nests_what_is_json),
        cmocka_unit_test(test_output_fits_a_terminal),
        cmocka_unit_test(test_output_refuses_unknown_fields),
        cmocka_unit_test(test_output_colours_only_when_asked),
        cmocka_unit_test(test_output_no_color),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
