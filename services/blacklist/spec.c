#include "spec_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/buf.h>
#include <tip/clock.h>
#include <tip/crc32c.h>

#include "core/etiquette.h"
#include "options.h"

/** A source file as it is written. */
struct source_options {
    struct tip_opt_at at;
    char *url;
    bool enabled, can_be_empty, redistribute, guard;
    int64_t interval_ms, timeout_ms, max_bytes, max_entries;
    double weight;
    char *half_life;
    int networks;
    int kind, type, container, tlp;
    int category;
    char *licence, *attribution, *terms, *group, *auth_header, *auth;
    struct tip_opt_list derived_from, expect;
    int64_t expect_rejected;
    double jitter;
    int64_t cadence_ms;
    char *comments, *separator, *column, *prefix, *pointer, *skip_until, *zone, *member, *first_seen, *last_seen;
    bool inline_comments, header, skip_space;
    struct tip_opt_list sinks;
    struct tip_opt_prefixes allow_private, allow_special;
};

static const char *const networks_names[] = {"sparse", "whole", NULL};
static const char *const tlp_names[] = {"clear", "green", "amber", NULL};

#define SPEC_HALF_LIFE_MAX_MS (10 * 366 * TIP_DAY_MS)

#define SOURCE_AT(member) offsetof(struct source_options, member)

