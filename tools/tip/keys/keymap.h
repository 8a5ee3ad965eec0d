#pragma once
/*
 * keys.yaml: which key may do what, as the broker reads it. Pure text work: read, add one key, take one away. What a
 * person wrote beside the keys stays: only the lines of the one key change, and where that cannot be done for certain
 * it is refused.
 */
#include <stdbool.h>
#include <stddef.h>

#include <tip/buf.h>

enum {
    KEYMAP_BYTES_MAX = 1 << 20,
    KEYMAP_KEYS_MAX = 1024,
    KEYMAP_NAME_MAX = 48,
    KEYMAP_PREFIX_MAX = 255,
    KEYMAP_QUEUE_MAX = 64,
    KEYMAP_PREFIXES_MAX = 64,
    KEYMAP_KEY_TEXT = 40, /* a CURVE key in Z85 */
    KEYMAP_WHY_BYTES = 256,
};

enum keymap_role { KEYMAP_SERVICE, KEYMAP_OPERATOR, KEYMAP_CONSUMER, KEYMAP_ROLE_COUNT };
enum keymap_audience { KEYMAP_CLEAR, KEYMAP_GREEN, KEYMAP_AMBER, KEYMAP_AUDIENCE_COUNT };

extern const char *const keymap_role_names[KEYMAP_ROLE_COUNT];
extern const char *const keymap_audience_names[KEYMAP_AUDIENCE_COUNT];

struct keymap_prefixes {
    size_t n;
    char *texts[KEYMAP_PREFIXES_MAX];
};

struct keymap_key {
    char name[KEYMAP_NAME_MAX + 1];
    char public_key[KEYMAP_KEY_TEXT + 1];
    unsigned roles; /* 1 << enum keymap_role */
    enum keymap_audience audience;
    struct keymap_prefixes publish, serve;
    size_t first_line, last_line; /* in the text, from 0 */
    bool is_ours;                 /* it has these lines for itself, so that they can be taken away */
};

struct keymap {
    char *text;
    size_t len;
    size_t n;
    struct keymap_key *keys;
    bool has_list;
    size_t list_line;          /* of `keys:` itself */
    size_t list_from, list_to; /* bytes of an empty "[]"; the same twice: where one would go */
    size_t indent;             /* of the "-" before a key */
    bool is_block;             /* a line, or several, for each key */
};

/** For a new key: 1 to 48 of [a-z0-9_-], beginning with a letter or digit. */
bool keymap_name_is_ok(const char *name);

/** A prefix of topics: "v1.", parts of [a-z0-9_-], and a dot at the end. */
bool keymap_topic_is_ok(const char *prefix);

/** A prefix of queues: [a-z0-9_.-], beginning with a letter. */
bool keymap_queue_is_ok(const char *prefix);

/** @return index in a table of names, or `n` */
size_t keymap_word(const char *const *names, size_t n, const char *word);

/** Copies the prefix. @return 0 or -E2BIG */
tip_nodiscard int keymap_prefixes_add(struct keymap_prefixes *prefixes, const char *text);
void keymap_key_deinit(struct keymap_key *key);

/**
 * @param text  is copied; 0 bytes are an empty map
 * @param why   said with -EINVAL: line, column, what is wrong
 * @return 0 or -EINVAL
 */
tip_nodiscard int keymap_parse(struct keymap **mapp, const char *text, size_t len, char why[static KEYMAP_WHY_BYTES]);
void keymap_destroy(struct keymap **mapp);

const struct keymap_key *keymap_find(const struct keymap *map, const char *name);
const struct keymap_key *keymap_find_public(const struct keymap *map, const char *public_key);

/** The whole text with one key more. @return 0, or -EINVAL with `why` */
tip_nodiscard int keymap_append(const struct keymap *map, const struct keymap_key *key, struct tip_buf *text,
                                char why[static KEYMAP_WHY_BYTES]);

/** The whole text without that key, which must be there. @return as above */
tip_nodiscard int keymap_remove(const struct keymap *map, const char *name, struct tip_buf *text,
                                char why[static KEYMAP_WHY_BYTES]);
