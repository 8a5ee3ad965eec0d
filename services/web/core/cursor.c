#include "core/cursor.h"

#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include <tip/utf8.h>

int web_cursor_write(const char *cursor, char text[static WEB_CURSOR_TEXT])
{
    size_t len = strlen(cursor);

    if (len > WEB_CURSOR_MAX)
        return WEB_CURSOR_E_FORM;
    sodium_bin2base64(text, WEB_CURSOR_TEXT, (const unsigned char *)cursor, len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return 0;
}

/* `-12.5e-7`: digits with at most one dot and one exponent. */
static bool cursor_is_number(const char *text, size_t len)
{
    size_t digits = 0, dots = 0, exponents = 0;

    for (size_t i = 0; i < len; i++) {
        bool is_sign = text[i] == '-' || (text[i] == '+' && i);

        if (text[i] >= '0' && text[i] <= '9')
            digits++;
        else if (text[i] == '.')
            dots++;
        else if (text[i] == 'e' && digits)
            exponents++;
        else if (!is_sign || (i && text[i - 1] != 'e'))
            return false;
    }
    return digits > 0 && len <= 32 && dots <= 1 && exponents <= 1 && text[len - 1] != 'e' && text[len - 1] != '-';
}

static bool cursor_is_integer(const char *text, size_t len)
{
    size_t sign = len && text[0] == '-';

    return len > sign && len - sign <= 19 && strspn(text + sign, "0123456789") >= len - sign;
}

static bool cursor_is_part(char form, const char *text, size_t len)
{
    if (form == 'i')
        return cursor_is_integer(text, len);
    if (form == 'n')
        return cursor_is_number(text, len);
    return len > 0 && len <= 64 && strspn(text, "0123456789abcdef-") >= len;
}

static bool cursor_is_text(const char *text)
{
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    }
    return *text && tip_utf8_valid(text, strlen(text));
}

static bool cursor_has_form(const char *cursor, const char *form)
{
    const char joint[2] = {*form == ' ' ? *form++ : ':', '\0'};

    for (; *form; form++) {
        size_t len = strcspn(cursor, joint);

        if (*form == 't')
            return cursor_is_text(cursor);
        if (!cursor_is_part(*form, cursor, len) || (cursor[len] == *joint) != (form[1] != '\0'))
            return false;
        cursor += len + (cursor[len] == *joint);
    }
    return true;
}

int web_cursor_read(const char *text, const char *form, char cursor[static WEB_CURSOR_TEXT])
{
    size_t n = 0;

    if (strlen(text) >= WEB_CURSOR_TEXT ||
        sodium_base642bin((unsigned char *)cursor, WEB_CURSOR_TEXT - 1, text, strlen(text), NULL, &n, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return WEB_CURSOR_E_FORM;
    cursor[n] = '\0';
    return strlen(cursor) == n && n <= WEB_CURSOR_MAX && cursor_has_form(cursor, form) ? 0 : WEB_CURSOR_E_FORM;
}
