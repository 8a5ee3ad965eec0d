#include "check.h"

#include <tip/utf8.h>

#define BAD "\xef\xbf\xbd"

static void test_utf8_copies(void **state)
{
    static const struct {
        const char *text;
        size_t len, room;
        const char *copy;
        bool valid;
    } rows[] = {
        {"", 0, 99, "", true},
        {"abc", 3, 99, "abc", true},
        {"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 9, 99, "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", true},
        {"a\0b", 3, 99, "a" BAD "b", false},
        {"\xff", 1, 99, BAD, false},
        {"\xc0\x80", 2, 99, BAD BAD, false},                 /* overlong NUL */
        {"\xe0\x80\xaf", 3, 99, BAD BAD BAD, false},         /* overlong slash */
        {"\xed\xa0\x80", 3, 99, BAD BAD BAD, false},         /* surrogate */
        {"\xf4\x90\x80\x80", 4, 99, BAD BAD BAD BAD, false}, /* above U+10FFFF */
        {"\xe2\x82", 2, 99, BAD BAD, false},                 /* cut off */
        {"\xe2\x82"
         "a",
         3, 99, BAD BAD "a", false},
        {"\xef\xbf\xbd", 3, 99, BAD, true},
        {"abc", 3, 3, "ab", true},
        {"abc", 3, 1, "", true},
        {"a\xc3\xbc", 3, 3, "a", true}, /* never half a character */
        {"a\xc3\xbc", 3, 4, "a\xc3\xbc", true},
        {"\xff\xff", 2, 6, BAD, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char copy[100];
        size_t n = tip_utf8_copy(copy, rows[i].room, rows[i].text, rows[i].len);

        assert_string_equal(copy, rows[i].copy);
        assert_int_equal(n, strlen(copy));
        assert_int_equal(tip_utf8_valid(rows[i].text, rows[i].len), rows[i].valid);
        assert_true(tip_utf8_valid(copy, n));
    }
}

static size_t utf8_encode(uint32_t point, char to[static 4])
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xc0 | point >> 6);
        to[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (char)(0xe0 | point >> 12);
        to[1] = (char)(0x80 | (point >> 6 & 0x3f));
        to[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | point >> 18);
    to[1] = (char)(0x80 | (point >> 12 & 0x3f));
    to[2] = (char)(0x80 | (point >> 6 & 0x3f));
    to[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

static void test_utf8_every_character(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x110000; point++) {
        bool surrogate = point >= 0xd800 && point < 0xe000;
        char text[4];
        uint32_t found = 0;
        size_t n = utf8_encode(point, text);

        if (tip_utf8_next(text, n, &found) != (surrogate ? 0 : n) || (!surrogate && found != point))
            fail_msg("U+%04X", point);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_copies),
        cmocka_unit_test(test_utf8_every_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
