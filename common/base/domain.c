#include <tip/domain.h>

#include <string.h>

#include <idn2.h>
#include <libpsl.h>

#include <tip/cleanup.h>

#define DOMAIN_LABEL_MAX 63                   /* RFC 1035 section 2.3.4 */
#define DOMAIN_INPUT_MAX (4 * TIP_DOMAIN_MAX) /* as UTF-8, before it becomes A-labels */

/* What a name may hold, in its canonical byte; zero for the rest. */
static const char domain_bytes[256] = {
    ['-'] = '-', ['_'] = '_', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',
    ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't',
    ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z', ['A'] = 'a', ['B'] = 'b',
    ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r',
    ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

const char *tip_domain_reason(int code)
{
    static const char *const reasons[TIP_DOMAIN_E_END] = {
        [TIP_DOMAIN_E_EMPTY] = "empty_domain", [TIP_DOMAIN_E_LONG] = "domain_too_long",
        [TIP_DOMAIN_E_LABEL] = "label_length", [TIP_DOMAIN_E_CHAR] = "domain_character",
        [TIP_DOMAIN_E_IDNA] = "idna",          [TIP_DOMAIN_E_SINGLE] = "single_label",
        [TIP_DOMAIN_E_ADDR] = "numeric_tld",   [TIP_DOMAIN_E_TLD] = "bad_tld",
    };

    return code >= TIP_DOMAIN_E_EMPTY && code < TIP_DOMAIN_E_END ? reasons[code] : "";
}

static bool domain_label_is_xn(const char *label, size_t len)
{
    return len >= 4 && !memcmp(label, "xn--", 4);
}

/* A name of digits, or 0x and hex digits, is what some resolvers take for the tail of an address. */
static bool domain_label_is_number(const char *label, size_t len)
{
    if (strspn(label, "0123456789") == len)
        return true;
    return len >= 2 && !memcmp(label, "0x", 2) && strspn(label + 2, "0123456789abcdef") == len - 2;
}

static int domain_tld_check(const struct tip_domain *domain)
{
    const char *dot = memrchr(domain->name, '.', domain->len);
    const char *tld = dot ? dot + 1 : domain->name;
    size_t len = (size_t)(domain->name + domain->len - tld);

    if (domain_label_is_number(tld, len))
        return TIP_DOMAIN_E_ADDR;
    if (!dot)
        return TIP_DOMAIN_E_SINGLE;
    return tld[0] == '-' || tld[len - 1] == '-' || memchr(tld, '_', len) ? TIP_DOMAIN_E_TLD : 0;
}

/* Copies ASCII labels in lower case; *xnp says whether one begins with xn--. */
static int domain_copy(struct tip_domain *domain, const char *text, size_t len, bool *xnp)
{
    size_t label = 0;

    *xnp = false;
    if (len > TIP_DOMAIN_MAX)
        return TIP_DOMAIN_E_LONG;
    for (size_t i = 0; i <= len; i++) {
        if (i == len || text[i] == '.') {
            if (i == label || i - label > DOMAIN_LABEL_MAX)
                return TIP_DOMAIN_E_LABEL;
            *xnp |= domain_label_is_xn(domain->name + label, i - label);
            domain->name[i] = i == len ? '\0' : '.';
            label = i + 1;
        } else {
            domain->name[i] = domain_bytes[(unsigned char)text[i]];
            if (!domain->name[i])
                return TIP_DOMAIN_E_CHAR;
        }
    }
    domain->len = (uint8_t)len;
    return 0;
}

static int domain_idn_code(int r)
{
    switch (r) {
    case IDN2_TOO_BIG_DOMAIN:
        return TIP_DOMAIN_E_LONG;
    case IDN2_TOO_BIG_LABEL:
        return TIP_DOMAIN_E_LABEL;
    case IDN2_ENCODING_ERROR:
        return TIP_DOMAIN_E_CHAR;
    default:
        return TIP_DOMAIN_E_IDNA;
    }
}

/* `text` ends in NUL. On success *asciip is to be freed with idn2_free. */
static int domain_idn_lookup(const char *text, char **asciip)
{
    uint8_t *ascii = NULL;
    int r;

    r = idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (r != IDN2_OK)
        return domain_idn_code(r);
    *asciip = (char *)ascii;
    return 0;
}

static void domain_idn_free(char **asciip)
{
    idn2_free(*asciip);
}

static int domain_from_utf8(struct tip_domain *domain, const char *text, size_t len)
{
    tip_auto(domain_idn_free) char *ascii = NULL;
    char name[DOMAIN_INPUT_MAX + 1];
    bool xn;
    int r;

    if (len > DOMAIN_INPUT_MAX)
        return TIP_DOMAIN_E_LONG;
    if (memchr(text, '\0', len))
        return TIP_DOMAIN_E_CHAR;
    memcpy(name, text, len);
    name[len] = '\0';
    r = domain_idn_lookup(name, &ascii);
    return r ? r : domain_copy(domain, ascii, strlen(ascii), &xn);
}

/* An ASCII name with an xn-- label: is it what libidn2 would make of what it says? */
static bool domain_idn_is_bad(const char *name)
{
    tip_auto(domain_idn_free) char *ascii = NULL;

    return domain_idn_lookup(name, &ascii) || strcmp(ascii, name) != 0;
}

static bool domain_is_ascii(const char *text, size_t len)
{
    unsigned char all = 0;

    for (size_t i = 0; i < len; i++)
        all |= (unsigned char)text[i];
    return all < 0x80;
}

/* Takes `*.` or `.` and a final dot off. */
static bool domain_strip(const char **textp, size_t *lenp)
{
    size_t lead = 0;

    if (*lenp >= 2 && !memcmp(*textp, "*.", 2))
        lead = 2;
    else if (*lenp >= 1 && **textp == '.')
        lead = 1;
    *textp += lead;
    *lenp -= lead;
    if (*lenp && (*textp)[*lenp - 1] == '.')
        --*lenp;
    return lead > 0;
}

int tip_domain_parse(struct tip_domain *domain, const char *text, size_t len)
{
    bool ascii, xn = false;
    int r;

    if (!len)
        return TIP_DOMAIN_E_EMPTY;
    domain->subtree = domain_strip(&text, &len);
    domain->bad_idna = false;
    if (!len)
        return TIP_DOMAIN_E_EMPTY;
    ascii = domain_is_ascii(text, len);
    r = ascii ? domain_copy(domain, text, len, &xn) : domain_from_utf8(domain, text, len);
    if (!r)
        r = domain_tld_check(domain);
    if (r)
        return r;
    domain->bad_idna = xn && domain_idn_is_bad(domain->name);
    domain->public_suffix = tip_domain_is_public_suffix(domain->name);
    return 0;
}

bool tip_domain_is_public_suffix(const char *name)
{
    return psl_is_public_suffix(psl_builtin(), name);
}

const char *tip_domain_registrable(const char *name)
{
    return psl_registrable_domain(psl_builtin(), name);
}

bool tip_domain_is_under(const char *name, const char *ancestor)
{
    size_t len = strlen(name), above = strlen(ancestor);

    if (len < above || strcmp(name + len - above, ancestor) != 0)
        return false;
    return len == above || name[len - above - 1] == '.';
}
