#pragma once
/*
 * Who may do what on the bus. Pure: the table of keys is made by keymap.c, and every door asks here.
 *
 * A NULL key is a local peer, which may everything but say what the broker says: it came over ipc, or over tcp of a
 * site without keys.
 *
 * Connections know their key by pointer. A key that is as it was when the table is replaced keeps its place in memory;
 * one that is gone or changed in any way is marked `revoked` and kept until the end, so that whoever remembers a peer
 * can always ask what became of its key.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

enum {
    ACCESS_NAME_MAX = 48, /* <tip/keys.h>; with an instance at most 64 */
    ACCESS_KEY_BYTES = 32,
    ACCESS_USER_BYTES = ACCESS_NAME_MAX + 1 + 16 + 1,
    ACCESS_KEYS_MAX = 1024
};

enum access_role { ACCESS_SERVICE, ACCESS_OPERATOR, ACCESS_CONSUMER, ACCESS_ROLE_COUNT };

enum access_door {
    ACCESS_INGEST,
    ACCESS_FEED_CLEAR,
    ACCESS_FEED_GREEN,
    ACCESS_FEED_AMBER,
    ACCESS_FETCH,
    ACCESS_WORK,
    ACCESS_DOOR_COUNT
};

/** TLP markings as on the wire. */
enum { ACCESS_CLEAR = 1, ACCESS_GREEN = 2, ACCESS_AMBER = 3 };

struct access_prefix {
    char *text; /* owned */
    size_t len;
};

struct access_prefixes {
    struct access_prefix *items;
    size_t n;
};

struct access_key {
    char name[ACCESS_NAME_MAX + 1];
    uint8_t public_key[ACCESS_KEY_BYTES];
    unsigned roles;                 /* 1 << ACCESS_…, or-ed */
    uint8_t audience;               /* the strictest marking it may read */
    struct access_prefixes publish; /* of topics */
    struct access_prefixes serve;   /* queues; with a dot at the end: all that begin so */
    char user[ACCESS_USER_BYTES];   /* what ZAP calls it, other for another public key; set by access_table_add */
    unsigned doors;                 /* 1 << ACCESS_… of those that it opens; set by access_table_add */
    bool revoked;                   /* not in the table any more, or with other rights */
};

const char *access_role_name(enum access_role role);

/** Of the ZAP domain, and in metrics: "ingest", "feed.clear", … */
const char *access_door_name(enum access_door door);

/* ---- what a key may ---- */

/** "May this key read this": feed doors, fetches and snapshots all ask here. */
bool access_may_read(const struct access_key *key, uint8_t tlp);

/** All markings it may read: bit 1 << tlp of each. */
unsigned access_readable(const struct access_key *key);

bool access_may_enter(const struct access_key *key, enum access_door door);

/** A peer inside: its fetches come first and have no byte budget. */
bool access_is_internal(const struct access_key *key);

/** Whether a publisher's, consumer's, caller's or worker's name is this key's: its own, or that and ".instance". */
bool access_owns_name(const struct access_key *key, const char *name);

/** Its prefixes, and v1.system.<kind>.<its own name>.; v1.bus. nobody, not even a local peer. */
bool access_may_publish(const struct access_key *key, const char *topic, size_t len);
bool access_may_call(const struct access_key *key, const char *queue);
bool access_may_serve(const struct access_key *key, const char *queue);

/* ---- all keys ---- */

struct access_table {
    struct access_key **items; /* in order of `user` */
    size_t n;
    struct access_key **revoked;
    size_t n_revoked;
};

struct access_key *access_key_new(void);
void access_key_destroy(struct access_key **keyp);
void access_prefixes_add(struct access_prefixes *prefixes, const char *text);

void access_table_deinit(struct access_table *table);

enum { ACCESS_E_NAME_TWICE = 1, ACCESS_E_KEY_TWICE, ACCESS_E_NAME_PREFIX };

/**
 * Takes the key over.
 *
 * @return 0, or ACCESS_E_… when there is another of that name or public key, or one whose instance it would be in
 * topics (web and web_2: v1.system.<kind>.web_2. is what web.2 says); it is freed then
 */
tip_nodiscard int access_table_add(struct access_table *table, struct access_key *taken);

/** By what ZAP called a peer; NULL when there is no such key (any more). */
const struct access_key *access_table_find(const struct access_table *table, const char *user);

/**
 * Takes what is in `fresh`, which is empty then.
 *
 * @return the doors at which peers with keys that were revoked by this may be: bit 1 << door of each
 */
unsigned access_table_replace(struct access_table *table, struct access_table *fresh);
