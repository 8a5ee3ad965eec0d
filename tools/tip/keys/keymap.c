#include "keys/keymap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#define KEYMAP_HEAD "# written by `tip keys`; after editing: SIGHUP the broker\n"

static const char keymap_name_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

const char *const keymap_role_names[KEYMAP_ROLE_COUNT] = {
    [KEYMAP_SERVICE] = "service", [KEYMAP_OPERATOR] = "operator", [KEYMAP_CONSUMER] = "consumer"};

const char *const keymap_audience_names[KEYMAP_AUDIENCE_COUNT] = {
    [KEYMAP_CLEAR] = "clear", [KEYMAP_GREEN] = "green", [KEYMAP_AMBER] = "amber"};

/* ---- words ---- */

bool keymap_name_is_ok(const char *name)
{
    const size_t len = strlen(name);

    return len > 0 && len <= KEYMAP_NAME_MAX && strspn(name, keymap_name_bytes) == len && !strchr("_-", name[0]);
}

/* Parts of name bytes between single dots. */
static bool keymap_is_dotted(const char *text)
{
    for (size_t part; *text; text += part + (text[part] == '.')) {
        part = strspn(text, keymap_name_bytes);
        if (part == 0 || (text[part] && text[part] != '.'))
            return false;
    }
    return true;
}

bool keymap_topic_is_ok(const char *prefix)
{
    const size_t len = strlen(prefix);

    return len >= 3 && len <= KEYMAP_PREFIX_MAX && strncmp(prefix, "v1.", 3) == 0 && prefix[len - 1] == '.' &&
           keymap_is_dotted(prefix);
}

bool keymap_queue_is_ok(const char *prefix)
{
    return prefix[0] >= 'a' && prefix[0] <= 'z' && strlen(prefix) <= KEYMAP_QUEUE_MAX && keymap_is_dotted(prefix);
}

size_t keymap_word(const char *const *names, size_t n, const char *word)
{
    size_t i;

    for (i = 0; i < n && strcmp(names[i], word) != 0; i++)
        ;
    return i;
}

int keymap_prefixes_add(struct keymap_prefixes *prefixes, const char *text)
{
    if (prefixes->n == KEYMAP_PREFIXES_MAX)
        return tip_fail(-E2BIG);
    prefixes->texts[prefixes->n++] = tip_strdup(text);
    return 0;
}

static void keymap_prefixes_deinit(struct keymap_prefixes *prefixes)
{
    for (size_t i = 0; i < prefixes->n; i++)
        free(prefixes->texts[i]);
    prefixes->n = 0;
}

void keymap_key_deinit(struct keymap_key *key)
{
    keymap_prefixes_deinit(&key->publish);
    keymap_prefixes_deinit(&key->serve);
}

/* ---- reading ---- */

struct keymap_reader {
    struct keymap *map;
    yaml_document_t *document;
    char *why;
};

static int tip_printf(3, 4) keymap_wrong(const struct keymap_reader *reader, yaml_mark_t mark, const char *format, ...)
{
    va_list args;
    int n = snprintf(reader->why, KEYMAP_WHY_BYTES, "line %zu, column %zu: ", mark.line + 1, mark.column + 1);

    va_start(args, format);
    (void)vsnprintf(reader->why + n, KEYMAP_WHY_BYTES - (size_t)n, format, args); /* cut is fine */
    va_end(args);
    return -EINVAL;
}

/* The text of a scalar, or NULL: no scalar, too long, a NUL inside. */
static const char *keymap_scalar(const yaml_node_t *node, size_t max)
{
    const char *text;

    if (!node || node->type != YAML_SCALAR_NODE || node->data.scalar.length > max)
        return NULL;
    text = (const char *)node->data.scalar.value;
    return strlen(text) == node->data.scalar.length ? text : NULL;
}

static int keymap_read_name(const struct keymap_reader *reader, yaml_node_t *node, struct keymap_key *key)
{
    const char *text = keymap_scalar(node, KEYMAP_NAME_MAX);

    if (!text || !*text || text[strspn(text, keymap_name_bytes)])
        return keymap_wrong(reader, node->start_mark, "a name is 1 to %d of a-z, 0-9, '-' and '_'", KEYMAP_NAME_MAX);
    strcpy(key->name, text);
    return 0;
}

