#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/clock.h>
#include <tip/loop.h>

#include "bus_health.h"
#include "bus_state.h"
#include "client.h"
#include "commands.h"
#include "top/page.h"
#include "top/term.h"

enum { TOP_COUNT, TOP_PLAIN, TOP_OPTIONS };
enum { TOP_INTERVAL_MS = 1000, TOP_DEADLINE_MS = 2000, TOP_PAGE_BYTES = 1 << 20, TOP_PLAIN_WIDTH = 200 };

static const struct cli_option top_rows[TOP_OPTIONS] = {
    [TOP_COUNT] = {"count", 'n', "N", "Ends after N looks."},
    [TOP_PLAIN] = {"plain", 0, NULL, "One page behind the other, as text: for pipes; so it is without a terminal."},
};

struct top {
    struct cli *cli;
    struct client client;
    struct term term;
    bool is_live, is_over;
    enum page_view view;
    size_t first;
    int64_t count, n_shown;
    struct bus_state now, before;
    bool has_now, has_before;
    struct bus_health health;
    struct page_histories histories;
    char why[CLIENT_WHY_BYTES]; /* of the last look, or "" */
};

/* ---- looking ---- */

/* Keeps the last two answers that were whole. */
static int top_look(struct top *top)
{
    struct bus_state fresh = {.at_ms = 0};
    int r;

    top->why[0] = '\0';
    r = bus_state_ask(&fresh, &top->client);
    if (r) {
        bus_state_free(&fresh);
        return r;
    }
    bus_state_free(&top->before);
    top->before = top->now;
    top->has_before = top->has_now;
    top->now = fresh;
    top->has_now = true;
    top->health = (struct bus_health){.n = 0};
    bus_health_judge(&top->health, &top->now);
    page_histories_note(&top->histories, &top->now, top->has_before ? &top->before : NULL);
    return CLI_OK;
}

/* ---- showing ---- */

static bool top_is_utf8(void)
{
    const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);

        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

/* Home, each line cleared behind its text, the rest of the screen too: nothing flickers. */
static void top_draw(const char *page)
{
    fputs("\033[H", stdout);
    for (const char *at = page; *at; at++) {
        if (*at == '\n')
            fputs("\033[K", stdout);
        putchar(*at);
    }
    fputs("\033[K\033[J", stdout);
}

static void top_show_page(struct top *top)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    char clock[TIP_CLOCK_TEXT];
    struct page page = {
        .out = &top->cli->out,
        .width = TOP_PLAIN_WIDTH,
        .is_utf8 = top_is_utf8(),
        .view = top->view,
        .first = top->first,
        .state = &top->now,
        .before = top->has_before ? &top->before : NULL,
        .histories = &top->histories,
        .health = &top->health,
        .error = *top->why ? top->why : NULL,
        .clock = clock,
    };

    tip_clock_format(tip_loop_wall_ms() / TIP_SECOND_MS * TIP_SECOND_MS, clock);
    if (top->is_live)
        term_size(&page.width, &page.height);
    tip_buf_init(&text, TOP_PAGE_BYTES);
    if (page_write(&page, &text) == 0 && top->is_live)
        top_draw(tip_buf_text(&text));
    else
        printf("%s%s", top->n_shown ? "\n" : "", tip_buf_text(&text));
}

static void top_show_json(struct top *top)
{
    json_t *object = json_object(), *wrongs = json_array();

    for (size_t i = 0; i < top->health.n && i < BUS_WRONGS_MAX; i++)
        json_array_append_new(wrongs, out_json(top->health.wrongs[i], TIP_COLUMN_TEXT));
    json_object_set_new(object, "degraded", wrongs);
    json_object_set_new(object, "bus", bus_json(&top->now));
    out_object(&top->cli->out, object);
    json_decref(object);
}

static void top_show(struct top *top)
{
    if (top->cli->out.mode == OUT_HUMAN)
        top_show_page(top);
    else if (!*top->why)
        top_show_json(top);
    fflush(stdout);
    if (ferror(stdout))
        top->is_over = true; /* whoever read has gone */
}

/* ---- keys ---- */

