/*
 * The last resort: addresses, prefixes, URLs or names wherever they stand in a text, as whole words. Of markup only
 * what a reader sees counts; links, scripts and styles do not.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tip/alloc.h>

#include "core/parser.h"

enum { EXTRACT_TAG_MAX = 16 * 1024 };

struct kind_extract {
    bool in_tag;
    size_t n_tag;       /* bytes of it so far: a stray `<` may not hide the list */
    const char *hidden; /* the element whose text nobody sees: "script" */
};

static void *kind_extract_open(const struct bl_format *format)
{
    (void)format;
    return tip_new(struct kind_extract);
}

static void kind_extract_close(void *state)
{
    free(state);
}

/* ---- words ---- */

/* A NUL is part of one: strchr finds it. */
static bool extract_is_word(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("._:/%-@[]", c) != NULL;
}

static bool extract_ends_url(unsigned char c)
{
    return c <= ' ' || c == 0x7f || strchr("\"'<>`{}|\\^", c) != NULL;
}

/* The length of a scheme at the start of a text, with its slashes. */
static size_t extract_scheme(const char *text, size_t len)
{
    static const char *const schemes[] = {"http://", "https://", "ftp://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        size_t n = strlen(schemes[i]);

        if (len > n && !strncasecmp(text, schemes[i], n))
            return n;
    }
    return 0;
}

/* A URL to where prose goes on: a closing mark at its end belongs to the sentence. */
static size_t extract_url_len(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && !extract_ends_url((unsigned char)text[n]))
        n++;
    while (n && strchr(".,;:!?)]", text[n - 1]))
        n--;
    return n;
}

static bool extract_is_address(const char *text, size_t len)
{
    struct tip_prefix prefix;
    const char *slash = memchr(text, '/', len);
    size_t n = slash ? (size_t)(slash - text) : len;

    if (!memchr(text, '.', n) && (!memchr(text, ':', n) || n < 3)) /* `::` alone is punctuation */
        return false;
    return !tip_prefix_parse(&prefix, NULL, text, len);
}

static bool extract_is_name(const char *text, size_t len)
{
    const char *dot = memrchr(text, '.', len);
    size_t n = dot ? (size_t)(text + len - dot - 1) : 0;

    if (n < 2 || memchr(text, '@', len) || memchr(text, '/', len) || memchr(text, ':', len))
        return false;
    for (size_t i = 1; i <= n; i++) {
        if (dot[i] < 'A' || dot[i] > 'z' || (dot[i] > 'Z' && dot[i] < 'a'))
            return !strncasecmp(dot + 1, "xn--", 4);
    }
    return true;
}

/* An address with a port is the address, unless endpoints are wanted. */
static int extract_endpoint(struct bl_parse *parse, const char *text, size_t len, bool *foundp)
{
    struct tip_endpoint endpoint;
    char address[TIP_ADDR_TEXT];

    *foundp = !tip_endpoint_parse(&endpoint, text, len);
    if (!*foundp)
        return 0;
    if (parse->format.type == BL_TYPE_AUTO || parse->format.type == BL_TYPE_IP_PORT)
        return bl_value_add(parse, text, len);
    return bl_value_add(parse, address, tip_addr_format(&endpoint.addr, address));
}

static bool extract_wants_addresses(enum bl_type type)
{
    return type == BL_TYPE_AUTO || type == BL_TYPE_IP4 || type == BL_TYPE_IP6 || type == BL_TYPE_NET;
}

/* Another family is not what was looked for: no reject. */
static bool extract_is_other_family(enum bl_type type, const char *text, size_t len)
{
    bool is_6 = memchr(text, ':', len) != NULL;

    return (type == BL_TYPE_IP4 && is_6) || (type == BL_TYPE_IP6 && !is_6);
}

/* Marks around a word are not part of it; a `:` in front may start an IPv6 address. */
static void extract_strip(const char **textp, size_t *lenp)
{
    bool is_open = memchr(*textp, '[', *lenp) != NULL;
    bool is_closed = memchr(*textp, ']', *lenp) != NULL;

    while (*lenp && (strchr("./-%@]", **textp) || (!is_closed && **textp == '['))) {
        ++*textp;
        --*lenp;
    }
    while (*lenp && (strchr("./-%@[", (*textp)[*lenp - 1]) || (!is_open && (*textp)[*lenp - 1] == ']')))
        --*lenp;
    if (*lenp > 1 && **textp == '[' && (*textp)[*lenp - 1] == ']') {
        ++*textp;
        *lenp -= 2;
    }
    if (*lenp > 1 && (*textp)[*lenp - 1] == ':' && (*textp)[*lenp - 2] != ':')
        --*lenp;
}

