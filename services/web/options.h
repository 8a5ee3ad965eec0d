#pragma once
/* What may stand in section `web` of tip.yaml. */
#include <tip/opt.h>

struct web_options {
    char *listen, *ui, *origin;
    bool is_public;
    int64_t streams_max, calls, deadline_ms, session_ttl_ms;
    struct tip_opt_prefixes trusted_proxy;
};

extern const struct tip_opt_table web_options_table;

void web_options_check(const void *options, struct tip_conf *conf);
