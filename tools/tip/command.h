#pragma once
/*
 * The commands of `tip`: one file, one const entry each. Help, completion and docs/cli.md are made from these entries.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "output.h"

/** What `tip` ends with. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_DEGRADED = 3,
    CLI_NOT_FOUND = 4,
    CLI_DENIED = 5,
    CLI_UNREACHABLE = 6, /* broker or storage does not answer */
    CLI_INTERRUPTED = 130
};

enum { CLI_OPTIONS_MAX = 16 };

#define CLI_KEY_VARIABLE "TIP_KEY" /* what --key sets */

struct cli;

/** `--name` or `-l`. */
struct cli_option {
    const char *name;
    char letter;          /* 0 for none */
    const char *argument; /* what follows, in capitals; NULL for a flag */
    const char *help;     /* one sentence */
};

struct cli_command {
    const char *name;
    const char *arguments; /* "VALUE", "[TOPIC...]"; "" for none */
    const char *summary;   /* one sentence */
    const char *details;   /* a paragraph more, or NULL */
    const struct cli_option *options;
    size_t n_options;                       /* at most CLI_OPTIONS_MAX */
    const struct cli_command *const *verbs; /* NULL-terminated; then run may be NULL */
    const char *const *words;               /* NULL-terminated: what an argument can be; for completion */
    const char *const *formats;             /* NULL-terminated: what --output takes besides the four of all */
    int min_args, max_args;                 /* max -1: any number */
    int (*run)(struct cli *cli);            /* returns an enum cli_exit */
};

/** One invocation: what was asked, and where the answer goes. */
struct cli {
    const struct cli_command *command;   /* the verb when there is one */
    const struct cli_command *parent;    /* of a verb, or NULL */
    const char *values[CLI_OPTIONS_MAX]; /* in the order of the command's options; NULL: not given, "" for flags */
    int n_args;
    char *const *args;
    const char *config; /* --config, or NULL */
    bool quiet;
    struct out_config out;
    const char *format; /* one of the command's own formats, or NULL: out.mode says */
};

/** All commands, in the order of the help page; NULL-terminated. */
extern const struct cli_command *const cli_commands[];

/** Options that every command takes. */
extern const struct cli_option cli_globals[];
extern const size_t cli_n_globals;

/** The command of that name in a NULL-terminated table, or NULL. */
const struct cli_command *cli_find(const struct cli_command *const *table, const char *name);

/**
 * Reads the command line and runs what it names.
 *
 * @return an enum cli_exit
 */
int cli_main(int argc, char **argv);

/** A sentence on stderr, behind "tip: ". */
void cli_error(const char *format, ...) tip_printf(1, 2);

/** The same, for what is only good to know: silent with --quiet. */
void cli_note(const struct cli *cli, const char *format, ...) tip_printf(2, 3);

/** Says that --fields names something unknown. @return CLI_USAGE */
int cli_bad_field(const char *bad);

/** Option i: was it given; its text or `fallback`. */
bool cli_flag(const struct cli *cli, size_t i);
const char *cli_text(const struct cli *cli, size_t i, const char *fallback);

enum { CLI_E_USAGE = 1 }; /* the value cannot be read; the sentence has been said */

/** Option i as a number within a range, or a duration ("15m"); *valuep stays as it is when not given. */
tip_nodiscard int cli_int(const struct cli *cli, size_t i, int64_t min, int64_t max, int64_t *valuep);
tip_nodiscard int cli_duration(const struct cli *cli, size_t i, uint64_t *msp);

/** Pages made from the tables. */
void cli_print_overview(FILE *out);
void cli_print_help(const struct cli_command *parent, const struct cli_command *command, FILE *out);
void cli_print_markdown(FILE *out);

/** @return 0, or CLI_E_USAGE for a shell we do not know */
tip_nodiscard int cli_print_completion(const char *shell, FILE *out);
