#pragma once
/*
 * A YAML file as a small tree whose nodes know where they stand. The subset of a configuration: one document of
 * mappings, lists and scalars; no anchors, aliases or tags; bounded in bytes, depth and nodes.
 */
#include <stdbool.h>
#include <stddef.h>

#include <tip/cleanup.h>

enum {
    CONF_TREE_BYTES_MAX = 1 << 20,
    CONF_TREE_DEPTH_MAX = 16,
    CONF_TREE_NODES_MAX = 65536,
    CONF_TREE_WHY_BYTES = 200,
};

enum conf_kind { CONF_SCALAR, CONF_MAP, CONF_LIST };

struct conf_node {
    enum conf_kind kind;
    unsigned line; /* from 1 */
    unsigned column;
    char *text;    /* scalars; no NUL inside */
    bool is_empty; /* a plain scalar that means "nothing": ``, ~, null */
    struct conf_node *first;
    struct conf_node **lastp;
    struct conf_node *next;

    char *key; /* of an entry of a mapping */
    unsigned key_line;
    unsigned key_column;
};

struct conf_tree_error {
    unsigned line;
    unsigned column;
    char why[CONF_TREE_WHY_BYTES];
};

/**
 * @param rootp  set on success; NULL for a file without content
 * @return 0, or -EINVAL with *error filled
 */
tip_nodiscard int conf_tree_parse(struct conf_node **rootp, const char *text, size_t len,
                                  struct conf_tree_error *error);

void conf_tree_destroy(struct conf_node **nodep);

/** The entry of a mapping, or NULL. */
const struct conf_node *conf_tree_find(const struct conf_node *map, const char *key);
