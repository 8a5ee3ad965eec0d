#include "core/ask.h"

#include <string.h>

#include "core/backoff.h"

static struct store_ask *asks_find(struct store_asks *asks, const char *name)
{
    for (size_t i = 0; i < asks->n; i++) {
        if (!strcmp(asks->items[i].name, name))
            return &asks->items[i];
    }
    return NULL;
}

static void asks_forget(struct store_asks *asks)
{
    size_t kept = 0;

    for (size_t i = 0; i < asks->n; i++) {
        if (asks->items[i].is_wanted || asks->items[i].is_running)
            asks->items[kept++] = asks->items[i];
    }
    asks->n = kept;
}

static void asks_want(struct store_asks *asks, const char *name, int64_t now_ms)
{
    struct store_ask *ask = asks_find(asks, name);

    if (!ask && asks->n < STORE_ASK_MAX) {
        ask = &asks->items[asks->n++];
        *ask = (struct store_ask){.due_ms = now_ms};
        strncpy(ask->name, name, STORE_ASK_NAME_MAX);
    }
    if (ask)
        ask->is_wanted = true;
}

void store_asks_set(struct store_asks *asks, const char (*names)[STORE_ASK_NAME_MAX + 1], size_t n, int64_t now_ms)
{
    for (size_t i = 0; i < asks->n; i++)
        asks->items[i].is_wanted = false;
    for (size_t i = 0; i < n; i++) {
        struct store_ask *known = asks_find(asks, names[i]);

        if (known)
            known->is_wanted = true;
    }
    asks_forget(asks);
    for (size_t i = 0; i < n; i++)
        asks_want(asks, names[i], now_ms);
}

static bool asks_is_all(const struct store_ask *ask)
{
    return !strcmp(ask->name, "*");
}

const char *store_asks_next(struct store_asks *asks, int64_t now_ms)
{
    struct store_ask *all = asks_find(asks, "*"), *next = NULL;
    size_t n_running = 0;

    for (size_t i = 0; i < asks->n; i++) {
        struct store_ask *ask = &asks->items[i];
        bool may = asks_is_all(ask) || (!(all && all->is_wanted) && now_ms >= asks->quiet_until_ms);

        n_running += ask->is_running;
        if (may && ask->is_wanted && !ask->is_running && ask->due_ms <= now_ms && (!next || ask->due_ms < next->due_ms))
            next = ask;
    }
    if (!next || n_running >= STORE_ASK_RUNNING_MAX)
        return NULL;
    next->is_running = true;
    return next->name;
}

void store_asks_end(struct store_asks *asks, const char *name, enum store_ask_end end, int64_t now_ms, uint32_t random)
{
    struct store_ask *ask = asks_find(asks, name);

    if (!ask)
        return;
    ask->is_running = false;
    if (end == STORE_ASK_FAILED) {
        ask->n_failed++;
        ask->due_ms = now_ms + store_backoff_ms(ask->n_failed, STORE_ASK_LOW_MS, STORE_ASK_HIGH_MS, random);
    } else {
        ask->n_failed = 0;
        ask->n_taken++;
        ask->due_ms =
            now_ms + store_backoff_ms(ask->n_taken, 2 * STORE_ASK_PATIENCE_MS, STORE_ASK_PATIENCE_MAX, random);
        if (end == STORE_ASK_TAKEN && asks_is_all(ask))
            asks->quiet_until_ms = now_ms + STORE_ASK_PATIENCE_MS;
    }
    asks_forget(asks);
}

void store_asks_again(struct store_asks *asks, const char *name, int64_t now_ms)
{
    struct store_ask *ask = asks_find(asks, name);

    if (!ask)
        return;
    ask->n_taken = 0;
    ask->due_ms = now_ms;
}

size_t store_asks_wanted(const struct store_asks *asks)
{
    size_t n = 0;

    for (size_t i = 0; i < asks->n; i++)
        n += asks->items[i].is_wanted;
    return n;
}
