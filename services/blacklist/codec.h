#pragma once
/*
 * Between the core's structs and what travels, is stored, or is shown.
 */
#include <tip/call.h>
#include <tip/event.h>

#include "core/source.h"
#include "guess_work.h"
#include "state.h"

/* ---- events of a plan; everything they point at lies in the scratch and the plan ---- */

#define CODEC_OPERATOR "operator" /* the source of a reason that is an entry of the allow and deny list */

#define CODEC_EXEMPT "warninglists" /* the cause of what another table of exemptions has moved */

#define CODEC_EVIDENCE "evidence" /* the cause of what was seen by TIP itself has moved */

#define CODEC_TIME "time" /* the cause of what decay alone has moved */

enum { CODEC_FAMILIES = BL_FAMILY_COUNT + 1 };

/** What a verdict points at. */
struct codec_room {
    struct tip_verdict_reason reasons[BL_SCORE_REASONS];
    struct tip_family_share shares[CODEC_FAMILIES];
    char word[WORK_EXEMPT_NAME]; /* of a reference list */
};

struct codec_scratch {
    struct bl_item items[TIP_BATCH_ENTRIES_MAX];
    struct tip_listing_entry entries[TIP_BATCH_ENTRIES_MAX];
    struct tip_verdict verdicts[TIP_BATCH_ENTRIES_MAX];
    struct codec_room rooms[TIP_BATCH_ENTRIES_MAX];
};

/** Whom the numbers of reasons name. */
struct codec_names {
    const struct work_voter *voters;
    size_t n;
    const struct bl_exempt *exempt;
};

/** A verdict without its indicator; it points into the room and at the names. */
void codec_detail(struct tip_verdict *verdict, const struct bl_score_detail *detail, const struct codec_names *names,
                  struct codec_room *room);

struct codec_part {
    const struct work_plan *plan;
    size_t index; /* of the part, from 0 */
    struct tip_id stream, baseline_id;
    int64_t fetched_unix_ms;
};

/** A listing.delta, or a listing.baseline when there is nothing before. @return the prefix of its topic */
const char *codec_listing(struct tip_event *event, const struct codec_part *part, struct codec_scratch *scratch);

/** verdict.changes. @return the strictest marking of what led to it, 0 for nothing */
enum tip_tlp codec_verdicts(struct tip_event *event, const struct codec_part *part, struct codec_scratch *scratch);

/** How many of its verdicts a reference list has put down. */
uint64_t codec_n_exempt(const struct tip_event *event);

/** source.ok or source.failed. The report may be NULL. */
struct codec_source {
    const char *name, *url;
    const struct bl_stored *stored;
    const struct bl_report *report;
    double weight;
    struct tip_id stream;
    bool ok, is_held;
};

struct codec_source_scratch {
    struct tip_listing_reject rejects[BL_REPORT_SAMPLE];
    struct tip_reject_count counts[BL_REPORT_REASONS];
    char url[TIP_INDICATOR_MAX + 1];
};

const char *codec_source(struct tip_event *event, const struct codec_source *source,
                         struct codec_source_scratch *scratch);

/** schedule.done or schedule.failed of a run whose submodules have all ended, or not by its deadline. */
const char *codec_run_report(struct tip_event *event, const struct bl_run *run, char summary[static TIP_TEXT_MAX]);

/* ---- stored state: JSON objects, so that a later version may add what it needs ---- */

enum { CODEC_E_FOREIGN = 1 };

tip_nodiscard int codec_stored_write(const struct bl_stored *stored, struct tip_buf *out);
tip_nodiscard int codec_stored_read(struct bl_stored *stored, const void *bytes, size_t n);
tip_nodiscard int codec_job_write(const struct bl_job *job, struct tip_buf *out);
tip_nodiscard int codec_job_read(struct bl_job *job, const void *bytes, size_t n);
tip_nodiscard int codec_clock_write(const struct bl_clock_state *clock, struct tip_buf *out);
tip_nodiscard int codec_clock_read(struct bl_clock_state *clock, const void *bytes, size_t n);
tip_nodiscard int codec_tried_write(const struct bl_tried *tried, struct tip_buf *out);
tip_nodiscard int codec_tried_read(struct bl_tried *tried, const void *bytes, size_t n); /* all but its host */
tip_nodiscard int codec_run_write(const struct bl_run *run, struct tip_buf *out);
tip_nodiscard int codec_run_read(struct bl_run *run, const void *bytes, size_t n); /* subs: free them */

struct codec_word_texts {
    char value[TIP_INDICATOR_MAX + 1], reason[STATE_DETAIL + 1], actor[TIP_NAME_MAX + 1];
};

tip_nodiscard int codec_word_write(const struct bl_word *word, struct tip_buf *out);
tip_nodiscard int codec_word_read(struct bl_word *word, struct codec_word_texts *texts, const void *bytes, size_t n);

/** A report as its bytes; a report of another build is foreign. */
tip_nodiscard int codec_report_read(struct bl_report *report, const void *bytes, size_t n);
tip_nodiscard int codec_report_write(const struct bl_report *report, struct tip_buf *out);

/* ---- for people ---- */

struct codec_shown {
    const char *name;
    const struct bl_spec *spec; /* NULL: its file is gone */
    const struct bl_stored *stored;
    enum bl_source_phase phase;
    int64_t cadence_ms; /* 0: not known */
};

/** One JSON object: the answer of `list` for a source. */
tip_nodiscard int codec_source_json(const struct codec_shown *shown, struct tip_buf *out);

/** Is it fetched? What an operator said goes before what its file says. */
bool bl_is_enabled(const struct bl_spec *spec, const struct bl_stored *stored);

/** An entry of the allow and deny list as a JSON object. */
tip_nodiscard int codec_allow_json(const struct tip_allow_entry *entry, struct tip_buf *out);

/** One side of what would change, as an array of texts. */
tip_nodiscard int codec_samples_json(const struct work_samples *samples, enum work_side side, struct tip_buf *out);

/** The lines of a text, as an array. */
tip_nodiscard int codec_lines_json(const char *text, struct tip_buf *out);

/** The ways that a list was read, as an array of objects. */
tip_nodiscard int codec_readings_json(const struct guess_order *guess, struct tip_buf *out);

/** One reject as a JSON object. */
tip_nodiscard int codec_reject_json(const struct bl_reject *reject, struct tip_buf *out);

/** The counts of rejects as a JSON object. */
tip_nodiscard int codec_counts_json(const struct bl_report *report, struct tip_buf *out);
