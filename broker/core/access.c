#include "core/access.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#define DOOR(name) (1U << ACCESS_##name)

enum { ACCESS_FEEDS = DOOR(FEED_CLEAR) | DOOR(FEED_GREEN) | DOOR(FEED_AMBER) };

/** What a role adds to a key's rights. Who may enter ingest publishes: its prefixes, and v1.system. of itself. */
struct access_role_row {
    const char *name;
    unsigned doors;
    bool is_internal; /* calls any queue; others only snapshots and lookups that they may read */
    bool serves;      /* its queues */
};

static const struct access_role_row access_roles[ACCESS_ROLE_COUNT] = {
    [ACCESS_SERVICE] = {"service", DOOR(INGEST) | ACCESS_FEEDS | DOOR(FETCH) | DOOR(WORK), true, true},
    [ACCESS_OPERATOR] = {"operator", DOOR(INGEST) | ACCESS_FEEDS | DOOR(FETCH) | DOOR(WORK), true, false},
    [ACCESS_CONSUMER] = {"consumer", ACCESS_FEEDS | DOOR(FETCH) | DOOR(WORK), false, false},
};

/** A door and the strictest marking that leaves through it; 0 for doors that ask event by event. */
static const struct {
    const char *name;
    uint8_t tlp;
} access_doors[ACCESS_DOOR_COUNT] = {
    [ACCESS_INGEST] = {"ingest", 0},
    [ACCESS_FEED_CLEAR] = {"feed.clear", ACCESS_CLEAR},
    [ACCESS_FEED_GREEN] = {"feed.green", ACCESS_GREEN},
    [ACCESS_FEED_AMBER] = {"feed.amber", ACCESS_AMBER},
    [ACCESS_FETCH] = {"fetch", 0},
    [ACCESS_WORK] = {"work", 0},
};

const char *access_role_name(enum access_role role)
{
    return access_roles[role].name;
}

const char *access_door_name(enum access_door door)
{
    return access_doors[door].name;
}

/* ---- rights ---- */

static bool access_has(const struct access_key *key, enum access_role role)
{
    return key->roles >> role & 1;
}

bool access_may_read(const struct access_key *key, uint8_t tlp)
{
    return !key || tlp <= key->audience;
}

unsigned access_readable(const struct access_key *key)
{
    unsigned readable = 0;

    for (uint8_t tlp = 0; tlp <= ACCESS_AMBER; tlp++) {
        if (access_may_read(key, tlp))
            readable |= 1U << tlp;
    }
    return readable;
}

bool access_may_enter(const struct access_key *key, enum access_door door)
{
    return !key || (key->doors >> door & 1);
}

static unsigned access_key_doors(const struct access_key *key)
{
    unsigned doors = 0;

    for (int role = 0; role < ACCESS_ROLE_COUNT; role++)
        doors |= access_has(key, (enum access_role)role) ? access_roles[role].doors : 0;
    for (int door = 0; door < ACCESS_DOOR_COUNT; door++) {
        if (!access_may_read(key, access_doors[door].tlp))
            doors &= ~(1U << door);
    }
    return doors;
}

bool access_is_internal(const struct access_key *key)
{
    bool internal = !key;

    for (int role = 0; key && role < ACCESS_ROLE_COUNT; role++)
        internal = internal || (access_has(key, (enum access_role)role) && access_roles[role].is_internal);
    return internal;
}

bool access_owns_name(const struct access_key *key, const char *name)
{
    size_t n = key ? strlen(key->name) : 0;

    return !key || (strncmp(name, key->name, n) == 0 && (name[n] == '\0' || (name[n] == '.' && name[n + 1])));
}

static bool access_begins(const char *text, size_t len, const char *prefix, size_t prefix_len)
{
    return len >= prefix_len && memcmp(text, prefix, prefix_len) == 0;
}