/* clang-format off */
static const struct tip_opt source_rows[] = {
    {.name = "at", .type = TIP_OPT_AT, .offset = SOURCE_AT(at)},
    {.name = "url", .type = TIP_OPT_STRING, .offset = SOURCE_AT(url), .flags = TIP_OPT_REQUIRED, .min = 1,
     .max = TIP_INDICATOR_MAX, .help = "Where it is fetched, http or https."},
    {.name = "enabled", .type = TIP_OPT_BOOL, .offset = SOURCE_AT(enabled), .fallback = "true",
     .help = "A source that is not is never fetched; what it listed stays."},
    {.name = "interval", .type = TIP_OPT_DURATION, .offset = SOURCE_AT(interval_ms), .fallback = "6h", .min = 1000,
     .max = 366.0 * TIP_DAY_MS, .help = "Time between two fetches."},
    {.name = "jitter", .type = TIP_OPT_REAL, .offset = SOURCE_AT(jitter), .fallback = "0.1", .max = 0.5,
     .help = "Share of the interval that chance makes it longer or shorter by."},
    {.name = "cadence", .type = TIP_OPT_DURATION, .offset = SOURCE_AT(cadence_ms), .max = 366.0 * TIP_DAY_MS,
     .help = "How often it changes, if it is alive; without it that is learned from its own changes."},
    {.name = "auth_header", .type = TIP_OPT_STRING, .offset = SOURCE_AT(auth_header), .max = TIP_NAME_MAX,
     .help = "Name of the header that `auth` goes into; it is not sent to another host after a redirect."},
    {.name = "auth", .type = TIP_OPT_STRING, .offset = SOURCE_AT(auth), .max = 1000, .flags = TIP_OPT_SECRET,
     .help = "Value of that header: a key that its publisher gave you."},
    {.name = "timeout", .type = TIP_OPT_DURATION, .offset = SOURCE_AT(timeout_ms), .fallback = "5m", .min = 100,
     .max = TIP_DAY_MS, .help = "How long a transfer may take in all."},
    {.name = "max_bytes", .type = TIP_OPT_SIZE, .offset = SOURCE_AT(max_bytes), .fallback = "100MiB", .min = 1,
     .max = 2147483648.0, .help = "Most bytes of the body, unpacked."},
    {.name = "max_entries", .type = TIP_OPT_INT, .offset = SOURCE_AT(max_entries), .fallback = "5000000", .min = 1,
     .max = 100e6, .help = "Most entries. One takes 32 bytes while a list is read."},
    {.name = "weight", .type = TIP_OPT_REAL, .offset = SOURCE_AT(weight), .fallback = "-1", .min = 0, .max = 1,
     .flags = TIP_OPT_UNSET,
     .help = "How far it is trusted: the score of an indicator that it alone lists. Measured unless it is set."},
    {.name = "half_life", .type = TIP_OPT_STRING, .offset = SOURCE_AT(half_life), .max = 20,
     .help = "How long until what it says counts half, once it no longer says it: a duration, `0` for not at all. Measured "
             "unless it is set."},
    {.name = "networks", .type = TIP_OPT_ENUM, .offset = SOURCE_AT(networks), .fallback = "sparse",
     .names = networks_names,
     .help = "Whether a network it lists means each address in it (`whole`: hijacked and the like), or some of them: "
             "then the wider it is, the less is said of one."},
    {.name = "category", .type = TIP_OPT_ENUM, .offset = SOURCE_AT(category), .fallback = "other",
     .names = bl_category_names, .help = "What it lists."},
    {.name = "group", .type = TIP_OPT_STRING, .offset = SOURCE_AT(group), .max = TIP_NAME_MAX,
     .help = "Who maintains it: sources of one group do not confirm each other [it stands alone]."},
    {.name = "derived_from", .type = TIP_OPT_LIST, .offset = SOURCE_AT(derived_from), .max = BL_DERIVED_MAX,
     .help = "Sources or groups that its entries are taken from, as far as that is known."},
    {.name = "licence", .type = TIP_OPT_STRING, .offset = SOURCE_AT(licence), .max = 200,
     .help = "Under which terms it is published."},
    {.name = "attribution", .type = TIP_OPT_STRING, .offset = SOURCE_AT(attribution), .max = 300,
     .help = "The credit that whoever passes it on has to give."},
    {.name = "terms", .type = TIP_OPT_STRING, .offset = SOURCE_AT(terms), .max = 300,
     .help = "Where its terms of use are. A source of the public pack is fetched once they were accepted."},
    {.name = "redistribute", .type = TIP_OPT_BOOL, .offset = SOURCE_AT(redistribute), .fallback = "false",
     .help = "Whether its terms allow to pass it on; otherwise it is marked amber at least."},
    {.name = "tlp", .type = TIP_OPT_ENUM, .offset = SOURCE_AT(tlp), .fallback = "amber", .names = tlp_names,
     .help = "Traffic Light Protocol marking of what comes from it."},
    {.name = "can_be_empty", .type = TIP_OPT_BOOL, .offset = SOURCE_AT(can_be_empty), .fallback = "false",
     .help = "Whether an empty list is believed."},
    {.name = "guard", .type = TIP_OPT_BOOL, .offset = SOURCE_AT(guard), .fallback = "true",
     .help = "Whether a version that differs too much from the last one is held until later ones agree with it."},
    {.name = "kind", .type = TIP_OPT_ENUM, .offset = SOURCE_AT(kind), .fallback = "lines", .names = bl_kind_names,
     .help = "How it is written."},
    {.name = "type", .type = TIP_OPT_ENUM, .offset = SOURCE_AT(type), .fallback = "auto", .names = bl_type_names,
     .help = "What an entry is; `auto` goes by its shape, entry by entry."},
    {.name = "container", .type = TIP_OPT_ENUM, .offset = SOURCE_AT(container), .fallback = "auto",
     .names = bl_container_names, .help = "What it is packed in; `auto` goes by the first bytes."},
    {.name = "member", .type = TIP_OPT_STRING, .offset = SOURCE_AT(member), .max = BL_FORMAT_TEXT - 1,
     .help = "zip, tar, 7z: a glob of the members that are read [all]; they count as one body."},
    {.name = "comments", .type = TIP_OPT_STRING, .offset = SOURCE_AT(comments), .max = 7,
     .help = "Characters that start a comment [`#;`; csv: `#`; adblock: `!`]."},
    {.name = "inline_comments", .type = TIP_OPT_BOOL, .offset = SOURCE_AT(inline_comments), .fallback = "true",
     .help = "Whether a comment may follow an entry on its line."},
    {.name = "separator", .type = TIP_OPT_STRING, .offset = SOURCE_AT(separator), .max = 5,
     .help = "lines, csv: one character, `tab` or `blank` (any blanks) [lines: `blank`; csv: `,`]."},
    {.name = "column", .type = TIP_OPT_STRING, .offset = SOURCE_AT(column), .max = BL_FORMAT_TEXT - 1,
     .help = "lines: which one from 1, 0 for all; csv: which one from 1, or its name in the header [1]."},
    {.name = "prefix", .type = TIP_OPT_STRING, .offset = SOURCE_AT(prefix), .max = BL_FORMAT_TEXT - 1,
     .help = "lines: what an entry's line starts with; it is cut off, other lines are passed over."},
    {.name = "skip_until", .type = TIP_OPT_STRING, .offset = SOURCE_AT(skip_until), .max = BL_FORMAT_TEXT - 1,
     .help = "lines: entries stand behind the first line that starts so; what is before it is passed over."},
    {.name = "header", .type = TIP_OPT_BOOL, .offset = SOURCE_AT(header), .fallback = "false",
     .help = "csv: the first record holds names."},
    {.name = "skip_space", .type = TIP_OPT_BOOL, .offset = SOURCE_AT(skip_space), .fallback = "false",
     .help = "csv: blanks behind a separator do not count."},
    {.name = "first_seen", .type = TIP_OPT_STRING, .offset = SOURCE_AT(first_seen), .max = BL_FORMAT_TEXT - 1,
     .help = "csv: the column, as in `column`, that says when it first saw an entry. Of a list that removes nothing that is "
             "the age of the entry."},
    {.name = "last_seen", .type = TIP_OPT_STRING, .offset = SOURCE_AT(last_seen), .max = BL_FORMAT_TEXT - 1,
     .help = "csv: likewise when it last saw it; goes before `first_seen`."},
    {.name = "pointer", .type = TIP_OPT_STRING, .offset = SOURCE_AT(pointer), .max = BL_FORMAT_POINTER - 1,
     .help = "json: where the entries are, a JSON Pointer in which `*` is any key or index: `/list/*/ip` [`/*`]."},
    {.name = "zone", .type = TIP_OPT_STRING, .offset = SOURCE_AT(zone), .max = BL_FORMAT_TEXT - 2,
     .help = "rpz: the zone that its names stand below, if the list does not say it by $ORIGIN or SOA."},
    {.name = "sinks", .type = TIP_OPT_LIST, .offset = SOURCE_AT(sinks), .max = BL_FORMAT_SINKS,
     .help = "hosts: addresses that names stand behind [0.0.0.0, 127.0.0.1, ::, ::1]."},
    {.name = "expect", .type = TIP_OPT_LIST, .offset = SOURCE_AT(expect), .max = BL_EXPECT_MAX,
     .help = "What the file `NAME.sample` beside this one holds, as canonical entries: `tip source test` proves it."},
    {.name = "expect_rejected", .type = TIP_OPT_INT, .offset = SOURCE_AT(expect_rejected), .fallback = "0", .max = 1e6,
     .help = "How many lines of the sample hold no entry though they should."},
    {.name = "allow_private", .type = TIP_OPT_PREFIXES, .offset = SOURCE_AT(allow_private), .max = BL_ALLOWED_MAX,
     .help = "Addresses it may be fetched from although they are not public; also after a redirect."},
    {.name = "allow_special", .type = TIP_OPT_PREFIXES, .offset = SOURCE_AT(allow_special), .max = BL_FORMAT_PREFIXES,
     .help = "Special-use networks whose addresses it may list like any other, e.g. your own private ones."},
};
/* clang-format on */

