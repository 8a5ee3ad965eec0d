#include "check.h"

#include <sodium.h>

#include "core/cursor.h"

static void check_form(const char *cursor, const char *form, int code)
{
    char text[WEB_CURSOR_TEXT], back[WEB_CURSOR_TEXT];

    assert_int_equal(web_cursor_write(cursor, text), 0);
    assert_int_equal(web_cursor_read(text, form, back), code);
    if (!code)
        assert_string_equal(back, cursor);
}

static void test_cursors_have_their_form(void **state)
{
    (void)state;
    check_form("-9223372036854775808:1:192.0.2.1", "iit", 0);
    check_form("5:3:with:colons", "iit", 0);
    check_form("5:3:", "iit", WEB_CURSOR_E_FORM);
    check_form("5:3", "iit", WEB_CURSOR_E_FORM);
    check_form("5", "iit", WEB_CURSOR_E_FORM);
    check_form("five:3:x", "iit", WEB_CURSOR_E_FORM);
    check_form("1 192.0.2.1", " it", 0);
    check_form("1:192.0.2.1", " it", WEB_CURSOR_E_FORM);
    check_form("3:0.75:192.0.2.1", "int", 0);
    check_form("3:7.5e-05:x", "int", 0);
    check_form("3:0.7.5:x", "int", WEB_CURSOR_E_FORM);
    check_form("3:e5:x", "int", WEB_CURSOR_E_FORM);
    check_form("3:1e:x", "int", WEB_CURSOR_E_FORM);
    check_form("3:nan:x", "int", WEB_CURSOR_E_FORM);
    check_form("1795339150647202:01a2028d-6440-7f86-8267-736d048cf4be", "ix", 0);
    check_form("1:01A2", "ix", WEB_CURSOR_E_FORM);
    check_form("1:ab:cd", "ix", WEB_CURSOR_E_FORM);
    check_form("1:", "ix", WEB_CURSOR_E_FORM);
    check_form("1:1:a\nb", "iit", WEB_CURSOR_E_FORM);
    check_form("1:1:\xff", "iit", WEB_CURSOR_E_FORM);
    check_form("12345678901234567890:1:x", "iit", WEB_CURSOR_E_FORM);
}

static void test_cursors_of_strangers(void **state)
{
    static const char *const bad[] = {"", "A", "AAAA", "!!!!", "'; drop table", "====", "AA=="};
    char back[WEB_CURSOR_TEXT], longest[WEB_CURSOR_TEXT + 8];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(web_cursor_read(bad[i], "iit", back), WEB_CURSOR_E_FORM);
    memset(longest, 'A', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(web_cursor_read(longest, "t", back), WEB_CURSOR_E_FORM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursors_have_their_form),
        cmocka_unit_test(test_cursors_of_strangers),
    };

    return sodium_init() == -1 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
