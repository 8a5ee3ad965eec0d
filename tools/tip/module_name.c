#include "module_name.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <tip/alloc.h>

#include "command.h"

enum { MODULE_LOOK_MS = 3000, MODULE_ROWS = 2000 };

/* `blacklist`, or an instance of it: `blacklist.2`. */
static bool module_is(const char *publisher, const char *module)
{
    const size_t n = strlen(module);

    return publisher && strncmp(publisher, module, n) == 0 && (!publisher[n] || publisher[n] == '.');
}

static int module_on_bus(struct client *client, const char *module)
{
    const struct tip_store_query query = {.name = "publishers", .limit = MODULE_ROWS};
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    int r = client_bus_query(client, &query, &answer);

    for (size_t i = 0; r == CLI_OK && i < answer->n_rows; i++) {
        if (module_is(tip_store_cell(answer, i, "publisher"), module))
            return CLI_OK;
    }
    return r == CLI_OK ? CLI_NOT_FOUND : r;
}

static bool module_is_job(const char *text, const char *module)
{
    json_t *job = json_loads(text, 0, NULL);
    const char *its = json_string_value(json_object_get(job, "module"));
    bool is = its && strcmp(its, module) == 0;

    json_decref(job);
    return is;
}

/* One page of the scheduler's jobs. @param after  the one before; becomes where the next begins, "" behind the last */
static int module_page(struct client *client, const char *module, char after[static TIP_NAME_MAX + 1])
{
    struct tip_param param = {.name = "after", .value = after};
    struct tip_control_request request = {
        .action = "list", .target = "", .reason = "", .params = &param, .n_params = *after ? 1 : 0};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    const char *next;
    int r = client_control(client, "scheduler", &request, &answer);

    for (size_t i = 0; r == CLI_OK && i < answer->n_values; i++) {
        if (module_is_job(answer->values[i].value, module))
            return CLI_OK;
    }
    next = r == CLI_OK ? tip_param_get(answer->values, answer->n_values, "@next") : NULL;
    (void)snprintf(after, TIP_NAME_MAX + 1, "%s", next ? next : "");
    return r == CLI_OK ? CLI_NOT_FOUND : r;
}

static int module_in_jobs(struct client *client, const char *module)
{
    char after[TIP_NAME_MAX + 1] = "";
    int r;

    do {
        r = module_page(client, module, after);
    } while (r == CLI_NOT_FOUND && *after);
    return r;
}

int module_name_look(struct client *client, const char *module)
{
    char why[CLIENT_WHY_BYTES], *before = client->why;
    uint64_t deadline_ms = client->deadline_ms;
    int r;

    client->why = why;
    client->deadline_ms = MODULE_LOOK_MS;
    r = module_on_bus(client, module);
    if (r == CLI_NOT_FOUND)
        r = module_in_jobs(client, module);
    client->why = before;
    client->deadline_ms = deadline_ms;
    if (r == CLI_NOT_FOUND)
        cli_error(
            "there is no module \"%s\": no program of that name is on the bus, and no job starts it (`tip sched`)",
            module);
    return r == CLI_NOT_FOUND || r == CLI_INTERRUPTED ? r : CLI_OK;
}
