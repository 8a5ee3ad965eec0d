/*
 * Loading: walks the trees, the environment and the command line over the tables, remembers where each value came
 * from, and lists what is wrong.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/buf.h>
#include <tip/fail.h>
#include <tip/opt.h>

#include "conf_tree.h"
#include "opt_value.h"

enum {
    CONF_ERRORS_MAX = 100,
    CONF_ERROR_BYTES = 1024,
    CONF_TABLES_MAX = 16,
    CONF_FILES_MAX = 100,
    CONF_SECRET_BYTES_MAX = 64 << 10,
    CONF_NAME_BYTES = 64,
};

static const char *const conf_sections[] = {"tip",       "bus",     "log", "broker", "scheduler",
                                            "blacklist", "storage", "up",  "lab"};

/* A table that is being filled, and where each of its values came from (NULL: the fallback). */
struct conf_part {
    const struct tip_opt_table *table;
    void *options;
    char **origins;
};

struct tip_conf {
    struct conf_part parts[CONF_TABLES_MAX];
    size_t n_parts;
    char *errors[CONF_ERRORS_MAX + 1];
    size_t n_errors;
    char *dir; /* of the main file: where fallbacks that are relative paths start; NULL without one */
};

/* The file that is being read. */
struct conf_file {
    struct tip_conf *conf;
    const char *path;
    const char *dir;
};

struct tip_conf *tip_conf_new(void)
{
    return tip_new(struct tip_conf);
}

static void conf_part_deinit(struct conf_part *part)
{
    for (size_t i = 0; i < part->table->n_rows; i++)
        free(part->origins[i]);
    free(part->origins);
}

void tip_conf_destroy(struct tip_conf **confp)
{
    struct tip_conf *conf = *confp;

    if (!conf)
        return;
    for (size_t i = 0; i < conf->n_parts; i++)
        conf_part_deinit(&conf->parts[i]);
    for (size_t i = 0; i < conf->n_errors; i++)
        free(conf->errors[i]);
    free(conf->dir);
    free(conf);
    *confp = NULL;
}

static struct conf_part conf_part_make(const struct tip_opt_table *table, void *options)
{
    return (struct conf_part){.table = table, .options = options, .origins = tip_new_array(table->n_rows, char *)};
}

void tip_conf_add(struct tip_conf *conf, const struct tip_opt_table *table, void *options)
{
    if (conf->n_parts == CONF_TABLES_MAX)
        abort();
    conf->parts[conf->n_parts++] = conf_part_make(table, options);
}

/* --- errors --- */

/* What a terminal would obey is shown as '?'. */
static void conf_disarm(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if (*at < ' ' || *at == 0x7f)
            *at = '?';
        else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) /* C1 controls in UTF-8 */
            at[0] = at[1] = '?';
    }
}

static void conf_error_add(struct tip_conf *conf, const char *where, const char *format, va_list args) tip_printf(3, 0);

static void conf_error_add(struct tip_conf *conf, const char *where, const char *format, va_list args)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    int r;

    tip_buf_init(&text, 16 << 10);
    if (conf->n_errors > CONF_ERRORS_MAX)
        return;
    if (conf->n_errors == CONF_ERRORS_MAX) {
        conf->errors[conf->n_errors++] = tip_strdup("more errors are not listed");
        return;
    }
    r = tip_buf_append_format(&text, "%s: ", where);
    if (!r)
        r = tip_buf_append_format_va(&text, format, args);
    (void)r; /* what is longer than the buffer is cut */
    conf->errors[conf->n_errors] = tip_strndup(tip_buf_text(&text), CONF_ERROR_BYTES);
    conf_disarm(conf->errors[conf->n_errors++]);
}

static void conf_error(struct tip_conf *conf, const char *where, const char *format, ...) tip_printf(3, 4);

static void conf_error(struct tip_conf *conf, const char *where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    conf_error_add(conf, where, format, args);
    va_end(args);
}

static char *conf_place(const char *path, unsigned line, unsigned column)
{
    char *place;

    if ((line ? asprintf(&place, "%s:%u:%u", path, line, column) : asprintf(&place, "%s", path)) == -1)
        abort();
    return place;
}

