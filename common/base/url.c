#include <tip/url.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define URL_INPUT_MAX (3 * TIP_URL_MAX) /* every byte of the canonical form written as an escape */

static const struct {
    const char *name;
    uint16_t port;
} url_schemes[TIP_URL_SCHEME_COUNT] = {
    [TIP_URL_HTTP] = {"http", 80},
    [TIP_URL_HTTPS] = {"https", 443},
    [TIP_URL_FTP] = {"ftp", 21},
};

/* What is left to read. */
struct url_text {
    const char *at;
    size_t len;
};

const char *tip_url_reason(int code)
{
    static const char *const reasons[TIP_URL_E_END] = {
        [TIP_URL_E_NO_SCHEME] = "no_scheme", [TIP_URL_E_SCHEME] = "scheme", [TIP_URL_E_USERINFO] = "userinfo",
        [TIP_URL_E_HOST] = "url_host",       [TIP_URL_E_PORT] = "url_port", [TIP_URL_E_CHAR] = "url_character",
        [TIP_URL_E_LONG] = "url_too_long",
    };

    return code >= TIP_URL_E_NO_SCHEME && code < TIP_URL_E_END ? reasons[code] : "";
}

static int url_append(struct tip_url *url, const char *bytes, size_t n)
{
    if (n > (size_t)(TIP_URL_MAX - url->len))
        return TIP_URL_E_LONG;
    memcpy(url->text + url->len, bytes, n);
    url->len = (uint16_t)(url->len + n);
    url->text[url->len] = '\0';
    return 0;
}

static void url_text_skip(struct url_text *text, size_t n)
{
    text->at += n;
    text->len -= n;
}

static bool url_byte_is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

/* The part before the first of `stops`, taken off; all of it when there is none. */
static struct url_text url_text_take(struct url_text *text, const char *stops)
{
    struct url_text part = {.at = text->at};

    while (part.len < text->len && !url_byte_is_one_of(part.at[part.len], stops))
        part.len++;
    url_text_skip(text, part.len);
    return part;
}

/* Takes `scheme://` off. */
static int url_scheme_take(struct tip_url *url, struct url_text *text, unsigned flags)
{
    const char *mark = memmem(text->at, text->len, "://", 3);
    const char *stop = memchr(text->at, '/', text->len);

    if (!mark || mark + 1 != stop) {
        url->scheme = TIP_URL_HTTP;
        return flags & TIP_URL_SCHEME_OPTIONAL ? 0 : TIP_URL_E_NO_SCHEME;
    }
    for (size_t i = 0; i < TIP_URL_SCHEME_COUNT; i++) {
        size_t n = strlen(url_schemes[i].name);

        if ((size_t)(mark - text->at) == n && !strncasecmp(text->at, url_schemes[i].name, n)) {
            url->scheme = (enum tip_url_scheme)i;
            url_text_skip(text, n + 3);
            return 0;
        }
    }
    return TIP_URL_E_SCHEME;
}

static int url_port_parse(struct tip_url *url, struct url_text text)
{
    unsigned port = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return TIP_URL_E_PORT;
        port = port * 10 + (unsigned)(text.at[i] - '0');
        if (port > UINT16_MAX)
            return TIP_URL_E_PORT;
    }
    if (!port && text.len)
        return TIP_URL_E_PORT;
    if (port)
        url->port = (uint16_t)port;
    return 0;
}

/* Takes the host off an authority, brackets included; what stays is empty or `:port`. */
static int url_host_take(struct tip_url *url, struct url_text *text)
{
    struct url_text host;
    bool bracketed = text->len && *text->at == '[';

    if (bracketed) {
        url_text_skip(text, 1);
        host = url_text_take(text, "]");
        if (!text->len || !memchr(host.at, ':', host.len))
            return TIP_URL_E_HOST;
        url_text_skip(text, 1);
    } else {
        host = url_text_take(text, ":");
    }
    url->host_is_addr = !tip_addr_parse(&url->addr, host.at, host.len);
    if (url->host_is_addr)
        return 0;
    if (bracketed || tip_domain_parse(&url->domain, host.at, host.len) || url->domain.subtree)
        return TIP_URL_E_HOST;
    return 0;
}

static int url_authority_parse(struct tip_url *url, struct url_text text)
{
    int r = url_host_take(url, &text);

    if (r)
        return r;
    url->port = url_schemes[url->scheme].port;
    if (!text.len)
        return 0;
    if (*text.at != ':')
        return TIP_URL_E_HOST;
    url_text_skip(&text, 1);
    return url_port_parse(url, text);
}

static int url_authority_append(struct tip_url *url)
{
    char host[TIP_ADDR_TEXT], head[32 + TIP_DOMAIN_MAX + TIP_ADDR_TEXT], port[8] = "";
    bool brackets = url->host_is_addr && url->addr.family == 6;
    int n;

    if (url->port != url_schemes[url->scheme].port)
        snprintf(port, sizeof(port), ":%u", url->port);
    n = snprintf(head, sizeof(head), "%s://%s%s%s%s", url_schemes[url->scheme].name, brackets ? "[" : "",
                 tip_url_host(url, host), brackets ? "]" : "", port);
    return url_append(url, head, (size_t)n);
}

