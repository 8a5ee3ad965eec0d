/*
 * Trees of YAML into the tables.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "conf.h"
#include "conf_tree.h"

/* The file that is being read. */
struct conf_file {
    struct tip_conf *conf;
    const char *path;
    const char *dir;
};

char *conf_dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return tip_strdup(".");
    return slash == path ? tip_strdup("/") : tip_strndup(path, (size_t)(slash - path));
}

/* --- nodes --- */

static void conf_set_map(const struct conf_file *file, struct conf_part *part, const struct conf_node *map);

static void conf_node_error(const struct conf_file *file, const struct conf_node *node, const struct tip_opt *row,
                            const char *why)
{
    tip_auto(tip_free) char *where = conf_place(file->path, node->line, node->column);

    conf_error(file->conf, where, "%s %s", row->name, why);
}

static void conf_set_items(const struct conf_file *file, const struct conf_slot *slot, const struct conf_node *list)
{
    char why[OPT_WHY_BYTES];

    opt_value_clear(slot->row, slot->part->options);
    for (const struct conf_node *item = list->first; item; item = item->next) {
        if (item->kind != CONF_SCALAR || item->is_empty) {
            conf_node_error(file, item, slot->row, "must be a list of single values");
        } else if (opt_value_add(slot->row, slot->part->options, item->text, why)) {
            conf_node_error(file, item, slot->row, why);
            return;
        }
    }
}

static void conf_record_place(const struct conf_file *file, const struct tip_opt_table *table, void *record,
                              const struct conf_node *node)
{
    struct tip_opt_at *at;

    for (size_t i = 0; i < table->n_rows; i++) {
        if (table->rows[i].type != TIP_OPT_AT)
            continue;
        at = opt_at(&table->rows[i], record);
        free(at->file);
        *at = (struct tip_opt_at){.file = tip_strdup(file->path), .line = node->line, .column = node->column};
    }
}

/* A mapping of its own: fallbacks, then what is written, then what must not be missing. */
static void conf_fill(const struct conf_file *file, const struct tip_opt_table *table, void *options,
                      const struct conf_node *map)
{
    tip_auto(tip_free) char *where = conf_place(file->path, map->line, map->column);
    struct conf_part part = conf_part_make(table, options);

    tip_opt_init(table, options);
    conf_record_place(file, table, options, map);
    conf_set_map(file, &part, map);
    for (size_t i = 0; i < table->n_rows; i++)
        if ((table->rows[i].flags & TIP_OPT_REQUIRED) && !part.origins[i])
            conf_error(file->conf, where, "%s is missing", table->rows[i].name);
    conf_part_deinit(&part);
}

static void conf_set_records(const struct conf_file *file, const struct conf_slot *slot, const struct conf_node *list)
{
    const struct tip_opt_table *table = slot->row->record;
    struct tip_opt_records *records = opt_at(slot->row, slot->part->options);

    opt_value_clear(slot->row, slot->part->options);
    for (const struct conf_node *item = list->first; item; item = item->next) {
        if (item->kind != CONF_MAP) {
            conf_node_error(file, item, slot->row, "must be a list of mappings");
            continue;
        }
        if (records->n >= opt_value_limit(slot->row)) {
            conf_node_error(file, item, slot->row, "has too many entries");
            return;
        }
        records->items = tip_realloc(records->items, records->n + 1, table->size);
        conf_fill(file, table, (char *)records->items + records->n++ * table->size, item);
    }
}

static void conf_set_node(const struct conf_file *file, const struct conf_slot *slot, const struct conf_node *node)
{
    const struct opt_text text = {.text = node->text, .dir = file->dir};
    tip_auto(tip_free) char *where = conf_place(file->path, node->line, node->column);
    bool is_list = slot->row->type >= TIP_OPT_LIST && !slot->is_secret_file;

    if (node->kind == CONF_SCALAR && node->is_empty)
        conf_error(file->conf, where, "%s has no value", node->key);
    else if (is_list && node->kind != CONF_LIST)
        conf_error(file->conf, where, "%s must be a list", node->key);
    else if (slot->row->type == TIP_OPT_RECORDS)
        conf_set_records(file, slot, node);
    else if (is_list)
        conf_set_items(file, slot, node);
    else if (node->kind != CONF_SCALAR)
        conf_error(file->conf, where, "%s must be a single value (%s)", node->key, opt_type_name(slot->row->type));
    else
        conf_set_text(file->conf, slot, &text, where);
    conf_slot_origin(slot, tip_take(where));
}

static void conf_set_map(const struct conf_file *file, struct conf_part *part, const struct conf_node *map)
{
    struct conf_slot slot;

    for (const struct conf_node *node = map->first; node; node = node->next) {
        tip_auto(tip_free) char *where = conf_place(file->path, node->key_line, node->key_column);

        if (conf_slot_in_part(&slot, part, node->key)) {
            conf_set_node(file, &slot, node);
            continue;
        }
        conf_unknown_in_part(file->conf, part, node->key, where);
    }
}

/* --- tip.yaml --- */

