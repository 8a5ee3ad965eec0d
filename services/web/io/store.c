#include "io/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tip/fail.h>

enum { STORE_HASH = 32, STORE_PATH = 4096 };

static const char *const store_tables[] = {[WEB_STORE_TOKENS] = "token", [WEB_STORE_SESSIONS] = "session"};

int web_store_put(struct tip_outbox_txn *txn, enum web_store_table table, const uint8_t hash[static 32],
                  const char *text)
{
    return tip_outbox_put(txn, store_tables[table], hash, STORE_HASH, text, strlen(text));
}

int web_store_delete(struct tip_outbox_txn *txn, enum web_store_table table, const uint8_t hash[static 32])
{
    int r = tip_outbox_delete(txn, store_tables[table], hash, STORE_HASH);

    return r == -ENOENT ? 0 : r;
}

struct store_walk {
    int (*each)(void *ctx, const uint8_t hash[static 32], const char *text, size_t len);
    void *ctx;
};

static int store_visit(void *ctx, const void *key, size_t key_len, const void *value, size_t value_len)
{
    const struct store_walk *walk = ctx;

    return key_len == STORE_HASH ? walk->each(walk->ctx, key, value, value_len) : 0;
}

int web_store_each(struct tip_outbox_txn *txn, enum web_store_table table,
                   int (*each)(void *ctx, const uint8_t hash[static 32], const char *text, size_t len), void *ctx)
{
    return tip_outbox_each(txn, store_tables[table], store_visit, &(struct store_walk){each, ctx});
}

int web_store_link(const char *dir, const char *text)
{
    char path[STORE_PATH], next[STORE_PATH + 8];
    tip_auto(tip_fd_close) int fd = -1;

    snprintf(path, sizeof(path), "%s/first-link", dir);
    snprintf(next, sizeof(next), "%s.new", path);
    if (!text)
        return unlink(path) == -1 && errno != ENOENT ? tip_fail(-errno) : 0;
    (void)unlink(next); /* of an attempt that was killed; otherwise it is not there */
    fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd == -1 || dprintf(fd, "%s\n", text) < 0 || rename(next, path) == -1)
        return tip_fail(-errno);
    return 0;
}
