#pragma once
/* Entries of lists into PostgreSQL: what the ways of store_load.c share. */
#include <stdbool.h>

#include "batch.h"
#include "io/db.h"
#include "io/rows.h"
#include "writer.h"

enum { STORE_LOAD_ENTRIES = 1000, STORE_LOAD_PARTS = 60 }; /* of a part, of a batch */

struct store_load {
    struct store_writer *writer;
    struct store_db *db;
    struct store_rows rows;
    double took_s;
};

/** Ends the program unless it went well. */
void store_load_need(bool ok, const char *what);
double store_load_now_s(void);

/** One way of storing a batch; each adds what it took. */
void store_load_copy(struct store_load *load, const struct store_batch *batch);
void store_load_hot(struct store_load *load, const struct store_batch *batch);
void store_load_indexed(struct store_load *load, const struct store_batch *batch);
void store_load_single(struct store_load *load, const struct store_batch *batch);
