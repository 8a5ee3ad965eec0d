#include <tip/indicator.h>

#include <assert.h>
#include <string.h>

#include <sodium/crypto_shorthash.h>

#include <tip/addr.h>
#include <tip/domain.h>
#include <tip/url.h>

static const char *const kind_names[TIP_KIND_COUNT] = {
    [TIP_KIND_NONE] = "none",     [TIP_KIND_IP] = "ip",     [TIP_KIND_NET] = "net",
    [TIP_KIND_DOMAIN] = "domain", [TIP_KIND_URL] = "url",   [TIP_KIND_ENDPOINT] = "endpoint",
    [TIP_KIND_ASN] = "asn",       [TIP_KIND_HASH] = "hash", [TIP_KIND_EMAIL_DOMAIN] = "email_domain",
};

const char *tip_kind_name(enum tip_kind kind)
{
    return kind < TIP_KIND_COUNT ? kind_names[kind] : "none";
}

enum tip_kind tip_kind_from_name(const char *name, size_t len)
{
    for (int kind = TIP_KIND_IP; kind < TIP_KIND_COUNT; kind++) {
        if (strlen(kind_names[kind]) == len && !memcmp(kind_names[kind], name, len))
            return (enum tip_kind)kind;
    }
    return TIP_KIND_NONE;
}

const char *tip_indicator_reason(int code)
{
    if (code == TIP_INDICATOR_E_EMPTY)
        return "empty";
    if (code == TIP_INDICATOR_E_KIND)
        return "other_kind";
    if (code == TIP_INDICATOR_E_ASN)
        return "asn_syntax";
    if (code == TIP_INDICATOR_E_HASH)
        return "hash_syntax";
    if (code < TIP_DOMAIN_E_EMPTY)
        return tip_addr_reason(code);
    return code < TIP_URL_E_NO_SCHEME ? tip_domain_reason(code) : tip_url_reason(code);
}

static void indicator_set(struct tip_indicator *indicator, enum tip_kind kind, const char *value, size_t len)
{
    indicator->kind = kind;
    indicator->len = (uint16_t)len;
    memcpy(indicator->value, value, len);
    indicator->value[len] = '\0';
}

static unsigned indicator_domain_flags(const struct tip_domain *domain)
{
    return (domain->subtree ? TIP_INDICATOR_SUBTREE : 0) | (domain->bad_idna ? TIP_INDICATOR_BAD_IDNA : 0) |
           (domain->public_suffix ? TIP_INDICATOR_PUBLIC_SUFFIX : 0);
}

static int indicator_parse_net(struct tip_indicator *indicator, const char *text, size_t len)
{
    char value[TIP_PREFIX_TEXT];
    struct tip_prefix prefix;
    bool masked;
    int r;

    r = tip_prefix_parse(&prefix, &masked, text, len);
    if (r)
        return r;
    indicator->flags = masked ? TIP_INDICATOR_MASKED : 0;
    if (prefix.len == tip_addr_bits(&prefix.addr))
        indicator_set(indicator, TIP_KIND_IP, value, tip_addr_format(&prefix.addr, value));
    else
        indicator_set(indicator, TIP_KIND_NET, value, tip_prefix_format(&prefix, value));
    return 0;
}

static int indicator_parse_ip(struct tip_indicator *indicator, const char *text, size_t len)
{
    int r = indicator_parse_net(indicator, text, len);

    return !r && indicator->kind != TIP_KIND_IP ? TIP_INDICATOR_E_KIND : r;
}

static int indicator_parse_domain(struct tip_indicator *indicator, const char *text, size_t len)
{
    struct tip_domain domain;
    int r;

    r = tip_domain_parse(&domain, text, len);
    if (r)
        return r;
    indicator->flags = (uint16_t)indicator_domain_flags(&domain);
    indicator_set(indicator, TIP_KIND_DOMAIN, domain.name, domain.len);
    return 0;
}

static int indicator_parse_url(struct tip_indicator *indicator, const char *text, size_t len)
{
    struct tip_url url;
    int r;

    r = tip_url_parse(&url, text, len, TIP_URL_SCHEME_OPTIONAL);
    if (r)
        return r;
    indicator->flags = (uint16_t)indicator_domain_flags(&url.domain);
    indicator_set(indicator, TIP_KIND_URL, url.text, url.len);
    return 0;
}

static int indicator_parse_endpoint(struct tip_indicator *indicator, const char *text, size_t len)
{
    char value[TIP_ENDPOINT_TEXT];
    struct tip_endpoint endpoint;
    int r;

    r = tip_endpoint_parse(&endpoint, text, len);
    if (r)
        return r;
    indicator->flags = 0;
    indicator_set(indicator, TIP_KIND_ENDPOINT, value, tip_endpoint_format(&endpoint, value));
    return 0;
}

static bool indicator_has_as(const char *text, size_t len)
{
    return len > 2 && (text[0] | 32) == 'a' && (text[1] | 32) == 's';
}

