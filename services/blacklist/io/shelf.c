#include "io/shelf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/event.h>
#include <tip/hash.h>

enum { SHELF_SETTLED_MS = 2000, SHELF_AGE_MS = 60 * 60 * 1000 };

/* One file: the version of a source that was asked for last. */
struct shelf_book {
    char name[TIP_NAME_MAX + 1];
    uint64_t version;
    struct bl_seen_map map; /* held */
    int64_t checked_ms, used_ms;
    UT_hash_handle hh;
};

struct bl_shelf {
    struct bl_shelf_options options;
    pthread_mutex_t lock; /* guards the bound and the books */
    struct shelf_book *books;
    atomic_uint_fast64_t n_checked, n_taken, bytes;
};

struct bl_shelf *bl_shelf_new(const struct bl_shelf_options *options)
{
    struct bl_shelf *shelf = tip_new(struct bl_shelf);

    shelf->options = *options;
    pthread_mutex_init(&shelf->lock, NULL);
    return shelf;
}

static void shelf_drop(struct bl_shelf *shelf, struct shelf_book *book)
{
    atomic_fetch_sub(&shelf->bytes, bl_seen_map_bytes(&book->map));
    bl_seen_map_close(&book->map);
    tip_hash_remove(shelf->books, book);
    free(book);
}

static void shelf_drop_all(struct bl_shelf *shelf)
{
    struct shelf_book *book, *next;

    tip_hash_each (shelf->books, book, next)
        shelf_drop(shelf, book);
}

void bl_shelf_destroy(struct bl_shelf **shelfp)
{
    struct bl_shelf *shelf = tip_take(*shelfp);

    if (!shelf)
        return;
    shelf_drop_all(shelf);
    pthread_mutex_destroy(&shelf->lock);
    free(shelf);
}

void bl_shelf_bound(struct bl_shelf *shelf, uint64_t bytes_max)
{
    pthread_mutex_lock(&shelf->lock);
    shelf->options.bytes_max = bytes_max;
    if (atomic_load(&shelf->bytes) > bytes_max)
        shelf_drop_all(shelf); /* the next plan fills it again, as far as it goes */
    pthread_mutex_unlock(&shelf->lock);
}

void bl_shelf_sweep(struct bl_shelf *shelf)
{
    int64_t now_ms = shelf->options.now_ms();
    struct shelf_book *book, *next;

    pthread_mutex_lock(&shelf->lock);
    tip_hash_each (shelf->books, book, next) {
        if (now_ms - book->used_ms >= SHELF_AGE_MS)
            shelf_drop(shelf, book);
    }
    pthread_mutex_unlock(&shelf->lock);
}

/* ---- taking ---- */

/* Another holder of what is here of that version, if there is anything. */
static void shelf_find(struct bl_shelf *shelf, struct bl_seen_map *map, const char *name, uint64_t version)
{
    int64_t now_ms = shelf->options.now_ms();
    struct shelf_book *book;

    pthread_mutex_lock(&shelf->lock);
    tip_hash_find_text(shelf->books, name, book);
    if (book && book->version == version && now_ms - book->checked_ms < SHELF_AGE_MS) {
        book->used_ms = now_ms;
        bl_seen_map_hold(map, &book->map);
    }
    pthread_mutex_unlock(&shelf->lock);
}

/* ---- leaving ---- */

/* Instead of what was here of that source; NULL: nothing is. */
static void shelf_put(struct bl_shelf *shelf, const struct bl_seen_map *map, const char *name, uint64_t version)
{
    uint64_t bytes = map ? bl_seen_map_bytes(map) : 0;
    int64_t now_ms = shelf->options.now_ms();
    struct shelf_book *book;

    tip_hash_find_text(shelf->books, name, book);
    if (book)
        shelf_drop(shelf, book);
    if (!map || atomic_load(&shelf->bytes) + bytes > shelf->options.bytes_max)
        return;
    book = tip_new(struct shelf_book);
    (void)snprintf(book->name, sizeof(book->name), "%s", name);
    book->version = version;
    book->checked_ms = book->used_ms = now_ms;
    bl_seen_map_hold(&book->map, map);
    tip_hash_add_text(shelf->books, name, book);
    atomic_fetch_add(&shelf->bytes, bytes);
}

/* Had the file been at rest when it was looked at? Else its time of change does not tell whether it is still the same.
 */
static bool shelf_is_settled(const struct bl_seen_map *map, int64_t looked_unix_ms)
{
    return looked_unix_ms - bl_seen_map_changed_unix_ms(map) >= SHELF_SETTLED_MS;
}

static int shelf_check(struct bl_shelf *shelf, struct bl_seen_map *map, const char *dir, const char *name,
                       uint64_t version)
{
    int64_t looked_unix_ms = shelf->options.wall_ms();
    int r = bl_seen_map_open(map, dir, name, version);
    bool stays = !r && shelf_is_settled(map, looked_unix_ms);

    atomic_fetch_add(&shelf->n_checked, 1);
    pthread_mutex_lock(&shelf->lock);
    shelf_put(shelf, stays ? map : NULL, name, version);
    pthread_mutex_unlock(&shelf->lock);
    return r;
}

int bl_shelf_open(struct bl_shelf *shelf, struct bl_seen_map *map, const char *dir, const char *name, uint64_t version)
{
    *map = (struct bl_seen_map){0};
    if (!shelf)
        return bl_seen_map_open(map, dir, name, version);
    shelf_find(shelf, map, name, version);
    if (bl_seen_map_is_current(map, dir, name, version)) {
        atomic_fetch_add(&shelf->n_taken, 1);
        return 0;
    }
    bl_seen_map_close(map);
    return shelf_check(shelf, map, dir, name, version);
}

struct bl_shelf_stats bl_shelf_stats(const struct bl_shelf *shelf)
{
    return (struct bl_shelf_stats){.n_checked = atomic_load(&shelf->n_checked),
                                   .n_taken = atomic_load(&shelf->n_taken),
                                   .bytes = atomic_load(&shelf->bytes)};
}