const struct tip_opt_table bl_source_table = {
    .rows = source_rows,
    .n_rows = sizeof(source_rows) / sizeof(*source_rows),
    .size = sizeof(struct source_options),
    .help = "One source: the file `NAME.yaml` in the directory `blacklist.sources`.",
};

/* ---- from a file to a spec ---- */

struct spec_make {
    struct bl_spec *spec;
    const struct source_options *from;
    const struct bl_options *options;
    struct tip_conf *conf;
    bool is_bad;
};

static void spec_refuse(struct spec_make *make, const char *why)
{
    tip_conf_refuse_at(make->conf, &make->from->at, "source %s: %s", make->spec->name, why);
    make->is_bad = true;
}

const char *bl_spec_url_refuses(const char *url)
{
    const char *host;

    if (strncmp(url, "http://", 7) && strncmp(url, "https://", 8))
        return "the url does not start with http:// or https://";
    host = strchr(url, ':') + 3;
    if (memchr(host, '@', strcspn(host, "/?#")))
        return "the url names a user";
    return strpbrk(url, " \t\r\n") ? "the url holds a blank" : NULL;
}

static void spec_url(struct spec_make *make)
{
    const char *url = make->from->url;
    const char *why = url ? bl_spec_url_refuses(url) : NULL;

    if (url)
        make->spec->url = tip_strdup(url);
    if (why)
        spec_refuse(make, why);
}

/* Is it made of the characters of a header's name (RFC 9110, 5.6.2)? */
static bool spec_is_token(const char *text)
{
    for (; *text; text++) {
        if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
            return false;
    }
    return true;
}

