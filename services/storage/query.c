#include "query.h"

#include <string.h>

#include "io/embedded.h"

#define TEXT(name)            \
    {                         \
        name, TIP_COLUMN_TEXT \
    }
#define INT(name)            \
    {                        \
        name, TIP_COLUMN_INT \
    }
#define REAL(name)            \
    {                         \
        name, TIP_COLUMN_REAL \
    }
#define BOOL(name)            \
    {                         \
        name, TIP_COLUMN_BOOL \
    }
#define TIME(name)            \
    {                         \
        name, TIP_COLUMN_TIME \
    }
#define BYTES(name)            \
    {                          \
        name, TIP_COLUMN_BYTES \
    }

/* clang-format off */
const struct store_query store_queries[] = {
    {"status", "how storage is: position, sizes, what is wrong; one row", 10, false,
     {{"", STORE_PARAM_LAG}},
     {TEXT("consumer"), TEXT("journal_id"), INT("next_seq"), INT("lag"), TIME("stored_at"), INT("events_about"),
      INT("listings_about"), INT("verdicts_about"), INT("rejects"), INT("gaps_open"), INT("sources"),
      INT("sources_failing"), INT("sources_waiting"), INT("sources_orphaned"), BOOL("needs_all"), INT("partitions"),
      TEXT("partition_last"), INT("schema"), INT("size_bytes")}},
    {"overview", "how much there is, and what came in the last minute; one row, partly estimated", 1, false,
     {{"audience", STORE_PARAM_AUDIENCE}},
     {INT("sources"), INT("sources_failing"), INT("listings"), INT("verdicts_watch"), INT("verdicts_slow"),
      INT("verdicts_block"), BOOL("verdicts_about"), INT("events_minute"), TEXT("events_by_class"),
      BOOL("events_about"), TIME("at")}},
    {"search", "everything listed that bears on an indicator of any kind", 100, true,
     {{"value", STORE_PARAM_QUESTION}, {"audience", STORE_PARAM_AUDIENCE}},
     {TEXT("relation"), TEXT("kind"), TEXT("value"), TEXT("source"), REAL("weight"), BOOL("listed"), INT("flags"),
      TIME("first_seen"), TIME("listed_at"), TIME("last_seen"), TIME("removed_at"), INT("n_times"), INT("version"),
      INT("line"), REAL("score"), TEXT("tier"), BOOL("subtree"), BOOL("whole")}},
    {"explain", "every source that lists or has listed exactly this indicator, its evidence, and the verdict", 100, true,
     {{"value", STORE_PARAM_INDICATOR}, {"audience", STORE_PARAM_AUDIENCE}},
     {TEXT("source"), REAL("weight"), BOOL("listed"), TIME("first_seen"), TIME("listed_at"), TIME("last_seen"),
      TIME("removed_at"), INT("n_times"), INT("flags"), INT("version"), INT("line"), BYTES("raw"), REAL("score"),
      TEXT("tier"), TEXT("families"), TEXT("reasons"), INT("n_reasons"), TEXT("cause_source"), INT("cause_version"),
      TIME("verdict_at"), TIME("next_change_at"), TIME("expires_at"), BOOL("subtree"), BOOL("whole"),
      INT("half_life_ms"), TEXT("half_life_basis"), BOOL("append_only"), TIME("confirmed_at"),
      TIME("stated_at")}},
    {"search_at", "the same as of a past time", 100, true,
     {{"value", STORE_PARAM_QUESTION}, {"at", STORE_PARAM_TIME}, {"audience", STORE_PARAM_AUDIENCE}},
     {TEXT("relation"), TEXT("kind"), TEXT("value"), TEXT("source"), REAL("weight"), BOOL("listed"), INT("flags"),
      TIME("first_seen"), TIME("listed_at"), TIME("last_seen"), TIME("removed_at"), INT("n_times"), INT("version"),
      INT("line"), REAL("score"), TEXT("tier"), BOOL("subtree"), BOOL("whole")}},
    {"explain_at", "explain as of a past time", 100, true,
     {{"value", STORE_PARAM_INDICATOR}, {"at", STORE_PARAM_TIME}, {"audience", STORE_PARAM_AUDIENCE}},
     {TEXT("source"), REAL("weight"), BOOL("listed"), TIME("first_seen"), TIME("listed_at"), TIME("last_seen"),
      TIME("removed_at"), INT("n_times"), INT("flags"), INT("version"), INT("line"), BYTES("raw"), REAL("score"),
      TEXT("tier"), TEXT("families"), TEXT("reasons"), INT("n_reasons"), TEXT("cause_source"), INT("cause_version"),
      TIME("verdict_at"), TIME("next_change_at"), TIME("expires_at"), BOOL("subtree"), BOOL("whole"),
      INT("half_life_ms"), TEXT("half_life_basis"), BOOL("append_only"), TIME("confirmed_at"),
      TIME("stated_at")}},
    {"verdict_history", "what was told of exactly this indicator, newest first", 100, true,
     {{"value", STORE_PARAM_INDICATOR}, {"audience", STORE_PARAM_AUDIENCE}},
     {TIME("from_at"), TIME("to_at"), REAL("score"), TEXT("tier"), TEXT("families"), TEXT("reasons"),
      INT("n_reasons"), TEXT("cause_source"), INT("cause_version"), TIME("next_change_at"), TIME("expires_at"),
      BOOL("subtree"), BOOL("whole")}},
    {"sources", "every list, and how it is", 1000, false,
     {{"audience", STORE_PARAM_AUDIENCE}},
     {TEXT("name"), TEXT("state"), TEXT("reason"), TEXT("detail"), TEXT("url"), REAL("weight"), INT("version"),
      BOOL("updating"), INT("updating_to"), INT("n_entries"), INT("n_lines"), INT("n_rejected"), INT("n_special"),
      INT("n_bytes"), INT("n_failures"), TIME("next_at"), TIME("last_ok_at"), TIME("last_failed_at"),
      TIME("needs_baseline_since"), TIME("orphan_since"), TIME("first_seen"), TEXT("tlp"), REAL("lead")}},
    {"source", "one list, with what was wrong in it", 1, false,
     {{"source", STORE_PARAM_TEXT}, {"audience", STORE_PARAM_AUDIENCE}},
     {TEXT("name"), TEXT("state"), TEXT("reason"), TEXT("detail"), TEXT("url"), REAL("weight"), TEXT("stream"),
      INT("version"), BOOL("updating"), INT("updating_to"), INT("n_entries"), INT("n_lines"), INT("n_rejected"),
      INT("n_special"), INT("n_bytes"), INT("n_failures"), TIME("next_at"), TIME("last_ok_at"),
      TIME("last_failed_at"), TIME("needs_baseline_since"), TEXT("needs_baseline_reason"), TIME("orphan_since"),
      TIME("first_seen"), TIME("updated_at"), TEXT("rejected"), TEXT("reject_sample"),
      TEXT("tlp"), REAL("lead")}},
    {"history", "the versions of one list, newest first", 100, false,
     {{"source", STORE_PARAM_TEXT}, {"audience", STORE_PARAM_AUDIENCE}},
     {INT("version"), TIME("at"), TEXT("reason"), INT("n_entries"), INT("n_added"), INT("n_removed"),
      INT("n_changed"), INT("n_lines"), INT("n_rejected"), INT("n_bytes"), TEXT("stream")}},
    {"source_weight", "how far one list was trusted and why, newest first", 100, false,
     {{"source", STORE_PARAM_TEXT}, {"audience", STORE_PARAM_AUDIENCE}},
     {TIME("at"), REAL("weight"), REAL("before"), TEXT("reason"), BOOL("fixed"), TIME("measured_at"), REAL("measured"),
      REAL("trust"), REAL("independence"), REAL("lead"), REAL("freshness"), INT("half_life_ms"),
      INT("law_half_life_ms"), TEXT("law_basis"), BOOL("law_append"), TEXT("counts")}},
    {"source_overlaps", "what each two lists have in common, those first that are most alike", 1000, false,
     {{"source", STORE_PARAM_OPTIONAL}, {"after", STORE_PARAM_OPTIONAL}, {"audience", STORE_PARAM_AUDIENCE}},
     {TEXT("source"), TEXT("other"), REAL("similarity"), REAL("share"), REAL("share_other"), REAL("n_shared"),
      REAL("n_first"), REAL("n_late"), REAL("n_scored"), REAL("n_scored_other"), TIME("at"), TEXT("cursor")}},
    {"runs", "what the scheduler started, newest first", 50, false,
     {{"module", STORE_PARAM_OPTIONAL}, {"after", STORE_PARAM_OPTIONAL}},
     {TEXT("run_id"), TEXT("job"), TEXT("module"), TEXT("target"), TEXT("state"), TEXT("summary"), INT("n_ok"),
      INT("n_failed"), INT("n_skipped"), BOOL("forced"), TIME("due_at"), TIME("deadline_at"), TIME("started_at"),
      TIME("ended_at"), TEXT("cursor")}},
    {"rejects", "events that could not be stored, newest first", 50, false,
     {{NULL, STORE_PARAM_NONE}},
     {TEXT("journal_id"), INT("seq"), TIME("commit_time"), TEXT("topic"), TEXT("publisher"), TEXT("reason"),
      INT("n_bytes"), TIME("rejected_at")}},
    {"verdicts", "the worst indicators there are", 100, false,
     {{"tier", STORE_PARAM_OPTIONAL},
      {"at_least", STORE_PARAM_OPTIONAL},
      {"kind", STORE_PARAM_OPTIONAL},
      {"family", STORE_PARAM_OPTIONAL},
      {"after", STORE_PARAM_OPTIONAL},
      {"audience", STORE_PARAM_AUDIENCE}},
     {TEXT("kind"), TEXT("value"), REAL("score"), TEXT("tier"), TEXT("families"), TEXT("reasons"), INT("n_reasons"),
      TEXT("cause_source"), INT("cause_version"), TIME("first_seen"), TIME("updated_at"), TIME("next_change_at"),
      TIME("expires_at"), BOOL("subtree"), BOOL("whole"), TEXT("cursor")}},
    {"gaps", "what storage has missed, newest first", 50, false,
     {{NULL, STORE_PARAM_NONE}},
     {TIME("noted_at"), TEXT("journal_id"), INT("from_seq"), INT("to_seq"), TEXT("source"), TEXT("reason"),
      TIME("closed_at")}},
    {"count_listed", "how many entries each list holds, counted row by row", 1000, false,
     {{"source", STORE_PARAM_OPTIONAL}, {"audience", STORE_PARAM_AUDIENCE}},
     {TEXT("source"), INT("version"), BOOL("updating"), INT("n_listed")}},
    {"listed", "what one list holds, page by page", 1000, false,
     {{"source", STORE_PARAM_TEXT}, {"after", STORE_PARAM_OPTIONAL}, {"audience", STORE_PARAM_AUDIENCE}},
     {TEXT("kind"), TEXT("value"), INT("flags"), INT("line"), INT("version"), TIME("listed_at"), TEXT("cursor")}},
    {"alarms", "the last word on each alarm, raised ones first", 100, false,
     {{NULL, STORE_PARAM_NONE}},
     {TEXT("service"), TEXT("name"), BOOL("raised"), TEXT("detail"), TIME("since"), TIME("updated_at"),
      INT("n_times")}},
    {"audit", "what operators have done, newest first", 50, false,
     {{"service", STORE_PARAM_OPTIONAL}, {"after", STORE_PARAM_OPTIONAL}},
     {TIME("applied_at"), TEXT("service"), TEXT("actor"), TEXT("action"), TEXT("target"), TEXT("reason"), BOOL("ok"),
      TEXT("result"), TEXT("call_id"), TEXT("cursor")}},
    {"allow", "the operators' allow and deny list", 1000, false,
     {{"rule", STORE_PARAM_OPTIONAL}, {"after", STORE_PARAM_OPTIONAL}},
     {TEXT("rule"), TEXT("kind"), TEXT("value"), TEXT("scope"), TEXT("reason"), TEXT("actor"), TIME("since"),
      TIME("until"), BOOL("configured"), TEXT("cursor")}},
    {"allow_on", "what of the allow and deny list bears on an indicator, what decides first", 20, true,
     {{"value", STORE_PARAM_QUESTION}},
     {TEXT("rule"), TEXT("kind"), TEXT("value"), TEXT("scope"), TEXT("reason"), TEXT("actor"), TIME("since"),
      TIME("until"), BOOL("configured"), BOOL("is_self")}},
    {"allow_at", "the same as of a past time", 20, true,
     {{"value", STORE_PARAM_QUESTION}, {"at", STORE_PARAM_TIME}},
     {TEXT("rule"), TEXT("kind"), TEXT("value"), TEXT("scope"), TEXT("reason"), TEXT("actor"), TIME("since"),
      TIME("until"), BOOL("configured"), BOOL("is_self")}},
};
/* clang-format on */

const size_t store_queries_n = sizeof(store_queries) / sizeof(store_queries[0]);

const struct store_query *store_query_find(const char *name)
{
    for (size_t i = 0; i < store_queries_n; i++) {
        if (!strcmp(store_queries[i].name, name))
            return &store_queries[i];
    }
    return NULL;
}

const char *store_query_sql(const struct store_query *query)
{
    for (size_t i = 0; i < store_query_files_n; i++) {
        if (!strcmp(store_query_files[i].name, query->name))
            return store_query_files[i].text;
    }
    return NULL;
}

size_t store_query_n_columns(const struct store_query *query)
{
    size_t n = 0;

    while (n < STORE_QUERY_COLUMNS_MAX && query->columns[n].name)
        n++;
    return n;
}

bool store_query_takes(const struct store_query *query, const char *name)
{
    for (size_t i = 0; i < STORE_QUERY_PARAMS_MAX; i++) {
        const struct store_param *param = &query->params[i];

        if (param->name && param->name[0] && !strcmp(param->name, name))
            return true;
        if (!strcmp(name, "kind") && (param->type == STORE_PARAM_QUESTION || param->type == STORE_PARAM_INDICATOR))
            return true;
    }
    return false;
}
