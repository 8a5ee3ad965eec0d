#pragma once
/* A time of the past, as people say it: `--at 2026-11-22T04:00:00Z`, or `--at 7d` for seven days ago. */
#include <tip/clock.h>

#include "command.h"

/**
 * Option i as a time; *unix_msp and text are 0 and "" when it is not given.
 *
 * @return 0, or CLI_E_USAGE: it cannot be read, or is not over yet; the sentence has been said
 */
tip_nodiscard int cli_past(const struct cli *cli, size_t i, int64_t *unix_msp, char text[static TIP_CLOCK_TEXT]);

/** The time now; of the wall. */
int64_t cli_now_unix_ms(void);
