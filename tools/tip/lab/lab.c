#include "lab/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <tip/alloc.h>
#include <tip/bus.h>
#include <tip/hash.h>
#include <tip/http.h>
#include <tip/keys.h>
#include <tip/log.h>
#include <topics.h>

#include "command.h"
#include "lab/dns.h"
#include "lab/screen.h"
#include "lab/web.h"
#include "line.h"
#include "programs.h"
#include "up/up.h"

enum { LAB_TICK_MS = 500, LAB_ASK_MS = 1000, LAB_DEADLINE_MS = 3000, LAB_LINE_BYTES = 16 * 1024 };

#define LAB_KEY "tip" /* the lab looks on as an operator does */

struct lab;

/* The readiness of one service, asked again and again. */
struct lab_probe {
    struct lab *lab;
    const char *name;
    bool is_ready, is_asked;
};

struct lab {
    const struct lab_config *config;
    struct tip_loop *loop;
    struct up *up;
    struct tip_keys *keys;
    struct tip_bus *bus;
    struct tip_sub *sub;
    struct tip_http *http;
    struct lab_web web;
    struct lab_stages stages;
    struct screen screen;
    struct tip_timer tick, ask, end;
    struct lab_probe probes[PROGRAMS];
    bool is_counting, is_searching, has_dns;
    int64_t started_ms;
    char endpoints[LAB_PORTS_COUNT][48];
    char tip[PROGRAM_PATH_BYTES];
};

static int64_t lab_elapsed(const struct lab *lab)
{
    return tip_loop_now_ms() - lab->started_ms;
}

/* ---- events ---- */

static void lab_on_record(void *ctx, const struct tip_record *record)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf line;
    struct lab *lab = ctx;

    tip_buf_init(&line, LAB_LINE_BYTES);
    if (tip_event_decode(record->event, record->event_len, &event, NULL))
        return;
    lab->screen.n_events++;
    lab_stages_event(&lab->stages, event, lab_elapsed(lab));
    if (event->kind == TIP_EVENT_BUS_HEAD || event->kind == TIP_EVENT_SYSTEM_HEARTBEAT)
        return;
    (void)!tip_buf_append_format(&line, "%-16s ", event->kind_name); /* it fits, or the line stays empty */
    (void)!line_event(event, &line);
    screen_line(&lab->screen, tip_buf_text(&line));
}

static void lab_on_news(void *ctx, const char *name, const char *text)
{
    struct lab *lab = ctx;
    char line[SCREEN_LINE_BYTES];

    snprintf(line, sizeof(line), "%s: %s", name, text);
    screen_line(&lab->screen, line);
    if (lab->screen.is_tty || lab->config->is_quiet)
        return;
    out_safe(stderr, line);
    fputc('\n', stderr);
}

/* ---- asking ---- */

static void lab_on_probed(void *ctx, const struct tip_http_result *result)
{
    struct lab_probe *probe = ctx;
    bool is_all = true;

    probe->is_asked = false;
    probe->is_ready = result->end == TIP_HTTP_DONE && result->status == 200;
    for (size_t i = 0; i < PROGRAMS; i++)
        is_all = is_all && probe->lab->probes[i].is_ready;
    if (is_all)
        lab_stages_ready(&probe->lab->stages, lab_elapsed(probe->lab));
}

static void lab_probe(struct lab *lab, struct lab_probe *probe)
{
    char socket[128];

    if (probe->is_asked)
        return;
    snprintf(socket, sizeof(socket), "%s/%s.sock", lab->config->files->run, probe->name);
    probe->is_asked = true;
    tip_http_get(lab->http,
                 &(struct tip_http_request){.url = "http://localhost/readyz",
                                            .unix_socket = socket,
                                            .total_timeout_ms = LAB_DEADLINE_MS,
                                            .on_done = lab_on_probed,
                                            .ctx = probe},
                 NULL);
}

static void lab_on_counted(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n)
{
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    struct lab *lab = ctx;

    (void)reason; /* asked again in a second */
    lab->is_counting = false;
    if (failure == TIP_FAILURE_NONE && tip_store_answer_decode(body, n, &answer) == 0)
        lab_stages_counted(&lab->stages, answer, lab_elapsed(lab));
}

static void lab_on_found(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n)
{
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    struct lab *lab = ctx;

    (void)reason;
    lab->is_searching = false;
    if (failure == TIP_FAILURE_NONE && tip_store_answer_decode(body, n, &answer) == 0)
        lab_stages_found(&lab->stages, answer, lab_elapsed(lab));
}

