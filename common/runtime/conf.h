#pragma once
/*
 * The inside of a load, shared by the files that do it: conf.c keeps what was found, conf_slot.c finds the row for a
 * name, conf_file.c reads trees, conf_load.c the environment and the command line, and puts it all in order.
 */
#include <tip/buf.h>
#include <tip/opt.h>

#include "opt_value.h"

enum {
    CONF_ERRORS_MAX = 100,
    CONF_ERROR_BYTES = 1024,
    CONF_TABLES_MAX = 16,
    CONF_FILES_MAX = 100,
    CONF_SECRET_BYTES_MAX = 64 << 10,
    CONF_NAME_BYTES = 64,
};

/** A table that is being filled, and where each of its values came from (NULL: the fallback). */
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

/** The row for a written name. */
struct conf_slot {
    struct conf_part *part;
    const struct tip_opt *row;
    bool is_secret_file; /* written as name_file */
};

/* --- conf.c --- */

struct conf_part conf_part_make(const struct tip_opt_table *table, void *options);
void conf_part_deinit(struct conf_part *part);

/** Adds `where: sentence`. */
void conf_error(struct tip_conf *conf, const char *where, const char *format, ...) tip_printf(3, 4);

/** "path:line:column", or "path" for line 0. The caller frees. */
char *conf_place(const char *path, unsigned line, unsigned column);

/* --- conf_slot.c --- */

bool conf_section_is_ours(const struct tip_conf *conf, const char *section);
bool conf_section_is_known(const char *section);

/** Whether the name is one of the part's, or of a part's of that section; then *slot says which. */
bool conf_slot_in_part(struct conf_slot *slot, struct conf_part *part, const char *name);
bool conf_slot_find(struct tip_conf *conf, struct conf_slot *slot, const char *section, const char *name);

/** Remembers where the value came from; takes the text over. */
void conf_slot_origin(const struct conf_slot *slot, char *taken);

/** A text from anywhere into its slot; what is refused becomes an error. `text->dir` is where relative paths start. */
void conf_set_text(struct tip_conf *conf, const struct conf_slot *slot, const struct opt_text *text, const char *where);

/** Errors about names, with the nearest known one. */
void conf_unknown_section(struct tip_conf *conf, const char *section, const char *where);
void conf_unknown_option(struct tip_conf *conf, const char *section, const char *name, const char *where);
void conf_unknown_in_part(struct tip_conf *conf, const struct conf_part *part, const char *name, const char *where);
void conf_unknown_arg(struct tip_conf *conf, const char *name, const char *where);

/** A file of at most bytes_max bytes; initialises the buffer. @return 0, -EFBIG, or another negative errno */
tip_nodiscard int conf_read(const char *path, size_t bytes_max, struct tip_buf *out);

/* --- conf_file.c --- */

/** The directory part of a path, "." without one. The caller frees. */
char *conf_dir_of(const char *path);

/** tip.yaml or a file like it, into the parts whose sections it has. */
void conf_load_sections(struct tip_conf *conf, const char *path);

/** All of conf.d/ beside the main file, in order of name. */
void conf_load_conf_d(struct tip_conf *conf);
