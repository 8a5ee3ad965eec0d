#include "lab/screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lab/lists.h"

enum { SCREEN_WIDTH = 100, SCREEN_WIDTH_MAX = 240, SCREEN_OTHER_LINES = 24, SCREEN_LINES_MIN = 2 };

static const struct tip_column screen_columns[] = {
    {"stage", TIP_COLUMN_TEXT}, {"ok", TIP_COLUMN_BOOL}, {"at_ms", TIP_COLUMN_INT}};

static const char screen_banner[] = "SIMULATED: every address, name and list in here is made up";

int screen_open(struct screen *screen, const struct out_config *out, const char **badp)
{
    screen->out = *out;
    screen->is_tty = out->mode == OUT_HUMAN && isatty(STDOUT_FILENO);
    if (out->mode != OUT_HUMAN)
        return out_open(&screen->table, &screen->out, screen_columns, 3, badp);
    if (screen->is_tty)
        fputs("\033[?1049h\033[?25l", stdout); /* the other screen, no cursor */
    else
        printf("tip lab: %s\n", screen_banner);
    fflush(stdout);
    return 0;
}

static void screen_row(struct screen *screen, enum lab_stage stage, int64_t at_ms)
{
    char at[24];
    const char *cells[] = {lab_stage_name(stage), at_ms < 0 ? "false" : "true", at_ms < 0 ? NULL : at};

    snprintf(at, sizeof(at), "%" PRId64, at_ms);
    out_row(screen->table, cells, NULL);
    if (screen->out.mode != OUT_JSON)
        fflush(stdout);
}

static void screen_stage(struct screen *screen, enum lab_stage stage, int64_t at_ms)
{
    screen->is_said[stage] = true;
    if (screen->table)
        screen_row(screen, stage, at_ms);
    else if (!screen->is_tty)
        printf("%6.1f s  %-18s %s\n", (double)at_ms / 1000, lab_stage_name(stage), lab_stage_text(stage));
    fflush(stdout);
}

void screen_line(struct screen *screen, const char *text)
{
    snprintf(screen->lines[screen->n_lines++ % SCREEN_LINES], SCREEN_LINE_BYTES, "%s", text);
}

/* ---- drawing ---- */

/* Columns, and how many of the last events fit. */
static void screen_size(int *widthp, size_t *n_linesp)
{
    struct winsize size = {.ws_col = 0};

    *widthp = SCREEN_WIDTH;
    *n_linesp = SCREEN_LINES;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_col < 40 || size.ws_row == 0)
        return;
    *widthp = size.ws_col < SCREEN_WIDTH_MAX ? size.ws_col : SCREEN_WIDTH_MAX;
    if (size.ws_row < SCREEN_OTHER_LINES + SCREEN_LINES)
        *n_linesp =
            size.ws_row > SCREEN_OTHER_LINES + SCREEN_LINES_MIN ? size.ws_row - SCREEN_OTHER_LINES : SCREEN_LINES_MIN;
}

static void screen_draw_stages(const struct screen *screen, const struct lab_stages *stages)
{
    for (int i = 0; i < LAB_STAGE_COUNT; i++) {
        bool is_done = stages->at_ms[i] >= 0;
        const char *style = out_style_on(&screen->out, is_done ? OUT_GREEN : OUT_DIM);

        if (is_done)
            printf(" %s[x]%s %6.1f s  %s\033[K\n", style, out_style_off(&screen->out), (double)stages->at_ms[i] / 1000,
                   lab_stage_text((enum lab_stage)i));
        else
            printf(" %s[ ]            %s%s\033[K\n", style, lab_stage_text((enum lab_stage)i),
                   out_style_off(&screen->out));
    }
}

