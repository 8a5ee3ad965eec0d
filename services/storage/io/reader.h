#pragma once
/*
 * The one that reads: a connection of its own as tip_reader, named queries in, encoded answers out. Blocking; lives in
 * one thread of the pool.
 */
#include <stdint.h>

#include <tip/buf.h>
#include <tip/call.h>

#include "query.h"

struct store_reader;

struct store_reader_options {
    const char *conninfo, *password;
    int64_t timeout_ms;
};

struct store_reader *store_reader_new(const struct store_reader_options *options);
void store_reader_destroy(struct store_reader **readerp);

enum { STORE_READER_WHY_BYTES = 256 };

/**
 * Runs a query.
 *
 * @param lag    for STORE_PARAM_LAG; -1 while not known
 * @param answer the encoded StoreAnswer is appended
 * @param why    set on failure; STORE_READER_WHY_BYTES
 * @return TIP_FAILURE_NONE, or what to tell the caller
 */
enum tip_failure store_reader_run(struct store_reader *reader, const struct tip_store_query *query, int64_t lag,
                                  struct tip_buf *answer, char *why);
