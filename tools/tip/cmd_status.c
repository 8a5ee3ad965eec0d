#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tip/admin.h>

#include "admin.h"
#include "beats.h"
#include "brief.h"
#include "bus_brief.h"
#include "bus_health.h"
#include "client.h"
#include "commands.h"
#include "programs.h"
#include "up/lock.h"

#define STATUS_AGE "tip_storage_recent_age_seconds"

enum { STATUS_BODY_BYTES = 4 << 20 };

enum status_state { STATUS_DOWN, STATUS_DEGRADED, STATUS_READY };

static const char *const status_names[] = {"down", "degraded", "ready"};

struct status_service {
    const char *name;
    enum status_state state;
    char detail[512]; /* what is not ok */
    long long uptime_s, rss_bytes;
    double age_p50_s, age_p99_s; /* of events when storage commits them; negative: not known */
    bool is_insecure;
    bool is_elsewhere; /* it has no admin socket here: down, or on another machine, or in another container */
};

struct status {
    struct cli *cli;
    struct options options;
    struct status_service services[PROGRAMS];
    struct tip_store_answer *storage; /* one row, or NULL */
    struct bus_state bus;
    struct bus_health health; /* what is wrong, in words */
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
    service->age_p50_s = admin_metric(tip_buf_text(&body), STATUS_AGE "{quantile=\"0.5\"}", -1);
    service->age_p99_s = admin_metric(tip_buf_text(&body), STATUS_AGE "{quantile=\"0.99\"}", -1);
    service->is_insecure = admin_metric(tip_buf_text(&body), "tip_insecure", 0) > 0;
}

static void status_service(struct status *status, size_t i)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    struct status_service *service = &status->services[i];
    char socket[OPTIONS_PATH_BYTES];
    long code = 0;

    service->name = programs[i].name;
    service->age_p50_s = service->age_p99_s = -1;
    options_socket(&status->options, service->name, socket);
    tip_buf_init(&body, STATUS_BODY_BYTES);
    if (tip_admin_ask(socket, "/readyz", &body, &code)) {
        snprintf(service->detail, sizeof(service->detail), "nobody answers at %.480s", socket);
        service->is_elsewhere = access(socket, F_OK) == -1;
        return;
    }
    service->state = code == 200 ? STATUS_READY : STATUS_DEGRADED;
    status_detail(service, tip_buf_text(&body));
    status_metrics(service, socket);
    status->is_insecure = status->is_insecure || service->is_insecure;
}

static const struct status_service *status_find(const struct status *status, const char *name)
{
    for (size_t i = 0; i + 1 < PROGRAMS; i++) {
        if (strcmp(status->services[i].name, name) == 0)
            return &status->services[i];
    }
    return &status->services[PROGRAMS - 1]; /* the names are ours */
}

static enum status_state status_of(const struct status *status, const char *name)
{
    return status_find(status, name)->state;
}

static void status_take_beat(struct status *status, struct status_service *service, const struct beat *beat)
{
    if (!beat->is_heard)
        return;
    service->state = beat->is_ready ? STATUS_READY : STATUS_DEGRADED;
    service->uptime_s = (long long)(beat->uptime_ms / 1000);
    service->rss_bytes = (long long)beat->rss_bytes;
    service->is_insecure = beat->is_insecure;
    status->is_insecure = status->is_insecure || beat->is_insecure;
    snprintf(service->detail, sizeof(service->detail), "%s", beat->detail);
}

/* Who is not on this machine is heard on the bus. The broker has no heartbeat: it is there when it answers. */
static int status_hear(struct status *status, struct client *client)
{
    struct beat beats[PROGRAMS] = {{0}};
    struct status_service *whose[PROGRAMS];
    size_t n = 0;
    int r;

    for (size_t i = 0; i < PROGRAMS; i++) {
        if (status->services[i].is_elsewhere && strcmp(status->services[i].name, "broker") != 0) {
            beats[n].name = status->services[i].name;
            whose[n++] = &status->services[i];
        }
    }
    r = beats_hear(client, beats, n);
    for (size_t i = 0; i < n; i++)
        status_take_beat(status, whose[i], &beats[i]);
    return r;
}

