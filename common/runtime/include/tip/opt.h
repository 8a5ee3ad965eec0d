#pragma once
/*
 * Options: one table feeds the command line, the environment, tip.yaml and conf.d/, --help, range checks, and the
 * reference page. A later origin wins: default, tip.yaml, conf.d/ in order of name, environment, command line. Lists
 * and records are replaced as a whole.
 *
 *     static const struct tip_opt rows[] = {
 *         {.name = "interval", .type = TIP_OPT_DURATION, .offset = offsetof(struct sched_options, interval_ms),
 *          .fallback = "15m", .min = 1000, .max = 86400e3, .help = "Time between two runs."},
 *     };
 *     static const struct tip_opt_table table = {
 *         .section = "scheduler", .rows = rows, .n_rows = 1, .size = sizeof(struct sched_options)};
 *
 * What is refused, always with its place: unknown keys (with the nearest known one), repeated keys, values out of
 * range, anchors, aliases, tags, a second document, more than 16 levels, 1 MiB or 65,536 values in a file.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tip/cleanup.h>

struct tip_prefix;

/** What a value is, how it is written, and what lies at its offset. */
enum tip_opt_type {
    TIP_OPT_STRING, /* text; char *, owned, NULL when unset */
    TIP_OPT_PATH, /* as string; relative to the file it stands in, else (env, command line) to the current directory */
    TIP_OPT_ENDPOINT, /* `tcp://127.0.0.1:5550`, `ipc:///run/tip/x`; char * */
    TIP_OPT_BOOL,     /* true, false, yes, no, on, off; bool. On the command line the name alone means true */
    TIP_OPT_INT,      /* 42, 1_000_000; int64_t */
    TIP_OPT_REAL,     /* 0.25; double */
    TIP_OPT_DURATION, /* <tip/clock.h>: 250ms, 90s, 15m, 1h30m, 7d, 0; int64_t, milliseconds */
    TIP_OPT_SIZE,     /* <tip/size.h>: 65536, 64KiB, 4MiB, 10GB; int64_t, bytes */
    TIP_OPT_ENUM,     /* one of `names`; int, its index */
    TIP_OPT_LIST,     /* list of strings (a,b,c outside files); struct tip_opt_list */
    TIP_OPT_PREFIXES, /* list of addresses and networks; struct tip_opt_prefixes */
    TIP_OPT_RECORDS,  /* list of mappings, in files only; struct tip_opt_records */
    TIP_OPT_AT,       /* not written by anyone: where the record stands; struct tip_opt_at */
    TIP_OPT_TYPE_COUNT
};

struct tip_opt_list {
    char **items;
    size_t n;
};

struct tip_opt_prefixes {
    struct tip_prefix *items;
    size_t n;
};

/** `items` points at n structs of the sub-table's size: cast it. */
struct tip_opt_records {
    void *items;
    size_t n;
};

/** A place in a file. line and column count from 1; file is NULL and line 0 when there is none. */
struct tip_opt_at {
    char *file;
    unsigned line;
    unsigned column;
};

enum {
    TIP_OPT_REQUIRED = 1, /* must be set; has no fallback */
    TIP_OPT_SECRET = 2,   /* string; `name_file` names a file that holds it; never shown, not on the command line */
    TIP_OPT_UNSET = 4,    /* number: the fallback lies outside of the range and means "not set"; shown as `none` */
};

struct tip_opt_table;

struct tip_opt {
    const char *name; /* lower case, words joined by _ */
    enum tip_opt_type type;
    size_t offset;
    const char *fallback; /* written as a user would; NULL: unset, zero, empty */
    double min, max;      /* numbers: range; text: length; lists: count. Both 0: no range, or the type's ceiling */
    const char *unit;     /* shown only */
    unsigned flags;
    const char *const *names;           /* ENUM: NULL-terminated */
    const struct tip_opt_table *record; /* RECORDS: what one is made of */
    const char *help;                   /* one or two sentences */
};

