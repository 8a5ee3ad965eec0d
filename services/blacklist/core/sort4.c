#include "core/sort4.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

enum { SORT4_BITS = 8, SORT4_SIZE = 1 << SORT4_BITS, SORT4_PASSES = 4 };

static size_t sort4_digit(const struct bl_ip4 *item, int pass)
{
    return item->addr >> pass * SORT4_BITS & (SORT4_SIZE - 1);
}

static void sort4_count(const struct bl_ip4 *items, size_t n, int pass, size_t counts[static SORT4_SIZE])
{
    memset(counts, 0, SORT4_SIZE * sizeof(*counts));
    for (size_t i = 0; i < n; i++)
        counts[sort4_digit(&items[i], pass)]++;
}

/* Counts become where the items of each digit begin. */
static void sort4_begin(size_t counts[static SORT4_SIZE])
{
    size_t sum = 0;

    for (size_t digit = 0; digit < SORT4_SIZE; digit++) {
        size_t count = counts[digit];

        counts[digit] = sum;
        sum += count;
    }
}

/* Of each byte at once: order does not matter to them. */
static void sort4_count_all(const struct bl_ip4 *items, size_t n, size_t counts[static SORT4_PASSES][SORT4_SIZE])
{
    memset(counts, 0, SORT4_PASSES * sizeof(*counts));
    for (size_t i = 0; i < n; i++) {
        for (int pass = 0; pass < SORT4_PASSES; pass++)
            counts[pass][sort4_digit(&items[i], pass)]++;
    }
}

/* By the bytes 0 to `passes` - 1. */
static void sort4_piece(struct bl_ip4 *items, size_t n, struct bl_ip4 *spare, int passes)
{
    struct bl_ip4 *from = items, *to = spare, *swap;
    size_t counts[SORT4_PASSES][SORT4_SIZE];

    sort4_count_all(items, n, counts);
    for (int pass = 0; n && pass < passes; pass++) {
        size_t *at = counts[pass];

        if (at[sort4_digit(&from[0], pass)] == n)
            continue; /* all have the same */
        sort4_begin(at);
        for (size_t i = 0; i < n; i++)
            to[at[sort4_digit(&from[i], pass)]++] = from[i];
        swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof(*items));
}

/* By one byte, in place; ends[digit]: behind the last one. */
static void sort4_split(struct bl_ip4 *items, size_t n, int pass, size_t ends[static SORT4_SIZE])
{
    size_t at[SORT4_SIZE];

    sort4_count(items, n, pass, ends);
    memcpy(at, ends, sizeof(at));
    sort4_begin(at);
    for (size_t digit = 0; digit < SORT4_SIZE; digit++)
        ends[digit] += at[digit];
    for (size_t digit = 0; digit < SORT4_SIZE; digit++) {
        while (at[digit] < ends[digit]) {
            struct bl_ip4 item = items[at[digit]];
            size_t to;

            while ((to = sort4_digit(&item, pass)) != digit) {
                struct bl_ip4 other = items[at[to]];

                items[at[to]++] = item;
                item = other;
            }
            items[at[digit]++] = item;
        }
    }
}

struct sort4 {
    struct bl_ip4 *spare;
    size_t room;
};

/* By the bytes 0 to `passes` - 1: so it calls itself four times deep at most. */
static void sort4_range(const struct sort4 *sort, struct bl_ip4 *items, size_t n, int passes)
{
    size_t ends[SORT4_SIZE];
    size_t begin = 0;

    if (n <= sort->room) {
        sort4_piece(items, n, sort->spare, passes);
        return;
    }
    if (!passes)
        return;
    sort4_split(items, n, passes - 1, ends);
    for (size_t digit = 0; digit < SORT4_SIZE; digit++) {
        sort4_range(sort, items + begin, ends[digit] - begin, passes - 1);
        begin = ends[digit];
    }
}

int bl_sort4(struct bl_ip4 *items, size_t n, size_t room)
{
    struct sort4 sort = {.room = n < room ? n : room};
    tip_auto(tip_free) struct bl_ip4 *spare = malloc(sort.room * sizeof(*spare) + 1);

    if (!spare)
        return -ENOMEM;
    sort.spare = spare;
    sort4_range(&sort, items, n, SORT4_PASSES);
    return 0;
}
