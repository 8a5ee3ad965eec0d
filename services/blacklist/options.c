#include "options.h"

#include <tip/clock.h>

#define AT(member) offsetof(struct bl_options, member)

/* clang-format off */
static const struct tip_opt rows[] = {
    {.name = "sources", .type = TIP_OPT_PATH, .offset = AT(sources),
     .help = "Directory of the sources, one file `NAME.yaml` each; see services/blacklist/README.md."},
    {.name = "contact", .type = TIP_OPT_STRING, .offset = AT(contact), .max = 200,
     .fallback = "https://www.tip-project.example/",
     .help = "Where the operator of a list finds out who fetches it: the URL in the User-Agent."},
    {.name = "user_agent", .type = TIP_OPT_STRING, .offset = AT(user_agent), .max = 300,
     .help = "The whole User-Agent; without it `TIP/VERSION (+contact)`."},
    {.name = "concurrency", .type = TIP_OPT_INT, .offset = AT(concurrency), .fallback = "8", .min = 1, .max = 64,
     .help = "Most transfers at one time; at most one a host."},
    {.name = "interval_floor", .type = TIP_OPT_DURATION, .offset = AT(interval_floor_ms), .fallback = "15m",
     .min = 1000, .max = TIP_DAY_MS, .help = "No source may be asked more often than this."},
    {.name = "own_networks", .type = TIP_OPT_PREFIXES, .offset = AT(own_networks), .max = BL_OWN_MAX,
     .help = "Your own networks: nothing inside them ever gets a verdict, whoever lists it."},
};
/* clang-format on */

const struct tip_opt_table bl_options_table = {
    .section = "blacklist",
    .rows = rows,
    .n_rows = sizeof(rows) / sizeof(*rows),
    .size = sizeof(struct bl_options),
    .help = "Which lists are collected.",
};

void bl_options_check(const void *options, struct tip_conf *conf)
{
    tip_auto(bl_specs_deinit) struct bl_specs specs = {0};

    (void)!bl_specs_load(&specs, options, conf); /* what it refuses stands in conf */
}
