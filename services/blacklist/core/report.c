#include "core/report.h"

#include <string.h>

static void bl_report_word(char to[static BL_REASON_MAX + 1], const char *reason)
{
    size_t n = strnlen(reason, BL_REASON_MAX);

    memcpy(to, reason, n);
    to[n] = '\0';
}

static struct bl_reject_count *bl_report_slot(struct bl_report *report, const char *reason)
{
    for (size_t i = 0; i < report->n_counts; i++) {
        if (!strcmp(report->counts[i].reason, reason))
            return &report->counts[i];
    }
    if (report->n_counts == BL_REPORT_REASONS)
        return &report->counts[BL_REPORT_REASONS - 1];
    bl_report_word(report->counts[report->n_counts].reason, reason);
    return &report->counts[report->n_counts++];
}

void bl_report_note(struct bl_report *report, const char *reason, uint64_t line, const char *raw, size_t len)
{
    struct bl_reject *reject;

    bl_report_slot(report, reason)->n++;
    if (report->n_sample == BL_REPORT_SAMPLE)
        return;
    reject = &report->sample[report->n_sample++];
    reject->line = line;
    bl_report_word(reject->reason, reason);
    reject->raw_len = (uint16_t)(len < BL_RAW_MAX ? len : BL_RAW_MAX);
    if (len)
        memcpy(reject->raw, raw, reject->raw_len);
}

void bl_report_reject(struct bl_report *report, const char *reason, uint64_t line, const char *raw, size_t len)
{
    report->n_rejected++;
    bl_report_note(report, reason, line, raw, len);
}

uint64_t bl_report_count(const struct bl_report *report, const char *reason)
{
    for (size_t i = 0; i < report->n_counts; i++) {
        if (!strcmp(report->counts[i].reason, reason))
            return report->counts[i].n;
    }
    return 0;
}
