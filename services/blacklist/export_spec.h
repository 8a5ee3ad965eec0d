#pragma once
/*
 * Views that are exported: the records of `blacklist.exports`.
 */
#include <tip/event.h>
#include <tip/opt.h>

#include "core/export.h"

enum { EXPORT_SPECS_MAX = 64, EXPORT_NAME = 24, EXPORT_TITLE = 200, EXPORT_ZONE = 200, EXPORT_ACTION = 200 };

/** What a record may hold. */
extern const struct tip_opt_table export_spec_table;

/** Families of a verdict, as bits in this order. */
extern const char *const export_family_names[];

struct export_spec {
    char name[EXPORT_NAME + 1]; /* [a-z][a-z0-9-]* */
    char title[EXPORT_TITLE + 1];
    char zone[EXPORT_ZONE + 1]; /* "" for none */
    char action[EXPORT_ACTION + 1];
    enum bl_export_format_id format;
    enum tip_tlp audience;
    unsigned tier;       /* at least: 1 watch, 2 slow, 3 block */
    unsigned families;   /* bits; one of them must have a share */
    unsigned classes;    /* bits of enum bl_export_class */
    bool is_public;      /* for whoever asks; the audience is clear then */
    bool can_shrink;     /* the guard does not look */
    bool has_special;    /* labs: special-use addresses and names are let through */
    bool has_subdomains; /* each name stands for all below it, too */
    int64_t entries_max;
    int64_t lifetime_ms;
};

struct export_specs {
    struct export_spec *items; /* in the order of the file */
    size_t n;
};

/**
 * Makes views of the records. What is wrong is listed in `conf`, which may be NULL.
 *
 * @return 0, or TIP_CONF_E_INVALID; *specs must be deinitialised in both cases
 */
tip_nodiscard int export_specs_make(struct export_specs *specs, const struct tip_opt_records *records,
                                    struct tip_conf *conf);
void export_specs_deinit(struct export_specs *specs);