/* v1.system.<kind>.<name>., the name its own, perhaps with an instance: in a topic the dot before that is '_'. */
static bool access_is_own_system(const struct access_key *key, const char *topic, size_t len)
{
    static const char system[] = "v1.system.";
    const char *end = topic + len, *name;
    size_t n = strlen(key->name);

    if (!access_begins(topic, len, system, sizeof(system) - 1))
        return false;
    topic += sizeof(system) - 1;
    name = memchr(topic, '.', (size_t)(end - topic));
    if (!name || (size_t)(end - ++name) <= n || memcmp(name, key->name, n) != 0)
        return false;
    return name[n] == '.' || name[n] == '_';
}

/* What the broker itself says is said by nobody else, local or not. */
bool access_may_publish(const struct access_key *key, const char *topic, size_t len)
{
    static const char bus[] = "v1.bus.";

    if (!access_may_enter(key, ACCESS_INGEST) || access_begins(topic, len, bus, sizeof(bus) - 1))
        return false;
    if (!key)
        return true;
    for (size_t i = 0; i < key->publish.n; i++) {
        if (access_begins(topic, len, key->publish.items[i].text, key->publish.items[i].len))
            return true;
    }
    return access_is_own_system(key, topic, len);
}

/* Where what readers call ends in the marking of what it answers with: where that may begin at the earliest. */
static const char *access_marked(const char *queue)
{
    static const struct {
        const char *prefix;
        size_t least;                                     /* bytes behind it before the last dot */
    } rows[] = {{"snapshot.", 1}, {"verdict.lookup", 0}}; /* snapshot.<stream>.<marking>, verdict.lookup.<marking> */
    const char *dot = strrchr(queue, '.');

    for (size_t i = 0; dot && i < sizeof(rows) / sizeof(*rows); i++) {
        size_t len = strlen(rows[i].prefix);

        if (strncmp(queue, rows[i].prefix, len) == 0 &&
            (rows[i].least ? dot >= queue + len + rows[i].least : dot == queue + len))
            return dot + 1;
    }
    return NULL;
}

/* That marking; 0 for any other queue. */
static uint8_t access_queue_tlp(const char *queue)
{
    static const char *const markings[] = {
        [ACCESS_CLEAR] = "clear", [ACCESS_GREEN] = "green", [ACCESS_AMBER] = "amber"};
    const char *marking = access_marked(queue);

    for (uint8_t tlp = ACCESS_CLEAR; marking && tlp <= ACCESS_AMBER; tlp++) {
        if (strcmp(marking, markings[tlp]) == 0)
            return tlp;
    }
    return 0;
}

bool access_may_call(const struct access_key *key, const char *queue)
{
    uint8_t tlp = access_queue_tlp(queue);

    if (!access_may_enter(key, ACCESS_WORK))
        return false;
    return tlp ? access_may_read(key, tlp) : access_is_internal(key);
}

static bool access_serves(const struct access_key *key)
{
    bool serves = false;

    for (int role = 0; role < ACCESS_ROLE_COUNT; role++)
        serves = serves || (access_has(key, (enum access_role)role) && access_roles[role].serves);
    return serves;
}

bool access_may_serve(const struct access_key *key, const char *queue)
{
    size_t len = strlen(queue);

    if (!key)
        return true;
    if (!access_serves(key) || strncmp(queue, "bus.", 4) == 0)
        return false;
    for (size_t i = 0; i < key->serve.n; i++) {
        const struct access_prefix *serve = &key->serve.items[i];

        if (access_begins(queue, len, serve->text, serve->len) &&
            (len == serve->len || serve->text[serve->len - 1] == '.'))
            return true;
    }
    return false;
}

/* ---- one key ---- */

struct access_key *access_key_new(void)
{
    return tip_new(struct access_key);
}

static void access_prefixes_deinit(struct access_prefixes *prefixes)
{
    for (size_t i = 0; i < prefixes->n; i++)
        free(prefixes->items[i].text);
    free(prefixes->items);
}

void access_key_destroy(struct access_key **keyp)
{
    struct access_key *key = *keyp;

    if (!key)
        return;
    access_prefixes_deinit(&key->publish);
    access_prefixes_deinit(&key->serve);
    free(key);
    *keyp = NULL;
}

void access_prefixes_add(struct access_prefixes *prefixes, const char *text)
{
    prefixes->items = tip_realloc(prefixes->items, prefixes->n + 1, sizeof(*prefixes->items));
    prefixes->items[prefixes->n++] = (struct access_prefix){tip_strdup(text), strlen(text)};
}

