#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>

#include "client.h"
#include "commands.h"
#include "unreadable.h"
#include "verdict.h"

enum { VERDICT_DOOR, VERDICT_OPTIONS };

static const struct cli_option verdict_rows[VERDICT_OPTIONS] = {
    [VERDICT_DOOR] = {"door", 0, "TLP", "What that audience may see: clear, green or amber [the key's]."},
};

enum {
    C_VALUE,
    C_SCORE,
    C_TIER,
    C_INHERITED,
    C_FROM,
    C_SHARE,
    C_ALLOWED,
    C_DENIED,
    C_OWN_SCORE,
    C_FAMILIES,
    C_REASONS,
    C_N_REASONS,
    C_NEXT,
    C_EXPIRES,
    C_UNREADABLE,
    C_COUNT
};

static const struct tip_column verdict_columns[C_COUNT] = {
    [C_VALUE] = {"value", TIP_COLUMN_TEXT},
    [C_SCORE] = {"score", TIP_COLUMN_REAL},
    [C_TIER] = {"tier", TIP_COLUMN_TEXT},
    [C_INHERITED] = {"inherited", TIP_COLUMN_BOOL},
    [C_FROM] = {"from", TIP_COLUMN_TEXT},
    [C_SHARE] = {"share", TIP_COLUMN_REAL},
    [C_ALLOWED] = {"allowed", TIP_COLUMN_BOOL},
    [C_DENIED] = {"denied", TIP_COLUMN_BOOL},
    [C_OWN_SCORE] = {"own_score", TIP_COLUMN_REAL},
    [C_FAMILIES] = {"families", TIP_COLUMN_TEXT},
    [C_REASONS] = {"reasons", TIP_COLUMN_TEXT},
    [C_N_REASONS] = {"n_reasons", TIP_COLUMN_INT},
    [C_NEXT] = {"next_change_at", TIP_COLUMN_TIME},
    [C_EXPIRES] = {"expires_at", TIP_COLUMN_TIME},
    [C_UNREADABLE] = {"unreadable", TIP_COLUMN_TEXT},
};

#define VERDICT_HUMAN "value,score,tier,from,share,reasons"

/* One run of the command. */
struct asking {
    struct cli *cli;
    struct client client;
    enum tip_tlp door;
    struct out *table;
    char *values[TIP_LOOKUP_MAX]; /* owned */
    size_t n_values;
    size_t n_told, n_unreadable;
};

/* ---- showing ---- */

static const char *asking_bool(bool is)
{
    return is ? "true" : "false";
}

static const char *asking_time(int64_t unix_ms, char text[static TIP_CLOCK_TEXT])
{
    if (!unix_ms)
        return NULL;
    tip_clock_format(unix_ms, text);
    return text;
}

/* Its own verdict comes last: alone, or behind the one that decides. */
static double asking_own(const struct tip_verdict_found *found)
{
    size_t n = found->n_verdicts;

    return n && (!found->inherited || n > 1) ? found->verdicts[n - 1].score : 0;
}

static void asking_show(struct asking *asking, const char *value, const struct tip_verdict_found *found)
{
    const struct tip_verdict *verdict = found->n_verdicts ? &found->verdicts[0] : NULL;
    const enum out_mode mode = asking->cli->out.mode;
    tip_auto(tip_free) char *families = verdict ? verdict_families(verdict, mode) : NULL;
    tip_auto(tip_free) char *reasons = verdict ? verdict_reasons(verdict, mode) : NULL;
    char score[32], share[32], own[32], n_reasons[16], next[TIP_CLOCK_TEXT], expires[TIP_CLOCK_TEXT];
    bool is_read = !*found->unreadable;
    const char *cells[C_COUNT] = {
        [C_VALUE] = value,
        [C_SCORE] = is_read ? score : NULL,
        [C_TIER] = is_read ? tip_tier_name(found->tier) : NULL,
        [C_INHERITED] = asking_bool(found->inherited),
        [C_FROM] = found->inherited ? verdict->value : NULL,
        [C_SHARE] = verdict ? share : NULL,
        [C_ALLOWED] = asking_bool(found->allowed),
        [C_DENIED] = asking_bool(found->denied),
        [C_OWN_SCORE] = is_read ? own : NULL,
        [C_FAMILIES] = families,
        [C_REASONS] = reasons,
        [C_N_REASONS] = verdict ? n_reasons : NULL,
        [C_NEXT] = verdict ? asking_time(verdict->next_change_unix_ms, next) : NULL,
        [C_EXPIRES] = verdict ? asking_time(verdict->expires_unix_ms, expires) : NULL,
        [C_UNREADABLE] = is_read ? NULL : found->unreadable,
    };

    (void)snprintf(score, sizeof(score), "%.6g", found->score);
    (void)snprintf(share, sizeof(share), "%.6g", found->share);
    (void)snprintf(own, sizeof(own), "%.6g", asking_own(found));
    (void)snprintf(n_reasons, sizeof(n_reasons), "%u", verdict ? (unsigned)verdict->reason_count : 0);
    asking->n_told += found->score > 0 || found->allowed;
    asking->n_unreadable += !is_read;
    if (!is_read)
        cli_note(asking->cli, "\"%s\" is no address, network, name or URL: %s", value,
                 unreadable_phrase(found->unreadable));
    out_row(asking->table, cells, NULL);
}

