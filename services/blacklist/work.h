#pragma once
/*
 * What runs in the pool: reading a body into a version. Each job owns a private copy of its input; results come back
 * in it. Nothing here touches the app. How a version is published is planned in plan.h.
 */
#include "core/format.h"
#include "core/guard.h"
#include "core/report.h"
#include "io/shelf.h"
#include "io/unpack.h"
#include "options.h"

enum { WORK_PATH = 512, WORK_BODY = WORK_PATH + 128, WORK_DETAIL = 256, WORK_SAMPLES = 10, WORK_SAMPLE_TEXT = 96 };

enum work_side { WORK_ADDED, WORK_REMOVED, WORK_CHANGED, WORK_SIDE_COUNT };

/** The first entries of each side of a change, or (as added) of a delivery in its own order; long ones are cut. */
struct work_samples {
    char text[WORK_SIDE_COUNT][WORK_SAMPLES][WORK_SAMPLE_TEXT];
    size_t n[WORK_SIDE_COUNT];
};

struct work_parse {
    char dir[WORK_PATH];
    struct bl_shelf *shelf; /* of that directory; NULL: none */
    char name[TIP_NAME_MAX + 1];
    char body[WORK_BODY]; /* the file that was fetched; gone afterwards */
    struct bl_format format;
    enum bl_container container;
    char member[BL_FORMAT_TEXT];
    bool can_be_empty;
    bool is_test; /* only the report is wanted */
    bool is_diff; /* and what it would change: nothing is kept */
    int64_t max_bytes;
    int64_t ok_unix_ms;    /* until when the current version was found again and again */
    uint64_t from, to;     /* the current version, 0 for none, and the number of the new one */
    uint32_t fingerprint;  /* of the rules, for the caller */
    bool has_new_rules;    /* not those that the current version was read by */
    bool is_guarded;       /* what differs too much from the current version is held */
    bool is_held;          /* by an operator when it was ordered: so nobody guards it, and it may not be published */
    struct bl_guard guard; /* brought up to date */
    int64_t interval_ms, changed_unix_ms, now_unix_ms;

    char hold[16]; /* set: why it is held; "" when it is not. Then nothing was kept */
    char why[32];  /* set: "" for a version, "unchanged", "lost_version" (the current one), else why it failed */
    char detail[WORK_DETAIL];
    uint64_t n_bytes, n_entries, n_added, n_removed, n_changed;
    struct bl_report report;
    struct work_samples samples; /* set by is_test and is_diff */
};

void work_parse_run(void *job);

/** It is over: a version without entries and without a body, from the same order. */
void work_retire_run(void *job);

struct work_seen {
    const char *dir, *name;
    struct bl_shelf *shelf; /* NULL: none */
    uint64_t version;
    int64_t at_unix_ms; /* when it was fetched */
};

/**
 * What a source has said up to a version. What is missing or damaged begins anew with what that version lists.
 *
 * @return 0 or a negative errno
 */
tip_nodiscard int work_seen_open(struct bl_seen_map *map, const struct work_seen *which);