static bool access_prefixes_equal(const struct access_prefixes *a, const struct access_prefixes *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->items[i].text, b->items[i].text) != 0)
            return false;
    }
    return true;
}

static bool access_key_equal(const struct access_key *a, const struct access_key *b)
{
    return strcmp(a->user, b->user) == 0 && memcmp(a->public_key, b->public_key, ACCESS_KEY_BYTES) == 0 &&
           a->roles == b->roles && a->audience == b->audience && access_prefixes_equal(&a->publish, &b->publish) &&
           access_prefixes_equal(&a->serve, &b->serve);
}

/* The name, and the beginning of the public key: connections made with an older key of that name are not this one's. */
static void access_key_user(struct access_key *key)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = strlen(key->name);

    memcpy(key->user, key->name, n);
    key->user[n++] = '/';
    for (size_t i = 0; i < 8; i++) {
        key->user[n++] = digits[key->public_key[i] >> 4];
        key->user[n++] = digits[key->public_key[i] & 15];
    }
    key->user[n] = '\0';
}

/* ---- all keys ---- */

static void access_keys_free(struct access_key **items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        access_key_destroy(&items[i]);
    free(items);
}

void access_table_deinit(struct access_table *table)
{
    access_keys_free(table->items, table->n);
    access_keys_free(table->revoked, table->n_revoked);
    *table = (struct access_table){0};
}

/* In topics an instance is behind '_': see access_is_own_system. */
static bool access_is_instance(const char *name, const char *of)
{
    size_t n = strlen(of);

    return n > 0 && strncmp(name, of, n) == 0 && name[n] == '_';
}

static int access_conflict(const struct access_key *a, const struct access_key *b)
{
    if (strcmp(a->name, b->name) == 0)
        return ACCESS_E_NAME_TWICE;
    if (memcmp(a->public_key, b->public_key, ACCESS_KEY_BYTES) == 0)
        return ACCESS_E_KEY_TWICE;
    return access_is_instance(a->name, b->name) || access_is_instance(b->name, a->name) ? ACCESS_E_NAME_PREFIX : 0;
}

int access_table_add(struct access_table *table, struct access_key *taken)
{
    size_t at = table->n;
    int r = 0;

    access_key_user(taken);
    taken->doors = access_key_doors(taken);
    for (size_t i = 0; i < table->n && !r; i++)
        r = access_conflict(table->items[i], taken);
    if (r) {
        access_key_destroy(&taken);
        return r;
    }
    table->items = tip_realloc(table->items, table->n + 1, sizeof(struct access_key *));
    for (; at > 0 && strcmp(table->items[at - 1]->user, taken->user) > 0; at--)
        table->items[at] = table->items[at - 1];
    table->items[at] = taken;
    table->n++;
    return 0;
}

static struct access_key **access_table_place(const struct access_table *table, const char *user)
{
    size_t low = 0, high = table->n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(table->items[middle]->user, user);

        if (order == 0)
            return &table->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct access_key *access_table_find(const struct access_table *table, const char *user)
{
    struct access_key **place = access_table_place(table, user);

    return place ? *place : NULL;
}

static void access_table_revoke(struct access_table *table, struct access_key *key)
{
    key->revoked = true;
    table->revoked = tip_realloc(table->revoked, table->n_revoked + 1, sizeof(struct access_key *));
    table->revoked[table->n_revoked++] = key;
}

unsigned access_table_replace(struct access_table *table, struct access_table *fresh)
{
    struct access_key **place;
    unsigned doors = 0;

    for (size_t i = 0; i < table->n; i++) {
        struct access_key *key = table->items[i];

        place = access_table_place(fresh, key->user);
        if (place && access_key_equal(*place, key)) {
            access_key_destroy(place);
            *place = key; /* as it was: those who are here by it stay */
            continue;
        }
        doors |= key->doors;
        access_table_revoke(table, key);
    }
    free(table->items);
    table->items = fresh->items;
    table->n = fresh->n;
    *fresh = (struct access_table){0};
    return doors;
}
