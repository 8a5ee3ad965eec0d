#pragma once
/*
 * The files of the dashboard, read once into memory with their types, entity tags and compressed forms. What was not
 * found when they were read does not exist: no request ever becomes a path of the file system.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/gzip.h"

enum { WEB_FILES_MAX = 1024, WEB_FILES_BYTES = 32 << 20 };

struct web_file {
    char *path; /* "/assets/index-4f.js" */
    const char *type;
    uint8_t *bytes, *gzip; /* gzip may be NULL */
    size_t len, gzip_len;
    char etag[WEB_ETAG_TEXT];
    bool is_immutable; /* its name changes with its content */
};

struct web_files;

/** Reads a directory; one that is missing holds nothing. @return 0 or a negative errno: -EFBIG above the bounds */
tip_nodiscard int web_files_open(struct web_files **filesp, const char *dir);
void web_files_destroy(struct web_files **filesp);

size_t web_files_count(const struct web_files *files);

/** NULL when there is none. */
const struct web_file *web_files_find(const struct web_files *files, const char *path);
