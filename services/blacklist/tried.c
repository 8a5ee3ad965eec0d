/*
 * Hosts that were asked for what is no source: when, and until when they want to be left alone. Of sources their own
 * state says so.
 */
#include <string.h>
#include <strings.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>

#include "app.h"
#include "io/store.h"

enum { TRIED_BYTES = 1024 };

static struct bl_tried *tried_find(struct app *app, const char *host)
{
    for (size_t i = 0; i < app->n_tried; i++) {
        if (!strcasecmp(app->tried[i].host, host))
            return &app->tried[i];
    }
    return NULL;
}

struct bl_tried tried_of(struct app *app, const char *host)
{
    const struct bl_tried *tried = tried_find(app, host);

    return tried ? *tried : (struct bl_tried){.asked_unix_ms = 0};
}

static int64_t tried_last(const struct bl_tried *tried)
{
    return tried->told_unix_ms > tried->asked_unix_ms ? tried->told_unix_ms : tried->asked_unix_ms;
}

/* A place for one more: when all are taken that of what is over first. */
static struct bl_tried *tried_room(struct app *app, struct tip_outbox_txn *txn, int *rp)
{
    struct bl_tried *oldest = &app->tried[0];

    *rp = 0;
    if (app->n_tried < APP_TRIED_MAX)
        return &app->tried[app->n_tried++];
    for (size_t i = 1; i < app->n_tried; i++) {
        if (tried_last(&app->tried[i]) < tried_last(oldest))
            oldest = &app->tried[i];
    }
    *rp = store_delete(txn, STORE_TRIED, oldest->host, strlen(oldest->host));
    return oldest;
}

int tried_put(struct app *app, struct tip_outbox_txn *txn, const struct bl_tried *tried)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    struct bl_tried *kept = tried_find(app, tried->host);
    int r = 0;

    tip_buf_init(&bytes, TRIED_BYTES);
    if (!kept)
        kept = tried_room(app, txn, &r);
    *kept = *tried;
    r = r ? r : codec_tried_write(tried, &bytes);
    return r ? r : store_put(txn, STORE_TRIED, tried->host, strlen(tried->host), bytes.data, bytes.len);
}

static int tried_visit(void *ctx, const void *key, size_t key_len, const void *bytes, size_t n)
{
    struct app *app = ctx;
    struct bl_tried tried;

    if (codec_tried_read(&tried, bytes, n) || key_len >= sizeof(tried.host))
        tip_error("tried.unreadable", "bytes=%zu", n);
    else if (app->n_tried < APP_TRIED_MAX) {
        memcpy(tried.host, key, key_len);
        app->tried[app->n_tried++] = tried;
    }
    return 0;
}

int tried_load(struct app *app, struct tip_outbox_txn *txn)
{
    return store_each(txn, STORE_TRIED, tried_visit, app);
}
