#pragma once
/*
 * URLs in one canonical form, so that two spellings of one place are one indicator (RFC 3986 section 6.2.2 and 6.2.3).
 * Text comes as pointer and length and need not end in NUL; nothing is ever resolved.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/addr.h>
#include <tip/domain.h>

#define TIP_URL_MAX 2048

/** The default port of each scheme is dropped from the text. */
enum tip_url_scheme {
    TIP_URL_HTTP,
    TIP_URL_HTTPS,
    TIP_URL_FTP,
    TIP_URL_SCHEME_COUNT,
};

struct tip_url {
    enum tip_url_scheme scheme;
    uint16_t port;            /* the scheme's own when the text names none */
    bool host_is_addr;        /* then `addr` holds it, else `domain` */
    struct tip_addr addr;     /* zero unless host_is_addr */
    struct tip_domain domain; /* zero when host_is_addr */
    uint16_t path_at;         /* text + path_at is the path, it starts with `/`; the query follows */
    uint16_t len;
    char text[TIP_URL_MAX + 1]; /* `https://example.com/a?b` */
};

/** Why a text is no URL; the numbers of addr, domain, url and indicator do not overlap. */
enum tip_url_code {
    TIP_URL_E_NO_SCHEME = 41,
    TIP_URL_E_SCHEME,   /* not http, https or ftp */
    TIP_URL_E_USERINFO, /* what stands before an @ can be read in two ways, or there is no scheme */
    TIP_URL_E_HOST,     /* neither a canonical domain nor an address */
    TIP_URL_E_PORT,     /* not 1 to 65535 */
    TIP_URL_E_CHAR,     /* a control character */
    TIP_URL_E_LONG,     /* more than 2048 bytes in canonical form, or 6144 before */
    TIP_URL_E_END,
};

/** `flags` of tip_url_parse. */
#define TIP_URL_SCHEME_OPTIONAL 1u /* `example.com/a` is http */

/** A short stable word for logs and metrics ("userinfo"); "" for 0 and foreign codes. */
const char *tip_url_reason(int code);

/**
 * Canonical form: scheme and host in lower case, host a canonical domain or address, user, default port and fragment
 * dropped, escapes of unreserved characters decoded, others in upper case, everything that a URL may not hold escaped
 * (a stray % becomes %25), dot segments removed, an empty path made `/`.
 *
 * @param flags  0 or TIP_URL_SCHEME_OPTIONAL
 * @return 0, or a TIP_URL_E_…; then *url is undefined
 */
tip_nodiscard int tip_url_parse(struct tip_url *url, const char *text, size_t len, unsigned flags);

/** The host without brackets, NUL terminated: its name in *url, or the address written to `text`. */
const char *tip_url_host(const struct tip_url *url, char text[static TIP_ADDR_TEXT]);
