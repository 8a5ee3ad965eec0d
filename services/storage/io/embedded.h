#pragma once
/* SQL files that are part of the program: embed.cmake makes them C at build time, so an installed binary has them. */
#include <stddef.h>

struct store_embedded {
    const char *name; /* of the file, without its .sql */
    const char *text; /* NUL-terminated */
    size_t len;
};

/** db/NNNN_name.sql in order of their numbers. */
extern const struct store_embedded store_migrations[];
extern const size_t store_migrations_n;

/** db/queries/NAME.sql. */
extern const struct store_embedded store_query_files[];
extern const size_t store_query_files_n;
