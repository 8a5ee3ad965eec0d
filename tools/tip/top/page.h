#pragma once
/*
 * What `tip top` shows, as text of a given width: lines, cut, with styles. Knows nothing of terminals; a test reads it.
 */
#include <stdbool.h>

#include <tip/buf.h>

#include "bus_health.h"
#include "bus_state.h"
#include "output.h"

enum page_view { PAGE_LOOP, PAGE_PUBLISHERS, PAGE_CONSUMERS, PAGE_QUEUES, PAGE_VIEW_COUNT };

enum { PAGE_HISTORY = 30, PAGE_HISTORIES_MAX = 512, PAGE_KEY_BYTES = 160 };

/** The last rates of a row, for its sparkline. */
struct page_history {
    enum bus_table table;
    char key[PAGE_KEY_BYTES];
    double values[PAGE_HISTORY]; /* oldest first */
    unsigned n;
    bool is_seen;
};

struct page_histories {
    struct page_history *items;
    size_t n;
};

/** Another answer has come; rows that are gone are forgotten. */
void page_histories_note(struct page_histories *histories, const struct bus_state *state,
                         const struct bus_state *before);
void page_histories_free(struct page_histories *histories);

struct page {
    const struct out_config *out; /* colour */
    int width;                    /* columns; lines are cut there */
    int height;                   /* lines, the last one for the keys; 0: all there are, and no line of keys */
    bool is_utf8;
    enum page_view view;                    /* with height 0 all of them */
    size_t first;                           /* row of the table that stands first */
    const struct bus_state *state, *before; /* before: NULL at first */
    const struct page_histories *histories;
    const struct bus_health *health;
    const char *error; /* why the last answer did not come, or NULL */
    const char *clock;
};

/** Lines, each ended by '\n' but for the last one of a page with a height. @return 0 or -ENOBUFS */
tip_nodiscard int page_write(const struct page *page, struct tip_buf *out);
