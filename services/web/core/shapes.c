/*
 * The objects of services/web/openapi.json, field by field.
 */
#include "core/table.h"

#define EVIDENCE                                                                                                     \
    {"weight", NULL, WEB_AS_IS}, {"listed", NULL, WEB_AS_IS}, {"flags", NULL, WEB_AS_COUNT},                         \
        {"first_seen", NULL, WEB_AS_TIMED}, {"listed_at", NULL, WEB_AS_TIMED}, {"last_seen", NULL, WEB_AS_TIMED},    \
        {"removed_at", NULL, WEB_AS_TIMED}, {"n_times", NULL, WEB_AS_COUNT}, {"version", NULL, WEB_AS_IS},           \
        {"line", NULL, WEB_AS_IS}, {"raw", NULL, WEB_AS_RAW}, {"half_life_ms", NULL, WEB_AS_IS},                     \
        {"append_only", NULL, WEB_AS_FLAG}, {"confirmed_at", NULL, WEB_AS_TIMED}, {"stated_at", NULL, WEB_AS_TIMED}, \
        {"score", NULL, WEB_AS_IS},                                                                                  \
    {                                                                                                                \
        "tier", NULL, WEB_AS_IS                                                                                      \
    }

#define SCORE                                                                                                  \
    {"score", NULL, WEB_AS_SHARE}, {"tier", NULL, WEB_AS_IS}, {"families", NULL, WEB_AS_OBJECT},               \
        {"reasons", NULL, WEB_AS_ARRAY}, {"n_reasons", NULL, WEB_AS_COUNT}, {"cause_source", NULL, WEB_AS_IS}, \
        {"cause_version", NULL, WEB_AS_IS}, {"next_change_at", NULL, WEB_AS_TIMED},                            \
        {"expires_at", NULL, WEB_AS_TIMED}, {"subtree", NULL, WEB_AS_FLAG},                                    \
    {                                                                                                          \
        "whole", NULL, WEB_AS_FLAG                                                                             \
    }

/* clang-format off */
const web_shape web_shape_listing = { /* of query `search` */
    {"relation", NULL, WEB_AS_WORD}, {"kind", NULL, WEB_AS_WORD}, {"value", NULL, WEB_AS_WORD},
    {"source", NULL, WEB_AS_WORD}, EVIDENCE,
};

const web_shape web_shape_explained = { /* of query `explain`, which says neither kind nor value */
    {"source", NULL, WEB_AS_WORD}, EVIDENCE,
};

const web_shape web_shape_verdict = {
    {"kind", NULL, WEB_AS_WORD}, {"value", NULL, WEB_AS_WORD}, SCORE,
    {"first_seen", NULL, WEB_AS_TIMED}, {"updated_at", NULL, WEB_AS_TIMED},
};

const web_shape web_shape_explained_verdict = { /* of query `explain`; first_seen there is the listing's */
    SCORE, {"first_seen", "verdict_first_seen", WEB_AS_TIMED}, {"updated_at", "verdict_at", WEB_AS_TIMED},
};

const web_shape web_shape_told = { /* of query `verdict_history` */
    {"from", "from_at", WEB_AS_TIMED}, {"to", "to_at", WEB_AS_TIMED}, SCORE,
};

const web_shape web_shape_weight = { /* of query `source_weight` */
    {"at", NULL, WEB_AS_TIMED}, {"weight", NULL, WEB_AS_SHARE}, {"before", NULL, WEB_AS_SHARE},
    {"reason", NULL, WEB_AS_WORD}, {"fixed", NULL, WEB_AS_FLAG}, {"measured_at", NULL, WEB_AS_TIMED},
    {"measured", NULL, WEB_AS_SHARE}, {"trust", NULL, WEB_AS_SHARE}, {"independence", NULL, WEB_AS_SHARE},
    {"lead", NULL, WEB_AS_SHARE}, {"freshness", NULL, WEB_AS_SHARE}, {"half_life_ms", NULL, WEB_AS_COUNT},
    {"law_half_life_ms", NULL, WEB_AS_IS}, {"law_basis", NULL, WEB_AS_WORD}, {"law_append", NULL, WEB_AS_FLAG},
    {"counts", NULL, WEB_AS_OBJECT},
};

