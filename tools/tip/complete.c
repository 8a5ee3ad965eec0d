/* Completion for three shells. Each script is data from the same tables and a few fixed lines. */
#include "command.h"

#include <string.h>

static void complete_names(const struct cli_command *const *at, FILE *out)
{
    for (; at && *at; at++)
        fprintf(out, "%s ", (*at)->name);
}

static void complete_options(const struct cli_option *options, size_t n, FILE *out)
{
    for (size_t i = 0; i < n; i++)
        fprintf(out, "--%s ", options[i].name);
}

/* All words that may follow a command: its verbs, what its arguments can be, its options. */
static void complete_words(const struct cli_command *command, FILE *out)
{
    complete_names(command->verbs, out);
    for (const char *const *word = command->words; word && *word; word++)
        fprintf(out, "%s ", *word);
    complete_options(command->options, command->n_options, out);
}

static void complete_cases(const struct cli_command *parent, const struct cli_command *const *at, FILE *out)
{
    for (; at && *at; at++) {
        fprintf(out, "    %s%s%s) words='", parent ? parent->name : "", parent ? "_" : "", (*at)->name);
        complete_words(*at, out);
        fputs("' ;;\n", out);
        complete_cases(*at, (*at)->verbs, out);
    }
}

/* `words` for the command in $cmd or, if it has such a verb, in $cmd_$verb. */
static void complete_choose(FILE *out)
{
    fputs("  case \"$1\" in\n    '') words='", out);
    complete_names(cli_commands, out);
    fputs("' ;;\n", out);
    complete_cases(NULL, cli_commands, out);
    fputs("    *) words='' ;;\n  esac\n", out);
}

static void complete_bash(FILE *out)
{
    fputs("# bash completion for tip: source it, or put it into /usr/share/bash-completion/completions/tip\n"
          "_tip_words() {\n",
          out);
    complete_choose(out);
    fputs("}\n_tip() {\n  local cur=${COMP_WORDS[COMP_CWORD]} key='' word words=''\n"
          "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
          "    case \"$word\" in -*) continue ;; esac\n"
          "    _tip_words \"${key:+${key}_}$word\"\n"
          "    [ -n \"$words\" ] && key=${key:+${key}_}$word\n"
          "  done\n"
          "  _tip_words \"$key\"\n"
          "  COMPREPLY=($(compgen -W \"$words ",
          out);
    complete_options(cli_globals, cli_n_globals, out);
    fputs("\" -- \"$cur\"))\n}\ncomplete -o default -F _tip tip\n", out);
}

static void complete_zsh(FILE *out)
{
    fputs("#compdef tip\n# zsh completion for tip: put it as _tip into a directory of $fpath\n_tip_words() {\n", out);
    complete_choose(out);
    fputs("}\n_tip() {\n  local key='' word words=''\n  local -a line\n  line=(${(z)LBUFFER})\n"
          "  [[ $LBUFFER == *' ' ]] || line[-1]=()\n"
          "  for word in ${line[2,-1]}; do\n"
          "    [[ $word == -* ]] && continue\n"
          "    _tip_words \"${key:+${key}_}$word\"\n"
          "    [[ -n $words ]] && key=${key:+${key}_}$word\n"
          "  done\n"
          "  _tip_words \"$key\"\n"
          "  compadd -- ${=words} ",
          out);
    complete_options(cli_globals, cli_n_globals, out);
    fputs("\n}\ncompdef _tip tip\n", out);
}

/* fish quotes with '...', where \' and \\ are escapes. */
static void fish_quoted(const char *text, FILE *out)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

static void fish_options(const char *when, const struct cli_option *options, size_t n, FILE *out)
{
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "complete -c tip %s -l %s ", when, options[i].name);
        if (options[i].letter)
            fprintf(out, "-s %c ", options[i].letter);
        fputs(options[i].argument ? "-r -d " : "-d ", out);
        fish_quoted(options[i].help, out);
        fputc('\n', out);
    }
}

static void fish_command(const struct cli_command *command, FILE *out)
{
    char when[128];

    snprintf(when, sizeof(when), "-n '__fish_seen_subcommand_from %s'", command->name);
    fprintf(out, "complete -c tip -n __fish_use_subcommand -a %s -d ", command->name);
    fish_quoted(command->summary, out);
    fputc('\n', out);
    fish_options(when, command->options, command->n_options, out);
    for (const char *const *word = command->words; word && *word; word++)
        fprintf(out, "complete -c tip %s -a %s\n", when, *word);
    for (const struct cli_command *const *at = command->verbs; at && *at; at++) {
        fprintf(out, "complete -c tip %s -a %s -d ", when, (*at)->name);
        fish_quoted((*at)->summary, out);
        fputc('\n', out);
        fish_options(when, (*at)->options, (*at)->n_options, out);
    }
}

static void complete_fish(FILE *out)
{
    fputs("# fish completion for tip: put it into ~/.config/fish/completions/tip.fish\n", out);
    fish_options("", cli_globals, cli_n_globals, out);
    for (const struct cli_command *const *at = cli_commands; *at; at++)
        fish_command(*at, out);
}

static const struct {
    const char *shell;
    void (*print)(FILE *out);
} complete_shells[] = {{"bash", complete_bash}, {"zsh", complete_zsh}, {"fish", complete_fish}};

int cli_print_completion(const char *shell, FILE *out)
{
    for (size_t i = 0; i < sizeof(complete_shells) / sizeof(complete_shells[0]); i++) {
        if (strcmp(complete_shells[i].shell, shell) == 0) {
            complete_shells[i].print(out);
            return 0;
        }
    }
    return CLI_E_USAGE;
}
