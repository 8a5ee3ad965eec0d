#include "cmd_keys_revoke.h"

#include "cmd_keys_show.h"
#include "keys/setup.h"

enum { REVOKE_DRY, REVOKE_OPTIONS };

static const struct cli_option revoke_rows[REVOKE_OPTIONS] = {
    [REVOKE_DRY] = {"dry-run", 0, NULL, "Says what would be revoked and changes nothing."},
};

static int keys_revoke_perform(struct keys *keys)
{
    const struct keymap_key *key = NULL;
    int r = keys_find(keys, &key);

    if (r == CLI_OK)
        r = keys_print_check(keys);
    if (r)
        return r;
    if (setup_revoke(&keys->ring, key->name, keys->is_dry, keys->why))
        return keys_failed(keys);
    r = keys_print(keys, key);
    fflush(stdout);
    if (keys->is_dry) {
        cli_note(keys->cli, "dry run, nothing was changed");
        return r;
    }
    keys_tell(keys);
    return r;
}

static int keys_revoke_run(struct cli *cli)
{
    struct keys keys;
    int r = keys_open(&keys, cli, !cli_flag(cli, REVOKE_DRY));

    if (r == CLI_OK)
        r = keys_revoke_perform(&keys);
    keys_close(&keys);
    return r;
}

const struct cli_command keys_revoke = {
    .name = "revoke",
    .arguments = "NAME",
    .summary = "Takes a key out of force: its sessions end.",
    .details =
        "The key leaves keys.yaml, its certificate becomes NAME.cert.revoked, its secret is removed, and the broker\n"
        "is told.",
    .options = revoke_rows,
    .n_options = REVOKE_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = keys_revoke_run,
};
