#include "observe.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>

#include "app.h"
#include "io/store.h"
#include "observe_key.h"

#define OBSERVE_KEEP_S ((uint32_t)BL_SEEN_WINDOW_S)

enum {
    OBSERVE_SHARE = 8,      /* of the map they may take one part of so many, and as much again until verdicts follow */
    OBSERVE_TURN = 4096,    /* forgotten in a transaction: more than one event can bring */
    OBSERVE_OVERHEAD = 64,  /* of a record in the map, and of pages that are not full */
    OBSERVE_IN_PAGE = 1900, /* a larger record gets pages of its own */
    OBSERVE_PAGE = 4096,
    OBSERVE_NUMBER = 8,  /* bytes of a key */
    OBSERVE_OLD = 65536, /* deleted at a start */
    OBSERVE_OVER_EVERY_S = 60 * 60
};

/* As it is stored under the number of its birth: this and the key. Under 0 the numbers of the list. */
struct observe_stored {
    uint64_t died;
    uint32_t at_s, len;
    uint32_t depth, zero; /* no padding */
};

struct observe_numbers {
    uint64_t last, in_force;
};

/* ---- stored ---- */

/* What it takes in the map. */
static size_t observe_cost(const struct observe_item *item)
{
    size_t bytes = sizeof(struct observe_stored) + item->len;

    if (bytes > OBSERVE_IN_PAGE)
        bytes = (bytes / OBSERVE_PAGE + 1) * OBSERVE_PAGE;
    return bytes + OBSERVE_OVERHEAD;
}

static int observe_put(struct tip_outbox_txn *txn, const struct observe_item *item)
{
    const struct observe_stored stored = {
        .died = item->died, .at_s = item->at_s, .len = item->len, .depth = item->depth};
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    uint8_t key[8];
    int r;

    tip_buf_init(&bytes, sizeof(stored) + item->len);
    store_number_key(item->born, key);
    r = tip_buf_append(&bytes, &stored, sizeof(stored));
    r = r ? r : tip_buf_append(&bytes, item->key, item->len);
    return r ? r : store_put(txn, STORE_OBSERVED, key, sizeof(key), bytes.data, bytes.len);
}

static int observe_numbers_put(const struct observe_list *list, struct tip_outbox_txn *txn)
{
    const struct observe_numbers numbers = {.last = list->last, .in_force = list->in_force};
    uint8_t key[8];

    store_number_key(0, key);
    return store_put(txn, STORE_OBSERVED, key, sizeof(key), &numbers, sizeof(numbers));
}

static int observe_drop(struct observe_list *list, struct tip_outbox_txn *txn, struct observe_item *item)
{
    uint8_t key[8];
    int r;

    list->bytes_all -= observe_cost(item);
    store_number_key(item->born, key);
    r = store_delete(txn, STORE_OBSERVED, key, sizeof(key));
    free(item->key);
    free(item);
    return r;
}

static void observe_stand(struct observe_list *list, struct observe_item *item)
{
    uint32_t over_s = item->at_s + OBSERVE_KEEP_S;

    struct observe_kind *kind = &list->kinds[item->what];

    tip_hash_add_bytes(kind->standing, key, item->len, item);
    kind->bytes += observe_cost(item);
    if (!list->next_over_s || over_s < list->next_over_s)
        list->next_over_s = over_s;
}

static void observe_lie(struct observe_list *list, struct observe_item *item)
{
    item->next = list->dead;
    list->dead = item;
    list->n_dead++;
}

/** What cannot be counted with, of which what an older build wrote is deleted: it never will be. */
struct observe_load {
    struct observe_list *list;
    struct tip_buf old; /* keys of 8 bytes */
    size_t n_unreadable;
};

static void observe_unreadable(struct observe_load *load, const void *key, const unsigned char *what, size_t len)
{
    load->n_unreadable++;
    if (observe_key_is_old(what, len) && tip_buf_append(&load->old, key, OBSERVE_NUMBER))
        return; /* at its cap: at the next start */
}