static void screen_draw_services(const struct screen *screen)
{
    for (size_t i = 0; i < screen->n_services; i++) {
        const struct screen_service *service = &screen->services[i];
        bool is_ready = strcmp(service->state, "ready") == 0;

        printf(" %s %s%s%s", service->name, out_style_on(&screen->out, is_ready ? OUT_GREEN : OUT_YELLOW),
               service->state, out_style_off(&screen->out));
        if (service->n_restarts)
            printf(" (%" PRIu64 " restarts)", service->n_restarts);
        fputs(i + 1 < screen->n_services ? " |" : "\033[K\n", stdout);
    }
}

static void screen_draw_lines(const struct screen *screen)
{
    char cut[SCREEN_LINE_BYTES];
    size_t first, n;
    int width;

    screen_size(&width, &n);
    first = screen->n_lines > n ? screen->n_lines - n : 0;
    for (size_t i = first; i < first + n; i++) {
        snprintf(cut, sizeof(cut), "%.*s", width - 2, i < screen->n_lines ? screen->lines[i % SCREEN_LINES] : "");
        fputs(" ", stdout);
        out_safe(stdout, cut);
        fputs("\033[K\n", stdout);
    }
}

static void screen_draw(const struct screen *screen, const struct lab_stages *stages, int64_t elapsed_ms)
{
    const char *bold = out_style_on(&screen->out, OUT_BOLD), *red = out_style_on(&screen->out, OUT_RED);
    const char *off = out_style_off(&screen->out);

    printf("\033[H%sTIP lab%s  %s%s%s  %" PRId64 " s\033[K\n\033[K\n", bold, off, red, screen_banner, off,
           elapsed_ms / 1000);
    screen_draw_stages(screen, stages);
    printf("\033[K\n");
    screen_draw_services(screen);
    printf("\033[K\n%sLast of %" PRIu64 " events%s\033[K\n", bold, screen->n_events, off);
    screen_draw_lines(screen);
    if (screen->page[0])
        printf("\033[K\n%sIn a browser%s  page: %s\033[K\n", bold, off, screen->page);
    printf("\033[K\n%sIn a second terminal%s\033[K\n", bold, off);
    printf(" %s status\033[K\n %s search " LAB_ADDRESS "\033[K\n %s explain " LAB_ADDRESS
           "\033[K\n %s sub listing.\033[K\n",
           screen->tip, screen->tip, screen->tip, screen->tip);
    printf("\033[K\nCtrl-C ends it; logs: %s/data/log\033[K\n\033[J", screen->dir);
    fflush(stdout);
}

void screen_show(struct screen *screen, const struct lab_stages *stages, int64_t elapsed_ms)
{
    for (int i = 0; i < LAB_STAGE_COUNT; i++) {
        if (stages->at_ms[i] >= 0 && !screen->is_said[i])
            screen_stage(screen, (enum lab_stage)i, stages->at_ms[i]);
    }
    if (screen->page[0] && !screen->is_page_said && !screen->is_tty && screen->out.mode == OUT_HUMAN) {
        printf("page: %s\n", screen->page);
        fflush(stdout);
        screen->is_page_said = true;
    }
    if (screen->is_tty)
        screen_draw(screen, stages, elapsed_ms);
}

bool screen_is_gone(const struct screen *screen)
{
    return screen->is_tty && ferror(stdout);
}

void screen_close(struct screen *screen, const struct lab_stages *stages)
{
    if (screen->is_tty) {
        fputs("\033[?25h\033[?1049l", stdout);
        screen->is_tty = false;
        memset(screen->is_said, 0, sizeof(screen->is_said)); /* once more, where they stay */
        screen_show(screen, stages, 0);
    }
    for (int i = 0; i < LAB_STAGE_COUNT; i++) {
        if (stages->at_ms[i] >= 0)
            continue;
        if (screen->table)
            screen_row(screen, (enum lab_stage)i, -1);
        else
            printf("      --  %-18s not yet: %s\n", lab_stage_name((enum lab_stage)i),
                   lab_stage_text((enum lab_stage)i));
    }
    out_destroy(&screen->table);
    fflush(stdout);
}
