#pragma once
/*
 * Keys come into being: a certificate and a line in keys.yaml. Whatever is there stays as it is, so that doing it again
 * only adds what is missing, also after a crash in between.
 */
#include "keys/keyring.h"

enum setup_result {
    SETUP_MADE,
    SETUP_ADOPTED, /* the certificate was there, its line was not */
    SETUP_KEPT,
    SETUP_ELSEWHERE, /* kept, and its secret is not in this directory */
    SETUP_NARROW,    /* kept, and its line in keys.yaml says less than the service needs */
    SETUP_WIDENED,
    SETUP_RESULT_COUNT
};

/** "made", "adopted", "kept", "elsewhere", "narrow", "widened". */
const char *setup_result_name(enum setup_result result);

/**
 * Makes the directory with mode 0700. One that exists stays as it is.
 *
 * @return 0 or a negative errno
 */
tip_nodiscard int setup_dir(const char *dir);

/** The broker's own certificate. @param ring  NULL: as if the directory were empty; then only with is_dry */
tip_nodiscard int setup_broker(const struct keyring *ring, bool is_dry, enum setup_result *resultp,
                               char why[static KEYMAP_WHY_BYTES]);

/**
 * Adds a key.
 *
 * @param key  with an empty public key a pair is made (or adopted), and the public half filled in
 * @param why  always said when it fails
 * @return 0 or a negative errno
 */
tip_nodiscard int setup_add(const struct keyring *ring, struct keymap_key *key, bool is_dry, enum setup_result *resultp,
                            char why[static KEYMAP_WHY_BYTES]);

/**
 * Gives a service's key, which must be in the map, what it lacks; certificate and all other rights stay.
 *
 * @param resultp  SETUP_WIDENED, or SETUP_KEPT when it lacks nothing
 */
tip_nodiscard int setup_widen(const struct keyring *ring, const char *name, bool is_dry, enum setup_result *resultp,
                              char why[static KEYMAP_WHY_BYTES]);

/** Takes a key away, which must be in the map: its line first, so that no crash leaves it valid. */
tip_nodiscard int setup_revoke(const struct keyring *ring, const char *name, bool is_dry,
                               char why[static KEYMAP_WHY_BYTES]);

/** What keys of the directory lack (services_narrow). @return false also when it cannot be read */
bool setup_narrow(const char *dir, char *text, size_t size);

/** All that a site needs: directory, broker, a key for each service and for `tip`. */
tip_nodiscard int setup_site(const char *dir, char why[static KEYMAP_WHY_BYTES]);
