#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "keys/services.h"
#include "keys/setup.h"
#include "options.h"
#include "up/lock.h"
#include "up/prepare.h"
#include "up/user.h"

enum { KEYS_TEXT_BYTES = KEYMAP_PREFIXES_MAX * (KEYMAP_PREFIX_MAX + 1) };

/* What every verb begins with: the site and its directory of keys. */
struct keys {
    struct cli *cli;
    struct options options;
    struct keyring ring;
    struct keymap *map;
    bool is_dry;
    char why[KEYMAP_WHY_BYTES];
};

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

static int keys_open(struct keys *keys, struct cli *cli, bool is_change)
{
    int r;

    *keys = (struct keys){.cli = cli, .ring = {.fd = -1}};
    r = keys_site(keys);
    if (r == CLI_OK)
        r = keys_become(keys->options.bus.keys, is_change);
    if (r)
        return r;
    r = keyring_open(&keys->ring, keys->options.bus.keys, is_change);
    return r ? keys_refused(keys, r) : keys_read_map(keys);
}

static void keys_close(struct keys *keys)
{
    keymap_destroy(&keys->map);
    keyring_close(&keys->ring);
    options_free(&keys->options);
}

static int keys_failed(const struct keys *keys)
{
    cli_error("%s", keys->why);
    return CLI_FAILED;
}

/* The broker reads the map anew on SIGHUP, which `tip up` passes on. */
static void keys_tell(const struct keys *keys)
{
    pid_t supervisor = lock_holder(keys->options.up.data);

    if (supervisor && kill(supervisor, SIGHUP) == 0)
        cli_note(keys->cli, "the broker was told");
    else
        cli_note(keys->cli, "no `tip up` runs here that could tell the broker: if one runs elsewhere, copy keys.yaml "
                            "there; send SIGHUP to tip-broker");
}

/* ---- telling ---- */

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

static const char *keys_secret(const struct keys *keys, const char *name)
{
    struct keyring_cert cert;
    int r = keyring_look(&keys->ring, name, &cert);

    return r == 0 && cert.has_secret ? "here" : "elsewhere";
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
    const char *secret = keys_secret(keys, key->name);
    bool is_here = strcmp(secret, "here") == 0, has_broker;

    keys_roles(key->roles, row->roles);
    keys_join(&key->publish, row->publish);
    keys_join(&key->serve, row->serve);
    keyring_path(&keys->ring, key->name, "", row->public_file);
    keyring_path(&keys->ring, key->name, "_secret", row->secret_file);
    has_broker = keyring_look(&keys->ring, KEYRING_BROKER, &row->broker) == 0;
    memcpy(row->cells,
           (const char *const[SHOW_COLUMNS]){key->name, row->roles, keymap_audience_names[key->audience], secret,
                                             key->public_key, row->publish, row->serve, keys_door(keys, key->audience),
                                             keys->options.bus.fetch, has_broker ? row->broker.public_key : NULL,
                                             row->public_file, is_here ? row->secret_file : NULL},
           sizeof(row->cells));
}

/* One key: a line a field for people. */
static int keys_show(const struct keys *keys, const struct keymap_key *key)
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

/* ---- init ---- */

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
    struct keys keys = {.cli = cli, .is_dry = cli_flag(cli, INIT_DRY), .ring = {.fd = -1}};
    int r = keys_site(&keys);

    if (r == CLI_OK)
        r = keys_become(keys.options.bus.keys, !keys.is_dry);
    if (r == CLI_OK) {
        r = keys.is_dry ? 0 : setup_dir(keys.options.bus.keys);
        if (r == 0)
            r = keyring_open(&keys.ring, keys.options.bus.keys, !keys.is_dry);
        r = r && !(keys.is_dry && r == -ENOENT) ? keys_refused(&keys, r) : CLI_OK;
    }
    if (r == CLI_OK)
        r = keys_init_perform(&keys);
    keys_close(&keys);
    return r;
}

/* ---- update ---- */

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

    keys.is_dry = cli_flag(cli, UPDATE_DRY);
    if (r == CLI_OK)
        r = keys_update_perform(&keys);
    keys_close(&keys);
    return r;
}

/* ---- add ---- */

enum { ADD_ROLE, ADD_AUDIENCE, ADD_PUBLISH, ADD_SERVE, ADD_PUBLIC, ADD_DRY, ADD_OPTIONS };

static const struct cli_option add_rows[ADD_OPTIONS] = {
    [ADD_ROLE] = {"role", 0, "ROLE", "consumer (reads), service (publishes, too), operator (calls everything)."},
    [ADD_AUDIENCE] = {"audience", 0, "TLP", "The strictest marking it may read: clear, green or amber."},
    [ADD_PUBLISH] = {"publish", 0, "PREFIX,...", "Topics that a service or an operator may publish: v1.listing."},
    [ADD_SERVE] = {"serve", 0, "PREFIX,...", "Queues whose calls a service may answer: control.mine"},
    [ADD_PUBLIC] = {"public", 0, "Z85", "The public key of somebody who keeps his secret; else a pair is made here."},
    [ADD_DRY] = {"dry-run", 0, NULL, "Says what would be added and changes nothing."},
};