size_t tip_conf_n_errors(const struct tip_conf *conf)
{
    return conf->n_errors;
}

const char *tip_conf_error(const struct tip_conf *conf, size_t i)
{
    return conf->errors[i];
}

/* --- names --- */

static bool conf_section_is_known(const char *section)
{
    for (size_t i = 0; i < sizeof(conf_sections) / sizeof(conf_sections[0]); i++)
        if (strcmp(conf_sections[i], section) == 0)
            return true;
    return false;
}

static bool conf_part_is(const struct conf_part *part, const char *section)
{
    return part->table->section && strcmp(part->table->section, section) == 0;
}

static bool conf_section_is_ours(const struct tip_conf *conf, const char *section)
{
    for (size_t i = 0; i < conf->n_parts; i++)
        if (conf_part_is(&conf->parts[i], section))
            return true;
    return false;
}

/* Names seen so far, and the one nearest to what was written. */
struct conf_guess {
    const char *written;
    const char *best;
    unsigned distance;
};

static void conf_guess_start(struct conf_guess *guess, const char *written)
{
    unsigned n = (unsigned)strnlen(written, CONF_NAME_BYTES);

    *guess = (struct conf_guess){.written = written, .distance = n / 3 + 2};
}

static void conf_guess_try(struct conf_guess *guess, const char *name)
{
    unsigned distance;

    if (guess->distance == 0)
        return;
    distance = opt_distance(guess->written, name, guess->distance - 1);
    if (distance < guess->distance) {
        guess->distance = distance;
        guess->best = name;
    }
}

static void conf_guess_table(struct conf_guess *guess, const struct tip_opt_table *table)
{
    for (size_t i = 0; i < table->n_rows; i++)
        if (table->rows[i].type != TIP_OPT_AT)
            conf_guess_try(guess, table->rows[i].name);
}

static void conf_guess_tell(struct tip_conf *conf, const struct conf_guess *guess, const char *where, const char *what)
{
    if (guess->best)
        conf_error(conf, where, "%s '%.64s' is not known; did you mean '%s'?", what, guess->written, guess->best);
    else
        conf_error(conf, where, "%s '%.64s' is not known", what, guess->written);
}

/* The row for a written name, in the parts of one section (NULL: of the one part given). */
struct conf_slot {
    struct conf_part *part;
    const struct tip_opt *row;
    bool is_secret_file; /* written as name_file */
};

static bool conf_slot_in_part(struct conf_slot *slot, struct conf_part *part, const char *name)
{
    char stem[CONF_NAME_BYTES];
    size_t n = strlen(name);

    *slot = (struct conf_slot){.part = part, .row = opt_find(part->table, name)};
    if (slot->row)
        return true;
    if (n <= 5 || n >= sizeof(stem) || strcmp(name + n - 5, "_file") != 0)
        return false;
    memcpy(stem, name, n - 5);
    stem[n - 5] = '\0';
    slot->row = opt_find(part->table, stem);
    slot->is_secret_file = true;
    return slot->row && (slot->row->flags & TIP_OPT_SECRET);
}

static bool conf_slot_find(struct tip_conf *conf, struct conf_slot *slot, const char *section, const char *name)
{
    for (size_t i = 0; i < conf->n_parts; i++)
        if (conf_part_is(&conf->parts[i], section) && conf_slot_in_part(slot, &conf->parts[i], name))
            return true;
    return false;
}

static void conf_slot_origin(const struct conf_slot *slot, char *taken)
{
    char **at = &slot->part->origins[slot->row - slot->part->table->rows];

    free(*at);
    *at = taken;
}

/* --- secrets and files --- */

