#include "lab/stages.h"

#include <stdlib.h>
#include <string.h>

#include "lab/lists.h"

static const struct {
    const char *name, *text;
} lab_stage_rows[LAB_STAGE_COUNT] = {
    [LAB_STAGE_UP] = {"system_up", "all services are ready"},
    [LAB_STAGE_DUE] = {"first_due", "the scheduler has started the blacklist module"},
    [LAB_STAGE_FETCHED] = {"lists_fetched", "every list has been fetched"},
    [LAB_STAGE_CHANGED] = {"changes_published", "a list has changed, its changes were published"},
    [LAB_STAGE_STORED] = {"rows_stored", "the entries of every list are in PostgreSQL"},
    [LAB_STAGE_HARMLESS] = {"failure_harmless", "one list fails; its entries and the other lists live on"},
    [LAB_STAGE_VERDICTS] = {"verdicts", "verdicts were published"},
    [LAB_STAGE_ANSWERED] = {"search_answers", "a search for " LAB_ADDRESS " finds who lists it"},
};

const char *lab_stage_name(enum lab_stage stage)
{
    return lab_stage_rows[stage].name;
}

const char *lab_stage_text(enum lab_stage stage)
{
    return lab_stage_rows[stage].text;
}

void lab_stages_init(struct lab_stages *stages)
{
    *stages = (struct lab_stages){.fetched = 0};
    for (int i = 0; i < LAB_STAGE_COUNT; i++)
        stages->at_ms[i] = -1;
}

bool lab_stages_all(const struct lab_stages *stages)
{
    for (int i = 0; i < LAB_STAGE_COUNT; i++) {
        if (stages->at_ms[i] < 0)
            return false;
    }
    return true;
}

static void lab_stages_reach(struct lab_stages *stages, enum lab_stage stage, int64_t at_ms)
{
    if (stages->at_ms[stage] < 0)
        stages->at_ms[stage] = at_ms;
}

void lab_stages_ready(struct lab_stages *stages, int64_t at_ms)
{
    lab_stages_reach(stages, LAB_STAGE_UP, at_ms);
}

static int lab_stages_list(const char *source)
{
    for (int id = 0; id < LAB_LIST_COUNT; id++) {
        if (strcmp(lab_lists[id].source, source) == 0)
            return id;
    }
    return LAB_LIST_COUNT;
}

static void lab_stages_source(struct lab_stages *stages, const struct tip_event *event, int64_t at_ms)
{
    int id = lab_stages_list(event->source_state.source);
    bool is_ok = event->kind == TIP_EVENT_SOURCE_OK;

    if (is_ok && id < LAB_LIST_COUNT)
        stages->fetched |= UINT32_C(1) << id;
    if (is_ok && id != LAB_PORTS && stages->has_failed)
        stages->has_others_since = true;
    if (!is_ok && id == LAB_PORTS)
        stages->has_failed = true;
    if (stages->fetched == (UINT32_C(1) << LAB_LIST_COUNT) - 1)
        lab_stages_reach(stages, LAB_STAGE_FETCHED, at_ms);
}

static void lab_stages_harmless(struct lab_stages *stages, int64_t at_ms)
{
    if (stages->has_others_since && stages->has_survived)
        lab_stages_reach(stages, LAB_STAGE_HARMLESS, at_ms);
}

void lab_stages_event(struct lab_stages *stages, const struct tip_event *event, int64_t at_ms)
{
    if (event->kind == TIP_EVENT_SCHEDULE_DUE && strcmp(event->schedule_due.module, "blacklist") == 0)
        lab_stages_reach(stages, LAB_STAGE_DUE, at_ms);
    if (event->kind == TIP_EVENT_LISTING_DELTA)
        lab_stages_reach(stages, LAB_STAGE_CHANGED, at_ms);
    if (event->kind == TIP_EVENT_VERDICT_CHANGES)
        lab_stages_reach(stages, LAB_STAGE_VERDICTS, at_ms);
    if (event->kind >= TIP_EVENT_SOURCE_OK && event->kind <= TIP_EVENT_SOURCE_FAILED)
        lab_stages_source(stages, event, at_ms);
    lab_stages_harmless(stages, at_ms);
}

static const char *lab_stages_cell(const struct tip_store_answer *answer, size_t row, const char *column)
{
    for (size_t i = 0; i < answer->n_columns; i++) {
        if (strcmp(answer->columns[i].name, column) == 0 && answer->cells[row * answer->n_columns + i])
            return answer->cells[row * answer->n_columns + i];
    }
    return "";
}

void lab_stages_counted(struct lab_stages *stages, const struct tip_store_answer *answer, int64_t at_ms)
{
    uint32_t stored = 0;
    int id;

    for (size_t i = 0; i < answer->n_rows; i++) {
        id = lab_stages_list(lab_stages_cell(answer, i, "source"));
        if (id < LAB_LIST_COUNT && atoll(lab_stages_cell(answer, i, "n_listed")) > 0)
            stored |= UINT32_C(1) << id;
    }
    if (stored == (UINT32_C(1) << LAB_LIST_COUNT) - 1)
        lab_stages_reach(stages, LAB_STAGE_STORED, at_ms);
    if (stages->has_failed && stored >> LAB_PORTS & 1)
        stages->has_survived = true;
    lab_stages_harmless(stages, at_ms);
}

void lab_stages_found(struct lab_stages *stages, const struct tip_store_answer *answer, int64_t at_ms)
{
    size_t n = 0;

    for (size_t i = 0; i < answer->n_rows; i++)
        n += strcmp(lab_stages_cell(answer, i, "relation"), "exact") == 0 &&
             strcmp(lab_stages_cell(answer, i, "listed"), "true") == 0;
    if (n >= 2)
        lab_stages_reach(stages, LAB_STAGE_ANSWERED, at_ms);
}