static int keys_wrong(const char *option, const char *value, const char *what)
{
    cli_error("--%s: \"%s\" is no %s", option, value, what);
    return CLI_USAGE;
}

static int keys_none_of(const char *option, const char *value, const char *words)
{
    cli_error("--%s is %s, not \"%s\"", option, words, value);
    return CLI_USAGE;
}

static int keys_add_prefixes(const char *option, const char *list, bool (*is_ok)(const char *),
                             struct keymap_prefixes *prefixes)
{
    char prefix[KEYMAP_PREFIX_MAX + 1];
    size_t len;

    for (; list && *list; list += len + (list[len] == ',')) {
        len = strcspn(list, ",");
        snprintf(prefix, sizeof(prefix), "%.*s", (int)(len < sizeof(prefix) ? len : 0), list);
        if (!is_ok(prefix))
            return keys_wrong(option, prefix,
                              is_ok == keymap_topic_is_ok ? "prefix of topics: \"v1.class.\"" : "name of queues");
        if (keymap_prefixes_add(prefixes, prefix)) {
            cli_error("--%s: at most %d prefixes", option, KEYMAP_PREFIXES_MAX);
            return CLI_USAGE;
        }
    }
    return CLI_OK;
}

static int keys_add_rights(struct cli *cli, enum keymap_role role, struct keymap_key *key)
{
    const char *publish = cli_text(cli, ADD_PUBLISH, NULL), *serve = cli_text(cli, ADD_SERVE, NULL);
    const struct service_rights *known = services_find(key->name);
    int r;

    if ((role == KEYMAP_CONSUMER && publish) || (role != KEYMAP_SERVICE && serve)) {
        cli_error("a key of role %s %s", keymap_role_names[role],
                  role == KEYMAP_CONSUMER ? "only reads: it publishes and serves nothing" : "serves nothing");
        return CLI_USAGE;
    }
    if (known && known->role == role && !publish && !serve) {
        services_key(known, key);
        return CLI_OK;
    }
    r = keys_add_prefixes("publish", publish, keymap_topic_is_ok, &key->publish);
    return r ? r : keys_add_prefixes("serve", serve, keymap_queue_is_ok, &key->serve);
}

/* The key as the command line wants it. */
static int keys_add_read(struct cli *cli, struct keymap_key *key)
{
    const char *role = cli_text(cli, ADD_ROLE, "consumer"), *audience = cli_text(cli, ADD_AUDIENCE, NULL);
    const char *public_key = cli_text(cli, ADD_PUBLIC, NULL);
    size_t i = keymap_word(keymap_role_names, KEYMAP_ROLE_COUNT, role), k;
    int r;

    if (!keymap_name_is_ok(cli->args[0]) || strcmp(cli->args[0], KEYRING_BROKER) == 0) {
        cli_error("\"%s\" is no name for a key: 1 to %d of a-z, 0-9, '-' and '_', and not \"broker\"", cli->args[0],
                  KEYMAP_NAME_MAX);
        return CLI_USAGE;
    }
    strcpy(key->name, cli->args[0]);
    if (i == KEYMAP_ROLE_COUNT)
        return keys_none_of("role", role, "consumer, service or operator");
    if (!audience)
        audience = i == KEYMAP_CONSUMER ? "clear" : "amber";
    k = keymap_word(keymap_audience_names, KEYMAP_AUDIENCE_COUNT, audience);
    if (k == KEYMAP_AUDIENCE_COUNT)
        return keys_none_of("audience", audience, "clear, green or amber");
    if (public_key && !keyring_public_is_ok(public_key))
        return keys_wrong("public", public_key, "public key: 40 characters of Z85");
    r = keys_add_rights(cli, (enum keymap_role)i, key);
    key->roles = 1U << i;
    key->audience = (enum keymap_audience)k;
    strcpy(key->public_key, public_key ? public_key : "");
    return r;
}

static int keys_add_tell(const struct keys *keys, const struct keymap_key *key)
{
    int r = keys_show(keys, key);

    fflush(stdout);
    if (r || keys->is_dry) {
        cli_note(keys->cli, "dry run, nothing was changed");
        return r;
    }
    keys_tell(keys);
    if (key->roles & 1U << KEYMAP_CONSUMER)
        cli_note(keys->cli, "%s needs three things: the door (feed), the broker's public key (broker_public), and %s",
                 key->name,
                 strcmp(keys_secret(keys, key->name), "here") == 0 ? "the secret_file: hand it over safely"
                                                                   : "the secret of this public key");
    return CLI_OK;
}

