#include "cmd_keys_update.h"

#include <string.h>

#include "keys/keys.h"
#include "keys/services.h"
#include "keys/setup.h"

enum { UPDATE_DRY, UPDATE_OPTIONS };

static const struct cli_option update_rows[UPDATE_OPTIONS] = {
    [UPDATE_DRY] = {"dry-run", 0, NULL, "Says what would be added and changes nothing."},
};

/* A row for each key that lacks something. @param np  set to how many */
static int keys_update_all(struct keys *keys, struct out *out, size_t *np)
{
    for (const struct service_rights *at = services; at->name; at++) {
        char lacks[KEYMAP_WHY_BYTES];
        enum setup_result result;

        if (!keymap_find(keys->map, at->name) || !services_narrow(keys->map, at->name, lacks, sizeof(lacks)))
            continue;
        if (setup_widen(&keys->ring, at->name, keys->is_dry, &result, keys->why))
            return keys_failed(keys);
        out_row(out, (const char *const[]){at->name, setup_result_name(result), lacks + strlen(at->name) + 2}, NULL);
        ++*np;
    }
    return CLI_OK;
}

static int keys_update_perform(struct keys *keys)
{
    static const struct tip_column columns[] = {
        {"name", TIP_COLUMN_TEXT}, {"action", TIP_COLUMN_TEXT}, {"added", TIP_COLUMN_TEXT}};
    tip_auto(out_destroy) struct out *out = NULL;
    const char *bad = NULL;
    size_t n = 0;
    int r;

    if (out_open(&out, &keys->cli->out, columns, 3, &bad))
        return cli_bad_field(bad);
    r = keys_update_all(keys, out, &n);
    out_destroy(&out);
    if (r == CLI_OK && !n)
        cli_note(keys->cli, "no key lacks anything");
    else if (r == CLI_OK && keys->is_dry)
        cli_note(keys->cli, "dry run, nothing was changed");
    else if (r == CLI_OK)
        keys_tell(keys);
    return r;
}

static int keys_update_run(struct cli *cli)
{
    struct keys keys;
    int r = keys_open(&keys, cli, !cli_flag(cli, UPDATE_DRY));

    if (r == CLI_OK)
        r = keys_update_perform(&keys);
    keys_close(&keys);
    return r;
}

const struct cli_command keys_update = {
    .name = "update",
    .arguments = "",
    .summary = "Gives the services' keys the rights that a newer version needs, and tells the broker.",
    .details = "No key changes, and no right goes. `tip keys init`, `tip up` and `tip doctor` say when it is needed.",
    .options = update_rows,
    .n_options = UPDATE_OPTIONS,
    .run = keys_update_run,
};
