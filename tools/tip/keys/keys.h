#pragma once
/* What every verb of `tip keys` begins and ends with: the site, its directory of keys, and the broker that is told. */
#include "command.h"
#include "keys/keymap.h"
#include "keys/keyring.h"
#include "options.h"

struct keys {
    struct cli *cli;
    struct options options;
    struct keyring ring;
    struct keymap *map;
    bool is_dry; /* nothing is changed */
    char why[KEYMAP_WHY_BYTES];
};

/**
 * The directory and its map. What is wrong has been said.
 *
 * @param keys       closed by the caller, also when this fails
 * @param is_change  false: to be looked at only
 * @return an exit code
 */
tip_nodiscard int keys_open(struct keys *keys, struct cli *cli, bool is_change);

/** As keys_open, without the map, of a directory that need not exist: a change makes it, else the ring stays shut. */
tip_nodiscard int keys_open_new(struct keys *keys, struct cli *cli, bool is_change);

void keys_close(struct keys *keys);

/**
 * The key that the first argument names, or a word that there is none.
 *
 * @param keyp  set on success
 * @return an exit code
 */
tip_nodiscard int keys_find(const struct keys *keys, const struct keymap_key **keyp);

/** Is its secret in this directory? */
bool keys_has_secret(const struct keys *keys, const char *name);

/** Says why. @return CLI_FAILED */
int keys_failed(const struct keys *keys);

/** The broker is told, or who runs it. */
void keys_tell(const struct keys *keys);
