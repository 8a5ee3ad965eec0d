#include "run.h"

#include <string.h>

#include <tip/uuid.h>
#include <topics.h>

#include "client.h"
#include "command.h"
#include "line.h"
#include "module_name.h"
#include "source_name.h"

struct run {
    struct cli *cli;
    const struct run_request *request;
    struct client client;
    char module[TIP_NAME_MAX + 1];
    char topics[3][TIP_TOPIC_MAX + 1];
    struct tip_id run_id;
    bool is_known; /* run_id is set */
    bool is_over, is_bad;
    struct tip_buf said;
    struct tip_buf early; /* run ids (16 bytes) and results of reports that came before the answer */
};

/* One report in `early`: id, whether it failed. */
struct run_report {
    struct tip_id id;
    bool is_bad;
    char text[TIP_TEXT_MAX * 2];
};

static void run_end(struct run *run, const struct run_report *report)
{
    run->is_over = true;
    run->is_bad = report->is_bad;
    (void)!tip_buf_append_text(&run->said, report->text); /* cut at its cap */
    client_wake(&run->client);
}

static bool run_read(const struct tip_record *record, struct run_report *report)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf text;
    bool is_report;

    tip_buf_init(&text, sizeof(report->text) - 1);
    if (tip_event_decode(record->event, record->event_len, &event, NULL))
        return false;
    is_report = event->kind == TIP_EVENT_SCHEDULE_DONE || event->kind == TIP_EVENT_SCHEDULE_FAILED;
    if (!is_report && event->kind != TIP_EVENT_SCHEDULE_OVERDUE)
        return false;
    (void)!line_event(event, &text); /* cut at its cap */
    *report = (struct run_report){.is_bad = event->kind != TIP_EVENT_SCHEDULE_DONE};
    report->id = is_report ? event->schedule_report.run_id : event->schedule_overdue.run_id;
    strcpy(report->text, tip_buf_text(&text));
    return true;
}

static void run_on_record(void *ctx, const struct tip_record *record)
{
    struct run *run = ctx;
    struct run_report report;

    if (run->is_over || !run_read(record, &report))
        return;
    if (!run->is_known)
        (void)!tip_buf_append(&run->early, &report, sizeof(report)); /* beyond the cap it cannot be ours */
    else if (tip_id_equal(&run->run_id, &report.id))
        run_end(run, &report);
}

static void run_look_back(struct run *run)
{
    struct run_report report;

    for (size_t at = 0; at + sizeof(report) <= run->early.len && !run->is_over; at += sizeof(report)) {
        memcpy(&report, run->early.data + at, sizeof(report));
        if (tip_id_equal(&run->run_id, &report.id))
            run_end(run, &report);
    }
}

static void run_show(struct run *run, const struct tip_control_answer *answer, const char *state)
{
    const char *run_id = tip_param_get(answer->values, answer->n_values, "run_id");
    json_t *object;

    if (run->cli->out.mode == OUT_HUMAN) {
        out_safe_line(stdout, answer->result);
        if (run->is_over)
            out_safe_line(stdout, tip_buf_text(&run->said));
        return;
    }
    object = json_object();
    json_object_set_new(object, "run_id", run_id ? json_string(run_id) : json_null());
    json_object_set_new(object, "result", json_string(answer->result));
    json_object_set_new(object, "state", json_string(state));
    json_object_set_new(object, "summary", run->is_over ? json_string(tip_buf_text(&run->said)) : json_null());
    out_object(&run->cli->out, object);
    json_decref(object);
}

static int run_ask(struct run *run, struct tip_control_answer **answerp)
{
    struct tip_param force = {.name = "force", .value = "true"};
    struct tip_control_request request = {
        .action = "run",
        .target = run->request->target,
        .reason = run->request->reason,
        .dry_run = run->request->dry_run,
        .n_params = run->request->force,
        .params = &force,
    };
    struct tip_uuid uuid;
    const char *run_id;
    int r = client_control(&run->client, "scheduler", &request, answerp);

    if (r)
        return r;
    run_id = tip_param_get((*answerp)->values, (*answerp)->n_values, "run_id");
    if (run_id && tip_uuid_parse(&uuid, run_id, strlen(run_id)) == 0) {
        memcpy(run->run_id.bytes, uuid.bytes, sizeof(uuid.bytes));
        run->is_known = true;
        run_look_back(run);
    }
    return CLI_OK;
}

static int run_wait(struct run *run)
{
    int r = CLI_OK;

    if (!run->is_over)
        r = client_wait(&run->client, run->request->timeout_ms);
    if (r == CLI_OK && !run->is_over) {
        cli_error("no report came in time; tip sched list says how it stands");
        return CLI_FAILED;
    }
    return r;
}

static int run_subscribed(struct run *run)
{
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    bool want_wait = run->request->wait && !run->request->dry_run;
    int r = run->request->source ? source_name_look(&run->client, run->request->source)
                                 : module_name_look(&run->client, run->module);

    if (r == CLI_OK)
        r = run_ask(run, &answer);
    if (r == CLI_OK && want_wait)
        r = run_wait(run);
    if (answer && answer->ok)
        run_show(run, answer, !run->is_over ? "started" : run->is_bad ? "failed" : "done");
    return r ? r : run->is_bad ? CLI_FAILED : CLI_OK;
}

static int run_topics(struct run *run)
{
    static const char *const prefixes[] = {TIP_TOPIC_SCHEDULE_DONE, TIP_TOPIC_SCHEDULE_FAILED,
                                           TIP_TOPIC_SCHEDULE_OVERDUE};
    size_t len = strcspn(run->request->target, "/");

    if (len == 0 || len > TIP_NAME_MAX) {
        cli_error("\"%s\" names no module", run->request->target);
        return CLI_USAGE;
    }
    snprintf(run->module, sizeof(run->module), "%.*s", (int)len, run->request->target);
    for (size_t i = 0; i < 3; i++) {
        if (tip_topic(run->topics[i], prefixes[i], run->module))
            return CLI_USAGE;
    }
    return CLI_OK;
}

static int run_perform(struct run *run)
{
    const char *const prefixes[] = {run->topics[0], run->topics[1], run->topics[2], NULL};
    struct tip_sub *sub = NULL;
    int r = client_open(&run->client, run->cli->config, CLIENT_CALLS | CLIENT_FEED);

    if (r == CLI_OK && tip_sub_open(&sub, run->client.bus,
                                    &(struct tip_sub_config){
                                        .prefixes = prefixes,
                                        .on_record = run_on_record,
                                        .ctx = run,
                                    })) {
        cli_error("cannot subscribe");
        r = CLI_FAILED;
    }
    if (r == CLI_OK)
        r = run_subscribed(run);
    tip_sub_destroy(&sub);
    client_close(&run->client);
    return r;
}

int run_module(struct cli *cli, const struct run_request *request)
{
    struct run run = {.cli = cli, .request = request};
    int r = run_topics(&run);

    tip_buf_init(&run.said, 4096);
    tip_buf_init(&run.early, 64 * sizeof(struct run_report));
    if (r == CLI_OK)
        r = run_perform(&run);
    tip_buf_deinit(&run.said);
    tip_buf_deinit(&run.early);
    return r;
}