/* @return true if it is under way */
static bool lab_query(struct lab *lab, const struct tip_store_query *query, tip_call_fn on_end)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    struct tip_id id = tip_id_random();

    tip_buf_init(&body, 4096);
    return tip_store_query_encode(query, &body) == 0 &&
           tip_call(lab->bus, &id, TIP_QUEUE_STORE_QUERY, body.data, body.len, LAB_DEADLINE_MS, on_end, lab) == 0;
}

static void lab_on_ask(void *ctx)
{
    struct tip_param value = {.name = "value", .value = LAB_ADDRESS};
    const struct tip_store_query count = {.name = "count_listed"};
    const struct tip_store_query search = {.name = "search", .n_params = 1, .params = &value};
    struct lab *lab = ctx;

    if (up_is_stopping(lab->up))
        return;
    for (size_t i = 0; i < PROGRAMS; i++)
        lab_probe(lab, &lab->probes[i]);
    if (lab->stages.at_ms[LAB_STAGE_UP] < 0)
        return;
    if (!lab->is_counting && (lab->stages.at_ms[LAB_STAGE_STORED] < 0 || lab->stages.at_ms[LAB_STAGE_HARMLESS] < 0))
        lab->is_counting = lab_query(lab, &count, lab_on_counted);
    if (!lab->is_searching && lab->stages.at_ms[LAB_STAGE_ANSWERED] < 0)
        lab->is_searching = lab_query(lab, &search, lab_on_found);
}

/* ---- time ---- */

static void lab_services(struct lab *lab)
{
    struct sup *sup = up_supervisor(lab->up);

    lab->screen.n_services = 0;
    for (size_t i = 0; i < sup_count(sup) && i < SCREEN_SERVICES; i++) {
        struct sup_info info = sup_info(sup, i);
        const char *state = sup_state_name(info.state);

        for (size_t k = 0; k < PROGRAMS; k++) {
            if (info.state == SUP_RUNNING && lab->probes[k].is_ready && strcmp(lab->probes[k].name, info.name) == 0)
                state = "ready";
        }
        lab->screen.services[lab->screen.n_services++] = (struct screen_service){info.name, state, info.n_restarts};
    }
}

/* The link that logs in once, while its file is there; then the bare address. */
static void lab_page(struct lab *lab)
{
    tip_auto(tip_file_close) FILE *file = NULL;
    char path[192], *page = lab->screen.page;

    snprintf(path, sizeof(path), "%s/web/first-link", lab->config->files->data);
    file = fopen(path, "re");
    if (file && fgets(page, SCREEN_PAGE_BYTES, file))
        page[strcspn(page, "\n")] = '\0';
    else if (page[0])
        snprintf(page, SCREEN_PAGE_BYTES, "http://127.0.0.1:%u/", (unsigned)lab->config->files->ports[LAB_PORT_PAGE]);
}

static void lab_on_tick(void *ctx)
{
    struct lab *lab = ctx;
    bool is_changed = false;
    int r = lab_web_turn(&lab->web, (uint64_t)lab_elapsed(lab), &is_changed);

    if (r)
        lab_on_news(lab, "web", "level=error the simulated lists cannot be written");
    lab->has_dns = up_is_stopping(lab->up) || lab_dns_turn(lab->has_dns, lab->config->files, up_supervisor(lab->up));
    lab_services(lab);
    lab_page(lab);
    screen_show(&lab->screen, &lab->stages, lab_elapsed(lab));
    if ((lab->config->until_done && lab_stages_all(&lab->stages)) || screen_is_gone(&lab->screen))
        up_stop(lab->up);
}

static void lab_on_end(void *ctx)
{
    struct lab *lab = ctx;

    up_stop(lab->up);
}

/* ---- beginning ---- */

static int lab_open_web(struct lab *lab)
{
    const char *program = lab_web_program();
    char *dir = NULL, conf[128], listen[32];
    int r;

    if (!program) {
        cli_error("the lab's internet needs nginx: apt-get install nginx-light");
        return -ENOENT;
    }
    if (asprintf(&dir, "%s/web", lab->config->files->dir) == -1)
        return -ENOMEM;
    snprintf(listen, sizeof(listen), "127.0.0.1:%u", (unsigned)lab->config->files->ports[LAB_PORT_WEB]);
    r = lab_web_open(&lab->web, dir, listen, lab->config->seed);
    if (r) {
        cli_error("%s: %s", dir, strerror(-r));
        return r;
    }
    snprintf(conf, sizeof(conf), "%s/nginx.conf", dir);
    sup_keep(up_supervisor(lab->up),
             &(struct sup_spec){.name = "nginx",
                                .path = program,
                                .args = (const char *const[]){"-e", "stderr", "-p", dir, "-c", conf, NULL},
                                .rank = SUP_RANKS - 1});
    return 0;
}

