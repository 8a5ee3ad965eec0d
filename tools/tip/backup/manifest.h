#pragma once
/* manifest.json of a backup: what is in it, and how to tell that it is whole. Written last. */
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <tip/cleanup.h>
#include <tip/uuid.h>

#define MANIFEST_NAME "manifest.json"

enum {
    MANIFEST_FORMAT = 1,
    MANIFEST_BYTES_MAX = 16 * 1024 * 1024,
    MANIFEST_FILES_MAX = 100000,
    MANIFEST_PATH = 256,
    MANIFEST_SHA = 65,
    MANIFEST_WHY = 256
};

struct manifest_file {
    char path[MANIFEST_PATH]; /* below the backup; see manifest_path_valid */
    uint64_t bytes;
    char sha256[MANIFEST_SHA];
};

struct manifest {
    char tip[32], made[32];                                     /* version; when it was begun */
    unsigned schema;                                            /* of the database */
    char journal[TIP_UUID_TEXT + 1], stored[TIP_UUID_TEXT + 1]; /* the journal; the one that next_seq is of, or "-" */
    uint64_t next_seq;                                          /* what the database wants next */
    uint64_t first_seq, last_seq, n_damages;                    /* of the journal; 0: no event */
    struct manifest_file *files;
    size_t n;
};

void manifest_deinit(struct manifest *manifest);
struct manifest_file *manifest_add(struct manifest *manifest, const char *path);

/** database.dump, or one name, or two, below a directory that we know; letters, digits, dots (not first), '_', '-'. */
bool manifest_path_valid(const char *path);

/** The caller decrefs it. */
json_t *manifest_json(const struct manifest *manifest);

/** From anybody's bytes. @param why  set on failure: MANIFEST_WHY bytes. @return 0, -EBADMSG, -EPROTONOSUPPORT */
tip_nodiscard int manifest_read(struct manifest *manifest, const void *bytes, size_t n, char *why);
