#include "options.h"

#include <string.h>

#include <tip/addr.h>
#include <tip/clock.h>

#define AT(member) offsetof(struct web_options, member)

/* clang-format off */
static const struct tip_opt rows[] = {
    {.name = "listen", .type = TIP_OPT_STRING, .offset = AT(listen), .fallback = "127.0.0.1:8080", .min = 1, .max = 64,
     .help = "Address and port of the page. Other addresses than loopback only with `public`."},
    {.name = "public", .type = TIP_OPT_BOOL, .offset = AT(is_public), .fallback = "false",
     .help = "Allows `listen` to be any address. It speaks plain HTTP: put a TLS proxy in front and set `origin`."},
    {.name = "origin", .type = TIP_OPT_STRING, .offset = AT(origin), .max = 255,
     .help = "Under which the page is reached from outside, like `https://tip.example.org`; with https cookies are "
             "Secure. Without it the Host header of a request counts."},
    {.name = "ui", .type = TIP_OPT_PATH, .offset = AT(ui), .max = 1000,
     .help = "Directory of the built dashboard; without it `../share/tip/ui` beside the program."},
    {.name = "trusted_proxy", .type = TIP_OPT_PREFIXES, .offset = AT(trusted_proxy), .max = 64,
     .help = "Addresses whose X-Forwarded-For is believed when failed logins are counted."},
    {.name = "sse_clients_max", .type = TIP_OPT_INT, .offset = AT(streams_max), .fallback = "1000", .min = 1,
     .max = 10000, .help = "Most event streams at once; each may hold 64 KiB and one event more."},
    {.name = "calls", .type = TIP_OPT_INT, .offset = AT(calls), .fallback = "12", .min = 1, .max = 256,
     .help = "Most questions to storage under way at once; others wait."},
    {.name = "deadline", .type = TIP_OPT_DURATION, .offset = AT(deadline_ms), .fallback = "10s", .min = 100,
     .max = 60000, .help = "How long an answer may take."},
    {.name = "session_ttl", .type = TIP_OPT_DURATION, .offset = AT(session_ttl_ms), .fallback = "12h",
     .min = TIP_MINUTE_MS, .max = 31.0 * TIP_DAY_MS, .help = "How long a login lasts."},
};
/* clang-format on */

const struct tip_opt_table web_options_table = {
    .section = "web",
    .rows = rows,
    .n_rows = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct web_options),
    .help = "The page and the HTTP interface.",
};

static bool options_is_origin(const char *text)
{
    const char *host = strstr(text, "://");

    return host && (!strncmp(text, "http://", 7) || !strncmp(text, "https://", 8)) && host[3] &&
           !host[3 + strcspn(host + 3, "/?# ")];
}

void web_options_check(const void *options, struct tip_conf *conf)
{
    const struct web_options *web = options;
    struct tip_endpoint endpoint;

    if (!web->listen || tip_endpoint_parse(&endpoint, web->listen, strlen(web->listen)))
        tip_conf_refuse(conf, "web.listen", "is no address with a port, like 127.0.0.1:8080");
    else if (!web->is_public && tip_addr_special(&endpoint.addr) != TIP_SPECIAL_LOOPBACK)
        tip_conf_refuse(conf, "web.listen", "is not loopback: other addresses need web.public: true");
    if (web->origin && !options_is_origin(web->origin))
        tip_conf_refuse(conf, "web.origin", "is no origin like https://tip.example.org");
}