static int observe_visit(void *ctx, const void *key, size_t key_len, const void *bytes, size_t n)
{
    struct observe_load *load = ctx;
    struct observe_list *list = load->list;
    struct observe_numbers numbers;
    struct observe_stored stored;
    struct bl_observation observation;
    struct observe_item *item;

    if (!store_number_of(key, key_len) && n == sizeof(numbers)) {
        memcpy(&numbers, bytes, sizeof(numbers));
        list->last = numbers.last;
        list->in_force = numbers.in_force;
        return 0;
    }
    if (n > sizeof(stored))
        memcpy(&stored, bytes, sizeof(stored));
    if (n <= sizeof(stored) || stored.len != n - sizeof(stored) ||
        !observe_key_read((const unsigned char *)bytes + sizeof(stored), stored.len, &observation)) {
        observe_unreadable(load, key, (const unsigned char *)bytes + sizeof(stored),
                           n > sizeof(stored) ? n - sizeof(stored) : 0);
        return 0;
    }
    item = tip_new(struct observe_item);
    *item = (struct observe_item){.born = store_number_of(key, key_len),
                                  .died = stored.died,
                                  .at_s = stored.at_s,
                                  .depth = stored.depth,
                                  .what = observation.what,
                                  .len = stored.len};
    item->key = tip_alloc(item->len, 1);
    memcpy(item->key, (const unsigned char *)bytes + sizeof(stored), item->len);
    observe_key_renew(item->key);
    list->bytes_all += observe_cost(item);
    if (item->died)
        observe_lie(list, item);
    else
        observe_stand(list, item);
    return 0;
}

static void observe_load_deinit(struct observe_load *load)
{
    tip_buf_deinit(&load->old);
}

int observe_load(struct app *app, struct tip_outbox_txn *txn)
{
    tip_auto(observe_load_deinit) struct observe_load load = {.list = &app->observe};
    int r;

    tip_buf_init(&load.old, OBSERVE_OLD * OBSERVE_NUMBER);
    app->observe.bytes_max = tip_outbox_map_bytes(app->outbox) / OBSERVE_SHARE;
    r = store_each(txn, STORE_OBSERVED, observe_visit, &load);
    for (size_t at = 0; !r && at < load.old.len; at += OBSERVE_NUMBER)
        r = store_delete(txn, STORE_OBSERVED, load.old.data + at, OBSERVE_NUMBER);
    if (load.n_unreadable)
        tip_error("observation.unreadable", "n=%zu deleted=%zu effect=\"what they said counts no more\"",
                  load.n_unreadable, load.old.len / OBSERVE_NUMBER);
    return r;
}

void observe_free(struct app *app)
{
    struct observe_item *item, *next;

    observe_outdate(&app->observe, UINT64_MAX);
    for (int what = 0; what < BL_EVIDENCE_KIND_COUNT; what++) {
        tip_hash_each (app->observe.kinds[what].standing, item, next) {
            tip_hash_remove(app->observe.kinds[what].standing, item);
            free(item->key);
            free(item);
        }
    }
    while ((item = app->observe.dead)) {
        app->observe.dead = item->next;
        free(item->key);
        free(item);
    }
}

void observe_configure(struct app *app, const struct bl_options *options)
{
    struct observe_list *list = &app->observe;

    list->max = (size_t)options->observations_max;
    list->n_ordinary = options->allow_special.n;
    for (size_t i = 0; i < list->n_ordinary; i++)
        list->ordinary[i] = options->allow_special.items[i];
}

size_t observe_count(const struct app *app, enum bl_evidence_kind what)
{
    return tip_hash_count(app->observe.kinds[what].standing);
}

/* ---- changes ---- */

uint64_t observe_stands(const struct app *app)
{
    const struct bl_job *first = app->jobs;
    bool has_begun = app->n_jobs && first->kind == WORK_EVIDENCE && (app->publish.is_active || bl_job_has_begun(first));

    return has_begun ? first->to : app->observe.in_force;
}

/* The next change ends it. What is in no table leaves no trace. */
static int observe_end(struct app *app, struct tip_outbox_txn *txn, struct observe_item *item)
{
    struct observe_list *list = &app->observe;

    tip_hash_remove(list->kinds[item->what].standing, item);
    list->kinds[item->what].bytes -= observe_cost(item);
    if (item->born > observe_known(app))
        return observe_drop(list, txn, item);
    item->died = list->last;
    observe_lie(list, item);
    return observe_put(txn, item);
}

static int observe_add(struct observe_list *list, struct tip_outbox_txn *txn, const struct observe_item *made)
{
    struct observe_item *item = tip_new(struct observe_item);

    *item = *made;
    item->key = tip_alloc(item->len, 1);
    memcpy(item->key, made->key, item->len);
    item->born = list->last;
    list->bytes_all += observe_cost(item);
    observe_stand(list, item);
    return observe_put(txn, item);
}

/* What stands, of all kinds. */
static size_t observe_n(const struct observe_list *list)
{
    size_t n = 0;

    for (int what = 0; what < BL_EVIDENCE_KIND_COUNT; what++)
        n += tip_hash_count(list->kinds[what].standing);
    return n;
}

