#include "past.h"

#include <string.h>
#include <time.h>

int64_t cli_now_unix_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * TIP_SECOND_MS + now.tv_nsec / 1000000;
}

int cli_past(const struct cli *cli, size_t i, int64_t *unix_msp, char text[static TIP_CLOCK_TEXT])
{
    const char *said = cli_text(cli, i, NULL);
    int64_t now = cli_now_unix_ms();
    uint64_t ago;

    *unix_msp = 0;
    text[0] = '\0';
    if (!said)
        return 0;
    if (!tip_duration_parse(&ago, said, strlen(said)) && ago < (uint64_t)now)
        *unix_msp = now - (int64_t)ago;
    else if (tip_clock_parse(unix_msp, said, strlen(said)) || *unix_msp > now || *unix_msp <= 0) {
        cli_error("--at: \"%s\" is neither a time that is over (2026-11-22T04:00:00Z) nor how long ago (7d)", said);
        return CLI_E_USAGE;
    }
    tip_clock_format(*unix_msp, text);
    return 0;
}