static int lab_open_bus(struct lab *lab)
{
    static const char *const prefixes[] = {"v1.", NULL};
    uint8_t key[16];
    int r;

    if (sodium_init() == -1)
        abort();
    randombytes_buf(key, sizeof(key));
    tip_hash_seed(key);
    for (int i = 0; i < LAB_PORTS_COUNT; i++)
        snprintf(lab->endpoints[i], sizeof(lab->endpoints[i]), "tcp://127.0.0.1:%u",
                 (unsigned)lab->config->files->ports[i]);
    r = tip_keys_open(&lab->keys, lab->config->files->keys, LAB_KEY);
    if (r) {
        cli_error("key " LAB_KEY ": %s", tip_keys_why(r));
        return -EACCES;
    }
    r = tip_bus_open(&lab->bus, lab->loop,
                     &(struct tip_bus_config){.name = LAB_KEY ".lab",
                                              .keys = lab->keys,
                                              .feed = lab->endpoints[LAB_PORT_FEED],
                                              .work = lab->endpoints[LAB_PORT_WORK]});
    if (r)
        return r;
    return tip_sub_open(&lab->sub, lab->bus,
                        &(struct tip_sub_config){.prefixes = prefixes, .on_record = lab_on_record, .ctx = lab});
}

static int lab_open_up(struct lab *lab)
{
    const struct lab_files *files = lab->config->files;
    int r = lab_files_write(files);

    if (r) {
        cli_error("%s: %s", files->dir, strerror(-r));
        return r;
    }
    return up_open(&lab->up, &(struct up_config){.loop = lab->loop,
                                                 .config = files->config,
                                                 .data_dir = files->data,
                                                 .run_dir = files->run,
                                                 .keys_dir = files->keys,
                                                 .private_database = true,
                                                 .on_news = lab_on_news,
                                                 .ctx = lab});
}

static int lab_open(struct lab *lab)
{
    int r = lab_open_up(lab);

    if (r == 0)
        r = lab_open_web(lab);
    if (r == 0)
        r = lab_open_bus(lab);
    if (r)
        return r;
    lab->http = tip_http_new(lab->loop);
    for (size_t i = 0; i < PROGRAMS; i++)
        lab->probes[i] = (struct lab_probe){.lab = lab, .name = programs[i].name};
    tip_timer_init(&lab->tick, lab->loop, lab_on_tick, lab);
    tip_timer_init(&lab->ask, lab->loop, lab_on_ask, lab);
    tip_timer_init(&lab->end, lab->loop, lab_on_end, lab);
    tip_timer_every(&lab->tick, LAB_TICK_MS);
    tip_timer_every(&lab->ask, LAB_ASK_MS);
    if (lab->config->for_ms)
        tip_timer_start(&lab->end, (int64_t)lab->config->for_ms);
    return 0;
}

static void lab_close(struct lab *lab)
{
    tip_timer_deinit(&lab->tick);
    tip_timer_deinit(&lab->ask);
    tip_timer_deinit(&lab->end);
    tip_http_destroy(&lab->http);
    tip_sub_destroy(&lab->sub);
    tip_bus_destroy(&lab->bus);
    tip_keys_destroy(&lab->keys);
    up_destroy(&lab->up);
    lab_web_deinit(&lab->web);
    tip_loop_destroy(&lab->loop);
}

int lab_run(const struct lab_config *config)
{
    struct lab lab = {.config = config, .started_ms = tip_loop_now_ms(), .loop = tip_loop_new()};
    const char *bad = NULL;
    int r;

    tip_log_init("tip");
    tip_log_set_level(TIP_LOG_ERROR);
    lab_stages_init(&lab.stages);
    snprintf(lab.tip, sizeof(lab.tip), "%s/tip", program_dir());
    lab.screen.tip = lab.tip;
    lab.screen.dir = config->files->dir;
    if (screen_open(&lab.screen, config->out, &bad))
        return cli_bad_field(bad);
    r = lab_open(&lab);
    if (r == 0)
        r = tip_loop_run(lab.loop);
    screen_close(&lab.screen, &lab.stages);
    lab_close(&lab);
    if (r)
        return CLI_FAILED;
    return config->for_ms && !lab_stages_all(&lab.stages) ? CLI_FAILED : CLI_OK;
}
