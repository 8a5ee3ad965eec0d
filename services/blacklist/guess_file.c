/* The file of a source that was guessed: complete, commented, and the user's to put where it belongs. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tip/clock.h>
#include <tip/utf8.h>

#include "core/category.h"
#include "core/etiquette.h"
#include "guess_work.h"
#include "spec.h"

#define GUESS_INTERVAL_MS (6 * TIP_HOUR_MS)

struct guess_out {
    const struct guess_order *order;
    struct tip_buf *to;
    int r;
};

static void guess_put(struct guess_out *out, const char *format, ...) tip_printf(2, 3);

static void guess_put(struct guess_out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    out->r = out->r ? out->r : tip_buf_append_format_va(out->to, format, args);
    va_end(args);
}

/* A foreign text between quotes: YAML's escapes, which name characters and not bytes, and ASCII only. */
static void guess_put_quoted(struct guess_out *out, const char *key, const char *text)
{
    uint32_t point;

    guess_put(out, "%s: \"", key);
    for (size_t n; (n = tip_utf8_next(text, strlen(text), &point)); text += n) {
        if (point == '"' || point == '\\')
            guess_put(out, "\\%c", (int)point);
        else if (point >= ' ' && point <= '~')
            guess_put(out, "%c", (int)point);
        else
            guess_put(out, point > 0xffff ? "\\U%08x" : "\\u%04x", point);
    }
    out->r = out->r ? out->r : *text ? -EILSEQ : 0; /* it could not be written; guesses hold none such */
    guess_put(out, "\"\n");
}

static void guess_put_separator(struct guess_out *out, const struct bl_format *format)
{
    char usual = format->kind == BL_KIND_CSV ? ',' : ' ';

    if (format->separator == '\t')
        guess_put(out, "separator: tab\n");
    else if (format->separator != usual)
        guess_put(out, "separator: \"%c\"\n", format->separator);
}

/* What differs from the defaults of its kind. */
static void guess_put_format(struct guess_out *out)
{
    const struct bl_format *format = &out->order->parse.format;
    bool is_rules = format->kind == BL_KIND_EXTRACT && *format->comments;

    guess_put(out, "kind: %s%s\n", bl_kind_names[format->kind],
              is_rules ? " # rules of an intrusion detection: the addresses in them" : "");
    if (is_rules)
        guess_put_quoted(out, "comments", format->comments);
    if (format->kind == BL_KIND_JSON)
        guess_put_quoted(out, "pointer", format->pointer);
    guess_put_separator(out, format);
    if (format->prefix[0])
        guess_put_quoted(out, "prefix", format->prefix);
    if (format->column_name[0])
        guess_put_quoted(out, "column", format->column_name);
    else if (format->column != 1)
        guess_put(out, "column: %u%s\n", format->column, format->column ? "" : " # every one");
    if (format->header)
        guess_put(out, "header: true\n");
    if (format->skip_space)
        guess_put(out, "skip_space: true\n");
    if (format->kind == BL_KIND_CSV)
        guess_put(out, "# first_seen: \"\" # the column that says when it first saw an entry; last_seen: when last\n");
    guess_put(out, "type: %s # what an entry is; auto: by its shape\n", bl_type_names[format->type]);
    if (out->order->parse.container != BL_CONTAINER_NONE)
        guess_put(out, "container: %s\n", bl_container_names[out->order->parse.container]);
}

static void guess_put_head(struct guess_out *out)
{
    const struct guess_order *order = out->order;
    char now[TIP_CLOCK_TEXT];

    (void)tip_clock_format(order->parse.now_unix_ms, now); /* its length */
    guess_put(out,
              "# %s.yaml: guessed from one delivery of %.10s: %llu entries, %llu rejects.\n"
              "# Read the terms of its publisher, fill in what stands behind #, and put it into blacklist.sources.\n",
              order->name, now, (unsigned long long)order->parse.n_entries,
              (unsigned long long)order->parse.report.n_rejected);
}

static void guess_put_pace(struct guess_out *out)
{
    char host[BL_HOST], text[TIP_DURATION_TEXT];
    int64_t floor_ms;

    bl_spec_host(out->order->url, host);
    floor_ms = bl_etiquette_floor_ms(host);
    (void)tip_duration_format((uint64_t)(floor_ms > GUESS_INTERVAL_MS ? floor_ms : GUESS_INTERVAL_MS), text);
    guess_put(out, "interval: %s # how often its publisher wants to be asked", text);
    if (floor_ms) {
        (void)tip_duration_format((uint64_t)floor_ms, text); /* its length */
        guess_put(out, "; at least %s", text);
    }
    guess_put(out, "\n# cadence: 1d # how often it changes while it is alive; without it that is learned\n");
}

