#pragma once
/* What the command line needs of a site's tip.yaml: where the services are, and section `up`. */
#include <stdint.h>

#include <tip/service.h>

struct cli;

/** Section `up`: for `tip up`. */
struct up_options {
    char *data;
};

extern const struct tip_opt_table up_table;

struct options {
    char *config; /* absolute path of tip.yaml */
    struct tip_common_options common;
    struct tip_bus_options bus;
    struct tip_log_options log;
    struct up_options up;
    struct tip_conf *conf;
};

/**
 * Finds the site (<tip/site.h>) and reads its tip.yaml.
 *
 * @param options  to be freed in any case
 * @return CLI_OK; else the exit code, and the reason has been said
 */
int options_load(struct options *options, const char *config);
void options_free(struct options *options);

/**
 * What is decided once all sections are read: a bus on tcp that is not called insecure has keys, below up.data when
 * tip.yaml says nothing of them; `tip up` makes them there. The programs we start hear of it by TIP__BUS__KEYS.
 */
void options_complete(struct options *options);

/** Only finds it. @param configp  the caller frees @return CLI_OK, or CLI_UNREACHABLE and the reason has been said */
int options_find(const char *config, char **configp);

/** The path of a service's unix socket. */
enum { OPTIONS_PATH_BYTES = 1024 };
void options_socket(const struct options *options, const char *service, char path[static OPTIONS_PATH_BYTES]);