static int conf_read(const char *path, size_t bytes_max, struct tip_buf *out)
{
    tip_auto(tip_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    ssize_t n;
    int r;

    if (fd == -1 || fstat(fd, &st) == -1)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    tip_buf_init(out, bytes_max + 1);
    do {
        r = tip_buf_reserve(out, out->len + 4096 <= out->cap ? 4096 : out->cap - out->len);
        if (r)
            return r;
        n = read(fd, out->data + out->len, out->room - out->len);
        if (n == -1)
            return -errno;
        out->len += (size_t)n;
        out->data[out->len] = 0;
    } while (n > 0 && out->len <= bytes_max);
    return out->len > bytes_max ? -EFBIG : 0;
}

static void conf_set_secret(struct tip_conf *conf, const struct conf_slot *slot, const char *path, const char *where)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes = {0};
    char why[OPT_WHY_BYTES];
    int r;

    r = conf_read(path, CONF_SECRET_BYTES_MAX, &bytes);
    if (r) {
        conf_error(conf, where, "%s_file: %s: %s", slot->row->name, path, strerror(-r));
        return;
    }
    while (bytes.len && (bytes.data[bytes.len - 1] == '\n' || bytes.data[bytes.len - 1] == '\r'))
        bytes.data[--bytes.len] = 0;
    if (opt_value_set(slot->row, slot->part->options, &(struct opt_text){.text = tip_buf_text(&bytes)}, why))
        conf_error(conf, where, "%s_file: the content of %s %s", slot->row->name, path, why);
}

/* A text from anywhere into its slot. `dir` is where relative paths start. */
static void conf_set_text(struct tip_conf *conf, const struct conf_slot *slot, const struct opt_text *text,
                          const char *where)
{
    char why[OPT_WHY_BYTES];
    char *path;

    if (slot->is_secret_file) {
        if (asprintf(&path, "%s%s%s", text->dir && text->text[0] != '/' ? text->dir : "",
                     text->dir && text->text[0] != '/' ? "/" : "", text->text) == -1)
            abort();
        conf_set_secret(conf, slot, path, where);
        free(path);
        return;
    }
    if (opt_value_set(slot->row, slot->part->options, text, why))
        conf_error(conf, where, "%s %s", slot->row->name, why);
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
    struct conf_guess guess;
    struct conf_slot slot;

    for (const struct conf_node *node = map->first; node; node = node->next) {
        tip_auto(tip_free) char *where = conf_place(file->path, node->key_line, node->key_column);

        if (conf_slot_in_part(&slot, part, node->key)) {
            conf_set_node(file, &slot, node);
            continue;
        }
        conf_guess_start(&guess, node->key);
        conf_guess_table(&guess, part->table);
        conf_guess_tell(file->conf, &guess, where, "option");
    }
}

/* --- tip.yaml --- */

static void conf_unknown_option(struct tip_conf *conf, const char *section, const char *name, const char *where)
{
    struct conf_guess guess;

    conf_guess_start(&guess, name);
    for (size_t i = 0; i < conf->n_parts; i++)
        if (conf_part_is(&conf->parts[i], section))
            conf_guess_table(&guess, conf->parts[i].table);
    conf_guess_tell(conf, &guess, where, "option");
}

static void conf_unknown_section(struct tip_conf *conf, const char *section, const char *where)
{
    struct conf_guess guess;

    conf_guess_start(&guess, section);
    for (size_t i = 0; i < sizeof(conf_sections) / sizeof(conf_sections[0]); i++)
        conf_guess_try(&guess, conf_sections[i]);
    conf_guess_tell(conf, &guess, where, "section");
}

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

static char *conf_dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return tip_strdup(".");
    return slash == path ? tip_strdup("/") : tip_strndup(path, (size_t)(slash - path));
}

static void conf_load_sections(struct tip_conf *conf, const char *path)
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

static void conf_load_conf_d(struct tip_conf *conf)
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

/* --- environment and command line --- */

static void conf_lower(char *text)
{
    for (; *text; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
        else if (*text == '-')
            *text = '_';
    }
}

