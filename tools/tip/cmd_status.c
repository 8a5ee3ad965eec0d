#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tip/admin.h>

#include "admin.h"
#include "client.h"
#include "commands.h"
#include "programs.h"

enum { STATUS_BODY_BYTES = 1024 * 1024 };

enum status_state { STATUS_DOWN, STATUS_DEGRADED, STATUS_READY };

static const char *const status_names[] = {"down", "degraded", "ready"};

struct status_service {
    const char *name;
    enum status_state state;
    char detail[512]; /* what is not ok */
    long long uptime_s, rss_bytes;
    bool is_insecure;
};

struct status {
    struct cli *cli;
    struct options options;
    struct status_service services[PROGRAMS];
    struct tip_store_answer *storage; /* one row, or NULL */
    bool is_insecure;
};

/* ---- asking ---- */

static void status_detail(struct status_service *service, const char *body)
{
    json_t *answer = json_loads(body, JSON_REJECT_DUPLICATES, NULL), *component;
    size_t i, len;

    json_array_foreach(json_object_get(answer, "components"), i, component)
    {
        if (json_is_true(json_object_get(component, "ok")))
            continue;
        len = strlen(service->detail);
        snprintf(service->detail + len, sizeof(service->detail) - len, "%s%s: %s", len ? "; " : "",
                 json_string_value(json_object_get(component, "name")),
                 json_string_value(json_object_get(component, "text")));
    }
    json_decref(answer);
}

static void status_metrics(struct status_service *service, const char *socket)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    double started;
    long code = 0;

    tip_buf_init(&body, STATUS_BODY_BYTES);
    if (tip_admin_ask(socket, "/metrics", &body, &code))
        return;
    started = admin_metric(tip_buf_text(&body), "process_start_time_seconds", 0);
    service->uptime_s = started > 0 ? llround((double)time(NULL) - started) : 0;
    service->rss_bytes = llround(admin_metric(tip_buf_text(&body), "process_resident_memory_bytes", 0));
    service->is_insecure = admin_metric(tip_buf_text(&body), "tip_insecure", 0) > 0;
}

static void status_service(struct status *status, size_t i)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    struct status_service *service = &status->services[i];
    char socket[OPTIONS_PATH_BYTES];
    long code = 0;

    service->name = programs[i].name;
    options_socket(&status->options, service->name, socket);
    tip_buf_init(&body, STATUS_BODY_BYTES);
    if (tip_admin_ask(socket, "/readyz", &body, &code)) {
        snprintf(service->detail, sizeof(service->detail), "nobody answers at %.480s", socket);
        return;
    }
    service->state = code == 200 ? STATUS_READY : STATUS_DEGRADED;
    status_detail(service, tip_buf_text(&body));
    status_metrics(service, socket);
    status->is_insecure = status->is_insecure || service->is_insecure;
}

static enum status_state status_of(const struct status *status, const char *name)
{
    for (size_t i = 0; i < PROGRAMS; i++) {
        if (strcmp(status->services[i].name, name) == 0)
            return status->services[i].state;
    }
    return STATUS_DOWN;
}

/* Storage's own words, when broker and storage are there to bring them. */
static int status_storage(struct status *status)
{
    const struct tip_store_query query = {.name = "status"};
    struct client client;
    int r;

    if (status_of(status, "broker") == STATUS_DOWN || status_of(status, "storage") != STATUS_READY)
        return CLI_OK;
    r = client_open(&client, status->options.config, CLIENT_CALLS);
    if (r == CLI_OK)
        r = client_query(&client, &query, &status->storage);
    client_close(&client);
    return r;
}

/* ---- telling ---- */

static const struct tip_column status_columns[] = {
    {"service", TIP_COLUMN_TEXT},  {"state", TIP_COLUMN_TEXT},    {"uptime_s", TIP_COLUMN_INT},
    {"rss_bytes", TIP_COLUMN_INT}, {"insecure", TIP_COLUMN_BOOL}, {"detail", TIP_COLUMN_TEXT},
};

static void status_row(struct out *out, const struct status_service *service)
{
    static const enum out_style by_state[] = {OUT_RED, OUT_YELLOW, OUT_GREEN};
    const enum out_style styles[] = {
        OUT_BOLD, by_state[service->state], OUT_PLAIN, OUT_PLAIN, service->is_insecure ? OUT_RED : OUT_PLAIN,
        OUT_PLAIN};
    char uptime[24], rss[24];
    const bool is_down = service->state == STATUS_DOWN;
    const char *cells[] = {service->name,
                           status_names[service->state],
                           is_down ? NULL : uptime,
                           is_down ? NULL : rss,
                           is_down                ? NULL
                           : service->is_insecure ? "true"
                                                  : "false",
                           service->detail};

    snprintf(uptime, sizeof(uptime), "%lld", service->uptime_s);
    snprintf(rss, sizeof(rss), "%lld", service->rss_bytes);
    out_row(out, cells, styles);
}

