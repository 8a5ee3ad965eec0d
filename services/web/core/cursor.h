#pragma once
/*
 * Where a page ended, as text that goes out and comes back: the cursor of the named query, in URL-safe base64. What
 * comes back is checked against the form that this query's cursors have before it goes anywhere.
 */
#include <stddef.h>

#include <tip/cleanup.h>

enum { WEB_CURSOR_MAX = 2200, WEB_CURSOR_TEXT = 3000 };

enum { WEB_CURSOR_E_FORM = 1 };

/**
 * @param cursor  of the query; at most WEB_CURSOR_MAX bytes
 * @param text    at least WEB_CURSOR_TEXT bytes
 */
tip_nodiscard int web_cursor_write(const char *cursor, char text[static WEB_CURSOR_TEXT]);

/**
 * @param form    a letter a part, the parts joined by colons, or by blanks if it begins with one: `i` an integer, `n` a
 * number, `x` hexadecimal digits and dashes, `t` the rest, any text
 * @param cursor  at least WEB_CURSOR_TEXT bytes
 * @return 0 or WEB_CURSOR_E_FORM
 */
tip_nodiscard int web_cursor_read(const char *text, const char *form, char cursor[static WEB_CURSOR_TEXT]);