static int indicator_parse_asn(struct tip_indicator *indicator, const char *text, size_t len)
{
    size_t from = indicator_has_as(text, len) ? 2 : 0;
    char value[sizeof("AS4294967294")];
    uint64_t number = 0;

    if (len - from > 10 || text[from] == '0')
        return TIP_INDICATOR_E_ASN;
    for (size_t i = from; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return TIP_INDICATOR_E_ASN;
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    if (number >= UINT32_MAX) /* RFC 7300: the last one is nobody's */
        return TIP_INDICATOR_E_ASN;
    memcpy(value, "AS", 2);
    memcpy(value + 2, text + from, len - from);
    indicator->flags = 0;
    indicator_set(indicator, TIP_KIND_ASN, value, 2 + len - from);
    return 0;
}

/* One hex digit in lower case; 0 for anything else. */
static char indicator_hex(char c)
{
    if (c >= 'A' && c <= 'F')
        c = (char)(c - 'A' + 'a');
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ? c : '\0';
}

static int indicator_parse_hash(struct tip_indicator *indicator, const char *text, size_t len)
{
    char value[64];

    if (len != 32 && len != 40 && len != 64)
        return TIP_INDICATOR_E_HASH;
    for (size_t i = 0; i < len; i++) {
        value[i] = indicator_hex(text[i]);
        if (!value[i])
            return TIP_INDICATOR_E_HASH;
    }
    indicator->flags = 0;
    indicator_set(indicator, TIP_KIND_HASH, value, len);
    return 0;
}

static int indicator_parse_email_domain(struct tip_indicator *indicator, const char *text, size_t len)
{
    size_t from = *text == '@';
    char value[1 + TIP_DOMAIN_MAX + 1];
    struct tip_domain domain;
    int r;

    if (memchr(text + from, '@', len - from))
        return TIP_INDICATOR_E_KIND;
    r = tip_domain_parse(&domain, text + from, len - from);
    if (r)
        return r;
    value[0] = '@';
    memcpy(value + 1, domain.name, domain.len);
    indicator->flags = (uint16_t)indicator_domain_flags(&domain);
    indicator_set(indicator, TIP_KIND_EMAIL_DOMAIN, value, 1u + domain.len);
    return 0;
}

static bool indicator_is_asn(const char *text, size_t len)
{
    if (!indicator_has_as(text, len))
        return false;
    for (size_t i = 2; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return true;
}

static bool indicator_is_hash(const char *text, size_t len)
{
    if (len != 32 && len != 40 && len != 64)
        return false;
    while (len && indicator_hex(text[len - 1]))
        len--;
    return !len;
}

/* By shape alone; the parser of the kind then has the last word. */
static enum tip_kind indicator_detect(const char *text, size_t len)
{
    const char *slash = memchr(text, '/', len);
    size_t head = slash ? (size_t)(slash - text) : len;
    size_t n_digits = 0, n_dots = 0, n_colons = 0, host;

    if (*text == '@')
        return TIP_KIND_EMAIL_DOMAIN;
    if (indicator_is_asn(text, len))
        return TIP_KIND_ASN;
    if (indicator_is_hash(text, len))
        return TIP_KIND_HASH;
    for (size_t i = 0; i < head; i++) {
        n_dots += text[i] == '.';
        n_colons += text[i] == ':';
    }
    host = n_colons == 1 ? (size_t)((const char *)memchr(text, ':', head) - text) : head;
    for (size_t i = 0; i < host; i++)
        n_digits += (text[i] >= '0' && text[i] <= '9') || text[i] == '.';
    if (*text != '[' && n_colons > 1)
        return TIP_KIND_NET;
    if (n_dots && n_digits == host && (!slash || n_colons == 0))
        return n_colons ? TIP_KIND_ENDPOINT : TIP_KIND_NET;
    if (slash || memchr(text, '?', len))
        return TIP_KIND_URL;
    if (*text == '[')
        return TIP_KIND_ENDPOINT;
    return n_colons ? TIP_KIND_NONE : TIP_KIND_DOMAIN;
}

int tip_indicator_parse(struct tip_indicator *indicator, enum tip_kind kind, const char *text, size_t len)
{
    static int (*const parsers[TIP_KIND_COUNT])(struct tip_indicator *, const char *, size_t) = {
        [TIP_KIND_IP] = indicator_parse_ip,
        [TIP_KIND_NET] = indicator_parse_net,
        [TIP_KIND_DOMAIN] = indicator_parse_domain,
        [TIP_KIND_URL] = indicator_parse_url,
        [TIP_KIND_ENDPOINT] = indicator_parse_endpoint,
        [TIP_KIND_ASN] = indicator_parse_asn,
        [TIP_KIND_HASH] = indicator_parse_hash,
        [TIP_KIND_EMAIL_DOMAIN] = indicator_parse_email_domain,
    };

    if (!len)
        return TIP_INDICATOR_E_EMPTY;
    if (kind == TIP_KIND_NONE)
        kind = indicator_detect(text, len);
    if (kind <= TIP_KIND_NONE || kind >= TIP_KIND_COUNT)
        return TIP_INDICATOR_E_KIND;
    return parsers[kind](indicator, text, len);
}

uint64_t tip_ikey(const uint8_t key[static 16], enum tip_kind kind, const char *value, size_t len)
{
    uint8_t input[1 + TIP_INDICATOR_MAX], hash[crypto_shorthash_BYTES];
    uint64_t ikey = 0;

    assert(len <= TIP_INDICATOR_MAX);
    input[0] = (uint8_t)kind;
    memcpy(input + 1, value, len);
    crypto_shorthash(hash, input, 1 + len, key);
    for (size_t i = sizeof(hash); i-- > 0;)
        ikey = ikey << 8 | hash[i];
    return ikey;
}
