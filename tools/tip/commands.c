#include "commands.h"

const struct cli_command *const cli_commands[] = {
    &cmd_status, &cmd_top,    &cmd_search, &cmd_explain,    &cmd_verdict, &cmd_sub,     &cmd_snapshot,
    &cmd_pub,    &cmd_source, &cmd_allow,  &cmd_deny,       &cmd_export,  &cmd_sched,   &cmd_run,
    &cmd_config, &cmd_keys,   &cmd_bus,    &cmd_db,         &cmd_backup,  &cmd_restore, &cmd_web,
    &cmd_up,     &cmd_lab,    &cmd_doctor, &cmd_completion, &cmd_help,    NULL,
};