static void top_on_end(void *ctx)
{
    struct top *top = ctx;

    top->is_over = true;
    client_wake(&top->client);
}

static void top_turn(struct top *top, int by)
{
    top->view = (enum page_view)(((int)top->view + by + PAGE_VIEW_COUNT) % PAGE_VIEW_COUNT);
    top->first = 0;
}

static void top_on_key(void *ctx, enum term_key key, int digit)
{
    struct top *top = ctx;

    switch (key) {
    case TERM_QUIT:
        top_on_end(top);
        return;
    case TERM_LEFT:
        top_turn(top, -1);
        break;
    case TERM_RIGHT:
        top_turn(top, 1);
        break;
    case TERM_UP:
        top->first -= top->first > 0;
        break;
    case TERM_DOWN:
        top->first++;
        break;
    case TERM_DIGIT:
        if (digit <= PAGE_VIEW_COUNT)
            top_turn(top, digit - 1 - (int)top->view);
        break;
    case TERM_NONE:
        break;
    }
    if (top->has_now && top->term.is_ours)
        top_show(top);
}

/* ---- running ---- */

/* Until the next look is due; keys draw by themselves. */
static int top_rest(struct top *top, int64_t until_ms)
{
    int64_t left_ms;
    int r = CLI_OK;

    while (r == CLI_OK && !top->is_over && (left_ms = until_ms - tip_loop_now_ms()) > 0)
        r = client_wait(&top->client, (uint64_t)left_ms);
    return r;
}

static int top_turns(struct top *top)
{
    int64_t next_ms = tip_loop_now_ms();
    int r;

    for (;;) {
        r = top_look(top);
        if (r == CLI_INTERRUPTED || (r && (!top->has_now || !top->is_live)))
            return r;
        if (!top->is_over)
            top_show(top);
        if (top->is_over || ++top->n_shown == top->count)
            return CLI_OK;
        next_ms += TOP_INTERVAL_MS;
        if (next_ms < tip_loop_now_ms())
            next_ms = tip_loop_now_ms() + TOP_INTERVAL_MS;
        r = top_rest(top, next_ms);
        if (r || top->is_over)
            return r;
    }
}

static int top_perform(struct top *top)
{
    int r = client_open(&top->client, top->cli->config, CLIENT_CALLS);

    if (r)
        return r;
    top->client.deadline_ms = TOP_DEADLINE_MS;
    top->client.why = top->why;
    top->term = (struct term){.on_key = top_on_key, .on_end = top_on_end, .ctx = top};
    if (top->is_live) {
        top->term.loop = top->client.loop;
        term_open(&top->term);
    }
    r = top_turns(top);
    term_close(&top->term);
    if (r && r != CLI_INTERRUPTED)
        cli_error("%s", top->why);
    return r;
}

static int top_run(struct cli *cli)
{
    struct top top = {.cli = cli};
    int r;

    if (cli_int(cli, TOP_COUNT, 1, INT64_MAX, &top.count))
        return CLI_USAGE;
    if (cli->out.mode == OUT_CSV) {
        cli_error("top has no CSV: try -o ndjson");
        return CLI_USAGE;
    }
    top.is_live = cli->out.mode == OUT_HUMAN && !cli_flag(cli, TOP_PLAIN) && isatty(STDOUT_FILENO);
    r = top_perform(&top);
    bus_state_free(&top.now);
    bus_state_free(&top.before);
    page_histories_free(&top.histories);
    client_close(&top.client);
    return r;
}

const struct cli_command cmd_top = {
    .name = "top",
    .arguments = "",
    .summary = "The bus, live: rates, who is behind, what waits.",
    .details =
        "Four views: 1 loop (events by class, doors of the feed), 2 publishers, 3 consumers, 4 queues. Keys: 1 to 4 "
        "or\n"
        "left and right switch, up and down move the rows, q ends it. Rates are those between two looks, a second\n"
        "apart. `tip top -n 3 --plain` prints text, `-o ndjson` one object a look.",
    .options = top_rows,
    .n_options = TOP_OPTIONS,
    .run = top_run,
};