static int keymap_read_public(const struct keymap_reader *reader, yaml_node_t *node, struct keymap_key *key)
{
    const char *text = keymap_scalar(node, KEYMAP_KEY_TEXT);

    if (!text || strlen(text) != KEYMAP_KEY_TEXT)
        return keymap_wrong(reader, node->start_mark, "a public key has %d characters", KEYMAP_KEY_TEXT);
    strcpy(key->public_key, text);
    return 0;
}

static int keymap_read_audience(const struct keymap_reader *reader, yaml_node_t *node, struct keymap_key *key)
{
    const char *text = keymap_scalar(node, KEYMAP_NAME_MAX);
    size_t i = text ? keymap_word(keymap_audience_names, KEYMAP_AUDIENCE_COUNT, text) : KEYMAP_AUDIENCE_COUNT;

    if (i == KEYMAP_AUDIENCE_COUNT)
        return keymap_wrong(reader, node->start_mark, "an audience is clear, green or amber");
    key->audience = (enum keymap_audience)i;
    return 0;
}

static int keymap_read_roles(const struct keymap_reader *reader, yaml_node_t *node, struct keymap_key *key)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return keymap_wrong(reader, node->start_mark, "roles are a list");
    for (const yaml_node_item_t *at = node->data.sequence.items.start; at < node->data.sequence.items.top; at++) {
        const yaml_node_t *item = yaml_document_get_node(reader->document, *at);
        const char *text = keymap_scalar(item, KEYMAP_NAME_MAX);
        size_t i = text ? keymap_word(keymap_role_names, KEYMAP_ROLE_COUNT, text) : KEYMAP_ROLE_COUNT;

        if (i == KEYMAP_ROLE_COUNT)
            return keymap_wrong(reader, item->start_mark, "a role is service, operator or consumer");
        key->roles |= 1U << i;
    }
    return 0;
}

static int keymap_read_prefixes(const struct keymap_reader *reader, yaml_node_t *node, struct keymap_prefixes *prefixes)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return keymap_wrong(reader, node->start_mark, "prefixes are a list");
    for (const yaml_node_item_t *at = node->data.sequence.items.start; at < node->data.sequence.items.top; at++) {
        const yaml_node_t *item = yaml_document_get_node(reader->document, *at);
        const char *text = keymap_scalar(item, KEYMAP_PREFIX_MAX);

        if (!text)
            return keymap_wrong(reader, item->start_mark, "a prefix is a text of at most %d bytes", KEYMAP_PREFIX_MAX);
        if (keymap_prefixes_add(prefixes, text))
            return keymap_wrong(reader, item->start_mark, "at most %d prefixes", KEYMAP_PREFIXES_MAX);
    }
    return 0;
}

static int keymap_read_publish(const struct keymap_reader *reader, yaml_node_t *node, struct keymap_key *key)
{
    return keymap_read_prefixes(reader, node, &key->publish);
}

static int keymap_read_serve(const struct keymap_reader *reader, yaml_node_t *node, struct keymap_key *key)
{
    return keymap_read_prefixes(reader, node, &key->serve);
}

static const struct {
    const char *name;
    int (*read)(const struct keymap_reader *reader, yaml_node_t *node, struct keymap_key *key);
} keymap_fields[] = {
    {"name", keymap_read_name},         {"public", keymap_read_public},   {"roles", keymap_read_roles},
    {"audience", keymap_read_audience}, {"publish", keymap_read_publish}, {"serve", keymap_read_serve},
};

enum { KEYMAP_FIELDS = sizeof(keymap_fields) / sizeof(keymap_fields[0]) };

/* What is none of our fields is the broker's to judge. */
static int keymap_read_field(const struct keymap_reader *reader, const yaml_node_pair_t *pair, struct keymap_key *key)
{
    const char *name = keymap_scalar(yaml_document_get_node(reader->document, pair->key), KEYMAP_NAME_MAX);
    yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);

    for (size_t i = 0; name && i < KEYMAP_FIELDS; i++) {
        if (strcmp(keymap_fields[i].name, name) == 0)
            return keymap_fields[i].read(reader, value, key);
    }
    return 0;
}

/* ---- lines ---- */