static void spec_auth(struct spec_make *make)
{
    const struct source_options *from = make->from;

    if (!from->auth_header != !from->auth)
        spec_refuse(make, "auth_header and auth (or auth_file) belong together");
    if (!from->auth_header || !from->auth)
        return;
    if (!*from->auth_header || !spec_is_token(from->auth_header) || strpbrk(from->auth, "\r\n"))
        spec_refuse(make, "auth_header is no header, or auth is more than one line");
    if (from->url && strncmp(from->url, "https://", 8) && !from->allow_private.n)
        spec_refuse(make, "auth would travel in the clear: https, or an own server in allow_private");
    if (asprintf(&make->spec->auth_header, "%s: %s", from->auth_header, from->auth) == -1)
        abort();
}

static void spec_separator(struct spec_make *make)
{
    const char *text = make->from->separator;

    if (!text)
        return;
    if (!strcmp(text, "tab"))
        make->spec->format.separator = '\t';
    else if (!strcmp(text, "blank"))
        make->spec->format.separator = ' ';
    else if (strlen(text) == 1 && ispunct((unsigned char)*text))
        make->spec->format.separator = *text;
    else
        spec_refuse(make, "separator is neither one punctuation character nor `tab` nor `blank`");
}

static void spec_column(struct spec_make *make)
{
    struct bl_format *format = &make->spec->format;
    const char *text = make->from->column;
    char *end;
    unsigned long column;

    format->header = make->from->header;
    if (!text)
        return;
    column = strtoul(text, &end, 10);
    if (isdigit((unsigned char)*text) && !*end && column <= 10000)
        format->column = (unsigned)column;
    else if (format->kind == BL_KIND_CSV)
        strcpy(format->column_name, text); /* its length is in the table */
    else
        spec_refuse(make, "column is a number except in csv");
    if (!format->column && format->kind != BL_KIND_LINES)
        spec_refuse(make, "columns count from 1");
}

static void spec_time(struct spec_make *make, const char *text, struct bl_column *column)
{
    unsigned long number;
    char *end;

    if (!text)
        return;
    number = strtoul(text, &end, 10);
    if (isdigit((unsigned char)*text) && !*end && number <= 10000)
        column->number = (unsigned)number;
    else
        strcpy(column->name, text); /* its length is in the table */
    if (make->spec->format.kind != BL_KIND_CSV)
        spec_refuse(make, "first_seen and last_seen are columns of csv");
    else if (!column->number && !*column->name)
        spec_refuse(make, "columns count from 1");
}

static bool spec_is_same_column(const struct bl_column *a, const struct bl_column *b)
{
    return (a->number || *a->name) && a->number == b->number && !strcmp(a->name, b->name);
}

/* A field goes to one place. */
static void spec_times(struct spec_make *make)
{
    struct bl_format *format = &make->spec->format;
    struct bl_column value = {.number = *format->column_name ? 0 : format->column};

    strcpy(value.name, format->column_name);
    spec_time(make, make->from->first_seen, &format->first_seen);
    spec_time(make, make->from->last_seen, &format->last_seen);
    if (spec_is_same_column(&format->first_seen, &format->last_seen) ||
        spec_is_same_column(&format->first_seen, &value) || spec_is_same_column(&format->last_seen, &value))
        spec_refuse(make, "column, first_seen and last_seen are different columns");
}

static void spec_sinks(struct spec_make *make)
{
    struct bl_format *format = &make->spec->format;

    if (make->from->sinks.n)
        format->n_sinks = 0;
    for (size_t i = 0; i < make->from->sinks.n; i++) {
        const char *text = make->from->sinks.items[i];

        if (tip_addr_parse(&format->sinks[format->n_sinks], text, strlen(text)))
            spec_refuse(make, "a sink is no address");
        else
            format->n_sinks++;
    }
}

static void spec_texts(struct spec_make *make)
{
    struct bl_format *format = &make->spec->format;
    const struct source_options *from = make->from;

    if (from->comments)
        strcpy(format->comments, from->comments); /* lengths are in the table */
    if (from->prefix)
        strcpy(format->prefix, from->prefix);
    if (from->skip_until)
        strcpy(format->skip_until, from->skip_until);
    if (from->zone)
        strcpy(format->zone, from->zone);
    if (from->pointer)
        strcpy(format->pointer, from->pointer);
    if (*format->pointer && *format->pointer != '/')
        spec_refuse(make, "pointer does not start with /");
}

