#include "top/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/utf8.h>

#include "brief.h"
#include "bus_brief.h"

enum { PAGE_WRONGS_MAX = 4, PAGE_LINE_BYTES = 512, PAGE_SPARK_MIN = 4 };

/* ---- sparklines ---- */

static void page_key(const struct bus_state *state, enum bus_table table, size_t row, char key[static PAGE_KEY_BYTES])
{
    const struct tip_store_answer *answer = state->answers[table];
    const char *const *cells = answer->cells + row * answer->n_columns;
    const char *first = answer->n_columns ? cells[0] : NULL;
    const char *second = table == BUS_CLASSES && answer->n_columns > 1 ? cells[1] : NULL;

    snprintf(key, PAGE_KEY_BYTES, "%s/%s", first ? first : "", second ? second : "");
}

static struct page_history *page_history_find(const struct page_histories *histories, enum bus_table table,
                                              const char *key)
{
    for (size_t i = 0; i < histories->n; i++) {
        if (histories->items[i].table == table && strcmp(histories->items[i].key, key) == 0)
            return &histories->items[i];
    }
    return NULL;
}

static struct page_history *page_history_make(struct page_histories *histories, enum bus_table table, const char *key)
{
    struct page_history *history = page_history_find(histories, table, key);

    if (history || histories->n == PAGE_HISTORIES_MAX)
        return history;
    histories->items = tip_realloc(histories->items, histories->n + 1, sizeof(*histories->items));
    history = &histories->items[histories->n++];
    *history = (struct page_history){.table = table};
    snprintf(history->key, sizeof(history->key), "%s", key);
    return history;
}

static void page_history_push(struct page_history *history, double value)
{
    if (history->n == PAGE_HISTORY)
        memmove(history->values, history->values + 1, (PAGE_HISTORY - 1) * sizeof(history->values[0]));
    else
        history->n++;
    history->values[history->n - 1] = value;
    history->is_seen = true;
}

void page_histories_note(struct page_histories *histories, const struct bus_state *state,
                         const struct bus_state *before)
{
    char key[PAGE_KEY_BYTES];
    size_t kept = 0;

    for (int i = 0; i < BUS_JOURNAL; i++) {
        enum bus_table table = (enum bus_table)i;

        for (size_t row = 0; row < bus_rows(state, table); row++) {
            struct page_history *history;

            page_key(state, table, row, key);
            history = page_history_make(histories, table, key);
            if (history)
                page_history_push(history, bus_brief_rate(state, before, table, row));
        }
    }
    for (size_t i = 0; i < histories->n; i++) {
        if (histories->items[i].is_seen)
            histories->items[kept++] = histories->items[i];
    }
    histories->n = kept;
    for (size_t i = 0; i < kept; i++)
        histories->items[i].is_seen = false;
}

void page_histories_free(struct page_histories *histories)
{
    free(histories->items);
    *histories = (struct page_histories){.n = 0};
}

/* ---- lines ---- */

/** Where the writing is. */
struct page_pen {
    const struct page *page;
    struct tip_buf *out;
    int row, column;
    int result;
};

/* Text that fits into the rest of the line; what a terminal would obey becomes '?'. */
static void pen_put(struct page_pen *pen, const char *text)
{
    size_t len = strlen(text), n;
    uint32_t point;

    for (size_t at = 0; at < len && pen->column < pen->page->width && !pen->result; at += n, pen->column++) {
        n = tip_utf8_next(text + at, len - at, &point);
        if (n == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0)) {
            n = n ? n : 1;
            pen->result = tip_buf_append(pen->out, "?", 1);
        } else {
            pen->result = tip_buf_append(pen->out, text + at, n);
        }
    }
}

static void pen_styled(struct page_pen *pen, enum out_style style, const char *text)
{
    if (style != OUT_PLAIN && !pen->result)
        pen->result = tip_buf_append_text(pen->out, out_style_on(pen->page->out, style));
    pen_put(pen, text);
    if (style != OUT_PLAIN && !pen->result)
        pen->result = tip_buf_append_text(pen->out, out_style_off(pen->page->out));
}

