#include "conf_tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include <tip/alloc.h>

struct tree_parser {
    yaml_parser_t yaml;
    struct conf_tree_error *error;
    unsigned n_nodes;
};

static int tree_refuse(struct tree_parser *parser, const yaml_mark_t *mark, const char *format, ...) tip_printf(3, 4);

static int tree_refuse(struct tree_parser *parser, const yaml_mark_t *mark, const char *format, ...)
{
    va_list args;

    parser->error->line = (unsigned)mark->line + 1;
    parser->error->column = (unsigned)mark->column + 1;
    va_start(args, format);
    (void)vsnprintf(parser->error->why, sizeof(parser->error->why), format, args);
    va_end(args);
    return -EINVAL;
}

/* libyaml's problem, in its words, where it noticed it. */
static int tree_refuse_syntax(struct tree_parser *parser)
{
    const yaml_parser_t *yaml = &parser->yaml;
    const char *context = yaml->context ? yaml->context : "";
    yaml_mark_t mark = yaml->problem_mark;

    if (yaml->error == YAML_READER_ERROR)
        mark = yaml->mark;
    return tree_refuse(parser, &mark, "not valid YAML: %s%s%s", yaml->problem ? yaml->problem : "unreadable",
                       *context ? ", " : "", context);
}

static int tree_event(struct tree_parser *parser, yaml_event_t *event)
{
    if (!yaml_parser_parse(&parser->yaml, event)) {
        memset(event, 0, sizeof(*event));
        return tree_refuse_syntax(parser);
    }
    return 0;
}

static int tree_check_node(struct tree_parser *parser, const yaml_event_t *event, const yaml_char_t *anchor,
                           const yaml_char_t *tag)
{
    if (anchor)
        return tree_refuse(parser, &event->start_mark, "anchors (&) are not allowed here");
    if (tag)
        return tree_refuse(parser, &event->start_mark, "tags (!) are not allowed here");
    if (++parser->n_nodes > CONF_TREE_NODES_MAX)
        return tree_refuse(parser, &event->start_mark, "more than %d values in one file", CONF_TREE_NODES_MAX);
    return 0;
}

static bool tree_is_empty(const yaml_event_t *event)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp((const char *)event->data.scalar.value, words[i]) == 0)
            return true;
    return false;
}

static int tree_scalar_text(struct tree_parser *parser, const yaml_event_t *event, char **textp)
{
    if (memchr(event->data.scalar.value, 0, event->data.scalar.length))
        return tree_refuse(parser, &event->start_mark, "a NUL character is not allowed here");
    *textp = tip_strdup((const char *)event->data.scalar.value);
    return 0;
}

static struct conf_node *tree_node_new(enum conf_kind kind, const yaml_event_t *event)
{
    struct conf_node *node;

    node = tip_new(struct conf_node);
    node->kind = kind;
    node->line = (unsigned)event->start_mark.line + 1;
    node->column = (unsigned)event->start_mark.column + 1;
    node->lastp = &node->first;
    return node;
}

static void tree_append(struct conf_node *parent, struct conf_node *child)
{
    *parent->lastp = child;
    parent->lastp = &child->next;
}

static int tree_node(struct tree_parser *parser, const yaml_event_t *event, unsigned depth, struct conf_node **nodep);

