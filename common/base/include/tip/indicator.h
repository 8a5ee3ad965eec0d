#pragma once
/*
 * An indicator: something that a list, a mail or a question can name, in its one canonical text.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#define TIP_INDICATOR_MAX 2048 /* bytes of a value, without its NUL */

/** On the wire and in tables: numbers are never reused. */
enum tip_kind {
    TIP_KIND_NONE = 0,
    TIP_KIND_IP = 1,     /* a host; /32 and /128 prefixes are hosts, IPv4-mapped ones are IPv4 */
    TIP_KIND_NET = 2,    /* `192.0.2.0/24` */
    TIP_KIND_DOMAIN = 3, /* A-labels; with TIP_INDICATOR_SUBTREE everything below, too */
    TIP_KIND_URL = 4,
    TIP_KIND_ENDPOINT = 5,     /* `192.0.2.1:443`, `[2001:db8::1]:443` */
    TIP_KIND_ASN = 6,          /* an autonomous system, `AS64496`; 1 to 4294967294 */
    TIP_KIND_HASH = 7,         /* of a file: lower-case hex; the length says which: MD5 32, SHA-1 40, SHA-256 64 */
    TIP_KIND_EMAIL_DOMAIN = 8, /* `@example.com`: the addresses there, not what else the name stands for */
    TIP_KIND_COUNT,
};

/** "ip", "net", "domain", "url", "endpoint", "asn", "hash", "email_domain"; "none" for the rest. */
const char *tip_kind_name(enum tip_kind kind);

/** The kind of that name, TIP_KIND_NONE for any other word. */
enum tip_kind tip_kind_from_name(const char *name, size_t len);

/** What parsing noticed. */
#define TIP_INDICATOR_SUBTREE       1u /* domain: was `*.name` or `.name` */
#define TIP_INDICATOR_BAD_IDNA      2u /* domain or URL host: false punycode */
#define TIP_INDICATOR_PUBLIC_SUFFIX 4u /* domain or URL host: never to be blocked as a whole */
#define TIP_INDICATOR_MASKED        8u /* net: host bits were cleared */

struct tip_indicator {
    enum tip_kind kind;
    uint16_t flags;
    uint16_t len;
    char value[TIP_INDICATOR_MAX + 1];
};

/** Besides the codes of addr, domain and url. */
enum tip_indicator_code {
    TIP_INDICATOR_E_EMPTY = 61,
    TIP_INDICATOR_E_KIND, /* another kind than was asked for, or none we know (`example.com:25`) */
    TIP_INDICATOR_E_ASN,  /* no number of an autonomous system */
    TIP_INDICATOR_E_HASH, /* neither 32 nor 40 nor 64 hex digits */
    TIP_INDICATOR_E_END,
};

/** The word of any code of addr, domain, url or indicator; "" for 0 and foreign codes. */
const char *tip_indicator_reason(int code);

/**
 * Canonical form of a text, which is taken as it stands: blanks around it are the caller's to trim.
 *
 * Asked for TIP_KIND_NONE it detects the kind by its shape alone: `://`, or a `/` behind what is no address, is a URL
 * (http when it says no scheme); digits and dots, or two colons, an address or prefix; a port behind an address an
 * endpoint; `AS` and digits a system; 32, 40 or 64 hex digits a hash; what begins with @ an e-mail domain; anything
 * else a domain. A system needs no `AS`, an e-mail domain no @ when it is asked for; an address of a person is none.
 * Asked for TIP_KIND_NET it accepts hosts as well, and the result is then an ip.
 *
 * @param kind  what it must be, or TIP_KIND_NONE for any
 * @return 0, or a TIP_INDICATOR_E_…, TIP_ADDR_E_…, TIP_DOMAIN_E_…, TIP_URL_E_…; then *indicator is undefined
 */
tip_nodiscard int tip_indicator_parse(struct tip_indicator *indicator, enum tip_kind kind, const char *text,
                                      size_t len);

/**
 * The key that tables are spread by: SipHash-2-4 of the kind byte and the value. Two values may share one; identity
 * always compares the value too.
 *
 * @param key  made once per database
 * @param len  at most TIP_INDICATOR_MAX
 */
uint64_t tip_ikey(const uint8_t key[static 16], enum tip_kind kind, const char *value, size_t len);
