/* tip: the command line of TIP. */
#include <signal.h>
#include <string.h>

#include "command.h"
#include "options.h"

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away shows when we write, and is no failure: command.c */
    if (argc == 2 && strcmp(argv[1], "--print-options") == 0) { /* as every program does, for docs/options.md */
        tip_opt_print_markdown(&up_table, stdout);
        return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
    }
    return cli_main(argc, argv);
}