static size_t observe_bytes(const struct observe_list *list)
{
    size_t bytes = 0;

    for (int what = 0; what < BL_EVIDENCE_KIND_COUNT; what++)
        bytes += list->kinds[what].bytes;
    return bytes;
}

/* Would they be too many with one more that costs so much? 0: are they? */
static bool observe_is_many(const struct observe_list *list, size_t cost)
{
    return observe_n(list) + (cost > 0) > list->max;
}

static bool observe_is_full(const struct observe_list *list, size_t cost)
{
    return observe_is_many(list, cost) || observe_bytes(list) + cost > list->bytes_max;
}

/* The kind with most of what is short; of several the one that wants room. */
static enum bl_evidence_kind observe_fullest(const struct observe_list *list, size_t cost, enum bl_evidence_kind own)
{
    bool is_many = observe_is_many(list, cost);
    enum bl_evidence_kind fullest = own;

    for (int what = 0; what < BL_EVIDENCE_KIND_COUNT; what++) {
        const struct observe_kind *kind = &list->kinds[what], *most = &list->kinds[fullest];

        if (is_many ? tip_hash_count(kind->standing) > tip_hash_count(most->standing) : kind->bytes > most->bytes)
            fullest = (enum bl_evidence_kind)what;
    }
    return fullest;
}

/* The oldest changes of that kind go first. */
static int observe_forget_full(struct app *app, struct tip_outbox_txn *txn, const struct observe_item *made, size_t *np)
{
    struct observe_list *list = &app->observe;
    size_t cost = made ? observe_cost(made) : 0;
    int r = 0;

    while (!r && observe_n(list) && observe_is_full(list, cost) && *np < OBSERVE_TURN) {
        enum bl_evidence_kind what = observe_fullest(list, cost, made ? made->what : BL_EVIDENCE_TRAP);

        list->last++;
        r = observe_end(app, txn, list->kinds[what].standing);
        tip_metric_inc(app->m[APP_M_FORGOTTEN_FULL_TRAP + (int)what]);
        ++*np;
    }
    return r;
}

/** What one event does. */
struct observe_turn {
    struct app *app;
    struct tip_outbox_txn *txn;
    size_t n_forgotten;
};

/* In place of an old one it takes as much. The dead are there until verdicts have followed: then it has to wait. */
static bool observe_fits(const struct observe_list *list, const struct observe_item *made,
                         const struct observe_item *old)
{
    size_t cost = observe_cost(made);

    return (old || !observe_is_full(list, cost)) && list->bytes_all + cost <= 2 * list->bytes_max;
}

static int observe_change(struct observe_turn *turn, const struct observe_item *made, struct observe_item *old)
{
    struct observe_list *list = &turn->app->observe;
    int r;

    list->last++;
    r = old ? observe_end(turn->app, turn->txn, old) : 0;
    return r ? r : observe_add(list, turn->txn, made);
}

static int observe_take(struct observe_turn *turn, const struct bl_observation *observation)
{
    struct app *app = turn->app;
    unsigned char key[OBSERVE_KEY_MAX];
    const struct observe_item made = {.at_s = observation->at_s,
                                      .depth = observation->depth,
                                      .len = (uint32_t)observe_key_len(observation),
                                      .what = observation->what,
                                      .key = key};
    struct observe_item *old;
    int r;

    observe_key_write(observation, key);
    tip_hash_find_bytes(app->observe.kinds[made.what].standing, key, made.len, old);
    if (old && old->at_s >= made.at_s) {
        tip_metric_inc(app->m[APP_M_OBSERVED_REPEATED]);
        return 0;
    }
    r = old ? 0 : observe_forget_full(app, turn->txn, &made, &turn->n_forgotten);
    if (!r && !observe_fits(&app->observe, &made, old)) {
        tip_metric_inc(app->m[APP_M_UNBELIEVED_FULL]);
        return 0;
    }
    tip_metric_inc(app->m[APP_M_OBSERVED_TRAP + observation->what]);
    return r ? r : observe_change(turn, &made, old);
}

static int observe_one(void *ctx, const struct bl_observation *observation, enum observed_fate fate)
{
    struct observe_turn *turn = ctx;

    if (!fate)
        return observe_take(turn, observation);
    tip_metric_inc(turn->app->m[APP_M_UNBELIEVED_MALFORMED + (int)fate - 1]);
    return 0;
}