static void spec_format(struct spec_make *make)
{
    struct bl_format *format = &make->spec->format;
    const struct source_options *from = make->from;

    bl_format_init(format, (enum bl_kind)from->kind, (enum bl_type)from->type);
    format->entries_max = (size_t)from->max_entries;
    format->inline_comments = from->inline_comments;
    format->skip_space = from->skip_space;
    spec_texts(make);
    spec_separator(make);
    spec_column(make);
    spec_times(make);
    spec_sinks(make);
    for (size_t i = 0; i < from->allow_special.n; i++)
        format->ordinary[format->n_ordinary++] = from->allow_special.items[i];
}

void bl_spec_host(const char *url, char host[static BL_HOST])
{
    const char *at = strchr(url, ':') + 3;
    size_t n = *at == '[' ? strcspn(at, "]") : strcspn(at, ":/?#");

    n = n < BL_HOST - 1 ? n : BL_HOST - 1;
    for (size_t i = 0; i < n; i++)
        host[i] = (char)tolower((unsigned char)at[i]);
    host[n] = '\0';
}

/* Its publisher's own wish goes before the interval of its file. */
static void spec_pace(struct spec_make *make)
{
    struct bl_spec *spec = make->spec;
    char host[BL_HOST];

    if (spec->interval_ms < make->options->interval_floor_ms)
        spec_refuse(make, "interval is shorter than blacklist.interval_floor");
    if (!spec->url || !strstr(spec->url, "://"))
        return;
    bl_spec_host(spec->url, host);
    spec->publisher = bl_etiquette_publisher(host);
    spec->host_floor_ms = spec->publisher ? spec->publisher->floor_ms : 0;
    if (spec->interval_ms < spec->host_floor_ms)
        spec_refuse(make, "interval is shorter than the publisher allows");
}

static void spec_sample(struct spec_make *make, const char *dir)
{
    struct bl_spec *spec = make->spec;
    const struct source_options *from = make->from;

    if (asprintf(&spec->sample, "%s/%s.sample", dir, spec->name) == -1)
        abort();
    spec->expect_rejected = from->expect_rejected;
    spec->expect = tip_new_array(from->expect.n, char *);
    for (size_t i = 0; i < from->expect.n; i++)
        spec->expect[spec->n_expect++] = tip_strdup(from->expect.items[i]);
}

static bool spec_is_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-");

    return n && n <= TIP_NAME_MAX && !text[n];
}

/* Who is behind it. */
static void spec_origin(struct spec_make *make)
{
    struct bl_spec *spec = make->spec;
    const struct source_options *from = make->from;

    spec->category = (enum bl_category)from->category;
    spec->attribution = tip_strdup(from->attribution);
    spec->licence = tip_strdup(from->licence);
    spec->terms = tip_strdup(from->terms);
    spec->redistribute = from->redistribute;
    strcpy(spec->group, from->group ? from->group : spec->name); /* lengths are in the table */
    if (!spec_is_name(spec->group))
        spec_refuse(make, "group is 1 to 64 of a-z, 0-9, `.`, `_`, `-`");
    spec->derived_from = tip_new_array(from->derived_from.n, char *);
    for (size_t i = 0; i < from->derived_from.n; i++) {
        if (!spec_is_name(from->derived_from.items[i]))
            spec_refuse(make, "derived_from names sources or groups: 1 to 64 of a-z, 0-9, `.`, `_`, `-`");
        spec->derived_from[spec->n_derived_from++] = tip_strdup(from->derived_from.items[i]);
    }
}

static void spec_half_life(struct spec_make *make)
{
    const char *text = make->from->half_life;
    uint64_t ms = 0;

    make->spec->half_life_ms = -1;
    if (!text)
        return;
    if (strcmp(text, "0") != 0 && (tip_duration_parse(&ms, text, strlen(text)) || ms > SPEC_HALF_LIFE_MAX_MS))
        spec_refuse(make, "half_life is a duration of at most ten years, or 0");
    make->spec->half_life_ms = (int64_t)ms;
}

