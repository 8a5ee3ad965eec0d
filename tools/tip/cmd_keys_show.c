#include "cmd_keys_show.h"

#include <string.h>

enum { KEYS_TEXT_BYTES = KEYMAP_PREFIXES_MAX * (KEYMAP_PREFIX_MAX + 1) };

static void keys_join(const struct keymap_prefixes *prefixes, char text[static KEYS_TEXT_BYTES])
{
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < prefixes->n; i++)
        at += (size_t)snprintf(text + at, KEYS_TEXT_BYTES - at, "%s%s", i ? " " : "", prefixes->texts[i]);
}

static void keys_roles(unsigned roles, char text[static 64])
{
    text[0] = '\0';
    for (size_t i = 0; i < KEYMAP_ROLE_COUNT; i++) {
        if (!(roles & 1U << i))
            continue;
        if (text[0])
            strcat(text, " ");
        strcat(text, keymap_role_names[i]);
    }
}

static const char *keys_door(const struct keys *keys, enum keymap_audience audience)
{
    const struct tip_bus_options *bus = &keys->options.bus;
    const char *const doors[KEYMAP_AUDIENCE_COUNT] = {
        [KEYMAP_CLEAR] = bus->feed_clear, [KEYMAP_GREEN] = bus->feed_green, [KEYMAP_AMBER] = bus->feed};

    return doors[audience];
}

enum { LIST_COLUMNS = 7, SHOW_COLUMNS = 12 };

/* `list` shows the first seven. */
static const struct tip_column keys_columns[SHOW_COLUMNS] = {
    {"name", TIP_COLUMN_TEXT},          {"roles", TIP_COLUMN_TEXT},       {"audience", TIP_COLUMN_TEXT},
    {"secret", TIP_COLUMN_TEXT},        {"public", TIP_COLUMN_TEXT},      {"publish", TIP_COLUMN_TEXT},
    {"serve", TIP_COLUMN_TEXT},         {"feed", TIP_COLUMN_TEXT},        {"fetch", TIP_COLUMN_TEXT},
    {"broker_public", TIP_COLUMN_TEXT}, {"public_file", TIP_COLUMN_TEXT}, {"secret_file", TIP_COLUMN_TEXT},
};

struct keys_row {
    char roles[64], publish[KEYS_TEXT_BYTES], serve[KEYS_TEXT_BYTES];
    char public_file[KEYRING_PATH_BYTES], secret_file[KEYRING_PATH_BYTES];
    struct keyring_cert broker;
    const char *cells[SHOW_COLUMNS];
};

static void keys_row(const struct keys *keys, const struct keymap_key *key, struct keys_row *row)
{
    bool is_here = keys_has_secret(keys, key->name), has_broker;

    keys_roles(key->roles, row->roles);
    keys_join(&key->publish, row->publish);
    keys_join(&key->serve, row->serve);
    keyring_path(&keys->ring, key->name, "", row->public_file);
    keyring_path(&keys->ring, key->name, "_secret", row->secret_file);
    has_broker = keyring_look(&keys->ring, KEYRING_BROKER, &row->broker) == 0;
    memcpy(row->cells,
           (const char *const[SHOW_COLUMNS]){
               key->name, row->roles, keymap_audience_names[key->audience], is_here ? "here" : "elsewhere",
               key->public_key, row->publish, row->serve, keys_door(keys, key->audience), keys->options.bus.fetch,
               has_broker ? row->broker.public_key : NULL, row->public_file, is_here ? row->secret_file : NULL},
           sizeof(row->cells));
}

int keys_print_check(const struct keys *keys)
{
    tip_auto(out_destroy) struct out *out = NULL;
    struct out_config config = keys->cli->out;
    const char *bad = NULL;

    config.mode = OUT_NDJSON; /* which says nothing without a row */
    return out_open(&out, &config, keys_columns, SHOW_COLUMNS, &bad) ? cli_bad_field(bad) : CLI_OK;
}

int keys_print(const struct keys *keys, const struct keymap_key *key)
{
    const struct out_config *config = &keys->cli->out;
    tip_auto(out_destroy) struct out *out = NULL;
    const char *bad = NULL;
    struct keys_row row;

    keys_row(keys, key, &row);
    if (config->mode != OUT_HUMAN || config->fields) {
        if (out_open(&out, config, keys_columns, SHOW_COLUMNS, &bad))
            return cli_bad_field(bad);
        out_row(out, row.cells, NULL);
        return CLI_OK;
    }
    for (size_t i = 0; i < SHOW_COLUMNS; i++) {
        printf("%s%-14s%s ", out_style_on(config, OUT_DIM), keys_columns[i].name, out_style_off(config));
        out_safe_line(stdout, row.cells[i] && row.cells[i][0] ? row.cells[i] : "-");
    }
    return CLI_OK;
}

static int keys_list_perform(const struct keys *keys)
{
    tip_auto(out_destroy) struct out *out = NULL;
    struct out_config config = keys->cli->out;
    const char *bad = NULL;
    struct keys_row row;

    if (config.mode == OUT_HUMAN && !config.fields)
        config.fields = "name,roles,audience,secret,public";
    if (out_open(&out, &config, keys_columns, LIST_COLUMNS, &bad))
        return cli_bad_field(bad);
    for (size_t i = 0; i < keys->map->n; i++) {
        keys_row(keys, &keys->map->keys[i], &row);
        out_row(out, row.cells, NULL);
    }
    return CLI_OK;
}

int keys_list_run(struct cli *cli)
{
    struct keys keys;
    int r = keys_open(&keys, cli, false);

    if (r == CLI_OK)
        r = keys_list_perform(&keys);
    keys_close(&keys);
    return r;
}

static int keys_show_run(struct cli *cli)
{
    const struct keymap_key *key = NULL;
    struct keys keys;
    int r = keys_open(&keys, cli, false);

    if (r == CLI_OK)
        r = keys_find(&keys, &key);
    if (r == CLI_OK)
        r = keys_print(&keys, key);
    keys_close(&keys);
    return r;
}

const struct cli_command keys_list = {
    .name = "list",
    .arguments = "",
    .summary = "Every key and its rights; never a secret.",
    .run = keys_list_run,
};

const struct cli_command keys_show = {
    .name = "show",
    .arguments = "NAME",
    .summary = "One key: its rights, its files, its door and the broker's public key.",
    .min_args = 1,
    .max_args = 1,
    .run = keys_show_run,
};