/** A section of tip.yaml, a record, or a file of its own. */
struct tip_opt_table {
    const char *section; /* NULL for records and files */
    const struct tip_opt *rows;
    size_t n_rows;
    size_t size;      /* of the struct that is filled */
    const char *help; /* one sentence about the section */
};

/** Fills a struct with the table's fallbacks. Required options stay zero. */
void tip_opt_init(const struct tip_opt_table *table, void *options);

/** Frees what the values own and zeroes the struct. Fits no tip_auto: it takes the table. */
void tip_opt_free(const struct tip_opt_table *table, void *options);

/* --- loading --- */

/** A load: the tables, where each value came from, and what is wrong. */
struct tip_conf;

enum { TIP_CONF_E_INVALID = 1 }; /* something was refused: see tip_conf_error */

struct tip_conf *tip_conf_new(void);

/** The filled structs stay with their owners. */
void tip_conf_destroy(struct tip_conf **confp);

/**
 * Says that `options`, zeroed, is to be filled from this table. Several tables may share a section. Both are borrowed
 * and outlive the conf.
 */
void tip_conf_add(struct tip_conf *conf, const struct tip_opt_table *table, void *options);

/** Where values come from; each may be NULL. */
struct tip_conf_input {
    const char *file;        /* tip.yaml; conf.d/ beside it is read too */
    char *const *environ;    /* NULL-terminated NAME=value; only TIP__* is looked at */
    const char *const *args; /* NULL-terminated `--key=value`, `--key`, `value`; `--section.key` works too */
    const char *section;     /* the section that `--key` alone means; also searched: tip, bus, log */
};

/**
 * Fills all added structs. What is refused is listed, and the rest is still checked.
 *
 * @return 0 or TIP_CONF_E_INVALID; the structs must be freed in both cases
 */
tip_nodiscard int tip_conf_load(struct tip_conf *conf, const struct tip_conf_input *input);

/**
 * One YAML file of its own (a source, …) against one table; `options` is zeroed memory.
 *
 * @return as tip_conf_load; errors are added to the conf's
 */
tip_nodiscard int tip_conf_load_file(struct tip_conf *conf, const char *path, const struct tip_opt_table *table,
                                     void *options);

/** As tip_conf_load_file, from memory; `name` stands for the path in errors. */
tip_nodiscard int tip_conf_load_text(struct tip_conf *conf, const char *name, const char *text, size_t len,
                                     const struct tip_opt_table *table, void *options);

/** At most 100 are kept; one more then says that there were others. */
size_t tip_conf_n_errors(const struct tip_conf *conf);

/** `/etc/tip/tip.yaml:12:3: sentence`, `environment TIP__X__Y: sentence`, `command line, --x: sentence`. */
const char *tip_conf_error(const struct tip_conf *conf, size_t i);

/** Adds an error of the caller's own, at the place of an option: "scheduler.interval". */
void tip_conf_refuse(struct tip_conf *conf, const char *key, const char *format, ...) tip_printf(3, 4);

/** The same, at a record's place, or of a file as a whole (line 0). */
void tip_conf_refuse_at(struct tip_conf *conf, const struct tip_opt_at *at, const char *format, ...) tip_printf(3, 4);

/** Where the value of "section.key" came from: `/etc/tip/tip.yaml:12:3`, `environment TIP__…`, `default`. */
const char *tip_conf_origin(const struct tip_conf *conf, const char *key);

/** One option a line: `section.key TAB value TAB origin`; secrets as `***`. */
void tip_conf_show(const struct tip_conf *conf, FILE *out);

/* --- telling --- */

/** For --help: name, type, default, range and help of every row. */
void tip_opt_print_help(const struct tip_opt_table *table, FILE *out);

/** For docs/options.md: a heading and a table. */
void tip_opt_print_markdown(const struct tip_opt_table *table, FILE *out);