static void status_broker_answered(struct status *status)
{
    for (size_t i = 0; i < PROGRAMS; i++) {
        struct status_service *service = &status->services[i];

        if (strcmp(service->name, "broker") == 0 && service->state == STATUS_DOWN) {
            service->state = STATUS_READY;
            snprintf(service->detail, sizeof(service->detail), "answers on the bus, not here");
        }
    }
}

static int status_ask_bus(struct status *status, struct client *client)
{
    const struct tip_store_query query = {.name = "status"};
    char why[CLIENT_WHY_BYTES];
    int r;

    client->why = why;
    r = bus_state_ask(&status->bus, client);
    if (r != CLI_OK && r != CLI_INTERRUPTED)
        bus_health_add(&status->health, "the broker says nothing of itself: %s", why);
    client->why = NULL;
    if (r == CLI_OK) {
        status_broker_answered(status);
        r = status_hear(status, client);
    }
    if (r == CLI_INTERRUPTED || status_of(status, "storage") != STATUS_READY)
        return r == CLI_INTERRUPTED ? r : CLI_OK;
    return client_query(client, &query, &status->storage);
}

/* The broker's own words and storage's, when they are there to bring them. */
static int status_bus(struct status *status)
{
    struct client client;
    int r;

    if (status_of(status, "broker") == STATUS_DOWN && !status_find(status, "broker")->is_elsewhere)
        return CLI_OK;
    r = client_open(&client, status->options.config, CLIENT_CALLS | CLIENT_FEED);
    if (r == CLI_OK)
        r = status_ask_bus(status, &client);
    client_close(&client);
    return r;
}

