#include "keys/keys.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/setup.h"
#include "up/lock.h"
#include "up/prepare.h"
#include "up/user.h"

/* ---- the directory, and who works in it ---- */

/* Root works as the owner of the directory, so that what is made belongs to who runs the services. */
static int keys_become(const char *dir, bool is_change)
{
    struct prepared place = {.env = {NULL}};
    struct stat st;

    if (geteuid() != 0)
        return CLI_OK;
    if (user_find(&place.user)) {
        cli_error("there is neither a user `tip` nor `nobody` for the keys to belong to");
        return CLI_FAILED;
    }
    if (stat(dir, &st) == 0 && st.st_uid != 0) {
        place.user.uid = st.st_uid;
        place.user.gid = st.st_gid;
    } else if (!is_change) {
        return CLI_OK;
    } else if (prepare_dir(&place, dir) || chmod(dir, 0700) == -1) {
        return CLI_FAILED;
    }
    if (user_become(&place.user) == 0)
        return CLI_OK;
    cli_error("cannot become the owner of %s: %s", dir, strerror(errno));
    return CLI_FAILED;
}

static int keys_refused(const struct keys *keys, int r)
{
    const char *dir = keys->options.bus.keys;

    if (r == -ENOENT)
        cli_error("%s is not there: `tip keys init` makes it", dir);
    else
        cli_error("%s: %s", dir, strerror(-r));
    return r == -ENOENT ? CLI_NOT_FOUND : r == -EACCES || r == -EPERM ? CLI_DENIED : CLI_FAILED;
}

static int keys_site(struct keys *keys)
{
    int r = options_load(&keys->options, keys->cli->config);

    if (r == CLI_OK && !keys->options.bus.keys) {
        cli_error("%s names no directory for keys: set `keys` in section bus, and take `insecure` out of it",
                  keys->options.config);
        return CLI_FAILED;
    }
    return r;
}

static int keys_read_map(struct keys *keys)
{
    int r = keyring_map(&keys->ring, &keys->map, keys->why);

    if (r == 0)
        return CLI_OK;
    cli_error("%s/" KEYRING_MAP ": %s", keys->ring.dir, r == -EINVAL ? keys->why : strerror(-r));
    return r == -EACCES ? CLI_DENIED : CLI_FAILED;
}

/* The site, and who works in its directory. */
static int keys_begin(struct keys *keys, struct cli *cli, bool is_change)
{
    int r;

    *keys = (struct keys){.cli = cli, .is_dry = !is_change, .ring = {.fd = -1}};
    r = keys_site(keys);
    return r ? r : keys_become(keys->options.bus.keys, is_change);
}

int keys_open(struct keys *keys, struct cli *cli, bool is_change)
{
    int r = keys_begin(keys, cli, is_change);

    if (r)
        return r;
    r = keyring_open(&keys->ring, keys->options.bus.keys, is_change);
    return r ? keys_refused(keys, r) : keys_read_map(keys);
}

int keys_open_new(struct keys *keys, struct cli *cli, bool is_change)
{
    int r = keys_begin(keys, cli, is_change);

    if (r)
        return r;
    r = is_change ? setup_dir(keys->options.bus.keys) : 0;
    if (r == 0)
        r = keyring_open(&keys->ring, keys->options.bus.keys, is_change);
    if (r == -ENOENT && !is_change)
        return CLI_OK;
    return r ? keys_refused(keys, r) : CLI_OK;
}

void keys_close(struct keys *keys)
{
    keymap_destroy(&keys->map);
    keyring_close(&keys->ring);
    options_free(&keys->options);
}

/* ---- what verbs ask of it ---- */

int keys_find(const struct keys *keys, const struct keymap_key **keyp)
{
    *keyp = keymap_find(keys->map, keys->cli->args[0]);
    if (*keyp)
        return CLI_OK;
    cli_error("there is no key \"%s\" in %s/" KEYRING_MAP, keys->cli->args[0], keys->ring.dir);
    return CLI_NOT_FOUND;
}

bool keys_has_secret(const struct keys *keys, const char *name)
{
    struct keyring_cert cert;

    return keyring_look(&keys->ring, name, &cert) == 0 && cert.has_secret;
}

/* ---- how verbs end ---- */

int keys_failed(const struct keys *keys)
{
    cli_error("%s", keys->why);
    return CLI_FAILED;
}

/* The broker reads the map anew on SIGHUP, which `tip up` passes on. */
void keys_tell(const struct keys *keys)
{
    pid_t supervisor = lock_holder(keys->options.up.data);

    if (supervisor && kill(supervisor, SIGHUP) == 0)
        cli_note(keys->cli, "the broker was told");
    else
        cli_note(keys->cli, "no `tip up` runs here that could tell the broker: if one runs elsewhere, copy keys.yaml "
                            "there; send SIGHUP to tip-broker");
}