static void spec_rules(struct spec_make *make)
{
    struct bl_spec *spec = make->spec;
    const struct source_options *from = make->from;

    spec->enabled = from->enabled;
    spec->can_be_empty = from->can_be_empty;
    spec->guard = from->guard;
    spec->container = (enum bl_container)from->container;
    if (from->member)
        strcpy(spec->member, from->member); /* its length is in the table */
    spec->interval_ms = from->interval_ms;
    spec->jitter = from->jitter;
    spec->cadence_ms = from->cadence_ms;
    spec->timeout_ms = from->timeout_ms;
    spec->max_bytes = from->max_bytes;
    spec->weight = from->weight;
    spec->is_whole = from->networks;
    spec_half_life(make);
    spec->tlp = (enum tip_tlp)(from->tlp + TIP_TLP_CLEAR);
    if (!from->redistribute && spec->tlp < TIP_TLP_AMBER)
        spec->tlp = TIP_TLP_AMBER;
    for (size_t i = 0; i < from->allow_private.n; i++)
        spec->allowed[spec->n_allowed++] = from->allow_private.items[i];
    spec_pace(make);
}

/* What a body means depends on these: when one changes, the body is fetched and read again. */
static uint32_t spec_fingerprint(const struct source_options *from, const struct bl_format *format)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    char prefix[TIP_PREFIX_TEXT];
    char sink[TIP_ADDR_TEXT];
    int r;

    tip_buf_init(&text, 64 * 1024);
    r = tip_buf_append_format(&text, "1\n%s\n%d %d %d %d %d %d %d\n%s\n%c%u\n%s\n%s\n%s\n%s\n%s\n%s\n", from->url,
                              from->kind, from->type, from->container, from->can_be_empty, format->inline_comments,
                              format->header, format->skip_space, format->comments, format->separator, format->column,
                              format->column_name, format->prefix, format->pointer, format->skip_until, format->zone,
                              from->member ? from->member : "");
    for (size_t i = 0; !r && i < format->n_ordinary; i++) {
        (void)tip_prefix_format(&format->ordinary[i], prefix); /* its length */
        r = tip_buf_append_format(&text, "%s\n", prefix);
    }
    if (from->first_seen || from->last_seen) /* the number of all others stays as it was */
        r = r ? r
              : tip_buf_append_format(&text, "seen %s\n%s\n", from->first_seen ? from->first_seen : "",
                                      from->last_seen ? from->last_seen : "");
    for (size_t i = 0; !r && i < format->n_sinks; i++) {
        (void)tip_addr_format(&format->sinks[i], sink);
        r = tip_buf_append_format(&text, "%s\n", sink);
    }
    return tip_crc32c(0, tip_buf_text(&text), text.len);
}

/* What stands where the name of a source does: causes and reasons of verdicts that no source has. */
static bool spec_is_reserved(const char *name)
{
    static const char *const reserved[] = {"operator", "time", "evidence", "warninglists", "trap", "flux", "smtp"};

    for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
        if (!strcmp(name, reserved[i]))
            return true;
    }
    return false;
}

static bool spec_name(struct spec_make *make, const char *file)
{
    size_t n = strlen(file) - strlen(".yaml");

    if (n > TIP_NAME_MAX)
        n = TIP_NAME_MAX;
    memcpy(make->spec->name, file, n);
    if (strspn(make->spec->name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != strlen(make->spec->name) ||
        n < strlen(file) - strlen(".yaml")) {
        spec_refuse(make, "a name is 1 to 64 of a-z, 0-9, `.`, `_`, `-`");
        return false;
    }
    if (spec_is_reserved(make->spec->name)) {
        spec_refuse(
            make,
            "the name is taken: verdicts say operator, time, evidence, warninglists, trap, flux or smtp themselves");
        return false;
    }
    return true;
}

int spec_read(struct bl_spec *spec, const struct spec_place *place, const char *file, struct tip_conf *conf)
{
    tip_auto(tip_buf_deinit) struct tip_buf path;
    struct source_options from = {0};
    struct spec_make make = {.spec = spec, .from = &from, .options = place->options, .conf = conf};
    int r;

    tip_buf_init(&path, 8192);
    r = tip_buf_append_format(&path, "%s/%s", place->dir, file);
    r = r ? TIP_CONF_E_INVALID : tip_conf_load_file(conf, tip_buf_text(&path), &bl_source_table, &from);
    if (!r) {
        (void)spec_name(&make, file); /* what is wrong stands in conf */
        spec_url(&make);
        spec_auth(&make);
        spec_format(&make);
        spec_origin(&make);
        spec_sample(&make, place->dir);
        spec_rules(&make);
        spec->is_public = place->is_public;
        spec->enabled = spec->enabled && !place->is_public;
        spec->fingerprint = spec_fingerprint(&from, &spec->format);
    }
    tip_opt_free(&bl_source_table, &from);
    return r || make.is_bad ? TIP_CONF_E_INVALID : 0;
}