const web_shape web_shape_overlap = { /* of query `source_overlaps` */
    {"source", NULL, WEB_AS_WORD}, {"other", NULL, WEB_AS_WORD}, {"similarity", NULL, WEB_AS_SHARE},
    {"share", NULL, WEB_AS_SHARE}, {"share_other", NULL, WEB_AS_SHARE}, {"n_shared", NULL, WEB_AS_SHARE},
    {"n_first", NULL, WEB_AS_SHARE}, {"n_late", NULL, WEB_AS_SHARE}, {"n_scored", NULL, WEB_AS_SHARE},
    {"n_scored_other", NULL, WEB_AS_SHARE}, {"at", NULL, WEB_AS_TIMED},
};

const web_shape web_shape_source = {
    {"name", NULL, WEB_AS_WORD}, {"state", NULL, WEB_AS_IS}, {"reason", NULL, WEB_AS_IS},
    {"detail", NULL, WEB_AS_IS}, {"url", NULL, WEB_AS_IS}, {"weight", NULL, WEB_AS_IS},
    {"version", NULL, WEB_AS_IS}, {"updating", NULL, WEB_AS_FLAG}, {"n_entries", NULL, WEB_AS_IS},
    {"n_lines", NULL, WEB_AS_IS}, {"n_rejected", NULL, WEB_AS_IS}, {"n_special", NULL, WEB_AS_IS},
    {"n_bytes", NULL, WEB_AS_IS}, {"n_failures", NULL, WEB_AS_IS}, {"next_at", NULL, WEB_AS_TIMED},
    {"last_ok_at", NULL, WEB_AS_TIMED}, {"last_failed_at", NULL, WEB_AS_TIMED}, {"first_seen", NULL, WEB_AS_TIMED},
    {"tlp", NULL, WEB_AS_IS}, {"lead", NULL, WEB_AS_IS},
};

const web_shape web_shape_version = {
    {"version", NULL, WEB_AS_COUNT}, {"at", NULL, WEB_AS_TIMED}, {"reason", NULL, WEB_AS_WORD},
    {"n_entries", NULL, WEB_AS_COUNT}, {"n_added", NULL, WEB_AS_COUNT}, {"n_removed", NULL, WEB_AS_COUNT},
    {"n_changed", NULL, WEB_AS_COUNT}, {"n_lines", NULL, WEB_AS_COUNT}, {"n_rejected", NULL, WEB_AS_COUNT},
    {"n_bytes", NULL, WEB_AS_COUNT},
};

const web_shape web_shape_entry = {
    {"kind", NULL, WEB_AS_WORD}, {"value", NULL, WEB_AS_WORD}, {"flags", NULL, WEB_AS_COUNT},
    {"line", NULL, WEB_AS_IS}, {"version", NULL, WEB_AS_IS}, {"listed_at", NULL, WEB_AS_TIMED},
};

const web_shape web_shape_run = {
    {"run_id", NULL, WEB_AS_WORD}, {"job", NULL, WEB_AS_IS}, {"module", NULL, WEB_AS_WORD},
    {"target", NULL, WEB_AS_IS}, {"state", NULL, WEB_AS_WORD}, {"summary", NULL, WEB_AS_IS},
    {"n_ok", NULL, WEB_AS_IS}, {"n_failed", NULL, WEB_AS_IS}, {"n_skipped", NULL, WEB_AS_IS},
    {"forced", NULL, WEB_AS_IS}, {"due_at", NULL, WEB_AS_TIMED}, {"deadline_at", NULL, WEB_AS_TIMED},
    {"started_at", NULL, WEB_AS_TIMED}, {"ended_at", NULL, WEB_AS_TIMED},
};

const web_shape web_shape_audit = {
    {"applied_at", NULL, WEB_AS_TIMED}, {"service", NULL, WEB_AS_WORD}, {"actor", NULL, WEB_AS_WORD},
    {"action", NULL, WEB_AS_WORD}, {"target", NULL, WEB_AS_WORD}, {"reason", NULL, WEB_AS_WORD},
    {"ok", NULL, WEB_AS_FLAG}, {"result", NULL, WEB_AS_WORD}, {"call_id", NULL, WEB_AS_WORD},
};

const web_shape web_shape_allow = {
    {"kind", "rule", WEB_AS_WORD}, {"indicator", "value", WEB_AS_WORD}, {"scope", NULL, WEB_AS_WORD},
    {"reason", NULL, WEB_AS_WORD}, {"actor", NULL, WEB_AS_WORD}, {"since", NULL, WEB_AS_TIMED},
    {"until", NULL, WEB_AS_TIMED}, {"own", "configured", WEB_AS_FLAG},
};
/* clang-format on */
