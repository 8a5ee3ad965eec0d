#pragma once
/* How keys are shown: all of them, and one. */
#include "keys/keys.h"

extern const struct cli_command keys_list, keys_show;

int keys_list_run(struct cli *cli);

/** For a verb that changes first and prints then: does --fields name what there is? @return an exit code */
tip_nodiscard int keys_print_check(const struct keys *keys);

/** One key: a line a field for people. @return an exit code */
int keys_print(const struct keys *keys, const struct keymap_key *key);
