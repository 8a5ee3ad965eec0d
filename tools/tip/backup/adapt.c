#include "backup/adapt.h"

#include <errno.h>
#include <string.h>

#include <tip/loop.h>
#include <tip/outbox_backup.h>

#include "command.h"
#include "journal_rename.h"
#include "journal_verify.h"

struct adapt_outbox {
    const struct journal_table *table;
    const char *service;
};

static int adapt_refuse(const char *what, int r)
{
    cli_error("%s: %s", what, strerror(-r));
    return CLI_FAILED;
}

/* proto/tip/v1/record.proto: Record.stamp is field 1, Stamp.journal_id is field 1 of it; the broker writes them first.
 */
bool adapt_payload(uint8_t *payload, size_t n, const uint8_t *old_id, const uint8_t *new_id)
{
    size_t at = 1;

    if (n < 4 || payload[0] != 0x0a)
        return false;
    while (at < n && at < 6 && payload[at] & 0x80)
        at++;
    at++;
    if (at + 2 + JOURNAL_ID_BYTES > n || payload[at] != 0x0a || payload[at + 1] != JOURNAL_ID_BYTES ||
        memcmp(payload + at + 2, old_id, JOURNAL_ID_BYTES) != 0)
        return false;
    memcpy(payload + at + 2, new_id, JOURNAL_ID_BYTES);
    return true;
}

/* The service's own name, or name.instance. One that has published under a later epoch since has nothing left to say.
 */
static uint64_t adapt_durable(void *ctx, uint64_t epoch)
{
    const struct adapt_outbox *outbox = ctx;
    size_t len = strlen(outbox->service);
    uint64_t durable = 0;

    for (size_t i = 0; i < outbox->table->n_publishers; i++) {
        const struct journal_publisher *publisher = outbox->table->publishers[i];

        if (strncmp(publisher->name, outbox->service, len) != 0 ||
            (publisher->name[len] != '\0' && publisher->name[len] != '.'))
            continue;
        if (publisher->epoch == epoch)
            return publisher->appended;
        if (publisher->epoch > epoch && publisher->name[len] == '\0')
            durable = UINT64_MAX;
    }
    return durable;
}

static int adapt_outbox(const struct target *target, const struct journal_table *table,
                        struct tip_outbox_renewal *renewal, struct adapted *adapted)
{
    struct adapt_outbox outbox = {table, target->what};
    int r;

    renewal->ctx = &outbox;
    r = tip_outbox_renew(target->stage, renewal);
    adapted->n_dropped += renewal->n_dropped;
    adapted->n_kept += renewal->n_kept;
    return r ? adapt_refuse(target->stage, r) : CLI_OK;
}

static int adapt_outboxes(const struct targets *targets, const struct journal_table *table,
                          struct tip_outbox_renewal *renewal, struct adapted *adapted)
{
    int r = CLI_OK;

    for (size_t i = 0; r == CLI_OK && i < targets->n; i++) {
        if (targets->items[i].is_outbox && !targets->items[i].is_empty)
            r = adapt_outbox(&targets->items[i], table, renewal, adapted);
    }
    return r;
}

static int adapt_journal(struct journal_disk *disk, const struct manifest *manifest, const char *consumer,
                         struct journal_rename *rename)
{
    rename->disk = disk;
    rename->payload = adapt_payload;
    rename->consumer = consumer;
    rename->committed = manifest->next_seq ? manifest->next_seq - 1 : 0;
    if (strcmp(manifest->stored, manifest->journal) != 0)
        rename->committed = 0; /* the database has nothing of this journal */
    randombytes_buf(&rename->identity, sizeof(rename->identity));
    return journal_rename_run(rename);
}

int adapt_all(const struct targets *targets, const struct manifest *manifest, const char *consumer,
              struct adapted *adapted)
{
    tip_auto(journal_disk_destroy) struct journal_disk *disk = NULL;
    const char *dir = targets_find(targets, "journal", false)->stage;
    struct tip_outbox_renewal renewal = {.wall_unix_us = tip_loop_wall_ms() * 1000, .durable = adapt_durable};
    struct journal_verify verify = {.live = false};
    struct journal_rename rename = {.consumer = NULL};
    struct tip_uuid id;
    int r = journal_disk_open(&disk, dir);

    *adapted = (struct adapted){.n_kept = 0};
    verify.disk = disk;
    if (!r)
        r = journal_verify_run(&verify);
    if (!r)
        r = adapt_journal(disk, manifest, consumer, &rename);
    memcpy(renewal.before.bytes, rename.before.id, sizeof(renewal.before.bytes));
    memcpy(renewal.after.bytes, rename.identity.id, sizeof(renewal.after.bytes));
    memcpy(id.bytes, rename.identity.id, sizeof(id.bytes));
    tip_uuid_format(&id, adapted->journal);
    r = r ? adapt_refuse(dir, r) : adapt_outboxes(targets, &verify.table, &renewal, adapted);
    journal_verify_deinit(&verify);
    return r;
}
