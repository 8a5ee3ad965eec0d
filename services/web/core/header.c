#include "core/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool header_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *header_skip(const char *at, const char *end)
{
    while (at < end && header_is_blank(*at))
        at++;
    return at;
}

/* Visible ASCII without quotes, commas, semicolons, backslashes: what our own values are made of. */
static int header_secret(const char *at, const char *end, char *value)
{
    size_t len;

    while (end > at && header_is_blank(end[-1]))
        end--;
    len = (size_t)(end - at);
    if (len == 0 || len >= WEB_SECRET_TEXT)
        return WEB_HEADER_E_FORM;
    for (size_t i = 0; i < len; i++) {
        if (at[i] <= ' ' || at[i] > '~' || strchr("\",;\\", at[i]))
            return WEB_HEADER_E_FORM;
    }
    memcpy(value, at, len);
    value[len] = '\0';
    return 0;
}

int web_cookie_get(const char *header, const char *name, char value[static WEB_SECRET_TEXT])
{
    size_t name_len = strlen(name);

    value[0] = '\0';
    for (const char *at = header ? header : "", *end; *at; at = *end ? end + 1 : end) {
        end = at + strcspn(at, ";");
        at = header_skip(at, end);
        if ((size_t)(end - at) > name_len && !strncmp(at, name, name_len) && at[name_len] == '=')
            return header_secret(at + name_len + 1, end, value);
    }
    return WEB_HEADER_E_NONE;
}

int web_bearer_get(const char *header, char value[static WEB_SECRET_TEXT])
{
    static const char scheme[] = "Bearer ";
    const char *end;

    value[0] = '\0';
    if (!header || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
        return WEB_HEADER_E_NONE;
    end = header + strlen(header);
    return header_secret(header_skip(header + sizeof(scheme) - 1, end), end, value);
}

/* ---- Accept ---- */

/* `;q=0.5` among the parameters of one element, in thousandths. */
static unsigned header_weight(const char *at, const char *end)
{
    double weight;

    for (; at < end; at++) {
        const char *name = header_skip(at + 1, end);

        if (*at != ';' || end - name < 3 || (name[0] | 0x20) != 'q' || name[1] != '=')
            continue;
        weight = name[2] == '0' || name[2] == '1' ? strtod(name + 2, NULL) : 0;
        return weight >= 1 ? 1000 : weight > 0 ? (unsigned)(weight * 1000) : 0;
    }
    return 1000;
}

/* How exactly a range of types means a type: 0 not at all, 1 as anything, 2 as its family, 3 as itself. */
static int header_matches(const char *at, size_t len, const char *type)
{
    const char *slash = strchr(type, '/');
    size_t family = slash ? (size_t)(slash - type) + 1 : 0;

    if (len == strlen(type) && !strncasecmp(at, type, len))
        return 3;
    if (slash && len == family + 1 && !strncasecmp(at, type, family) && at[family] == '*')
        return 2;
    return (len == 3 && !strncmp(at, "*/*", 3)) || (!slash && len == 1 && *at == '*');
}

static unsigned header_best(const char *header, const char *type, unsigned missing)
{
    unsigned weight = missing;
    int best = 0;

    for (const char *at = header, *end; *at; at = *end ? end + 1 : end) {
        size_t len;
        int exact;

        end = at + strcspn(at, ",");
        at = header_skip(at, end);
        len = strcspn(at, ",; \t");
        exact = header_matches(at, len, type);
        if (exact > best) {
            best = exact;
            weight = header_weight(at + len, end);
        }
    }
    return weight;
}

unsigned web_accept_weight(const char *header, const char *type)
{
    return header && *header ? header_best(header, type, 0) : 1000;
}

bool web_accepts_gzip(const char *header)
{
    return header && header_best(header, "gzip", 0) > 0;
}

bool web_etag_matches(const char *header, const char *etag)
{
    size_t len = strlen(etag);

    for (const char *at = header ? header : "", *end; *at; at = *end ? end + 1 : end) {
        end = at + strcspn(at, ",");
        at = header_skip(at, end);
        if (*at == '*')
            return true;
        if (end - at > 2 && at[0] == 'W' && at[1] == '/')
            at += 2;
        if ((size_t)(end - at) >= len && !strncmp(at, etag, len) && header_skip(at + len, end) == end)
            return true;
    }
    return false;
}

/* ---- positions ---- */

static int header_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int web_position_parse(struct web_position *position, const char *text)
{
    const char *digits = text + 33;
    size_t n;

    if (strlen(text) < 34 || text[32] != ':')
        return WEB_HEADER_E_FORM;
    for (size_t i = 0; i < 16; i++) {
        int high = header_hex(text[2 * i]), low = header_hex(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return WEB_HEADER_E_FORM;
        position->journal_id[i] = (uint8_t)(high << 4 | low);
    }
    n = strlen(digits);
    if (n > 18 || strspn(digits, "0123456789") != n)
        return WEB_HEADER_E_FORM;
    position->seq = strtoull(digits, NULL, 10);
    return 0;
}

void web_position_format(const struct web_position *position, char text[static WEB_POSITION_TEXT])
{
    for (size_t i = 0; i < 16; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", position->journal_id[i]);
    (void)snprintf(text + 32, WEB_POSITION_TEXT - 32, ":%llu", (unsigned long long)position->seq);
}

/* ---- origin ---- */

bool web_origin_is_ours(const struct web_from *from)
{
    static const char plain[] = "http://";

    if (!from->origin)
        return from->has_credential;
    if (from->ours)
        return !strcmp(from->origin, from->ours);
    return from->host && !strncmp(from->origin, plain, sizeof(plain) - 1) &&
           !strcmp(from->origin + sizeof(plain) - 1, from->host);
}
