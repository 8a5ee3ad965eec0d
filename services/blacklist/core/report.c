#include "core/report.h"

#include <stdbool.h>
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

static bool bl_report_is_note(const char *reason)
{
    return !strncmp(reason, BL_REPORT_NOTE, strlen(BL_REPORT_NOTE));
}

void bl_report_note(struct bl_report *report, const char *reason, uint64_t line, const char *raw, size_t len)
{
    size_t room = bl_report_is_note(reason) ? BL_REPORT_SAMPLE / 2 : BL_REPORT_SAMPLE;
    struct bl_reject *reject;

    bl_report_slot(report, reason)->n++;
    if (report->n_sample >= room)
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

const char *bl_report_most(const struct bl_report *report)
{
    const struct bl_reject_count *most = NULL;

    for (size_t i = 0; i < report->n_counts; i++) {
        const struct bl_reject_count *count = &report->counts[i];

        if (!bl_report_is_note(count->reason) && (!most || count->n > most->n))
            most = count;
    }
    return most ? most->reason : NULL;
}

uint64_t bl_report_count(const struct bl_report *report, const char *reason)
{
    for (size_t i = 0; i < report->n_counts; i++) {
        if (!strcmp(report->counts[i].reason, reason))
            return report->counts[i].n;
    }
    return 0;
}
