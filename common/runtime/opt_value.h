#pragma once
/*
 * One value of an option table: text in, text out, and what it owns.
 */
#include <tip/buf.h>
#include <tip/opt.h>

enum { OPT_WHY_BYTES = 240, OPT_TEXT_MAX = 4096, OPT_ITEMS_MAX = 1000 };

/** A text and where relative paths in it start; `dir` may be NULL. */
struct opt_text {
    const char *text;
    const char *dir;
};

/**
 * Sets a value that is no record from its text, freeing the one before. Lists are cut at commas.
 *
 * @param why  filled with a sentence about the text when it is refused
 * @return 0 or -EINVAL; then the old value stays
 */
tip_nodiscard int opt_value_set(const struct tip_opt *row, void *options, const struct opt_text *text,
                                char why[static OPT_WHY_BYTES]);

/** Appends one item to a list or a list of prefixes; errors as above. */
tip_nodiscard int opt_value_add(const struct tip_opt *row, void *options, const char *item,
                                char why[static OPT_WHY_BYTES]);

/** Appends the value as one would write it; "" when unset. */
tip_nodiscard int opt_value_format(const struct tip_opt *row, const void *options, struct tip_buf *out);

/** Frees what it owns; it is then unset. */
void opt_value_clear(const struct tip_opt *row, void *options);

/** Most entries of a list or records; most bytes of a text. */
size_t opt_value_limit(const struct tip_opt *row);

/** "duration", "list of strings", … */
const char *opt_type_name(enum tip_opt_type type);

/** The row of that name, or NULL. */
const struct tip_opt *opt_find(const struct tip_opt_table *table, const char *name);

/** Where a row's value lies. */
void *opt_at(const struct tip_opt *row, void *options);
const void *opt_at_const(const struct tip_opt *row, const void *options);

/** What to change `name` into: edits of one character, at most `most`, else most + 1. */
unsigned opt_distance(const char *a, const char *b, unsigned most);
