/*
 * Response Policy Zones: master files (RFC 1035 section 5) whose owners are what is listed and whose CNAMEs say what
 * becomes of it. SOA, NS, $TTL and $ORIGIN may be missing; a name that the zone lets pass is no entry.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tip/alloc.h>

#include "core/parser.h"

enum { RPZ_NAME = 1024, RPZ_TOKENS = 6, RPZ_RECORD_LINES = 64 };

/** A name without its final dot; "" is the root, or an origin nobody has named. */
struct rpz_name {
    char text[RPZ_NAME];
    size_t len;
};

struct kind_rpz {
    struct rpz_name zone, origin, owner;
    bool zone_is_given;
    unsigned depth;   /* of parentheses */
    unsigned n_lines; /* of the record that they hold open */
};

struct rpz_token {
    const char *text;
    size_t len;
};

/** The first words of a line: an owner (empty when the line starts with a blank), then the record. */
struct rpz_line {
    struct rpz_token tokens[RPZ_TOKENS];
    size_t n;
};

static bool rpz_is(const struct rpz_token *token, const char *word)
{
    return token->len == strlen(word) && !strncasecmp(token->text, word, token->len);
}

/* `text` below `origin`, or as it is when it ends in a dot. Names that no DNS could hold are false. */
static bool rpz_name_make(struct rpz_name *name, const char *text, size_t len, const struct rpz_name *origin)
{
    struct rpz_name made = {.len = 0};
    bool is_apex = len == 1 && *text == '@';
    bool is_absolute = len && text[len - 1] == '.';

    if (len + origin->len + 2 > RPZ_NAME)
        return false;
    if (!is_apex) {
        made.len = len - is_absolute;
        memcpy(made.text, text, made.len);
    }
    if (!is_absolute && origin->len) {
        if (made.len)
            made.text[made.len++] = '.';
        memcpy(made.text + made.len, origin->text, origin->len);
        made.len += origin->len;
    }
    *name = made;
    return true;
}

static bool rpz_name_is(const struct rpz_name *a, const char *text, size_t len)
{
    return a->len == len && !strncasecmp(a->text, text, len);
}

/* Cuts `.suffix` off the end. */
static bool rpz_cut(const char *text, size_t *lenp, const char *suffix, size_t suffix_len)
{
    if (*lenp <= suffix_len || text[*lenp - suffix_len - 1] != '.' ||
        strncasecmp(text + *lenp - suffix_len, suffix, suffix_len) != 0)
        return false;
    *lenp -= suffix_len + 1;
    return true;
}

static void *kind_rpz_open(const struct bl_format *format)
{
    struct kind_rpz *rpz = tip_new(struct kind_rpz);
    static const struct rpz_name root;
    char zone[BL_FORMAT_TEXT + 1];
    size_t len = strlen(format->zone);

    memcpy(zone, format->zone, len);
    if (!len || zone[len - 1] != '.')
        zone[len++] = '.';
    rpz->zone_is_given = format->zone[0] != '\0';
    (void)rpz_name_make(&rpz->zone, zone, len, &root); /* it is short */
    rpz->origin = rpz->zone;
    return rpz;
}

static void kind_rpz_close(void *state)
{
    free(state);
}

/* ---- lines to words ---- */

/* One byte of a line outside quotes. Returns whether it ends a word. */
static bool rpz_breaks(struct kind_rpz *rpz, char c)
{
    if (c == '(')
        rpz->depth++;
    else if (c == ')' && rpz->depth)
        rpz->depth--;
    return bl_is_blank(c) || c == '(' || c == ')';
}

static void rpz_put(struct rpz_line *line, const char *text, size_t len)
{
    if (len && line->n < RPZ_TOKENS)
        line->tokens[line->n++] = (struct rpz_token){text, len};
}

/* Words are cut at blanks and parentheses; a comment starts with `;`; quotes protect both. */
static void rpz_split(struct kind_rpz *rpz, struct rpz_line *line, const char *text, size_t len)
{
    bool is_quoted = false;
    size_t start = 0;
    size_t i;

    *line = (struct rpz_line){.n = len && bl_is_blank(*text) ? 1 : 0};
    for (i = 0; i < len && (is_quoted || text[i] != ';'); i++) {
        if (text[i] == '\\' && i + 1 < len) {
            i++;
        } else if (text[i] == '"') {
            is_quoted = !is_quoted;
        } else if (!is_quoted && rpz_breaks(rpz, text[i])) {
            rpz_put(line, text + start, i - start);
            start = i + 1;
        }
    }
    rpz_put(line, text + start, i - start);
}