static void guess_put_origin(struct guess_out *out)
{
    guess_put(out, "category: other #");
    for (size_t i = 0; bl_category_names[i]; i++)
        guess_put(out, "%s %s", i ? "," : "", bl_category_names[i]);
    guess_put(out, "\n"
                   "# licence: \"\" # under which terms it is published\n"
                   "# terms: \"\" # where these are\n"
                   "# attribution: \"\" # the credit that whoever passes it on has to give\n"
                   "redistribute: false # whether its terms allow to pass it on; else it is marked amber at least\n"
                   "tlp: amber\n"
                   "# group: \"\" # who maintains it: sources of one group do not confirm each other\n"
                   "# derived_from: [] # sources or groups that its entries are taken from\n"
                   "# weight: 0.5 # measured without this\n");
}

/* A name may lead to any of them, or outside: whoever puts the file in place knows which. */
static void guess_put_all_allowed(struct guess_out *out, const struct tip_prefix *allowed, size_t n_allowed)
{
    char text[TIP_PREFIX_TEXT];

    for (size_t i = 0; i < n_allowed; i++) {
        (void)tip_prefix_format(&allowed[i], text); /* its length */
        guess_put(out, "%s\"%s\"", i ? ", " : "# allow_private: [", text);
    }
    if (n_allowed)
        guess_put(out, "] # needed when its name leads to one of these\n");
}

/* A server of one's own: then its file has to allow it. */
static void guess_put_allowed(struct guess_out *out, const struct tip_prefix *allowed, size_t n_allowed)
{
    char host[BL_HOST], text[TIP_PREFIX_TEXT];
    const char *at = host;
    struct tip_addr addr;

    bl_spec_host(out->order->url, host);
    at += *at == '[';
    if (tip_addr_parse(&addr, at, strlen(at))) {
        guess_put_all_allowed(out, allowed, n_allowed);
        return;
    }
    if (tip_addr_is_public(&addr))
        return;
    for (size_t i = 0; i < n_allowed; i++) {
        if (!tip_prefix_contains(&allowed[i], &addr))
            continue;
        (void)tip_prefix_format(&allowed[i], text); /* its length */
        guess_put(out, "allow_private: [\"%s\"]\n", text);
        return;
    }
}

int guess_file(const struct guess_order *order, const struct tip_prefix *allowed, size_t n_allowed, struct tip_buf *to)
{
    struct guess_out out = {.order = order, .to = to};

    guess_put_head(&out);
    guess_put_quoted(&out, "url", order->url);
    guess_put_format(&out);
    guess_put_pace(&out);
    guess_put_origin(&out);
    guess_put_allowed(&out, allowed, n_allowed);
    return out.r;
}

/* ---- its name ---- */

static size_t guess_name_add(char name[static TIP_NAME_MAX + 1], size_t n, const char *text, size_t len)
{
    for (size_t i = 0; i < len && n < TIP_NAME_MAX; i++) {
        char c = (char)tolower((unsigned char)text[i]);
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';

        if (is_fine || (n && name[n - 1] != '-'))
            name[n++] = is_fine ? c : '-';
    }
    return n;
}

void guess_name(char name[static TIP_NAME_MAX + 1], const char *url, const char *asked)
{
    char host[BL_HOST];
    const char *path = strchr(url, ':') + 3;
    const char *last, *end;
    size_t n = 0;

    if (asked && *asked) {
        (void)snprintf(name, TIP_NAME_MAX + 1, "%s", asked);
        return;
    }
    bl_spec_host(url, host);
    n = guess_name_add(name, n, host + (strncmp(host, "www.", 4) ? 0 : 4),
                       strlen(host) - (strncmp(host, "www.", 4) ? 0 : 4));
    path += strcspn(path, "/?#");
    end = path + strcspn(path, "?#");
    last = memrchr(path, '/', (size_t)(end - path));
    last = last ? last + 1 : end;
    if (memchr(last, '.', (size_t)(end - last)))
        end = memchr(last, '.', (size_t)(end - last));
    if (end > last && n < TIP_NAME_MAX)
        name[n++] = '-';
    n = guess_name_add(name, n, last, (size_t)(end - last));
    while (n && name[n - 1] == '-')
        n--;
    name[n] = '\0';
    if (!n)
        strcpy(name, "new");
}