static void status_judge(struct status *status)
{
    for (size_t i = 0; i < PROGRAMS; i++) {
        const struct status_service *service = &status->services[i];

        if (service->state != STATUS_READY)
            bus_health_add(&status->health, "%s is %s%s%s", service->name,
                           service->state == STATUS_DOWN ? "down" : "not ready", *service->detail ? ": " : "",
                           service->detail);
    }
    bus_health_judge(&status->health, &status->bus);
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

static void status_human_wrongs(const struct status *status)
{
    const struct out_config *out = &status->cli->out;
    const size_t n = status->health.n < BUS_WRONGS_MAX ? status->health.n : BUS_WRONGS_MAX;

    if (n)
        printf("%sDEGRADED%s\n", out_style_on(out, OUT_YELLOW), out_style_off(out));
    for (size_t i = 0; i < n; i++) {
        fputs("  ", stdout);
        out_safe_line(stdout, status->health.wrongs[i]);
    }
    if (status->health.n > n)
        printf("  and %zu more\n", status->health.n - n);
}

/* Of a table the part that a person wants: nothing when it is empty. */
static void status_human_rows(const struct status *status, enum bus_table table)
{
    tip_auto(out_destroy) struct out *out = NULL;
    char text[BUS_BRIEF_COLUMNS][BUS_BRIEF_CELL];
    const char *cells[BUS_BRIEF_COLUMNS];
    struct bus_brief brief;
    const char *bad;

    bus_brief_columns(table, &brief);
    if (bus_rows(&status->bus, table) == 0 || out_open(&out, &status->cli->out, brief.columns, brief.n_columns, &bad))
        return;
    putchar('\n');
    for (size_t i = 0; i < brief.n_columns; i++)
        cells[i] = text[i];
    for (size_t row = 0; row < bus_rows(&status->bus, table); row++) {
        bool is_gone = table == BUS_PUBLISHERS && !bus_is(&status->bus, table, row, "up");

        bus_brief_row(&status->bus, NULL, table, row, text);
        if (!is_gone)
            out_row(out, cells, NULL);
    }
}

static void status_human_bus(const struct status *status)
{
    char head[BRIEF_BYTES], rate[BRIEF_BYTES], size[BRIEF_BYTES], cap[BRIEF_BYTES];
    const struct bus_state *bus = &status->bus;

    if (bus_rows(bus, BUS_JOURNAL) == 0)
        return;
    status_human_rows(status, BUS_PUBLISHERS);
    status_human_rows(status, BUS_CONSUMERS);
    status_human_rows(status, BUS_QUEUES);
    brief_count(bus_number(bus, BUS_JOURNAL, 0, "head_seq", 0), head);
    brief_rate(bus_number(bus, BUS_JOURNAL, 0, "events_per_s_60s", 0), rate);
    brief_bytes(bus_number(bus, BUS_JOURNAL, 0, "size_bytes", 0), size);
    brief_bytes(bus_number(bus, BUS_JOURNAL, 0, "cap_bytes", 0), cap);
    printf("\njournal: %s events so far, %s a second in the last minute, %s of at most %s; a flush takes %.1f ms, "
           "1 in 100 more than %.1f ms\n",
           head, rate, size, cap, bus_number(bus, BUS_JOURNAL, 0, "flush_p50_ms", 0),
           bus_number(bus, BUS_JOURNAL, 0, "flush_p99_ms", 0));
}

static void status_human_age(const struct status *status)
{
    const struct status_service *storage = status_find(status, "storage");
    char middle[BRIEF_BYTES], tail[BRIEF_BYTES];

    if (storage->age_p99_s < 0)
        return;
    brief_seconds(storage->age_p50_s, middle);
    brief_seconds(storage->age_p99_s, tail);
    printf("storage: the last events were %s old when they were stored, 1 in 100 more than %s\n", middle, tail);
}

/* Which files all of it is of, and who takes a changed one in. */
static void status_note_config(const struct status *status)
{
    const pid_t pid = lock_holder(status->options.up.data);

    if (pid)
        cli_note(status->cli, "configuration: %s (kill -HUP %d loads it anew)", status->options.config, (int)pid);
    else
        cli_note(status->cli, "configuration: %s", status->options.config);
}

static int status_human(const struct status *status)
{
    const struct out_config *out = &status->cli->out;
    int r;

    if (status->is_insecure)
        printf("%sINSECURE%s: the bus is plain tcp on loopback; whoever can connect may publish and read everything\n",
               out_style_on(out, OUT_RED), out_style_off(out));
    status_human_wrongs(status);
    r = status_table(status);
    if (r == CLI_OK && !out->fields)
        status_human_bus(status);
    if (r == CLI_OK && !out->fields && status->storage)
        printf("storage: stored up to %s, %s behind; %s sources (%s failing), about %s listings, %s verdicts; "
               "%s rejected, %s open gaps; schema %s\n",
               status_cell(status, "next_seq"), status_cell(status, "lag"), status_cell(status, "sources"),
               status_cell(status, "sources_failing"), status_cell(status, "listings_about"),
               status_cell(status, "verdicts_about"), status_cell(status, "rejects"), status_cell(status, "gaps_open"),
               status_cell(status, "schema"));
    if (r == CLI_OK && !out->fields)
        status_human_age(status);
    status_note_config(status);
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

static json_t *status_json_wrongs(const struct status *status)
{
    json_t *wrongs = json_array();

    for (size_t i = 0; i < status->health.n && i < BUS_WRONGS_MAX; i++)
        json_array_append_new(wrongs, out_json(status->health.wrongs[i], TIP_COLUMN_TEXT));
    return wrongs;
}

static json_t *status_json_age(const struct status *status)
{
    const struct status_service *storage = status_find(status, "storage");

    if (storage->age_p99_s < 0)
        return json_null();
    return json_pack("{s:f, s:f}", "p50_s", storage->age_p50_s, "p99_s", storage->age_p99_s);
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
    json_object_set_new(object, "degraded", status_json_wrongs(status));
    json_object_set_new(object, "bus", bus_json(&status->bus));
    json_object_set_new(object, "storage", status_json_storage(status));
    json_object_set_new(object, "storage_age", status_json_age(status));
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
    return n_ready == PROGRAMS && status->storage && !status->health.n ? CLI_OK : CLI_DEGRADED;
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
        r = status_bus(&status);
    status_judge(&status);
    if (r == CLI_OK || r == CLI_UNREACHABLE || r == CLI_DENIED) /* admin sockets ask for no key */
        r = status.options.config ? status_tell(&status) : r;
    tip_call_free(&status.storage);
    bus_state_free(&status.bus);
    options_free(&status.options);
    return r;
}

const struct cli_command cmd_status = {
    .name = "status",
    .arguments = "",
    .summary = "What runs and how it is.",
    .details =
        "Asks the admin socket of every service, the broker for publishers, consumers and queues, and storage for its\n"
        "position. What is degraded comes first, in words. Exit code 0 when all is well, 3 when not, 6 when nothing\n"
        "runs. `tip top` shows the same live.",
    .run = status_run,
};
