/* Targets and cursors of strangers: what is taken is bounded, UTF-8 without control characters, and lies in its own
 * room. */
#include "fuzz.h"

#include <stdlib.h>

#include <sodium.h>
#include <tip/utf8.h>

#include "core/cursor.h"
#include "core/ring.h"
#include "core/route.h"
#include "core/uri.h"

static void check_text(const struct web_uri *uri, const char *text)
{
    size_t len = strlen(text);

    assert(text >= uri->text && text + len < uri->text + sizeof(uri->text));
    assert(tip_utf8_valid(text, len));
    for (size_t i = 0; i < len; i++)
        assert((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

static void check_uri(const char *text)
{
    static struct web_uri uri;
    static char value[WEB_URL_MAX + 1];
    enum web_route_id id;
    const char *part;
    size_t len;
    long number = 7;

    if (web_uri_parse(&uri, text))
        return;
    check_text(&uri, uri.path);
    assert(uri.path[0] == '/' && uri.n <= WEB_PARAMS_MAX);
    for (size_t i = 0; i < uri.n; i++) {
        check_text(&uri, uri.params[i].name);
        check_text(&uri, uri.params[i].value);
        assert(web_uri_get(&uri, uri.params[i].name) && web_uri_count(&uri, uri.params[i].name));
        if (!web_uri_int(&uri, uri.params[i].name, 1, 1000, &number))
            assert(number >= 1 && number <= 1000);
    }
    if (!web_route_find(WEB_GET, uri.path, &id, &part, &len)) {
        assert(id < WEB_ROUTE_COUNT && len <= strlen(uri.path));
        if (!web_uri_decode(value, part, len))
            assert(strlen(value) <= len && tip_utf8_valid(value, strlen(value)));
    }
}

static void check_cursor(const char *text)
{
    static const char *const forms[] = {"iit", "iniit", "ix", " it", "t"};
    char cursor[WEB_CURSOR_TEXT], again[WEB_CURSOR_TEXT], back[WEB_CURSOR_TEXT], prefix[256];

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (web_cursor_read(text, forms[i], cursor))
            continue;
        assert(strlen(cursor) <= WEB_CURSOR_MAX && *cursor);
        assert(!web_cursor_write(cursor, again) && !web_cursor_read(again, forms[i], back) && !strcmp(cursor, back));
    }
    if (!web_prefix_make(text, prefix))
        assert(strlen(prefix) <= 255);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text || sodium_init() == -1)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    check_uri(text);
    check_cursor(text);
    free(text);
    return 0;
}
