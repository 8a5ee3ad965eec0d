#include "source_name.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "up/lock.h"

enum { SOURCE_LOOK_MS = 3000 };

void source_reload_text(const struct options *options, char *text)
{
    const pid_t pid = lock_holder(options->up.data);

    if (pid)
        snprintf(text, SOURCE_RELOAD_BYTES, "kill -HUP %d", (int)pid);
    else
        snprintf(text, SOURCE_RELOAD_BYTES,
                 "SIGHUP to `tip up`, or to tip-blacklist where it runs alone (kill -HUP PID)");
}

int source_name_unknown(const struct client *client, const char *name)
{
    char reload[SOURCE_RELOAD_BYTES];

    source_reload_text(&client->options, reload);
    cli_error("there is no source \"%s\" (`tip source list`, `tip source pack`); a new file is loaded by %s", name,
              reload);
    return CLI_NOT_FOUND;
}

int source_name_missing(const struct client *client, const char *name, int r)
{
    if (r == CLI_INTERRUPTED)
        return r;
    if (r == CLI_OK || r == CLI_NOT_FOUND)
        return source_name_unknown(client, name);
    cli_error("storage knows no source \"%s\", and the collector cannot be asked", name);
    return CLI_NOT_FOUND;
}

int source_control(struct client *client, struct tip_control_request *request, struct tip_control_answer **answerp)
{
    char why[CLIENT_WHY_BYTES] = "", *before = client->why;
    int r;

    client->why = why;
    r = client_control(client, "blacklist", request, answerp);
    client->why = before;
    if (r == CLI_NOT_FOUND && strcmp(why, "there is no such source") == 0)
        return source_name_unknown(client, request->target);
    if (*why && r != CLI_OK && r != CLI_INTERRUPTED)
        cli_error("%s", why);
    return r;
}

/* @return also CLI_UNREACHABLE and the like, in silence */
static int source_name_ask(struct client *client, const char *name)
{
    struct tip_control_request request = {.action = "show", .target = name, .reason = ""};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    char why[CLIENT_WHY_BYTES], *before = client->why;
    uint64_t deadline_ms = client->deadline_ms;
    int r;

    client->why = why;
    client->deadline_ms = SOURCE_LOOK_MS;
    r = client_control(client, "blacklist", &request, &answer);
    client->why = before;
    client->deadline_ms = deadline_ms;
    return r;
}

int source_name_look(struct client *client, const char *name)
{
    int r = source_name_ask(client, name);

    if (r == CLI_NOT_FOUND)
        return source_name_unknown(client, name);
    return r == CLI_INTERRUPTED ? r : CLI_OK;
}

int source_name_stored(struct client *client, const char *name)
{
    struct tip_param param = {.name = "source", .value = name};
    const struct tip_store_query query = {.name = "source", .n_params = 1, .params = &param};
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    int r = client_query(client, &query, &answer);

    if (r != CLI_OK || answer->n_rows)
        return r;
    r = source_name_ask(client, name);
    return r == CLI_OK ? r : source_name_missing(client, name, r);
}
