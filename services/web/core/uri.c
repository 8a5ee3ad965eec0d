#include "core/uri.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <tip/utf8.h>

static const char *const uri_reasons[WEB_URI_E_END] = {
    [0] = "",
    [WEB_URI_E_LONG] = "the address is too long",
    [WEB_URI_E_FORM] = "the address is not well formed",
    [WEB_URI_E_TEXT] = "the address holds control characters or bytes that are no UTF-8",
};

const char *web_uri_reason(int code)
{
    return code > 0 && code < WEB_URI_E_END ? uri_reasons[code] : "";
}

static int uri_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool uri_is_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return tip_utf8_valid(text, len);
}

static int uri_decode(char *to, const char *text, size_t len, bool is_form)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        int high, low;

        if (text[i] != '%') {
            to[n++] = is_form && text[i] == '+' ? ' ' : text[i];
            continue;
        }
        if (len - i < 3 || (high = uri_digit(text[i + 1])) < 0 || (low = uri_digit(text[i + 2])) < 0)
            return WEB_URI_E_FORM;
        to[n++] = (char)(high << 4 | low);
        i += 2;
    }
    to[n] = '\0';
    return uri_is_text(to, n) ? 0 : WEB_URI_E_TEXT;
}

int web_uri_decode(char *to, const char *text, size_t len)
{
    return uri_decode(to, text, len, false);
}

/* One `name=value`; `*atp` moves behind what was written. */
static int uri_param(struct web_uri *uri, char **atp, const char *text, size_t len)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;
    struct web_query_param *param;
    int r;

    if (len == 0)
        return 0;
    if (uri->n == WEB_PARAMS_MAX)
        return WEB_URI_E_LONG;
    param = &uri->params[uri->n++];
    param->name = *atp;
    r = uri_decode(*atp, text, name_len, true);
    if (r)
        return r;
    *atp += strlen(*atp) + 1;
    param->value = *atp;
    r = uri_decode(*atp, equals ? equals + 1 : "", equals ? len - name_len - 1 : 0, true);
    if (!r)
        *atp += strlen(*atp) + 1;
    return r;
}

int web_uri_parse(struct web_uri *uri, const char *target)
{
    size_t path_len = strcspn(target, "?#"), len = strcspn(target, "#");
    char *at = uri->text + path_len + 1;
    int r = 0;

    uri->n = 0;
    uri->path = uri->text;
    uri->text[0] = '\0';
    if (strlen(target) > WEB_URL_MAX)
        return WEB_URI_E_LONG;
    if (target[0] != '/')
        return WEB_URI_E_FORM;
    memcpy(uri->text, target, path_len);
    uri->text[path_len] = '\0';
    if (!uri_is_text(uri->text, path_len))
        return WEB_URI_E_TEXT;
    for (size_t from = path_len + 1, part; from < len && !r; from += part + 1) {
        part = strcspn(target + from, "&#");
        r = uri_param(uri, &at, target + from, part);
    }
    return r;
}

const char *web_uri_get(const struct web_uri *uri, const char *name)
{
    for (size_t i = 0; i < uri->n; i++) {
        if (!strcmp(uri->params[i].name, name))
            return uri->params[i].value;
    }
    return NULL;
}

size_t web_uri_count(const struct web_uri *uri, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < uri->n; i++)
        n += !strcmp(uri->params[i].name, name);
    return n;
}

int web_uri_int(const struct web_uri *uri, const char *name, long min, long max, long *valuep)
{
    const char *text = web_uri_get(uri, name);
    char *end;
    long value;

    if (!text)
        return 0;
    if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 9 || !*text)
        return WEB_URI_E_FORM;
    value = strtol(text, &end, 10);
    if (value < min || value > max)
        return WEB_URI_E_FORM;
    *valuep = value;
    return 0;
}