static int status_table(const struct status *status)
{
    tip_auto(out_destroy) struct out *out = NULL;
    const char *bad = NULL;

    if (out_open(&out, &status->cli->out, status_columns, sizeof(status_columns) / sizeof(status_columns[0]), &bad))
        return cli_bad_field(bad);
    for (size_t i = 0; i < PROGRAMS; i++)
        status_row(out, &status->services[i]);
    return CLI_OK;
}

static const char *status_cell(const struct status *status, const char *name)
{
    for (size_t i = 0; status->storage && status->storage->n_rows && i < status->storage->n_columns; i++) {
        if (strcmp(status->storage->columns[i].name, name) == 0)
            return status->storage->cells[i] ? status->storage->cells[i] : "-";
    }
    return "-";
}

static int status_human(const struct status *status)
{
    const struct out_config *out = &status->cli->out;
    int r;

    if (status->is_insecure)
        printf("%sINSECURE%s: the bus is plain tcp on loopback; whoever can connect may publish and read everything\n",
               out_style_on(out, OUT_RED), out_style_off(out));
    r = status_table(status);
    if (r == CLI_OK && status->storage)
        printf("storage: stored up to %s, %s behind; %s sources (%s failing), about %s listings, %s verdicts; "
               "%s rejected, %s open gaps; schema %s\n",
               status_cell(status, "next_seq"), status_cell(status, "lag"), status_cell(status, "sources"),
               status_cell(status, "sources_failing"), status_cell(status, "listings_about"),
               status_cell(status, "verdicts_about"), status_cell(status, "rejects"), status_cell(status, "gaps_open"),
               status_cell(status, "schema"));
    cli_note(status->cli, "%s", status->options.config);
    return r;
}

static json_t *status_json_service(const struct status_service *service)
{
    json_t *object = json_object();

    json_object_set_new(object, "service", json_string(service->name));
    json_object_set_new(object, "state", json_string(status_names[service->state]));
    json_object_set_new(object, "uptime_s", json_integer(service->uptime_s));
    json_object_set_new(object, "rss_bytes", json_integer(service->rss_bytes));
    json_object_set_new(object, "insecure", json_boolean(service->is_insecure));
    json_object_set_new(object, "detail", json_string(service->detail));
    return object;
}

static json_t *status_json_storage(const struct status *status)
{
    json_t *object;

    if (!status->storage || status->storage->n_rows == 0)
        return json_null();
    object = json_object();
    for (size_t i = 0; i < status->storage->n_columns; i++) {
        const struct tip_column *column = &status->storage->columns[i];
        const char *cell = status->storage->cells[i];

        json_object_set_new(object, column->name, out_json(cell, column->type));
    }
    return object;
}

static void status_json(const struct status *status, int code)
{
    json_t *object = json_object(), *services = json_array();

    for (size_t i = 0; i < PROGRAMS; i++)
        json_array_append_new(services, status_json_service(&status->services[i]));
    json_object_set_new(object, "ok", json_boolean(code == CLI_OK));
    json_object_set_new(object, "insecure", json_boolean(status->is_insecure));
    json_object_set_new(object, "config", json_string(status->options.config));
    json_object_set_new(object, "services", services);
    json_object_set_new(object, "storage", status_json_storage(status));
    out_object(&status->cli->out, object);
    json_decref(object);
}

static int status_code(const struct status *status)
{
    size_t n_ready = 0, n_down = 0;

    for (size_t i = 0; i < PROGRAMS; i++) {
        n_ready += status->services[i].state == STATUS_READY;
        n_down += status->services[i].state == STATUS_DOWN;
    }
    if (n_down == PROGRAMS)
        return CLI_UNREACHABLE;
    return n_ready == PROGRAMS && status->storage ? CLI_OK : CLI_DEGRADED;
}

static int status_tell(const struct status *status)
{
    int code = status_code(status), r = CLI_OK;

    if (code == CLI_UNREACHABLE)
        cli_error("nothing runs: no service answers in %s", status->options.common.run);
    switch (status->cli->out.mode) {
    case OUT_HUMAN:
        r = status_human(status);
        break;
    case OUT_CSV:
        r = status_table(status);
        break;
    case OUT_JSON:
    case OUT_NDJSON:
    case OUT_MODE_COUNT:
        status_json(status, code);
        break;
    }
    return r ? r : code;
}

static int status_run(struct cli *cli)
{
    struct status status = {.cli = cli};
    int r = options_load(&status.options, cli->config);

    for (size_t i = 0; i < PROGRAMS && r == CLI_OK; i++)
        status_service(&status, i);
    if (r == CLI_OK)
        r = status_storage(&status);
    if (r == CLI_OK || r == CLI_UNREACHABLE || r == CLI_DENIED) /* admin sockets ask for no key */
        r = status.options.config ? status_tell(&status) : r;
    tip_call_free(&status.storage);
    options_free(&status.options);
    return r;
}

const struct cli_command cmd_status = {
    .name = "status",
    .arguments = "",
    .summary = "What runs and how it is.",
    .details =
        "Asks the admin socket of every service, and storage for its position. Exit code 0 when all are ready, 3 when\n"
        "not, 6 when nothing runs.",
    .run = status_run,
};