/* TIP__SECTION__KEY=value */
static void conf_set_variable(struct tip_conf *conf, const char *variable)
{
    const char *equals = strchr(variable, '=');
    tip_auto(tip_free) char *name = NULL;
    tip_auto(tip_free) char *where = NULL;
    struct conf_slot slot;
    char *key;

    if (!equals || asprintf(&where, "environment %.*s", (int)(equals - variable), variable) == -1)
        return;
    name = tip_strndup(variable + 5, (size_t)(equals - variable - 5));
    conf_lower(name);
    key = strstr(name, "__");
    if (!key) {
        conf_error(conf, where, "must be named TIP__SECTION__OPTION");
        return;
    }
    *key = '\0';
    key += 2;
    if (!conf_section_is_ours(conf, name)) {
        if (!conf_section_is_known(name))
            conf_unknown_section(conf, name, where);
        return;
    }
    if (!conf_slot_find(conf, &slot, name, key)) {
        conf_unknown_option(conf, name, key, where);
        return;
    }
    conf_set_text(conf, &slot, &(struct opt_text){.text = equals + 1}, where);
    conf_slot_origin(&slot, tip_take(where));
}

static void conf_load_environ(struct tip_conf *conf, char *const *variables)
{
    for (size_t i = 0; variables && variables[i]; i++)
        if (strncmp(variables[i], "TIP__", 5) == 0)
            conf_set_variable(conf, variables[i]);
}

/* `--key` means the own section first, then the common ones. */
static bool conf_slot_of_arg(struct tip_conf *conf, struct conf_slot *slot, const char *section, char *name)
{
    const char *const common[] = {section, "tip", "bus", "log"};
    char *dot = strchr(name, '.');

    if (dot) {
        *dot = '\0';
        if (conf_slot_find(conf, slot, name, dot + 1))
            return true;
        *dot = '.';
        return false;
    }
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
        if (common[i] && conf_slot_find(conf, slot, common[i], name))
            return true;
    return false;
}

static void conf_unknown_arg(struct tip_conf *conf, const char *name, const char *where)
{
    const char *dot = strchr(name, '.');
    struct conf_guess guess;

    conf_guess_start(&guess, dot ? dot + 1 : name);
    for (size_t i = 0; i < conf->n_parts; i++)
        conf_guess_table(&guess, conf->parts[i].table);
    conf_guess_tell(conf, &guess, where, "option");
}

/* One option from the command line; returns how many words it took. */
static size_t conf_set_arg(struct tip_conf *conf, const char *section, const char *const *args)
{
    const char *equals = strchr(args[0], '=');
    tip_auto(tip_free) char *where = NULL;
    tip_auto(tip_free) char *name = NULL;
    const char *value = equals ? equals + 1 : NULL;
    struct conf_slot slot;

    if (strncmp(args[0], "--", 2) != 0 || !args[0][2]) {
        conf_error(conf, "command line", "'%.64s' is not an option", args[0]);
        return 1;
    }
    name = equals ? tip_strndup(args[0] + 2, (size_t)(equals - args[0] - 2)) : tip_strdup(args[0] + 2);
    conf_lower(name);
    if (asprintf(&where, "command line, --%s", name) == -1)
        abort();
    if (!conf_slot_of_arg(conf, &slot, section, name)) {
        conf_unknown_arg(conf, name, where);
        return !value && args[1] && strncmp(args[1], "--", 2) != 0 ? 2 : 1;
    }
    if (!value)
        value = slot.row->type == TIP_OPT_BOOL ? "true" : args[1];
    if (!value)
        conf_error(conf, where, "%s has no value", slot.row->name);
    else if ((slot.row->flags & TIP_OPT_SECRET) && !slot.is_secret_file)
        conf_error(conf, where, "others can read a command line; use --%s_file", slot.row->name);
    else
        conf_set_text(conf, &slot, &(struct opt_text){.text = value}, where);
    conf_slot_origin(&slot, tip_take(where));
    return !equals && slot.row->type != TIP_OPT_BOOL && args[1] ? 2 : 1;
}

static void conf_load_args(struct tip_conf *conf, const struct tip_conf_input *input)
{
    for (size_t i = 0; input->args && input->args[i];)
        i += conf_set_arg(conf, input->section, input->args + i);
}

/* --- all of it --- */