int observe_hear(struct app *app, struct tip_outbox_txn *txn, const struct tip_event *event,
                 const struct tip_stamp *stamp)
{
    struct observe_turn turn = {.app = app, .txn = txn};
    const struct observed_order order = {.event = event,
                                         .tlp = stamp->tlp,
                                         .commit_unix_ms = stamp->commit_unix_us / 1000,
                                         .now_unix_ms = tip_loop_wall_ms(),
                                         .ordinary = app->observe.ordinary,
                                         .n_ordinary = app->observe.n_ordinary,
                                         .each = observe_one,
                                         .ctx = &turn};
    uint64_t before = app->observe.last;
    int r = observed_walk(&order);

    return r || before == app->observe.last ? r : observe_numbers_put(&app->observe, txn);
}

/* ---- what is too old ---- */

static int observe_forget_over_kind(struct app *app, struct tip_outbox_txn *txn, enum bl_evidence_kind what,
                                    uint32_t now_s, size_t *np)
{
    struct observe_list *list = &app->observe;
    struct observe_item *item, *next;
    int r = 0;

    tip_hash_each (list->kinds[what].standing, item, next) {
        uint32_t over_s = item->at_s + OBSERVE_KEEP_S;

        if (!r && over_s <= now_s && *np < OBSERVE_TURN) {
            list->last++;
            r = observe_end(app, txn, item);
            tip_metric_inc(app->m[APP_M_FORGOTTEN_OVER_TRAP + (int)what]);
            ++*np;
        } else if (!list->next_over_s || over_s < list->next_over_s) {
            list->next_over_s = over_s;
        }
    }
    return r;
}

/* All are looked at for it: so not more often than each hour, unless there is more to forget than a turn may. */
static int observe_forget_over(struct app *app, struct tip_outbox_txn *txn, uint32_t now_s, size_t *np)
{
    struct observe_list *list = &app->observe;
    int r = 0;

    list->next_over_s = 0;
    for (int what = 0; !r && what < BL_EVIDENCE_KIND_COUNT; what++)
        r = observe_forget_over_kind(app, txn, (enum bl_evidence_kind)what, now_s, np);
    if (list->next_over_s > now_s && list->next_over_s < now_s + OBSERVE_OVER_EVERY_S)
        list->next_over_s = now_s + OBSERVE_OVER_EVERY_S;
    return r;
}

static int observe_forget(struct app *app, struct tip_outbox_txn *txn, uint32_t now_s)
{
    struct observe_list *list = &app->observe;
    size_t n = 0;
    int r = observe_forget_full(app, txn, NULL, &n);

    if (!r && list->next_over_s && list->next_over_s <= now_s)
        r = observe_forget_over(app, txn, now_s, &n);
    return r || !n ? r : observe_numbers_put(list, txn);
}

/* Verdicts follow. One job that waits already takes all changes along. */
static int observe_queue(struct app *app, struct tip_outbox_txn *txn)
{
    struct bl_job job = {.kind = WORK_EVIDENCE};

    if (app->observe.last == app->observe.in_force || publish_is_queued(app, WORK_EVIDENCE, ""))
        return 0;
    return publish_add(app, txn, &job);
}

/* Changes wait for a tick: so many of them make one job. */
void observe_tick(struct app *app)
{
    struct observe_list *list = &app->observe;
    uint32_t now_s = (uint32_t)(tip_loop_wall_ms() / TIP_SECOND_MS);
    bool is_over = observe_is_full(list, 0) || (list->next_over_s && list->next_over_s <= now_s);
    bool is_news = list->in_force != list->last && observe_stands(app) == list->in_force;
    struct tip_outbox_txn *txn;
    int r;

    if ((!is_over && !is_news) || app->is_stopping || !app_has_room(app, APP_ROOM_SMALL))
        return;
    txn = app_begin(app);
    r = is_over ? observe_forget(app, txn, now_s) : 0;
    r = r ? r : observe_queue(app, txn);
    app_commit(app, &txn, r);
}

/* ---- verdicts have followed ---- */

int observe_in_force_set(struct app *app, struct tip_outbox_txn *txn, uint64_t change)
{
    struct observe_list *list = &app->observe;
    struct observe_item **at = &list->dead;
    int r;

    list->in_force = change;
    observe_outdate(list, change);
    r = observe_numbers_put(list, txn);
    while (!r && *at) {
        struct observe_item *item = *at;

        if (item->died > change) {
            at = &item->next;
            continue;
        }
        *at = item->next;
        list->n_dead--;
        r = observe_drop(list, txn, item);
    }
    return r;
}
