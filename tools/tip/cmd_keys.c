#include "cmd_keys_add.h"
#include "cmd_keys_init.h"
#include "cmd_keys_revoke.h"
#include "cmd_keys_show.h"
#include "cmd_keys_update.h"
#include "commands.h"

const struct cli_command cmd_keys = {
    .name = "keys",
    .arguments = "",
    .summary = "Who may do what on the bus.",
    .details = "Keys lie in the directory `bus.keys`: czmq certificates (NAME.cert, NAME.cert_secret) and keys.yaml,\n"
               "which the broker reads. Started by root it works as the owner of the directory.",
    .verbs = (const struct cli_command *const[]){&keys_init, &keys_update, &keys_add, &keys_list, &keys_revoke,
                                                 &keys_show, NULL},
    .run = keys_list_run,
};