/* Where line i begins; the end of the text when there are fewer. */
static size_t keymap_line(const struct keymap *map, size_t i)
{
    const char *at = map->text, *next;

    while (i-- > 0) {
        next = memchr(at, '\n', map->len - (size_t)(at - map->text));
        if (!next)
            return map->len;
        at = next + 1;
    }
    return (size_t)(at - map->text);
}

/* Nothing but "- " before the entry, nothing but a comment behind it. */
static bool keymap_has_lines(const struct keymap *map, const yaml_node_t *node, size_t indent)
{
    const char *line = map->text + keymap_line(map, node->start_mark.line);
    const char *rest = map->text + keymap_line(map, node->end_mark.line) + node->end_mark.column;

    if (node->data.mapping.style != YAML_FLOW_MAPPING_STYLE || strspn(line, " ") != indent || line[indent] != '-' ||
        indent + 1 + strspn(line + indent + 1, " ") != node->start_mark.column)
        return false;
    for (const char *at = line; at < rest; at++) { /* marks count characters: keep to texts where those are bytes */
        if ((unsigned char)*at >= 0x80)
            return false;
    }
    rest += strspn(rest, " \t\r");
    return *rest == '\n' || *rest == '\0' || *rest == '#';
}

static int keymap_read_key(const struct keymap_reader *reader, yaml_node_t *node)
{
    struct keymap *map = reader->map;
    struct keymap_key *key = &map->keys[map->n];
    int r = 0;

    if (node->type != YAML_MAPPING_NODE)
        return keymap_wrong(reader, node->start_mark, "a key is a mapping: {name: ..., public: ...}");
    map->n++;
    for (const yaml_node_pair_t *at = node->data.mapping.pairs.start; at < node->data.mapping.pairs.top && r == 0; at++)
        r = keymap_read_field(reader, at, key);
    if (r == 0 && (!key->name[0] || !key->public_key[0] || !key->roles))
        r = keymap_wrong(reader, node->start_mark, "a key has a name, a public key and roles");
    key->first_line = node->start_mark.line;
    key->last_line = node->end_mark.line;
    key->is_ours = r == 0 && map->is_block && keymap_has_lines(map, node, map->indent);
    return r;
}

