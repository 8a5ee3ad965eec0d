#include "cmd_keys_init.h"

#include "keys/keys.h"
#include "keys/services.h"
#include "keys/setup.h"
#include "up/lock.h"

enum { INIT_DRY, INIT_OPTIONS };

static const struct cli_option init_rows[INIT_OPTIONS] = {
    [INIT_DRY] = {"dry-run", 0, NULL, "Says what would be made and changes nothing."},
};

static void keys_init_row(struct out *out, const char *name, const char *role, enum setup_result result)
{
    const char *const cells[] = {name, role, setup_result_name(result)};

    out_row(out, cells, NULL);
}

/* @param madep  set to whether anything changed */
static int keys_init_all(struct keys *keys, struct out *out, bool *madep)
{
    const struct keyring *ring = keys->ring.fd == -1 ? NULL : &keys->ring;
    enum setup_result result = SETUP_MADE;
    struct keymap_key key;
    int r = setup_broker(ring, keys->is_dry, &result, keys->why);

    if (r == 0)
        keys_init_row(out, KEYRING_BROKER, KEYRING_BROKER, result);
    *madep = result == SETUP_MADE;
    for (const struct service_rights *at = services; at->name && r == 0; at++) {
        services_key(at, &key);
        result = SETUP_MADE;
        r = ring ? setup_add(ring, &key, keys->is_dry, &result, keys->why) : 0;
        if (r == 0)
            keys_init_row(out, at->name, keymap_role_names[at->role], result);
        *madep = *madep || result == SETUP_MADE || result == SETUP_ADOPTED;
        keymap_key_deinit(&key);
    }
    return r ? keys_failed(keys) : CLI_OK;
}

static int keys_init_perform(struct keys *keys)
{
    static const struct tip_column columns[] = {
        {"name", TIP_COLUMN_TEXT}, {"role", TIP_COLUMN_TEXT}, {"action", TIP_COLUMN_TEXT}};
    tip_auto(out_destroy) struct out *out = NULL;
    const char *bad = NULL;
    bool is_made = false;
    int r;

    if (out_open(&out, &keys->cli->out, columns, 3, &bad))
        return cli_bad_field(bad);
    r = keys_init_all(keys, out, &is_made);
    out_destroy(&out);
    if (r)
        return r;
    cli_note(keys->cli, "%s%s", keys->is_dry ? "dry run, nothing was changed: " : "", keys->options.bus.keys);
    if (setup_narrow(keys->options.bus.keys, keys->why, sizeof(keys->why)))
        cli_error(KEYRING_MAP " says less than services need (%s): `tip keys update` adds it", keys->why);
    if (is_made && !keys->is_dry && lock_holder(keys->options.up.data))
        keys_tell(keys);
    return CLI_OK;
}

static int keys_init_run(struct cli *cli)
{
    struct keys keys;
    int r = keys_open_new(&keys, cli, !cli_flag(cli, INIT_DRY));

    if (r == CLI_OK)
        r = keys_init_perform(&keys);
    keys_close(&keys);
    return r;
}

const struct cli_command keys_init = {
    .name = "init",
    .arguments = "",
    .summary = "Makes what is missing: the directory, the broker's key, `tip`'s, and one for each service.",
    .details = "What is there stays: no secret is ever replaced. `tip up` does the same before it starts anything.",
    .options = init_rows,
    .n_options = INIT_OPTIONS,
    .run = keys_init_run,
};
