#include "cmd_keys_add.h"

#include <string.h>

#include "cmd_keys_show.h"
#include "keys/services.h"
#include "keys/setup.h"

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
    int r = keys_print(keys, key);

    fflush(stdout);
    if (r || keys->is_dry) {
        cli_note(keys->cli, "dry run, nothing was changed");
        return r;
    }
    keys_tell(keys);
    if (key->roles & 1U << KEYMAP_CONSUMER)
        cli_note(keys->cli, "%s needs three things: the door (feed), the broker's public key (broker_public), and %s",
                 key->name,
                 keys_has_secret(keys, key->name) ? "the secret_file: hand it over safely"
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
    r = keys_print_check(keys);
    if (r)
        return r;
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
        if (r == CLI_OK)
            r = keys_add_perform(&keys, &key);
        keys_close(&keys);
    }
    keymap_key_deinit(&key);
    return r;
}

const struct cli_command keys_add = {
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
