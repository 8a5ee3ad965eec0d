#include "options.h"

#include <tip/clock.h>

#include "export_spec.h"

#define AT(member) offsetof(struct bl_options, member)

/* clang-format off */
static const struct tip_opt rows[] = {
    {.name = "sources", .type = TIP_OPT_PATH, .offset = AT(sources),
     .help = "Directory of the sources, one file `NAME.yaml` each; see docs/sources.md."},
    {.name = "public_sources", .type = TIP_OPT_PATH, .offset = AT(public_sources),
     .help = "Directory of the public pack: sources that are off until `tip source enable NAME --accept-terms`. A file of "
             "the same name in `sources` takes its place."},
    {.name = "contact", .type = TIP_OPT_STRING, .offset = AT(contact), .max = 200,
     .help = "Where the publisher of a list finds out who fetches it: the URL in the User-Agent. Sources of the public "
             "pack need it."},
    {.name = "user_agent", .type = TIP_OPT_STRING, .offset = AT(user_agent), .max = 300,
     .help = "The whole User-Agent; without it `TIP/VERSION (+contact)`."},
    {.name = "new_allow_private", .type = TIP_OPT_PREFIXES, .offset = AT(new_allow_private), .max = BL_ALLOWED_MAX,
     .help = "Addresses that `tip source new` may fetch from though they are not public: servers of your own. "
             "Whoever may call the collector, a key of role `service` or `operator`, may have it fetch from them."},
    {.name = "concurrency", .type = TIP_OPT_INT, .offset = AT(concurrency), .fallback = "8", .min = 1, .max = 64,
     .help = "Most transfers at one time; at most one a host."},
    {.name = "interval_floor", .type = TIP_OPT_DURATION, .offset = AT(interval_floor_ms), .fallback = "15m",
     .min = 1000, .max = TIP_DAY_MS, .help = "No source may be asked more often than this."},
    {.name = "weights_interval", .type = TIP_OPT_DURATION, .offset = AT(weights_interval_ms), .fallback = "1h",
     .min = 1000, .max = TIP_DAY_MS, .help = "Sources are weighed, and new weights told, at most this often."},
    {.name = "verdict_clock", .type = TIP_OPT_DURATION, .offset = AT(verdict_clock_ms), .fallback = "5m", .min = 100,
     .max = TIP_DAY_MS, .help = "Verdicts that time has moved are told at most this often."},
    {.name = "verdict_rate", .type = TIP_OPT_INT, .offset = AT(verdict_rate), .fallback = "20000", .min = 1000,
     .max = 1e9, .help = "Most verdicts a second; the higher tiers of what moved at once go first."},
    {.name = "warninglists", .type = TIP_OPT_PATH, .offset = AT(warninglists),
     .help = "Directory of MISP warning lists: what no source should list, and what loses its score; see services/blacklist/README.md."},
    {.name = "own_networks", .type = TIP_OPT_PREFIXES, .offset = AT(own_networks), .max = BL_OWN_MAX,
     .help = "Your own networks: nothing inside them ever gets a verdict, whoever lists it."},
    {.name = "observations_max", .type = TIP_OPT_INT, .offset = AT(observations_max), .fallback = "100000", .min = 10,
     .max = 200000, .help = "Most of TIP's own observations that are kept, about 400 bytes of memory each; never "
                            "more than an eighth of bus.outbox_bytes in all; the oldest of the kind with most go first, all of them "
                            "after 90 days."},
    {.name = "shelf_bytes", .type = TIP_OPT_SIZE, .offset = AT(shelf_bytes), .fallback = "256MiB", .min = 1,
     .max = 64LL << 30,
     .help = "Most bytes of what sources have said over time that stay mapped and checked for the next plan; what does "
             "not fit is mapped and checked each time. The kernel may take such memory back."},
    {.name = "allow_special", .type = TIP_OPT_PREFIXES, .offset = AT(allow_special), .max = BL_OWN_MAX,
     .help = "Special-use networks whose addresses count like any other when TIP itself saw them: those of a lab."},
    {.name = "exports", .type = TIP_OPT_RECORDS, .offset = AT(exports), .record = &export_spec_table,
     .max = EXPORT_SPECS_MAX, .help = "What is written for other programs; see docs/exports.md."},
    {.name = "export_dir", .type = TIP_OPT_PATH, .offset = AT(export_dir),
     .help = "Where exports are written, a directory each [`exports` in the data directory]."},
    {.name = "export_interval", .type = TIP_OPT_DURATION, .offset = AT(export_interval_ms), .fallback = "1m",
     .min = 100, .max = TIP_DAY_MS, .help = "No export is worked out more often than this."},
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
    const struct bl_options *checked = options;
    tip_auto(export_specs_deinit) struct export_specs exports = {0};
    tip_auto(bl_specs_deinit) struct bl_specs specs = {0};

    (void)!export_specs_make(&exports, &checked->exports, conf);
    (void)!bl_specs_load(&specs, options, conf); /* what it refuses stands in conf */
}
