#pragma once
/*
 * What stands behind the method in a request: path and query string, from strangers. Everything is decoded once, must
 * be UTF-8 without control characters, and is bounded.
 */
#include <stddef.h>

#include <tip/cleanup.h>

enum {
    WEB_URL_MAX = 8192,   /* bytes of a request's target */
    WEB_PARAMS_MAX = 32,  /* of a query string */
    WEB_PREFIXES_MAX = 16 /* of one name */
};

enum web_uri_code {
    WEB_URI_E_LONG = 1, /* more than WEB_URL_MAX bytes, or WEB_PARAMS_MAX parameters */
    WEB_URI_E_FORM,     /* it does not begin with a slash, or a % without two hexadecimal digits */
    WEB_URI_E_TEXT,     /* a control character, or no UTF-8 */
    WEB_URI_E_END
};

/** A sentence about a code. */
const char *web_uri_reason(int code);

struct web_query_param {
    const char *name, *value;
};

/** A target taken apart; its texts live in `text`. */
struct web_uri {
    char text[2 * WEB_URL_MAX + 2];
    const char *path; /* still encoded, without the query */
    size_t n;
    struct web_query_param params[WEB_PARAMS_MAX];
};

/** @return 0 or WEB_URI_E_… */
tip_nodiscard int web_uri_parse(struct web_uri *uri, const char *target);

/** The first value of a parameter; NULL when it is not there. */
const char *web_uri_get(const struct web_uri *uri, const char *name);

/** How often a parameter is there. */
size_t web_uri_count(const struct web_uri *uri, const char *name);

/**
 * Percent decoding of one part of a path; '+' stays.
 *
 * @param to  at least len + 1 bytes
 * @return 0 or WEB_URI_E_FORM, _TEXT
 */
tip_nodiscard int web_uri_decode(char *to, const char *text, size_t len);

/** A number of a parameter within its range; `fallback` when it is not there. @return 0 or WEB_URI_E_FORM */
tip_nodiscard int web_uri_int(const struct web_uri *uri, const char *name, long min, long max, long *valuep);