static void pen_line(struct page_pen *pen)
{
    if (!pen->result)
        pen->result = tip_buf_append(pen->out, "\n", 1);
    pen->row++;
    pen->column = 0;
}

/* Room for a line more above the line of keys. */
static bool pen_has_room(const struct page_pen *pen)
{
    return pen->page->height == 0 || pen->row + 1 < pen->page->height;
}

static void pen_padded(struct page_pen *pen, enum out_style style, const char *text, int width, bool right)
{
    char cell[PAGE_LINE_BYTES];

    snprintf(cell, sizeof(cell), right ? "%*s" : "%-*s", width, text);
    pen_styled(pen, style, cell);
}

/* ---- parts of a page ---- */

static const char *const page_names[PAGE_VIEW_COUNT] = {"loop", "publishers", "consumers", "queues"};

static void page_head(struct page_pen *pen)
{
    char text[64];

    pen_styled(pen, OUT_BOLD, "TIP top");
    for (int i = 0; i < PAGE_VIEW_COUNT && pen->page->height; i++) {
        bool is_this = i == (int)pen->page->view;

        snprintf(text, sizeof(text), is_this ? " [%d %s]" : "  %d %s ", i + 1, page_names[i]);
        pen_styled(pen, is_this ? OUT_BOLD : OUT_DIM, text);
    }
    snprintf(text, sizeof(text), "  %s", pen->page->clock);
    pen_put(pen, text);
    pen_line(pen);
}

static void page_journal(struct page_pen *pen)
{
    const struct bus_state *state = pen->page->state;
    char text[PAGE_LINE_BYTES], rate[BRIEF_BYTES], minute[BRIEF_BYTES], size[BRIEF_BYTES], cap[BRIEF_BYTES];

    brief_rate(bus_brief_rate(state, pen->page->before, BUS_JOURNAL, 0), rate);
    brief_rate(bus_number(state, BUS_JOURNAL, 0, "events_per_s_60s", 0), minute);
    brief_bytes(bus_number(state, BUS_JOURNAL, 0, "size_bytes", 0), size);
    brief_bytes(bus_number(state, BUS_JOURNAL, 0, "cap_bytes", 0), cap);
    snprintf(text, sizeof(text), "%s events/s (%s in 60 s), journal %s of %s, flush %.1f ms (p99 %.1f)", rate, minute,
             size, cap, bus_number(state, BUS_JOURNAL, 0, "flush_p50_ms", 0),
             bus_number(state, BUS_JOURNAL, 0, "flush_p99_ms", 0));
    pen_put(pen, text);
    pen_line(pen);
}

static void page_wrongs(struct page_pen *pen)
{
    const struct bus_health *health = pen->page->health;
    char more[48];

    if (pen->page->error) {
        pen_styled(pen, OUT_RED, pen->page->error);
        pen_line(pen);
    }
    if (health->n == 0 && !pen->page->error) {
        pen_styled(pen, OUT_GREEN, "all is well on the bus");
        pen_line(pen);
    }
    for (size_t i = 0; i < health->n && i < PAGE_WRONGS_MAX && pen_has_room(pen); i++) {
        snprintf(more, sizeof(more), "(%zu) ", health->n);
        if (i + 1 == PAGE_WRONGS_MAX && health->n > PAGE_WRONGS_MAX)
            pen_put(pen, more);
        pen_styled(pen, OUT_YELLOW, health->wrongs[i]);
        pen_line(pen);
    }
}

/* ---- a table ---- */

struct page_widths {
    struct bus_brief brief;
    int of[BUS_BRIEF_COLUMNS], total;
};