/* ---- asking ---- */

/* All that has been collected, in one call. */
static int asking_flush(struct asking *asking)
{
    struct tip_lookup_item items[TIP_LOOKUP_MAX];
    const struct tip_verdict_lookup lookup = {.n_items = asking->n_values, .items = items};
    tip_auto(tip_call_free) struct tip_verdict_answer *answer = NULL;
    int r;

    for (size_t i = 0; i < asking->n_values; i++)
        items[i] = (struct tip_lookup_item){TIP_KIND_NONE, asking->values[i]};
    r = asking->n_values ? client_lookup(&asking->client, asking->door, &lookup, &answer) : CLI_OK;
    for (size_t i = 0; r == CLI_OK && answer && i < answer->n_found && i < asking->n_values; i++)
        asking_show(asking, asking->values[i], &answer->found[i]);
    while (asking->n_values > 0)
        tip_free(&asking->values[--asking->n_values]);
    return r;
}

static int asking_add(struct asking *asking, const char *text, size_t len)
{
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    while (len && strchr(" \t", *text))
        text++, len--;
    if (!len)
        return CLI_OK;
    if (len > TIP_INDICATOR_MAX) {
        cli_error("a line is longer than %d bytes", TIP_INDICATOR_MAX);
        return CLI_USAGE;
    }
    asking->values[asking->n_values++] = tip_strndup(text, len);
    return asking->n_values == TIP_LOOKUP_MAX ? asking_flush(asking) : CLI_OK;
}

static int asking_read(struct asking *asking, FILE *in)
{
    tip_auto(tip_free) char *line = NULL;
    size_t room = 0;
    int r = CLI_OK;

    while (r == CLI_OK) {
        ssize_t n = getline(&line, &room, in);

        if (n < 0)
            break;
        r = asking_add(asking, line, (size_t)n);
    }
    return r;
}

static int asking_values(struct asking *asking)
{
    const struct cli *cli = asking->cli;
    bool is_stdin = cli->n_args == 0 || (cli->n_args == 1 && strcmp(cli->args[0], "-") == 0);
    int r = is_stdin ? asking_read(asking, stdin) : CLI_OK;

    for (int i = 0; !is_stdin && r == CLI_OK && i < cli->n_args; i++)
        r = asking_add(asking, cli->args[i], strlen(cli->args[i]));
    return r == CLI_OK ? asking_flush(asking) : r;
}

static int asking_table(struct asking *asking)
{
    struct out_config out = asking->cli->out;
    const char *bad = NULL;

    out.nested = VERDICT_NESTED;
    if (out.mode == OUT_HUMAN && !out.fields)
        out.fields = VERDICT_HUMAN;
    return out_open(&asking->table, &out, verdict_columns, C_COUNT, &bad) ? cli_bad_field(bad) : CLI_OK;
}

static int verdict_run(struct cli *cli)
{
    tip_auto(tip_free) struct asking *asking = tip_new(struct asking);
    int r;

    asking->cli = cli;
    if (client_door_of(cli_text(cli, VERDICT_DOOR, NULL), &asking->door))
        return CLI_USAGE;
    r = client_open(&asking->client, cli->config, CLIENT_CALLS);
    if (r == CLI_OK)
        r = client_door(&asking->client, &asking->door);
    if (r == CLI_OK)
        r = asking_table(asking);
    if (r == CLI_OK)
        r = asking_values(asking);
    while (asking->n_values > 0)
        tip_free(&asking->values[--asking->n_values]);
    out_destroy(&asking->table);
    client_close(&asking->client);
    if (r != CLI_OK)
        return r;
    return asking->n_unreadable ? CLI_DEGRADED : asking->n_told ? CLI_OK : CLI_NOT_FOUND;
}

const struct cli_command cmd_verdict = {
    .name = "verdict",
    .arguments = "[VALUE...]",
    .summary = "What is told of addresses, networks, names and URLs now: score and tier, their own or inherited.",
    .details =
        "Asked of the blacklist itself, up to 1000 in a call. Without values, or with -, one a line is read from\n"
        "standard input. `from` is the network around it or the name above whose verdict decides, `share` how much of\n"
        "that it inherits. A URL and an address with a port inherit nothing from their host: ask for the host, too.\n"
        "Exit code 4 when nothing is told of any, 3 when one could not be read.",
    .options = verdict_rows,
    .n_options = VERDICT_OPTIONS,
    .min_args = 0,
    .max_args = -1,
    .run = verdict_run,
};