static int keys_add_perform(struct keys *keys, struct keymap_key *key)
{
    enum setup_result result;
    int r;

    if (keymap_find(keys->map, key->name)) {
        cli_error("there is a key \"%s\" already: `tip keys revoke %s` first", key->name, key->name);
        return CLI_FAILED;
    }
    r = setup_add(&keys->ring, key, keys->is_dry, &result, keys->why);
    if (r)
        return keys_failed(keys);
    if (result == SETUP_ADOPTED)
        cli_note(keys->cli, "%s.cert was there already: its pair is used", key->name);
    return keys_add_tell(keys, key);
}

static int keys_add_run(struct cli *cli)
{
    struct keymap_key key = {.roles = 0};
    struct keys keys;
    int r = keys_add_read(cli, &key);

    if (r == CLI_OK) {
        r = keys_open(&keys, cli, !cli_flag(cli, ADD_DRY));
        keys.is_dry = cli_flag(cli, ADD_DRY);
        if (r == CLI_OK)
            r = keys_add_perform(&keys, &key);
        keys_close(&keys);
    }
    keymap_key_deinit(&key);
    return r;
}

/* ---- list, show ---- */

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

static int keys_list_run(struct cli *cli)
{
    struct keys keys;
    int r = keys_open(&keys, cli, false);

    if (r == CLI_OK)
        r = keys_list_perform(&keys);
    keys_close(&keys);
    return r;
}

/* @param keyp  set on success */
static int keys_find(const struct keys *keys, const struct keymap_key **keyp)
{
    *keyp = keymap_find(keys->map, keys->cli->args[0]);
    if (*keyp)
        return CLI_OK;
    cli_error("there is no key \"%s\" in %s/" KEYRING_MAP, keys->cli->args[0], keys->ring.dir);
    return CLI_NOT_FOUND;
}

static int keys_show_run(struct cli *cli)
{
    const struct keymap_key *key = NULL;
    struct keys keys;
    int r = keys_open(&keys, cli, false);

    if (r == CLI_OK)
        r = keys_find(&keys, &key);
    if (r == CLI_OK)
        r = keys_show(&keys, key);
    keys_close(&keys);
    return r;
}

/* ---- revoke ---- */

enum { REVOKE_DRY, REVOKE_OPTIONS };

static const struct cli_option revoke_rows[REVOKE_OPTIONS] = {
    [REVOKE_DRY] = {"dry-run", 0, NULL, "Says what would be revoked and changes nothing."},
};

static int keys_revoke_perform(struct keys *keys)
{
    const struct keymap_key *key = NULL;
    int r = keys_find(keys, &key);

    if (r)
        return r;
    if (setup_revoke(&keys->ring, key->name, keys->is_dry, keys->why))
        return keys_failed(keys);
    r = keys_show(keys, key);
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

    keys.is_dry = cli_flag(cli, REVOKE_DRY);
    if (r == CLI_OK)
        r = keys_revoke_perform(&keys);
    keys_close(&keys);
    return r;
}

/* ---- the table ---- */

static const struct cli_command keys_init = {
    .name = "init",
    .arguments = "",
    .summary = "Makes what is missing: the directory, the broker's key, `tip`'s, and one for each service.",
    .details = "What is there stays: no secret is ever replaced. `tip up` does the same before it starts anything.",
    .options = init_rows,
    .n_options = INIT_OPTIONS,
    .run = keys_init_run,
};

static const struct cli_command keys_update = {
    .name = "update",
    .arguments = "",
    .summary = "Gives the services' keys the rights that a newer version needs, and tells the broker.",
    .details = "No key changes, and no right goes. `tip keys init`, `tip up` and `tip doctor` say when it is needed.",
    .options = update_rows,
    .n_options = UPDATE_OPTIONS,
    .run = keys_update_run,
};

static const struct cli_command keys_add = {
    .name = "add",
    .arguments = "NAME",
    .summary = "Adds a key, tells the broker, and says what its owner needs.",
    .details =
        "Without options a consumer of clear events. A partner who made his own pair gives his public key alone\n"
        "(--public); no secret of his is here then. The name of a service brings that service's rights.",
    .options = add_rows,
    .n_options = ADD_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = keys_add_run,
};

static const struct cli_command keys_list = {
    .name = "list",
    .arguments = "",
    .summary = "Every key and its rights; never a secret.",
    .run = keys_list_run,
};

static const struct cli_command keys_revoke = {
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

static const struct cli_command keys_show_verb = {
    .name = "show",
    .arguments = "NAME",
    .summary = "One key: its rights, its files, its door and the broker's public key.",
    .min_args = 1,
    .max_args = 1,
    .run = keys_show_run,
};

const struct cli_command cmd_keys = {
    .name = "keys",
    .arguments = "",
    .summary = "Who may do what on the bus.",
    .details = "Keys lie in the directory `bus.keys`: czmq certificates (NAME.cert, NAME.cert_secret) and keys.yaml,\n"
               "which the broker reads. Started by root it works as the owner of the directory.",
    .verbs = (const struct cli_command *const[]){&keys_init, &keys_update, &keys_add, &keys_list, &keys_revoke,
                                                 &keys_show_verb, NULL},
    .run = keys_list_run,
};
