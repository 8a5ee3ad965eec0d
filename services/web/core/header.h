#pragma once
/*
 * Header fields of strangers: cookies, bearer tokens, Accept, Origin, Last-Event-ID. Each reader takes any bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

enum { WEB_SECRET_TEXT = 64 }; /* room for a token or a cookie's value with its NUL */

enum { WEB_HEADER_E_NONE = 1, WEB_HEADER_E_FORM };

/**
 * The value of a cookie (RFC 6265, section 4.2). Of several with one name the first counts.
 *
 * @return 0, WEB_HEADER_E_NONE, or WEB_HEADER_E_FORM when it is longer than any of ours
 */
tip_nodiscard int web_cookie_get(const char *header, const char *name, char value[static WEB_SECRET_TEXT]);

/** The token of `Authorization: Bearer …` (RFC 6750). @return as web_cookie_get; _NONE for another scheme */
tip_nodiscard int web_bearer_get(const char *header, char value[static WEB_SECRET_TEXT]);

/** How much a media type is wanted (RFC 9110, section 12.5.1): 0 to 1000. NULL or "" for a missing header wants all. */
unsigned web_accept_weight(const char *header, const char *type);

/** Whether a response may be compressed with gzip (Accept-Encoding). */
bool web_accepts_gzip(const char *header);

/** Whether one of the entity tags of If-None-Match is this one, strength left aside; or it is `*`. */
bool web_etag_matches(const char *header, const char *etag);

/** A position in the journal: `<32 hexadecimal digits>:<seq>`. */
struct web_position {
    uint8_t journal_id[16];
    uint64_t seq;
};

enum { WEB_POSITION_TEXT = 32 + 1 + 20 + 1 };

tip_nodiscard int web_position_parse(struct web_position *position, const char *text); /* 0 or WEB_HEADER_E_FORM */
void web_position_format(const struct web_position *position, char text[static WEB_POSITION_TEXT]);

/** What is known of where an unsafe request comes from. */
struct web_from {
    const char *origin;  /* header Origin, or NULL */
    const char *host;    /* header Host, or NULL */
    const char *ours;    /* the configured origin, "https://tip.example.org", or NULL */
    bool has_credential; /* a bearer token, which no browser sends by itself */
};

/** Whether it may change something: it comes from our own page, or from a program that says no origin. */
bool web_origin_is_ours(const struct web_from *from);
