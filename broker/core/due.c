#include "core/due.h"

#include <stdlib.h>

#include <tip/alloc.h>

enum { DUE_ROOM_FIRST = 64 };

void due_deinit(struct due *due)
{
    free(due->items);
    *due = (struct due){0};
}

static void due_place(struct due *due, struct due_item *item, size_t place)
{
    due->items[place - 1] = item;
    item->place = place;
}

static void due_up(struct due *due, struct due_item *item)
{
    size_t place = item->place;

    while (place > 1 && due->items[place / 2 - 1]->at_ms > item->at_ms) {
        due_place(due, due->items[place / 2 - 1], place);
        place /= 2;
    }
    due_place(due, item, place);
}

static void due_down(struct due *due, struct due_item *item)
{
    size_t place = item->place, child;

    while ((child = 2 * place) <= due->n) {
        if (child < due->n && due->items[child]->at_ms < due->items[child - 1]->at_ms)
            child++;
        if (due->items[child - 1]->at_ms >= item->at_ms)
            break;
        due_place(due, due->items[child - 1], place);
        place = child;
    }
    due_place(due, item, place);
}

static void due_add(struct due *due, struct due_item *item)
{
    if (due->n == due->room) {
        due->room = due->room ? 2 * due->room : DUE_ROOM_FIRST;
        due->items = tip_realloc(due->items, due->room, sizeof(*due->items));
    }
    due->n++;
    due_place(due, item, due->n);
}

void due_set(struct due *due, struct due_item *item, int64_t at_ms)
{
    item->at_ms = at_ms;
    if (item->place == 0)
        due_add(due, item);
    due_up(due, item);
    due_down(due, item);
}

void due_remove(struct due *due, struct due_item *item)
{
    size_t place = item->place;
    struct due_item *last;

    if (place == 0)
        return;
    last = due->items[--due->n];
    item->place = 0;
    if (last == item)
        return;
    due_place(due, last, place);
    due_up(due, last);
    due_down(due, last);
}

struct due_item *due_first(const struct due *due)
{
    return due->n ? due->items[0] : NULL;
}
