#pragma once
/*
 * The directory `bus.keys`: certificates as czmq writes them (NAME.cert, NAME.cert_secret) and keys.yaml. Files come
 * into being whole (written beside, flushed, renamed), secrets as 0600, all else as 0644, the directory as 0700.
 */
#include <stdbool.h>

#include <tip/cleanup.h>

#include "keys/keymap.h"

#define KEYRING_BROKER "broker" /* the broker's own certificate; no key of the map */
#define KEYRING_MAP    "keys.yaml"

enum { KEYRING_PATH_BYTES = 256, KEYRING_DIR_MAX = 180 }; /* czmq has room for so much */

struct keyring {
    char dir[KEYRING_DIR_MAX + 1];
    int fd; /* of the directory */
};

/** A certificate of the directory. */
struct keyring_cert {
    char public_key[KEYMAP_KEY_TEXT + 1];
    char audience[8];            /* "" of the broker */
    bool has_public, has_secret; /* which files are there */
};

enum {
    KEYRING_E_NONE = 1, /* there is no such certificate */
    KEYRING_E_BAD = 2   /* there is one that cannot be read */
};

/**
 * @param is_change  waits until nobody else changes it
 * @return 0 or a negative errno: -ENOENT when it is not there, -ENAMETOOLONG
 */
tip_nodiscard int keyring_open(struct keyring *ring, const char *dir, bool is_change);
void keyring_close(struct keyring *ring);

/** The path of NAME.cert, or with `suffix` of "_secret" or ".revoked" what belongs to it. */
void keyring_path(const struct keyring *ring, const char *name, const char *suffix,
                  char path[static KEYRING_PATH_BYTES]);

/** @return 0, KEYRING_E_NONE or KEYRING_E_BAD */
tip_nodiscard int keyring_look(const struct keyring *ring, const char *name, struct keyring_cert *cert);

/**
 * Makes a certificate, which must not be there.
 *
 * @param audience    NULL for the broker
 * @param public_key  of a partner, who keeps his secret to himself; NULL makes a new pair
 */
tip_nodiscard int keyring_make(const struct keyring *ring, const char *name, const char *audience,
                               const char *public_key, struct keyring_cert *cert);

/** Writes the public file out of the secret one, where a crash has come between the two. */
tip_nodiscard int keyring_complete(const struct keyring *ring, const char *name, struct keyring_cert *cert);

/** Renames NAME.cert to NAME.cert.revoked and removes its secret; what is not there is fine. */
tip_nodiscard int keyring_revoke(const struct keyring *ring, const char *name);

/**
 * The map; an empty one when there is no file.
 *
 * @param why  said with -EINVAL
 */
tip_nodiscard int keyring_map(const struct keyring *ring, struct keymap **mapp, char why[static KEYMAP_WHY_BYTES]);
tip_nodiscard int keyring_map_write(const struct keyring *ring, const struct tip_buf *text);

/** Is it 40 characters of Z85? */
bool keyring_public_is_ok(const char *public_key);

/** @return the first file that its owner should not have left so (with `what`), as path; false: there is none */
bool keyring_find_fault(const struct keyring *ring, char path[static KEYRING_PATH_BYTES], const char **whatp);
