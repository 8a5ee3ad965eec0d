#pragma once
/*
 * Tokens and sessions in the service's LMDB environment: by the hash of their secret.
 */
#include <tip/outbox.h>

enum web_store_table { WEB_STORE_TOKENS, WEB_STORE_SESSIONS };

tip_nodiscard int web_store_put(struct tip_outbox_txn *txn, enum web_store_table table, const uint8_t hash[static 32],
                                const char *text);

/** One that is not there is no error. */
tip_nodiscard int web_store_delete(struct tip_outbox_txn *txn, enum web_store_table table,
                                   const uint8_t hash[static 32]);

tip_nodiscard int web_store_each(struct tip_outbox_txn *txn, enum web_store_table table,
                                 int (*each)(void *ctx, const uint8_t hash[static 32], const char *text, size_t len),
                                 void *ctx);

/** The file that holds the link of a first start, 0600. @param text  NULL: takes it away */
tip_nodiscard int web_store_link(const char *dir, const char *text);