static bool url_is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           url_byte_is_one_of((char)c, "-._~");
}

/* Unreserved or reserved (RFC 3986 section 2.2), but not what delimits here or may not stand in a path or query. */
static bool url_is_plain(unsigned char c)
{
    return url_is_unreserved(c) || url_byte_is_one_of((char)c, "!$&'()*+,;=:@/?");
}

static int url_hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* What `%xx` says, or -1 when it is not that. */
static int url_escape_read(struct url_text text)
{
    int high, low;

    if (text.len < 3 || *text.at != '%')
        return -1;
    high = url_hex(text.at[1]);
    low = url_hex(text.at[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* The next byte, escapes resolved; *escapedp says it was one. */
static unsigned char url_byte_take(struct url_text *text, bool *escapedp)
{
    int value = url_escape_read(*text);
    unsigned char c = value < 0 ? (unsigned char)*text->at : (unsigned char)value;

    *escapedp = value >= 0;
    url_text_skip(text, *escapedp ? 3 : 1);
    return c;
}

/*
 * Takes `user:password@` off: it says who asks, not where (RFC 3986 section 3.2.1). Bytes that may not stand there, a
 * second @ among them, are read otherwise by others, who come to another host: refused.
 */
static int url_userinfo_take(struct url_text *authority)
{
    struct url_text text = *authority, user = url_text_take(&text, "@");

    if (!text.len)
        return 0;
    url_text_skip(&text, 1);
    while (user.len) {
        bool escaped;
        unsigned char c = url_byte_take(&user, &escaped);

        if (!escaped && !url_is_unreserved(c) && !url_byte_is_one_of((char)c, "!$&'()*+,;=:"))
            return TIP_URL_E_USERINFO;
    }
    *authority = text;
    return text.len && memchr(text.at, '@', text.len) ? TIP_URL_E_USERINFO : 0;
}

static int url_escaped_append(struct tip_url *url, struct url_text text)
{
    while (text.len) {
        char escape[4];
        bool escaped;
        unsigned char c = url_byte_take(&text, &escaped);
        int r;

        if (!escaped && (c < 0x20 || c == 0x7f))
            return TIP_URL_E_CHAR;
        if (escaped ? url_is_unreserved(c) : url_is_plain(c)) {
            r = url_append(url, (const char *)&c, 1);
        } else {
            snprintf(escape, sizeof(escape), "%%%02X", c);
            r = url_append(url, escape, 3);
        }
        if (r)
            return r;
    }
    return 0;
}

/* RFC 3986 section 5.2.4 in place, on the path at the end of the text, which starts with a slash. */
static void url_dots_remove(struct tip_url *url)
{
    char *path = url->text + url->path_at, *to = path;
    const char *at = path, *end = url->text + url->len;

    while (at < end) {
        const char *next = memchr(at + 1, '/', (size_t)(end - at - 1));
        size_t n = (size_t)((next ? next : end) - at);
        bool up = n == 3 && !memcmp(at, "/..", 3);

        if (up || (n == 2 && at[1] == '.')) {
            while (up && to > path && *--to != '/')
                continue;
            if (!next)
                *to++ = '/';
        } else {
            memmove(to, at, n);
            to += n;
        }
        at += n;
    }
    *to = '\0';
    url->len = (uint16_t)(to - url->text);
}

static int url_path_append(struct tip_url *url, struct url_text path)
{
    int r = 0;

    url->path_at = url->len;
    if (!path.len)
        return url_append(url, "/", 1);
    r = url_escaped_append(url, path);
    if (!r)
        url_dots_remove(url);
    return r;
}

int tip_url_parse(struct tip_url *url, const char *from, size_t len, unsigned flags)
{
    struct url_text text = {.at = from, .len = len}, authority, path;
    int r;

    if (!len)
        return TIP_URL_E_NO_SCHEME;
    if (len > URL_INPUT_MAX)
        return TIP_URL_E_LONG;
    *url = (struct tip_url){0};
    r = url_scheme_take(url, &text, flags);
    authority = url_text_take(&text, "/?#");
    if (!r && authority.at > from)
        r = url_userinfo_take(&authority);
    else if (!r && authority.len && memchr(authority.at, '@', authority.len))
        r = TIP_URL_E_USERINFO; /* without a scheme it is an address of a person */
    if (!r)
        r = url_authority_parse(url, authority);
    if (!r)
        r = url_authority_append(url);
    if (r)
        return r;
    path = url_text_take(&text, "?#");
    r = url_path_append(url, path);
    /* the query keeps its question mark; the fragment stays behind */
    return r ? r : url_escaped_append(url, url_text_take(&text, "#"));
}

const char *tip_url_host(const struct tip_url *url, char text[static TIP_ADDR_TEXT])
{
    if (!url->host_is_addr)
        return url->domain.name;
    tip_addr_format(&url->addr, text);
    return text;
}
