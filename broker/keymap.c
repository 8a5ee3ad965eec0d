#include "keymap.h"

#include <string.h>

#include <zmq.h>

#include <tip/keys.h>
#include <tip/opt.h>

enum { KEYMAP_TEXT_BYTES = 40, KEYMAP_PREFIXES_MAX = 64, KEYMAP_PREFIX_MAX = 255, KEYMAP_QUEUE_MAX = 64 };

/** One entry, as it is written. */
struct keymap_entry {
    char *name;
    char *public_key;
    struct tip_opt_list roles;
    int audience; /* index of keymap_audiences */
    struct tip_opt_list publish, serve;
    struct tip_opt_at at;
};

struct keymap {
    struct tip_opt_records keys;
};

static const char *const keymap_audiences[] = {"clear", "green", "amber", NULL};

#define AT(member) offsetof(struct keymap_entry, member)

/* clang-format off */
static const struct tip_opt keymap_entry_rows[] = {
    {.name = "name", .type = TIP_OPT_STRING, .offset = AT(name), .min = 1, .max = ACCESS_NAME_MAX,
     .flags = TIP_OPT_REQUIRED, .help = "Who it is: a service's name, or that of a consumer."},
    {.name = "public", .type = TIP_OPT_STRING, .offset = AT(public_key), .min = KEYMAP_TEXT_BYTES, .max = KEYMAP_TEXT_BYTES,
     .flags = TIP_OPT_REQUIRED, .help = "The public key, Z85."},
    {.name = "roles", .type = TIP_OPT_LIST, .offset = AT(roles), .min = 1, .max = ACCESS_ROLE_COUNT,
     .flags = TIP_OPT_REQUIRED, .help = "service, operator, consumer."},
    {.name = "audience", .type = TIP_OPT_ENUM, .offset = AT(audience), .fallback = "clear", .names = keymap_audiences,
     .help = "The strictest marking it may read."},
    {.name = "publish", .type = TIP_OPT_LIST, .offset = AT(publish), .max = KEYMAP_PREFIXES_MAX,
     .help = "Topics that it may publish begin with one of these."},
    {.name = "serve", .type = TIP_OPT_LIST, .offset = AT(serve), .max = KEYMAP_PREFIXES_MAX,
     .help = "Queues that it may serve; with a dot at the end: all that begin so."},
    {.name = "at", .type = TIP_OPT_AT, .offset = AT(at)},
};

static const struct tip_opt_table keymap_entry_table = {
    .rows = keymap_entry_rows, .n_rows = sizeof(keymap_entry_rows) / sizeof(keymap_entry_rows[0]),
    .size = sizeof(struct keymap_entry)};

static const struct tip_opt keymap_rows[] = {
    {.name = "keys", .type = TIP_OPT_RECORDS, .offset = offsetof(struct keymap, keys), .max = ACCESS_KEYS_MAX,
     .record = &keymap_entry_table, .help = "All keys."},
};
/* clang-format on */

static const struct tip_opt_table keymap_table = {.rows = keymap_rows, .n_rows = 1, .size = sizeof(struct keymap)};

/* ---- what the ranges of single values cannot say ---- */

static void keymap_roles(struct access_key *key, const struct keymap_entry *entry, struct tip_conf *conf)
{
    if (entry->roles.n == 0)
        tip_conf_refuse_at(conf, &entry->at, "it has no role: service, operator or consumer");
    for (size_t i = 0; i < entry->roles.n; i++) {
        int role = 0;

        while (role < ACCESS_ROLE_COUNT && strcmp(entry->roles.items[i], access_role_name((enum access_role)role)) != 0)
            role++;
        if (role == ACCESS_ROLE_COUNT)
            tip_conf_refuse_at(conf, &entry->at, "'%.64s' is not a role: service, operator or consumer",
                               entry->roles.items[i]);
        else
            key->roles |= 1U << role;
    }
}

