#include "core/format.h"

#include <string.h>

const char *const bl_kind_names[] = {"lines", "range",   "csv",     "json",    "hosts",
                                     "rpz",   "rbldnsd", "adblock", "extract", NULL};
const char *const bl_type_names[] = {"auto",    "ip4", "ip6",  "net",          "domain", "url",
                                     "ip:port", "asn", "hash", "email_domain", NULL};

static void bl_format_sinks(struct bl_format *format)
{
    static const char *const texts[] = {"0.0.0.0", "127.0.0.1", "::", "::1"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (!tip_addr_parse(&format->sinks[format->n_sinks], texts[i], strlen(texts[i])))
            format->n_sinks++;
    }
}

void bl_format_init(struct bl_format *format, enum bl_kind kind, enum bl_type type)
{
    *format = (struct bl_format){
        .kind = kind,
        .type = type,
        .entries_max = 20 * 1000 * 1000,
        .comments = "#;",
        .inline_comments = true,
        .separator = kind == BL_KIND_CSV ? ',' : ' ',
        .column = 1,
        .pointer = "/*",
    };
    if (kind == BL_KIND_CSV)
        strcpy(format->comments, "#");
    if (kind == BL_KIND_EXTRACT) /* a page may begin a line with anything */
        strcpy(format->comments, "");
    if (kind == BL_KIND_ADBLOCK)
        strcpy(format->comments, "!");
    if (kind == BL_KIND_HOSTS)
        bl_format_sinks(format);
}
