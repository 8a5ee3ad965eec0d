#pragma once
/* What falls due next: a binary heap of items that are members of what waits. Setting and taking out cost log n. */
#include <stddef.h>
#include <stdint.h>

struct due_item {
    int64_t at_ms;
    size_t place; /* in the heap, from 1; 0: not in it */
};

/** Zeroed is empty. */
struct due {
    struct due_item **items;
    size_t n, room;
};

void due_deinit(struct due *due);

/** Puts the item in, or moves it. */
void due_set(struct due *due, struct due_item *item, int64_t at_ms);

/** Takes it out, if it is in. */
void due_remove(struct due *due, struct due_item *item);

/** The earliest, or NULL. */
struct due_item *due_first(const struct due *due);
