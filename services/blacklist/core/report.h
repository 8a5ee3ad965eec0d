#pragma once
/*
 * What a parser saw: lines, and rejects counted by reason with the first few as a sample.
 */
#include <stddef.h>
#include <stdint.h>

enum { BL_REPORT_REASONS = 48, BL_REPORT_SAMPLE = 20, BL_RAW_MAX = 256, BL_REASON_MAX = 23 };

/** What reasons of notes begin with, and no others. */
#define BL_REPORT_NOTE "time_"

struct bl_reject_count {
    char reason[BL_REASON_MAX + 1];
    uint64_t n;
};

struct bl_reject {
    uint64_t line;
    char reason[BL_REASON_MAX + 1];
    uint16_t raw_len;
    char raw[BL_RAW_MAX];
};

/** Plain bytes without pointers: it travels between threads and is stored as it is. */
struct bl_report {
    uint64_t n_lines;   /* in the body */
    uint64_t n_content; /* of these, neither blank nor comment; for CSV and JSON: records */
    uint64_t n_skipped; /* records without the wanted prefix, column or pointer: no rejects */
    uint64_t n_valid;   /* entries, before duplicates were dropped */
    uint64_t n_rejected;
    uint64_t n_special;
    size_t n_counts, n_sample;
    struct bl_reject_count counts[BL_REPORT_REASONS];
    struct bl_reject sample[BL_REPORT_SAMPLE];
};

/**
 * Counts one reject.
 *
 * @param reason  a word, cut at BL_REASON_MAX
 * @param raw     the line or field, cut at BL_RAW_MAX
 */
void bl_report_reject(struct bl_report *report, const char *reason, uint64_t line, const char *raw, size_t len);

/**
 * The same of a part of an entry that itself stays: no reject, but counted and shown like one. Notes take at most half
 * of the sample.
 *
 * @param reason  begins with BL_REPORT_NOTE
 */
void bl_report_note(struct bl_report *report, const char *reason, uint64_t line, const char *raw, size_t len);

/** The reason of most rejects, notes aside; NULL: nothing was rejected. */
const char *bl_report_most(const struct bl_report *report);

/** How often a reason was given. */
uint64_t bl_report_count(const struct bl_report *report, const char *reason);
