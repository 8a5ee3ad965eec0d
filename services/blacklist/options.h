#pragma once
/*
 * Section `blacklist` of tip.yaml.
 */
#include <tip/opt.h>

#include "spec.h"

enum { BL_OWN_MAX = 256 };

struct bl_options {
    char *sources;        /* directory; NULL for none */
    char *public_sources; /* directory of the public pack; NULL for none */
    char *contact;        /* NULL: nobody said who fetches */
    char *user_agent;     /* NULL for the default */
    struct tip_opt_prefixes new_allow_private;
    int64_t concurrency;
    int64_t interval_floor_ms;
    int64_t weights_interval_ms;
    int64_t verdict_clock_ms, verdict_rate;
    char *warninglists; /* directory; NULL for none */
    struct tip_opt_prefixes own_networks, allow_special;
    int64_t observations_max;
    int64_t shelf_bytes;
    struct tip_opt_records exports;
    char *export_dir; /* NULL for the default */
    int64_t export_interval_ms;
};

extern const struct tip_opt_table bl_options_table;

/** For --check-config and before every start and reload. */
void bl_options_check(const void *options, struct tip_conf *conf);
