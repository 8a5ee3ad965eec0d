#pragma once
/*
 * The sources: one file each in a directory.
 */
#include <tip/addr.h>
#include <tip/event.h>
#include <tip/opt.h>

#include "core/category.h"
#include "core/etiquette.h"
#include "core/format.h"
#include "io/unpack.h"

enum { BL_SOURCES_MAX = 2000, BL_ALLOWED_MAX = 32, BL_DERIVED_MAX = 64, BL_EXPECT_MAX = 64, BL_HOST = 256 };

struct bl_options;

/** What a source file may hold. */
extern const struct tip_opt_table bl_source_table;

/** A source as its file states it, checked. */
struct bl_spec {
    char name[TIP_NAME_MAX + 1];
    char *url;
    char *auth_header; /* "Name: value", secret; NULL for none */
    bool enabled;
    bool can_be_empty;
    bool guard; /* a version that differs too much from the last one is held */
    enum bl_container container;
    char member[BL_FORMAT_TEXT]; /* glob; "" for all */
    int64_t interval_ms;
    int64_t host_floor_ms;                /* its publisher's own; 0: none */
    const struct bl_publisher *publisher; /* NULL: nothing is known of it */
    double jitter;                        /* 0 to 0.5, share of the interval */
    int64_t cadence_ms;                   /* how often it changes; 0: to be learned */
    int64_t timeout_ms;
    int64_t max_bytes;
    double weight;        /* below 0: measured */
    int64_t half_life_ms; /* of what it listed; below 0: measured */
    bool is_whole;        /* its networks mean each address in them */
    enum bl_category category;
    char group[TIP_NAME_MAX + 1]; /* its maintainer; its own name when it has none */
    char **derived_from;          /* names of sources or groups */
    size_t n_derived_from;
    char *attribution, *licence, *terms; /* NULL: not said */
    bool is_public;                      /* of the pack: fetched once its terms were accepted */
    char *sample;                        /* path of NAME.sample beside its file; there need not be one */
    char **expect;                       /* canonical entries of the sample */
    size_t n_expect;
    int64_t expect_rejected;
    bool redistribute;
    enum tip_tlp tlp; /* with `redistribute: false` never wider than amber */
    size_t n_allowed; /* private addresses it may be fetched from */
    struct tip_prefix allowed[BL_ALLOWED_MAX];
    struct bl_format format;
    uint32_t fingerprint; /* of everything that decides what a body means */
};

struct bl_specs {
    struct bl_spec *items; /* sorted by name */
    size_t n;
};

/**
 * Reads every `*.yaml` of the directory. What is wrong is listed in `conf` with file, line and column.
 *
 * @return 0, or TIP_CONF_E_INVALID; *specs must be deinitialised in both cases
 */
tip_nodiscard int bl_specs_load(struct bl_specs *specs, const struct bl_options *options, struct tip_conf *conf);
void bl_specs_deinit(struct bl_specs *specs);

/** Why a URL cannot be that of a source; NULL: it can. */
const char *bl_spec_url_refuses(const char *url);

/** The host of a checked URL, in lower case and without its port. */
void bl_spec_host(const char *url, char host[static BL_HOST]);

const struct bl_spec *bl_specs_find(const struct bl_specs *specs, const char *name);