static int tree_scalar(struct tree_parser *parser, const yaml_event_t *event, struct conf_node **nodep)
{
    tip_auto(conf_tree_destroy) struct conf_node *node = NULL;
    int r;

    r = tree_check_node(parser, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (r)
        return r;
    node = tree_node_new(CONF_SCALAR, event);
    node->is_empty = tree_is_empty(event);
    r = tree_scalar_text(parser, event, &node->text);
    if (r)
        return r;
    *nodep = tip_take(node);
    return 0;
}

static int tree_list(struct tree_parser *parser, const yaml_event_t *start, unsigned depth, struct conf_node **nodep)
{
    tip_auto(conf_tree_destroy) struct conf_node *list = NULL;
    struct conf_node *child;
    bool is_end = false;
    int r;

    r = tree_check_node(parser, start, start->data.sequence_start.anchor, start->data.sequence_start.tag);
    if (r)
        return r;
    list = tree_node_new(CONF_LIST, start);
    while (!is_end) {
        tip_auto(yaml_event_delete) yaml_event_t event = {0};

        r = tree_event(parser, &event);
        if (r)
            return r;
        is_end = event.type == YAML_SEQUENCE_END_EVENT;
        r = is_end ? 0 : tree_node(parser, &event, depth + 1, &child);
        if (r)
            return r;
        if (!is_end)
            tree_append(list, child);
    }
    *nodep = tip_take(list);
    return 0;
}

/* A key and its value. */
static int tree_entry(struct tree_parser *parser, struct conf_node *map, const yaml_event_t *key, unsigned depth)
{
    tip_auto(yaml_event_delete) yaml_event_t event = {0};
    tip_auto(tip_free) char *name = NULL;
    const struct conf_node *twin;
    struct conf_node *value;
    int r;

    if (key->type != YAML_SCALAR_EVENT)
        return tree_refuse(parser, &key->start_mark, "a name is expected here");
    r = tree_check_node(parser, key, key->data.scalar.anchor, key->data.scalar.tag);
    if (!r)
        r = tree_scalar_text(parser, key, &name);
    if (r)
        return r;
    twin = conf_tree_find(map, name);
    if (twin)
        return tree_refuse(parser, &key->start_mark, "%.64s is given twice, first in line %u", name, twin->key_line);
    r = tree_event(parser, &event);
    if (!r)
        r = tree_node(parser, &event, depth + 1, &value);
    if (r)
        return r;
    value->key = tip_take(name);
    value->key_line = (unsigned)key->start_mark.line + 1;
    value->key_column = (unsigned)key->start_mark.column + 1;
    tree_append(map, value);
    return 0;
}

static int tree_map(struct tree_parser *parser, const yaml_event_t *start, unsigned depth, struct conf_node **nodep)
{
    tip_auto(conf_tree_destroy) struct conf_node *map = NULL;
    bool is_end = false;
    int r;

    r = tree_check_node(parser, start, start->data.mapping_start.anchor, start->data.mapping_start.tag);
    if (r)
        return r;
    map = tree_node_new(CONF_MAP, start);
    while (!is_end) {
        tip_auto(yaml_event_delete) yaml_event_t event = {0};

        r = tree_event(parser, &event);
        if (r)
            return r;
        is_end = event.type == YAML_MAPPING_END_EVENT;
        r = is_end ? 0 : tree_entry(parser, map, &event, depth);
        if (r)
            return r;
    }
    *nodep = tip_take(map);
    return 0;
}

static int tree_node(struct tree_parser *parser, const yaml_event_t *event, unsigned depth, struct conf_node **nodep)
{
    if (depth > CONF_TREE_DEPTH_MAX)
        return tree_refuse(parser, &event->start_mark, "more than %d levels deep", CONF_TREE_DEPTH_MAX);
    switch ((int)event->type) {
    case YAML_SCALAR_EVENT:
        return tree_scalar(parser, event, nodep);
    case YAML_SEQUENCE_START_EVENT:
        return tree_list(parser, event, depth, nodep);
    case YAML_MAPPING_START_EVENT:
        return tree_map(parser, event, depth, nodep);
    case YAML_ALIAS_EVENT:
        return tree_refuse(parser, &event->start_mark, "aliases (*) are not allowed here");
    default:
        return tree_refuse(parser, &event->start_mark, "a value is expected here");
    }
}

/* Stream and document ends around the one root. */
static int tree_stream(struct tree_parser *parser, struct conf_node **rootp)
{
    tip_auto(conf_tree_destroy) struct conf_node *root = NULL;
    bool is_end = false;
    int r;

    while (!is_end) {
        tip_auto(yaml_event_delete) yaml_event_t event = {0};

        r = tree_event(parser, &event);
        if (r)
            return r;
        switch ((int)event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (root)
                return tree_refuse(parser, &event.start_mark, "a second document is not allowed here");
            break;
        case YAML_STREAM_END_EVENT:
            is_end = true;
            break;
        default:
            r = tree_node(parser, &event, 1, &root);
            if (r)
                return r;
        }
    }
    *rootp = tip_take(root);
    return 0;
}

int conf_tree_parse(struct conf_node **rootp, const char *text, size_t len, struct conf_tree_error *error)
{
    struct tree_parser parser = {.error = error};
    const yaml_mark_t start = {0};
    int r;

    *rootp = NULL;
    if (len > CONF_TREE_BYTES_MAX)
        return tree_refuse(&parser, &start, "larger than 1 MiB");
    if (!yaml_parser_initialize(&parser.yaml))
        abort();
    yaml_parser_set_encoding(&parser.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser.yaml, (const unsigned char *)text, len);
    r = tree_stream(&parser, rootp);
    yaml_parser_delete(&parser.yaml);
    return r;
}

void conf_tree_destroy(struct conf_node **nodep)
{
    struct conf_node *node = *nodep;
    struct conf_node *child;

    if (!node)
        return;
    while ((child = node->first)) {
        node->first = child->next;
        conf_tree_destroy(&child);
    }
    free(node->text);
    free(node->key);
    free(node);
    *nodep = NULL;
}

const struct conf_node *conf_tree_find(const struct conf_node *map, const char *key)
{
    for (const struct conf_node *child = map->first; child; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}
