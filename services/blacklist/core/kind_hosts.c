/*
 * Hosts files: a sink address and the names that are sent there.
 */
#include <string.h>
#include <strings.h>

#include "core/parser.h"

/* What every hosts file says of the machine itself. */
static const char *const kind_hosts_own[] = {
    "localhost",
    "localhost.localdomain",
    "local",
    "broadcasthost",
    "localhost4",
    "localhost6",
    "0.0.0.0",
    "localhost4.localdomain4",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
    "ip6-allhosts",
};

static bool kind_hosts_is_own(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(kind_hosts_own) / sizeof(*kind_hosts_own); i++) {
        if (strlen(kind_hosts_own[i]) == len && !strncasecmp(kind_hosts_own[i], name, len))
            return true;
    }
    return false;
}

static bool kind_hosts_is_sink(const struct bl_format *format, const char *text, size_t len)
{
    struct tip_addr addr;

    if (tip_addr_parse(&addr, text, len))
        return false;
    for (size_t i = 0; i < format->n_sinks; i++) {
        if (tip_addr_compare(&addr, &format->sinks[i]) == 0)
            return true;
    }
    return false;
}

static int kind_hosts_names(struct bl_parse *parse, const char *text, size_t len)
{
    const char *name;
    size_t n;
    int r = 0;

    while (!r && (name = bl_token(&text, &len, &n))) {
        if (kind_hosts_is_own(name, n))
            parse->report.n_skipped++;
        else
            r = bl_value_add(parse, name, n);
    }
    return r;
}

static int kind_hosts_line(struct bl_parse *parse, const char *text, size_t len)
{
    const char *raw, *sink;
    size_t raw_len, n;

    bl_line_content(parse, &text, &len, true);
    raw = text;
    raw_len = len;
    sink = bl_token(&text, &len, &n);
    if (!sink)
        return 0;
    bl_trim(&text, &len);
    if (!len)
        bl_parse_reject(parse, "no_name", raw, raw_len);
    else if (kind_hosts_is_sink(&parse->format, sink, n))
        return kind_hosts_names(parse, text, len);
    else if (kind_hosts_is_own(text, len))
        parse->report.n_skipped++;
    else
        bl_parse_reject(parse, "not_sink", raw, raw_len);
    return 0;
}

const struct bl_parser_kind bl_kind_hosts = {.line = kind_hosts_line};