static void conf_set_section(const struct conf_file *file, const struct conf_node *section)
{
    struct conf_slot slot;

    if (section->kind == CONF_SCALAR && section->is_empty)
        return;
    if (section->kind != CONF_MAP) {
        tip_auto(tip_free) char *where = conf_place(file->path, section->line, section->column);

        conf_error(file->conf, where, "section '%s' must be a mapping of options", section->key);
        return;
    }
    for (const struct conf_node *node = section->first; node; node = node->next) {
        tip_auto(tip_free) char *where = conf_place(file->path, node->key_line, node->key_column);

        if (conf_slot_find(file->conf, &slot, section->key, node->key))
            conf_set_node(file, &slot, node);
        else
            conf_unknown_option(file->conf, section->key, node->key, where);
    }
}

static void conf_set_sections(const struct conf_file *file, const struct conf_node *root)
{
    for (const struct conf_node *node = root->first; node; node = node->next) {
        tip_auto(tip_free) char *where = conf_place(file->path, node->key_line, node->key_column);

        if (conf_section_is_ours(file->conf, node->key))
            conf_set_section(file, node);
        else if (!conf_section_is_known(node->key))
            conf_unknown_section(file->conf, node->key, where);
    }
}

/* The tree of a text, or NULL after an error. An empty file is an empty mapping. */
static struct conf_node *conf_tree(const struct conf_file *file, const char *text, size_t len)
{
    tip_auto(conf_tree_destroy) struct conf_node *root = NULL;
    tip_auto(tip_free) char *where = NULL;
    struct conf_tree_error error = {0};

    if (conf_tree_parse(&root, text, len, &error)) {
        where = conf_place(file->path, error.line, error.column);
        conf_error(file->conf, where, "%s", error.why);
        return NULL;
    }
    if (!root || (root->kind == CONF_SCALAR && root->is_empty)) {
        conf_tree_destroy(&root);
        root = tip_new(struct conf_node);
        root->kind = CONF_MAP;
        root->line = root->column = 1;
    }
    if (root->kind != CONF_MAP) {
        where = conf_place(file->path, root->line, root->column);
        conf_error(file->conf, where, "must be a mapping (name: value)");
        return NULL;
    }
    return tip_take(root);
}

static struct conf_node *conf_tree_of_file(const struct conf_file *file)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes = {0};
    int r;

    r = conf_read(file->path, CONF_TREE_BYTES_MAX, &bytes);
    if (r) {
        conf_error(file->conf, file->path, "%s", r == -EFBIG ? "larger than 1 MiB" : strerror(-r));
        return NULL;
    }
    return conf_tree(file, tip_buf_text(&bytes), bytes.len);
}

void conf_load_sections(struct tip_conf *conf, const char *path)
{
    const struct conf_file file = {.conf = conf, .path = path, .dir = conf->dir};
    tip_auto(conf_tree_destroy) struct conf_node *root = conf_tree_of_file(&file);

    if (root)
        conf_set_sections(&file, root);
}

static int conf_is_yaml(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".yaml") == 0;
}

void conf_load_conf_d(struct tip_conf *conf)
{
    tip_auto(tip_free) char *dir = NULL;
    struct dirent **entries = NULL;
    int n;

    if (asprintf(&dir, "%s/conf.d", conf->dir) == -1)
        abort();
    n = scandir(dir, &entries, conf_is_yaml, alphasort);
    if (n == -1 && errno != ENOENT)
        conf_error(conf, dir, "%s", strerror(errno));
    if (n > CONF_FILES_MAX)
        conf_error(conf, dir, "more than %d files", CONF_FILES_MAX);
    for (int i = 0; i < n; i++) {
        tip_auto(tip_free) char *path = NULL;

        if (asprintf(&path, "%s/%s", dir, entries[i]->d_name) == -1)
            abort();
        if (i < CONF_FILES_MAX)
            conf_load_sections(conf, path);
        free(entries[i]);
    }
    free(entries);
}

/* --- a file of its own --- */

int tip_conf_load_file(struct tip_conf *conf, const char *path, const struct tip_opt_table *table, void *options)
{
    tip_auto(tip_free) char *dir = conf_dir_of(path);
    const struct conf_file file = {.conf = conf, .path = path, .dir = dir};
    tip_auto(conf_tree_destroy) struct conf_node *root = conf_tree_of_file(&file);
    size_t before = conf->n_errors;

    if (!root)
        return TIP_CONF_E_INVALID;
    conf_fill(&file, table, options, root);
    return conf->n_errors > before ? TIP_CONF_E_INVALID : 0;
}

int tip_conf_load_text(struct tip_conf *conf, const char *name, const char *text, size_t len,
                       const struct tip_opt_table *table, void *options)
{
    const struct conf_file file = {.conf = conf, .path = name};
    tip_auto(conf_tree_destroy) struct conf_node *root = conf_tree(&file, text, len);
    size_t before = conf->n_errors;

    if (!root)
        return TIP_CONF_E_INVALID;
    conf_fill(&file, table, options, root);
    return conf->n_errors > before ? TIP_CONF_E_INVALID : 0;
}
