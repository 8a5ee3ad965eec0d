#pragma once
/*
 * All options of one service process: its own, those the skeleton adds, and the common sections.
 */
#include <stdio.h>

#include <tip/service.h>

/** What the skeleton adds to every service's own section. */
struct settings_own {
    char *data;
    char *admin;
};

struct settings {
    const struct tip_service_def *def;
    void *options; /* of def->options */
    struct settings_own own;
    struct tip_common_options common;
    struct tip_bus_options bus;
    struct tip_log_options log;
    struct tip_conf *conf; /* where they came from, and what is wrong */
};

/** What main was asked for. */
struct settings_args {
    const char *config;  /* --config, TIP_CONFIG, /etc/tip/tip.yaml, or NULL */
    const char *command; /* the first word, or NULL */
    const char **rest;   /* options of the tables, NULL-terminated; owned */
    bool help, version, check_config, show_config, print_options, health;
    bool config_missing; /* --config without a file */
};

void settings_args_init(struct settings_args *args, int argc, char **argv);
void settings_args_deinit(struct settings_args *args);

/** Never NULL; settings->conf says what is wrong with it. */
struct settings *settings_load(const struct tip_service_def *def, const struct settings_args *args);
void settings_destroy(struct settings **settingsp);

/** The first option that only a restart can change and that differs ("bus.ingest"), or NULL. */
const char *settings_fixed_difference(const struct settings *a, const struct settings *b);

void settings_print_help(const struct tip_service_def *def, FILE *out);
void settings_print_markdown(const struct tip_service_def *def, FILE *out);
