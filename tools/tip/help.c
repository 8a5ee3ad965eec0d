/* Help pages, docs/cli.md and completion, all from the tables of commands and options. */
#include "command.h"

#include <string.h>

void cli_print_overview(FILE *out)
{
    fputs("tip: looks at, asks and runs the services of TIP.\n\nUsage: tip [OPTION...] COMMAND [...]\n\nCommands:\n",
          out);
    for (const struct cli_command *const *at = cli_commands; *at; at++)
        fprintf(out, "  %-12s %s\n", (*at)->name, (*at)->summary);
    fputs("\nOptions of all commands:\n", out);
    for (size_t i = 0; i < cli_n_globals; i++) {
        char name[64];

        snprintf(name, sizeof(name), "--%s%s%s", cli_globals[i].name, cli_globals[i].argument ? "=" : "",
                 cli_globals[i].argument ? cli_globals[i].argument : "");
        fprintf(out, "  %c%c %-18s %s\n", cli_globals[i].letter ? '-' : ' ',
                cli_globals[i].letter ? cli_globals[i].letter : ' ', name, cli_globals[i].help);
    }
    fputs("\nExit codes: 0 ok, 1 failed, 2 wrong usage, 3 degraded, 4 not found, 5 not authorised,\n"
          "6 broker or storage unreachable, 130 interrupted. A reader that goes away is no failure.\n"
          "`tip COMMAND --help` says more.\n",
          out);
}

static void help_options(const struct cli_command *command, FILE *out)
{
    for (size_t i = 0; i < command->n_options; i++) {
        const struct cli_option *option = &command->options[i];
        char name[64];

        snprintf(name, sizeof(name), "--%s%s%s", option->name, option->argument ? "=" : "",
                 option->argument ? option->argument : "");
        fprintf(out, "  %c%c %-20s %s\n", option->letter ? '-' : ' ', option->letter ? option->letter : ' ', name,
                option->help);
    }
}

void cli_print_help(const struct cli_command *parent, const struct cli_command *command, FILE *out)
{
    const char *before = parent ? parent->name : "", *space = parent ? " " : "";

    if (command->run)
        fprintf(out, "Usage: tip %s%s%s%s%s%s\n", before, space, command->name,
                command->n_options ? " [OPTION...]" : "", command->arguments[0] ? " " : "", command->arguments);
    for (const struct cli_command *const *at = command->verbs; at && *at; at++)
        fprintf(out, "Usage: tip %s %s%s%s%s\n", command->name, (*at)->name, (*at)->n_options ? " [OPTION...]" : "",
                (*at)->arguments[0] ? " " : "", (*at)->arguments);
    fprintf(out, "\n%s\n", command->summary);
    if (command->details)
        fprintf(out, "\n%s\n", command->details);
    for (const struct cli_command *const *at = command->verbs; at && *at; at++)
        fprintf(out, "%s  %-10s %s\n", at == command->verbs ? "\n" : "", (*at)->name, (*at)->summary);
    if (command->n_options)
        fputs("\nOptions:\n", out);
    help_options(command, out);
    fputs("\nFurther: --output, --config, --key, --fields, --no-header, --quiet (see tip --help).\n", out);
}

/* A '|' would end a cell. */
static void markdown_text(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void markdown_options(const struct cli_option *options, size_t n, FILE *out)
{
    fputs("\n| option | what it does |\n|---|---|\n", out);
    for (size_t i = 0; i < n; i++) {
        fputs("| `", out);
        if (options[i].letter)
            fprintf(out, "-%c`, `", options[i].letter);
        fprintf(out, "--%s%s%s` | ", options[i].name, options[i].argument ? " " : "",
                options[i].argument ? options[i].argument : "");
        markdown_text(options[i].help, out);
        fputs(" |\n", out);
    }
}

static void markdown_command(const struct cli_command *parent, const struct cli_command *command, FILE *out)
{
    fprintf(out, "\n%s `tip %s%s%s%s%s`\n\n%s\n", parent ? "###" : "##", parent ? parent->name : "", parent ? " " : "",
            command->name, command->arguments[0] ? " " : "", command->arguments, command->summary);
    if (command->details)
        fprintf(out, "\n%s\n", command->details);
    if (command->n_options)
        markdown_options(command->options, command->n_options, out);
    for (const struct cli_command *const *at = command->verbs; at && *at; at++)
        markdown_command(command, *at, out);
}

void cli_print_markdown(FILE *out)
{
    fputs("# The command line\n\n"
          "Made by `tip help --markdown` from the tables in `tools/tip`; a lint test holds it current.\n\n"
          "Data goes to standard output, all else to standard error. Times are UTC. Exit codes: 0 ok, 1 failed,\n"
          "2 wrong usage, 3 degraded, 4 not found, 5 not authorised, 6 broker or storage unreachable, 130 "
          "interrupted.\nA reader that goes away (`tip ... | head`) is no failure: the code is that of what was done "
          "until "
          "then.\n\n"
          "Every command takes:\n",
          out);
    markdown_options(cli_globals, cli_n_globals, out);
    for (const struct cli_command *const *at = cli_commands; *at; at++)
        markdown_command(NULL, *at, out);
}