/* ---- triggers ---- */

/* The address of `24.0.2.0.192`: the prefix length, then the parts from the last; `zz` stands for `::`. */
static bool rpz_address(const char *text, size_t len, char *to, size_t room)
{
    struct rpz_token parts[10];
    size_t n = 0;
    size_t at = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != '.')
            continue;
        if (n == 10 || i == at)
            return false;
        parts[n++] = (struct rpz_token){text + at, i - at};
        at = i + 1;
    }
    if (n < 3 || len + 8 > room)
        return false;
    at = 0;
    for (size_t i = n; i-- > 1;) {
        bool is_gap = rpz_is(&parts[i], "zz");
        bool is_first = i == n - 1;

        if (is_gap && (is_first || i == 1))
            to[at++] = ':'; /* the colon that no neighbour brings */
        if (!is_gap)
            memcpy(to + at, parts[i].text, parts[i].len);
        at += is_gap ? 0 : parts[i].len;
        if (i > 1)
            to[at++] = n == 5 && memchr(text, 'z', len) == NULL && memchr(text, 'Z', len) == NULL ? '.' : ':';
    }
    to[at++] = '/';
    memcpy(to + at, parts[0].text, parts[0].len);
    to[at + parts[0].len] = '\0';
    return true;
}

static int rpz_net(struct bl_parse *parse, const char *text, size_t len, const char *raw, size_t raw_len)
{
    char address[128];
    struct tip_prefix prefix;

    if (!rpz_address(text, len, address, sizeof(address)) ||
        tip_prefix_parse(&prefix, NULL, address, strlen(address))) {
        bl_parse_reject(parse, "rpz_address", raw, raw_len);
        return 0;
    }
    return bl_value_add(parse, address, strlen(address));
}

/* What stands left of the zone: a name, or an address behind a word. */
static int rpz_trigger(struct bl_parse *parse, const char *text, size_t len, const char *raw, size_t raw_len)
{
    static const char *const others[] = {"rpz-client-ip", "rpz-nsdname"};
    size_t n = len;

    if (rpz_cut(text, &n, "rpz-ip", 6) || rpz_cut(text, &n, "rpz-nsip", 8))
        return rpz_net(parse, text, n, raw, raw_len);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (rpz_cut(text, &n, others[i], strlen(others[i]))) {
            bl_parse_reject(parse, "unsupported", raw, raw_len);
            return 0;
        }
    }
    return bl_value_add(parse, text, len);
}

static int rpz_entry(struct bl_parse *parse, const struct kind_rpz *rpz, const char *raw, size_t raw_len)
{
    const struct rpz_name *owner = &rpz->owner;
    size_t len = owner->len;

    if (rpz_name_is(&rpz->zone, owner->text, len)) {
        parse->report.n_skipped++;
        return 0;
    }
    if (!rpz->zone.len || rpz_cut(owner->text, &len, rpz->zone.text, rpz->zone.len))
        return rpz_trigger(parse, owner->text, len, raw, raw_len);
    bl_parse_reject(parse, "out_of_zone", raw, raw_len);
    return 0;
}

/* ---- records ---- */

/* To let pass is said by a word, or (the old way) by a name that is its own alias. */
static bool rpz_passes(const struct kind_rpz *rpz, const struct rpz_token *target)
{
    const char *owner = rpz->owner.text;
    size_t zone = rpz->zone.len ? rpz->zone.len + 1 : 0;
    size_t len = target->len && target->text[target->len - 1] == '.' ? target->len - 1 : target->len;

    if (rpz_is(target, "rpz-passthru.") || rpz_is(target, "rpz-passthru"))
        return true;
    return len && rpz->owner.len > zone && rpz->owner.len - zone == len && !strncasecmp(owner, target->text, len);
}

static bool rpz_is_ttl(const struct rpz_token *token)
{
    bool is_ttl = token->len && token->text[0] >= '0' && token->text[0] <= '9';

    for (size_t i = 0; i < token->len; i++)
        is_ttl &= token->text[i] && strchr("0123456789smhdwSMHDW", token->text[i]) != NULL;
    return is_ttl;
}