static int extract_word(struct bl_parse *parse, const char *text, size_t len, bool *foundp)
{
    enum bl_type type = parse->format.type;

    *foundp = true;
    if (extract_wants_addresses(type) && extract_is_address(text, len) && !extract_is_other_family(type, text, len))
        return bl_value_add(parse, text, len);
    if (type == BL_TYPE_DOMAIN && extract_is_name(text, len))
        return bl_value_add(parse, text, len);
    *foundp = false;
    if (type == BL_TYPE_IP_PORT || (extract_wants_addresses(type) && memchr(text, ':', len)))
        return extract_endpoint(parse, text, len, foundp);
    return 0;
}

/* What a type makes of a URL: itself, or the name it points to. Other types leave it. */
static int extract_url(struct bl_parse *parse, const char *text, size_t len, bool *foundp)
{
    size_t scheme = extract_scheme(text, len);
    size_t n = scheme;

    if (parse->format.type == BL_TYPE_URL || parse->format.type == BL_TYPE_AUTO) {
        *foundp = true;
        return bl_value_add(parse, text, len);
    }
    while (n < len && !strchr("/?#:", text[n]))
        n++;
    *foundp = parse->format.type == BL_TYPE_DOMAIN && extract_is_name(text + scheme, n - scheme);
    return *foundp ? bl_value_add(parse, text + scheme, n - scheme) : 0;
}

/* Takes the word, or the one byte, at text. Returns its length. */
static size_t extract_next(struct bl_parse *parse, const char *text, size_t len, bool *foundp, int *rp)
{
    const char *word = text;
    size_t n = 0;
    size_t word_len;
    bool found = false;

    if (extract_scheme(text, len)) {
        n = extract_url_len(text, len);
        *rp = extract_url(parse, text, n, &found);
        *foundp |= found;
        return n ? n : 1;
    }
    while (n < len && extract_is_word((unsigned char)text[n]))
        n++;
    word_len = n;
    if (n) {
        extract_strip(&word, &word_len);
        *rp = word_len ? extract_word(parse, word, word_len, &found) : 0;
    }
    *foundp |= found;
    return n ? n : 1;
}

static int extract_text(struct bl_parse *parse, const char *text, size_t len, bool *foundp)
{
    int r = 0;

    for (size_t at = 0, n; !r && at < len; at += n)
        n = extract_next(parse, text + at, len - at, foundp, &r);
    return r;
}

/* ---- markup ---- */

/* Does `<` start a tag here? Elements whose text nobody sees are remembered. */
static bool extract_enters(struct kind_extract *extract, const char *text, size_t len)
{
    static const char *const hidden[] = {"script", "style"};
    unsigned char next = len > 1 ? (unsigned char)(text[1] | 0x20) : 0;

    if (!((next >= 'a' && next <= 'z') || (len > 1 && strchr("/!?", text[1]) && text[1])))
        return false;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
        size_t n = strlen(hidden[i]);

        if (len > n && !strncasecmp(text + 1, hidden[i], n))
            extract->hidden = hidden[i];
        if (len > n + 1 && text[1] == '/' && !strncasecmp(text + 2, hidden[i], n))
            extract->hidden = NULL;
    }
    extract->in_tag = true;
    extract->n_tag = 0;
    return true;
}

/* To the end of the tag, or to where it can be none. Returns how much of the line that is. */
static size_t extract_leave(struct kind_extract *extract, const char *text, size_t len)
{
    const char *end = memchr(text, '>', len);
    size_t n = end ? (size_t)(end - text) + 1 : len;

    if (end || extract->n_tag + n > EXTRACT_TAG_MAX)
        extract->in_tag = false;
    extract->n_tag += n + 1;
    return n;
}

/* What can be seen, up to the next tag. */
static size_t extract_seen(struct kind_extract *extract, const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && !(text[n] == '<' && extract_enters(extract, text + n, len - n)))
        n++;
    return n;
}

static int kind_extract_line(struct bl_parse *parse, const char *text, size_t len)
{
    struct kind_extract *extract = parse->state;
    bool found = false;
    bool is_hidden;
    size_t n;
    int r = 0;

    bl_trim(&text, &len);
    if (!len || parse->comment[(unsigned char)*text])
        return 0;
    parse->report.n_content++;
    while (!r && len) {
        is_hidden = extract->in_tag || extract->hidden;
        n = extract->in_tag ? extract_leave(extract, text, len) : extract_seen(extract, text, len);
        if (!is_hidden)
            r = extract_text(parse, text, n, &found);
        text += n;
        len -= n;
    }
    parse->report.n_skipped += !found;
    return r;
}

const struct bl_parser_kind bl_kind_extract = {
    .open = kind_extract_open, .close = kind_extract_close, .line = kind_extract_line};