static int keymap_read_list(const struct keymap_reader *reader, const yaml_node_t *list)
{
    struct keymap *map = reader->map;
    const char *text = keymap_scalar(list, 4);
    size_t n;
    int r = 0;

    if (text && (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
        return 0;
    if (list->type != YAML_SEQUENCE_NODE)
        return keymap_wrong(reader, list->start_mark, "`keys` is a list");
    n = (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
    if (n > KEYMAP_KEYS_MAX)
        return keymap_wrong(reader, list->start_mark, "at most %d keys", KEYMAP_KEYS_MAX);
    map->is_block = list->data.sequence.style != YAML_FLOW_SEQUENCE_STYLE;
    map->indent = list->start_mark.column;
    if (n == 0) {
        map->list_from = keymap_line(map, list->start_mark.line) + list->start_mark.column;
        map->list_to = keymap_line(map, list->end_mark.line) + list->end_mark.column;
    }
    map->keys = tip_new_array(n + 1, struct keymap_key);
    for (size_t i = 0; i < n && r == 0; i++)
        r = keymap_read_key(reader, yaml_document_get_node(reader->document, list->data.sequence.items.start[i]));
    return r;
}

/* `keys`, at the beginning of a line with us, and a colon. */
static void keymap_found(struct keymap *map, const yaml_node_t *key)
{
    size_t at = keymap_line(map, key->end_mark.line) + key->end_mark.column;

    map->has_list = true;
    map->list_line = key->start_mark.line;
    map->list_from = map->list_to = at < map->len && map->text[at] == ':' ? at + 1 : at;
}

static int keymap_read_root(const struct keymap_reader *reader)
{
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    const yaml_node_pair_t *pair;

    if (!root)
        return 0;
    pair = root->data.mapping.pairs.start;
    for (; root->type == YAML_MAPPING_NODE && pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
        const char *name = keymap_scalar(key, KEYMAP_NAME_MAX);

        if (!name || strcmp(name, "keys") != 0)
            continue;
        keymap_found(reader->map, key);
        return keymap_read_list(reader, yaml_document_get_node(reader->document, pair->value));
    }
    return keymap_wrong(reader, root->start_mark, "there is no `keys:`");
}

static int keymap_load(struct keymap_reader *reader, yaml_parser_t *parser)
{
    yaml_document_t document;
    int r;

    if (!yaml_parser_load(parser, &document))
        return keymap_wrong(reader, parser->problem_mark, "%s", parser->problem ? parser->problem : "no YAML");
    reader->document = &document;
    r = keymap_read_root(reader);
    yaml_document_delete(&document);
    return r;
}

int keymap_parse(struct keymap **mapp, const char *text, size_t len, char why[static KEYMAP_WHY_BYTES])
{
    tip_auto(keymap_destroy) struct keymap *map = tip_new(struct keymap);
    struct keymap_reader reader = {.map = map, .why = why};
    yaml_parser_t parser;
    int r;

    if (len > KEYMAP_BYTES_MAX || memchr(text, '\0', len))
        return keymap_wrong(&reader, (yaml_mark_t){0}, "no text of at most %d bytes", KEYMAP_BYTES_MAX);
    map->text = tip_alloc(len + 1, 1);
    memcpy(map->text, text, len);
    map->len = len;
    if (!yaml_parser_initialize(&parser))
        abort(); /* as when memory is exhausted anywhere else */
    yaml_parser_set_input_string(&parser, (const unsigned char *)map->text, len);
    r = keymap_load(&reader, &parser);
    yaml_parser_delete(&parser);
    if (r)
        return r;
    *mapp = tip_take(map);
    return 0;
}

void keymap_destroy(struct keymap **mapp)
{
    struct keymap *map = *mapp;

    if (!map)
        return;
    for (size_t i = 0; i < map->n; i++)
        keymap_key_deinit(&map->keys[i]);
    free(map->keys);
    free(map->text);
    free(map);
    *mapp = NULL;
}

const struct keymap_key *keymap_find(const struct keymap *map, const char *name)
{
    for (size_t i = 0; i < map->n; i++) {
        if (strcmp(map->keys[i].name, name) == 0)
            return &map->keys[i];
    }
    return NULL;
}

const struct keymap_key *keymap_find_public(const struct keymap *map, const char *public_key)
{
    for (size_t i = 0; i < map->n; i++) {
        if (strcmp(map->keys[i].public_key, public_key) == 0)
            return &map->keys[i];
    }
    return NULL;
}

/* ---- writing ---- */

static int keymap_write_prefixes(const char *field, const struct keymap_prefixes *prefixes, size_t indent,
                                 struct tip_buf *text)
{
    int r = prefixes->n ? tip_buf_append_format(text, ",\n%*s   %s: [", (int)indent, "", field) : 0;

    for (size_t i = 0; i < prefixes->n && r == 0; i++)
        r = tip_buf_append_format(text, "%s\"%s\"", i ? ", " : "", prefixes->texts[i]);
    return r == 0 && prefixes->n ? tip_buf_append_text(text, "]") : r;
}

/* Names, keys and prefixes hold neither quotes nor backslashes: see what is_ok says, and Z85. */
static int keymap_write_key(const struct keymap_key *key, size_t indent, struct tip_buf *text)
{
    const char *comma = "";
    int r = tip_buf_append_format(text, "%*s- {name: \"%s\", public: \"%s\", roles: [", (int)indent, "", key->name,
                                  key->public_key);

    for (size_t i = 0; i < KEYMAP_ROLE_COUNT && r == 0; i++) {
        if (!(key->roles & 1U << i))
            continue;
        r = tip_buf_append_format(text, "%s%s", comma, keymap_role_names[i]);
        comma = ", ";
    }
    if (r == 0)
        r = tip_buf_append_format(text, "], audience: %s", keymap_audience_names[key->audience]);
    if (r == 0)
        r = keymap_write_prefixes("publish", &key->publish, indent, text);
    if (r == 0)
        r = keymap_write_prefixes("serve", &key->serve, indent, text);
    return r ? r : tip_buf_append_text(text, "}\n");
}

/* Whole lines. */
static int keymap_copy(const struct keymap *map, size_t from, size_t to, struct tip_buf *text)
{
    int r = tip_buf_append(text, map->text + from, to - from);

    if (r == 0 && text->len && text->data[text->len - 1] != '\n')
        r = tip_buf_append_text(text, "\n");
    return r;
}

/* Up to the end of the line `keys:`, which says "[]" or nothing. */
static int keymap_write_list_line(const struct keymap *map, const char *list, struct tip_buf *text)
{
    int r = tip_buf_append(text, map->text, map->list_from);

    if (r == 0)
        r = tip_buf_append_text(text, list);
    return r ? r : keymap_copy(map, map->list_to, keymap_line(map, map->list_line + 1), text);
}

static bool keymap_prefixes_equal(const struct keymap_prefixes *a, const struct keymap_prefixes *b)
{
    for (size_t i = 0; i < a->n && a->n == b->n; i++) {
        if (strcmp(a->texts[i], b->texts[i]) != 0)
            return false;
    }
    return a->n == b->n;
}

static bool keymap_key_equal(const struct keymap_key *a, const struct keymap_key *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->public_key, b->public_key) == 0 && a->roles == b->roles &&
           a->audience == b->audience && keymap_prefixes_equal(&a->publish, &b->publish) &&
           keymap_prefixes_equal(&a->serve, &b->serve);
}

/* Reads what was written: every key as before but for the one. */
static int keymap_prove(const struct keymap *before, const struct keymap_key *added, const char *removed,
                        const struct tip_buf *text, char why[static KEYMAP_WHY_BYTES])
{
    tip_auto(keymap_destroy) struct keymap *after = NULL;
    size_t k = 0;
    int r = keymap_parse(&after, tip_buf_text(text), text->len, why);
    bool is_same = r == 0;

    for (size_t i = 0; i < before->n && is_same; i++) {
        if (!removed || strcmp(before->keys[i].name, removed) != 0)
            is_same = k < after->n && keymap_key_equal(&before->keys[i], &after->keys[k++]);
    }
    if (is_same && added)
        is_same = k < after->n && keymap_key_equal(added, &after->keys[k++]);
    if (is_same && k == after->n)
        return 0;
    snprintf(why, KEYMAP_WHY_BYTES, "it is not laid out as `tip keys` writes it: edit it by hand");
    return -EINVAL;
}

static int keymap_append_text(const struct keymap *map, const struct keymap_key *key, struct tip_buf *text)
{
    size_t at;
    int r;

    if (!map->has_list) { /* a new file, or one of comments */
        r = map->len ? keymap_copy(map, 0, map->len, text) : tip_buf_append_text(text, KEYMAP_HEAD);
        if (r == 0)
            r = tip_buf_append_text(text, "keys:\n");
        return r ? r : keymap_write_key(key, 2, text);
    }
    at = keymap_line(map, (map->n ? map->keys[map->n - 1].last_line : map->list_line) + 1);
    r = map->n ? keymap_copy(map, 0, at, text) : keymap_write_list_line(map, "", text);
    if (r == 0)
        r = keymap_write_key(key, map->n ? map->indent : 2, text);
    return r ? r : keymap_copy(map, at, map->len, text);
}

int keymap_append(const struct keymap *map, const struct keymap_key *key, struct tip_buf *text,
                  char why[static KEYMAP_WHY_BYTES])
{
    snprintf(why, KEYMAP_WHY_BYTES, "more than %d bytes", KEYMAP_BYTES_MAX);
    if (map->n == KEYMAP_KEYS_MAX || keymap_append_text(map, key, text))
        return -EINVAL;
    return keymap_prove(map, key, NULL, text, why);
}

int keymap_remove(const struct keymap *map, const char *name, struct tip_buf *text, char why[static KEYMAP_WHY_BYTES])
{
    const struct keymap_key *key = keymap_find(map, name);
    size_t from, to;
    int r;

    if (!key || !key->is_ours) {
        snprintf(why, KEYMAP_WHY_BYTES, "line %zu is not as `tip keys` writes it: edit it by hand",
                 key ? key->first_line + 1 : 1);
        return -EINVAL;
    }
    from = keymap_line(map, key->first_line);
    to = keymap_line(map, key->last_line + 1);
    r = map->n > 1 ? 0 : keymap_write_list_line(map, " []", text);
    if (r == 0)
        r = keymap_copy(map, map->n > 1 ? 0 : keymap_line(map, map->list_line + 1), from, text);
    if (r == 0)
        r = keymap_copy(map, to, map->len, text);
    return r ? r : keymap_prove(map, NULL, name, text, why);
}