static void page_measure(const struct page *page, enum bus_table table, struct page_widths *widths)
{
    char cells[BUS_BRIEF_COLUMNS][BUS_BRIEF_CELL];

    *widths = (struct page_widths){.total = 0};
    bus_brief_columns(table, &widths->brief);
    for (size_t i = 0; i < widths->brief.n_columns; i++)
        widths->of[i] = (int)strlen(widths->brief.columns[i].name);
    for (size_t row = 0; row < bus_rows(page->state, table); row++) {
        bus_brief_row(page->state, page->before, table, row, cells);
        for (size_t i = 0; i < widths->brief.n_columns; i++)
            widths->of[i] = (int)strlen(cells[i]) > widths->of[i] ? (int)strlen(cells[i]) : widths->of[i];
    }
    for (size_t i = 0; i < widths->brief.n_columns; i++)
        widths->total += widths->of[i] + 2;
}

static void page_title(struct page_pen *pen, const struct page_widths *widths)
{
    for (size_t i = 0; i < widths->brief.n_columns; i++) {
        const struct tip_column *column = &widths->brief.columns[i];

        pen_padded(pen, OUT_BOLD, column->name, widths->of[i], column->type != TIP_COLUMN_TEXT);
        pen_put(pen, "  ");
    }
    pen_line(pen);
}

static void page_spark(struct page_pen *pen, enum bus_table table, size_t row, int room)
{
    char key[PAGE_KEY_BYTES], text[3 * BRIEF_SPARK_MAX + 1];
    const struct page_history *history;
    unsigned n;

    page_key(pen->page->state, table, row, key);
    history = page_history_find(pen->page->histories, table, key);
    if (!history || room < PAGE_SPARK_MIN)
        return;
    n = history->n < (unsigned)room ? history->n : (unsigned)room;
    brief_spark(history->values + history->n - n, n, pen->page->is_utf8, text);
    pen_styled(pen, OUT_GREEN, text);
}

static void page_row(struct page_pen *pen, enum bus_table table, size_t row, const struct page_widths *widths)
{
    char cells[BUS_BRIEF_COLUMNS][BUS_BRIEF_CELL];

    bus_brief_row(pen->page->state, pen->page->before, table, row, cells);
    for (size_t i = 0; i < widths->brief.n_columns; i++) {
        pen_padded(pen, OUT_PLAIN, cells[i], widths->of[i], widths->brief.columns[i].type != TIP_COLUMN_TEXT);
        pen_put(pen, "  ");
    }
    page_spark(pen, table, row, pen->page->width - widths->total);
    pen_line(pen);
}

static void page_table(struct page_pen *pen, enum bus_table table, size_t first)
{
    size_t n = bus_rows(pen->page->state, table);
    struct page_widths widths;

    if (!pen_has_room(pen))
        return;
    pen_line(pen);
    page_measure(pen->page, table, &widths);
    if (pen_has_room(pen))
        page_title(pen, &widths);
    if (n == 0 && pen_has_room(pen)) {
        pen_styled(pen, OUT_DIM, "none");
        pen_line(pen);
    }
    for (size_t row = first < n ? first : 0; row < n && pen_has_room(pen); row++)
        page_row(pen, table, row, &widths);
}

static void page_tables(struct page_pen *pen, enum page_view view)
{
    static const enum bus_table tables[PAGE_VIEW_COUNT] = {BUS_CLASSES, BUS_PUBLISHERS, BUS_CONSUMERS, BUS_QUEUES};

    page_table(pen, tables[view], pen->page->first);
    if (view == PAGE_LOOP)
        page_table(pen, BUS_DOORS, 0);
}

int page_write(const struct page *page, struct tip_buf *out)
{
    struct page_pen pen = {.page = page, .out = out};

    if (pen_has_room(&pen))
        page_head(&pen);
    if (pen_has_room(&pen))
        page_journal(&pen);
    if (pen_has_room(&pen))
        page_wrongs(&pen);
    for (int view = 0; view < PAGE_VIEW_COUNT; view++) {
        if (page->height == 0 || view == (int)page->view)
            page_tables(&pen, (enum page_view)view);
    }
    while (pen_has_room(&pen) && page->height)
        pen_line(&pen);
    if (page->height)
        pen_styled(&pen, OUT_DIM, "q quit   1-4, left, right: view   up, down: rows");
    return pen.result;
}