/* Where the type stands, behind TTL and class in either order. */
static size_t rpz_type(const struct rpz_line *line)
{
    size_t i = 1;

    while (i < line->n && (rpz_is_ttl(&line->tokens[i]) || rpz_is(&line->tokens[i], "IN")))
        i++;
    return i;
}

static int rpz_record(struct bl_parse *parse, struct kind_rpz *rpz, const struct rpz_line *line, const char *raw,
                      size_t raw_len)
{
    size_t at = rpz_type(line);
    const struct rpz_token *type = &line->tokens[at];

    if (at + 1 >= line->n) {
        bl_parse_reject(parse, "no_record", raw, raw_len);
        return 0;
    }
    if (rpz_is(type, "SOA") && !rpz->zone_is_given)
        rpz->zone = rpz->owner;
    if (rpz_is(type, "A") || rpz_is(type, "AAAA") || (rpz_is(type, "CNAME") && !rpz_passes(rpz, type + 1)))
        return rpz_entry(parse, rpz, raw, raw_len);
    parse->report.n_skipped++; /* of the zone itself, or more about an entry */
    return 0;
}

static void rpz_directive(struct bl_parse *parse, struct kind_rpz *rpz, const struct rpz_line *line, const char *raw,
                          size_t raw_len)
{
    static const struct rpz_name root;
    struct rpz_name origin;

    parse->report.n_skipped++;
    if (rpz_is(&line->tokens[0], "$TTL"))
        return;
    if (!rpz_is(&line->tokens[0], "$ORIGIN") || line->n < 2 ||
        !rpz_name_make(&origin, line->tokens[1].text, line->tokens[1].len, rpz->origin.len ? &rpz->origin : &root)) {
        bl_parse_reject(parse, "unsupported", raw, raw_len);
        return;
    }
    if (!rpz->zone.len)
        rpz->zone = origin; /* until a SOA says better */
    rpz->origin = origin;
}

static int rpz_begin(struct bl_parse *parse, struct kind_rpz *rpz, const struct rpz_line *line, const char *raw,
                     size_t raw_len)
{
    const struct rpz_token *owner = &line->tokens[0];

    if (owner->len && *owner->text == '$') {
        rpz_directive(parse, rpz, line, raw, raw_len);
        return 0;
    }
    if (owner->len && !rpz_name_make(&rpz->owner, owner->text, owner->len, &rpz->origin)) {
        bl_parse_reject(parse, "domain_long", raw, raw_len);
        return 0;
    }
    return rpz_record(parse, rpz, line, raw, raw_len);
}

/* A record that goes on: nothing in it matters, but it may not swallow the list. */
static void rpz_continue(struct bl_parse *parse, struct kind_rpz *rpz, const char *text, size_t len)
{
    if (!rpz->depth || ++rpz->n_lines < RPZ_RECORD_LINES)
        return;
    bl_parse_reject(parse, "open_parenthesis", text, len);
    rpz->depth = 0;
}

static int kind_rpz_line(struct bl_parse *parse, const char *text, size_t len)
{
    struct kind_rpz *rpz = parse->state;
    bool is_open = rpz->depth != 0;
    struct rpz_line line;

    while (len && bl_is_blank(text[len - 1]))
        len--;
    if (!is_open && len && parse->comment[(unsigned char)*text])
        return 0;
    rpz_split(rpz, &line, text, len);
    if (is_open) {
        rpz_continue(parse, rpz, text, len);
        return 0;
    }
    rpz->n_lines = 1;
    if (line.n < 2 && !(line.n && line.tokens[0].len))
        return 0;
    parse->report.n_content++;
    return rpz_begin(parse, rpz, &line, text, len);
}

static int kind_rpz_end(struct bl_parse *parse)
{
    struct kind_rpz *rpz = parse->state;

    if (rpz->depth)
        bl_parse_reject(parse, "open_parenthesis", "", 0);
    return 0;
}

const struct bl_parser_kind bl_kind_rpz = {
    .open = kind_rpz_open, .close = kind_rpz_close, .line = kind_rpz_line, .end = kind_rpz_end};
