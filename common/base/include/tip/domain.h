#pragma once
/*
 * Domain names in one canonical form: lower-case A-labels (IDNA2008, non-transitional), no final dot, at most 253
 * bytes. Text comes as pointer and length and need not end in NUL; nothing is ever resolved.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#define TIP_DOMAIN_MAX 253 /* RFC 1035 section 2.3.4, as text without the final dot */

struct tip_domain {
    char name[TIP_DOMAIN_MAX + 1];
    uint8_t len;
    bool subtree;       /* was written `*.name` or `.name` */
    bool bad_idna;      /* an `xn--` label that is not the A-label of anything; kept, since DNS may hold it */
    bool public_suffix; /* `co.uk` and the like (Public Suffix List, private section included): never block it */
};

/** Why a text is no domain name; the numbers of addr, domain, url and indicator do not overlap. */
enum tip_domain_code {
    TIP_DOMAIN_E_EMPTY = 21,
    TIP_DOMAIN_E_LONG,   /* more than 253 bytes as A-labels */
    TIP_DOMAIN_E_LABEL,  /* an empty label or one of more than 63 bytes */
    TIP_DOMAIN_E_CHAR,   /* not a letter, digit, hyphen, underscore; or ill-formed UTF-8 */
    TIP_DOMAIN_E_IDNA,   /* letters that IDNA2008 refuses */
    TIP_DOMAIN_E_SINGLE, /* one label only */
    TIP_DOMAIN_E_ADDR,   /* the last label is a number, so at best it is an address */
    TIP_DOMAIN_E_TLD,    /* the last label starts or ends with a hyphen, or has an underscore */
    TIP_DOMAIN_E_END,
};

/** A short stable word for logs and metrics ("single_label"); "" for 0 and foreign codes. */
const char *tip_domain_reason(int code);

/**
 * Canonical form of a name. A final dot is dropped, a leading `*.` or `.` becomes `subtree`. Plain ASCII names without
 * `xn--` never enter libidn2. A hyphen at the end of an inner label is accepted: such names resolve, and lists hold
 * them.
 *
 * @return 0, or a TIP_DOMAIN_E_…; then *domain is undefined
 */
tip_nodiscard int tip_domain_parse(struct tip_domain *domain, const char *text, size_t len);

/** Of a canonical name (NUL terminated): is it a public suffix itself? */
bool tip_domain_is_public_suffix(const char *name);

/** Of a canonical name: the tail that someone registered (`a.b.example.co.uk` -> `example.co.uk`), or NULL if none. */
const char *tip_domain_registrable(const char *name);

/** Of canonical names: is `name` equal to `ancestor` or below it? */
bool tip_domain_is_under(const char *name, const char *ancestor);
