#pragma once
/* The entries of all commands; each is defined in the file of its name. */
#include "command.h"

extern const struct cli_command cmd_allow, cmd_backup, cmd_bus, cmd_completion, cmd_config, cmd_db, cmd_deny,
    cmd_doctor, cmd_explain, cmd_export, cmd_help, cmd_keys, cmd_lab, cmd_pub, cmd_restore, cmd_run, cmd_sched,
    cmd_search, cmd_snapshot, cmd_source, cmd_status, cmd_sub, cmd_top, cmd_up, cmd_verdict, cmd_web;