static bool keymap_is_word(const char *text, size_t max)
{
    size_t n = strlen(text);

    return n > 0 && n <= max && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

/* A prefix ends where a word of the topic ends, so that v1.list does not mean v1.listing. */
static bool keymap_is_topic(const char *text)
{
    return keymap_is_word(text, KEYMAP_PREFIX_MAX) && strncmp(text, "v1.", 3) == 0 && text[strlen(text) - 1] == '.';
}

static void keymap_publish(struct access_key *key, const struct keymap_entry *entry, struct tip_conf *conf)
{
    for (size_t i = 0; i < entry->publish.n; i++) {
        if (keymap_is_topic(entry->publish.items[i]))
            access_prefixes_add(&key->publish, entry->publish.items[i]);
        else
            tip_conf_refuse_at(conf, &entry->at, "publish: '%.64s' is not a prefix of topics, as in v1.listing.",
                               entry->publish.items[i]);
    }
}

static void keymap_serve(struct access_key *key, const struct keymap_entry *entry, struct tip_conf *conf)
{
    for (size_t i = 0; i < entry->serve.n; i++) {
        if (keymap_is_word(entry->serve.items[i], KEYMAP_QUEUE_MAX))
            access_prefixes_add(&key->serve, entry->serve.items[i]);
        else
            tip_conf_refuse_at(conf, &entry->at, "serve: '%.64s' is not a queue, as in control.blacklist",
                               entry->serve.items[i]);
    }
}

static void keymap_name(struct access_key *key, const struct keymap_entry *entry, struct tip_conf *conf)
{
    if (!tip_keys_name_valid(entry->name))
        tip_conf_refuse_at(conf, &entry->at, "%s", tip_keys_why(TIP_KEYS_E_NAME));
    else if (strcmp(entry->name, TIP_KEYS_BROKER) == 0)
        tip_conf_refuse_at(conf, &entry->at, "'%s' is the broker itself", entry->name);
    else
        memcpy(key->name, entry->name, strlen(entry->name));
    if (!zmq_z85_decode(key->public_key, entry->public_key))
        tip_conf_refuse_at(conf, &entry->at, "public is not a key: 40 characters of Z85");
}

static void keymap_entry_read(struct access_table *table, const struct keymap_entry *entry, struct tip_conf *conf)
{
    static const char *const twice[] = {
        [ACCESS_E_NAME_TWICE] = "another key has this name",
        [ACCESS_E_KEY_TWICE] = "another name has this key",
        [ACCESS_E_NAME_PREFIX] = "in topics this name is an instance of another key's, or another's of this one",
    };
    struct access_key *key = access_key_new();
    int r;

    key->audience = (uint8_t)(ACCESS_CLEAR + entry->audience);
    keymap_name(key, entry, conf);
    keymap_roles(key, entry, conf);
    keymap_publish(key, entry, conf);
    keymap_serve(key, entry, conf);
    r = access_table_add(table, key);
    if (r)
        tip_conf_refuse_at(conf, &entry->at, "%s", twice[r]);
}

/* All or nothing. */
static int keymap_read(struct access_table *table, const struct keymap *map, struct tip_conf *conf)
{
    const struct keymap_entry *entries = map->keys.items;

    for (size_t i = 0; i < map->keys.n; i++)
        keymap_entry_read(table, &entries[i], conf);
    if (tip_conf_n_errors(conf) == 0)
        return 0;
    access_table_deinit(table);
    return TIP_CONF_E_INVALID;
}

int keymap_load(struct access_table *table, struct tip_conf *conf, const char *path)
{
    struct keymap map = {0};
    int r;

    r = tip_conf_load_file(conf, path, &keymap_table, &map);
    if (!r)
        r = keymap_read(table, &map, conf);
    tip_opt_free(&keymap_table, &map);
    return r;
}

int keymap_load_text(struct access_table *table, struct tip_conf *conf, const char *name, const char *text, size_t len)
{
    struct keymap map = {0};
    int r;

    r = tip_conf_load_text(conf, name, text, len, &keymap_table, &map);
    if (!r)
        r = keymap_read(table, &map, conf);
    tip_opt_free(&keymap_table, &map);
    return r;
}