static void conf_check_required(struct tip_conf *conf, const char *path)
{
    for (size_t i = 0; i < conf->n_parts; i++) {
        const struct conf_part *part = &conf->parts[i];

        for (size_t j = 0; j < part->table->n_rows; j++)
            if ((part->table->rows[j].flags & TIP_OPT_REQUIRED) && !part->origins[j])
                conf_error(conf, path ? path : "configuration", "%s.%s is missing", part->table->section,
                           part->table->rows[j].name);
    }
}

/* Fallbacks that are relative paths start where tip.yaml lies. */
static void conf_init_part(const struct tip_conf *conf, struct conf_part *part)
{
    char why[OPT_WHY_BYTES];

    tip_opt_init(part->table, part->options);
    for (size_t i = 0; conf->dir && i < part->table->n_rows; i++) {
        const struct tip_opt *row = &part->table->rows[i];
        const struct opt_text text = {.text = row->fallback, .dir = conf->dir};

        if (row->type == TIP_OPT_PATH && row->fallback && opt_value_set(row, part->options, &text, why))
            abort(); /* tip_opt_init has taken it */
    }
}

int tip_conf_load(struct tip_conf *conf, const struct tip_conf_input *input)
{
    if (input->file)
        conf->dir = conf_dir_of(input->file);
    for (size_t i = 0; i < conf->n_parts; i++)
        conf_init_part(conf, &conf->parts[i]);
    if (input->file) {
        conf_load_sections(conf, input->file);
        conf_load_conf_d(conf);
    }
    conf_load_environ(conf, input->environ);
    conf_load_args(conf, input);
    conf_check_required(conf, input->file);
    return conf->n_errors ? TIP_CONF_E_INVALID : 0;
}

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

/* --- asking --- */

static const char *conf_origin_of(const struct conf_part *part, size_t row)
{
    return part->origins[row] ? part->origins[row] : "default";
}

const char *tip_conf_origin(const struct tip_conf *conf, const char *key)
{
    const char *dot = strchr(key, '.');
    const struct tip_opt *row;

    for (size_t i = 0; dot && i < conf->n_parts; i++) {
        const struct tip_opt_table *table = conf->parts[i].table;

        if (strlen(table->section) != (size_t)(dot - key) || strncmp(table->section, key, (size_t)(dot - key)) != 0)
            continue;
        row = opt_find(table, dot + 1);
        if (row)
            return conf_origin_of(&conf->parts[i], (size_t)(row - table->rows));
    }
    return "default";
}

void tip_conf_refuse(struct tip_conf *conf, const char *key, const char *format, ...)
{
    const char *origin = tip_conf_origin(conf, key);
    va_list args;

    va_start(args, format);
    conf_error_add(conf, strcmp(origin, "default") == 0 ? key : origin, format, args);
    va_end(args);
}

void tip_conf_refuse_at(struct tip_conf *conf, const struct tip_opt_at *at, const char *format, ...)
{
    tip_auto(tip_free) char *where = conf_place(at->file ? at->file : "configuration", at->line, at->column);
    va_list args;

    va_start(args, format);
    conf_error_add(conf, where, format, args);
    va_end(args);
}

static void conf_show_row(const struct conf_part *part, size_t i, FILE *out)
{
    const struct tip_opt *row = &part->table->rows[i];
    tip_auto(tip_buf_deinit) struct tip_buf value;
    int r = 0;

    tip_buf_init(&value, 1 << 20);
    if (!(row->flags & TIP_OPT_SECRET))
        r = opt_value_format(row, part->options, &value);
    else if (part->origins[i])
        r = tip_buf_append_text(&value, "***");
    if (value.data)
        conf_disarm((char *)value.data);
    (void)fprintf(out, "%s.%s\t%s%s\t%s\n", part->table->section, row->name, tip_buf_text(&value), r ? "..." : "",
                  conf_origin_of(part, i)); /* the caller looks at ferror */
}

void tip_conf_show(const struct tip_conf *conf, FILE *out)
{
    for (size_t i = 0; i < conf->n_parts; i++)
        for (size_t j = 0; j < conf->parts[i].table->n_rows; j++)
            if (conf->parts[i].table->rows[j].type != TIP_OPT_AT)
                conf_show_row(&conf->parts[i], j, out);
}
