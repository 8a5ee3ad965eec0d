#pragma once
/*
 * The story of the lab: which stages have happened, decided from events and answers alone. No clock: times are
 * arguments, milliseconds since the lab's start.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/call.h>
#include <tip/event.h>

enum lab_stage {
    LAB_STAGE_UP,       /* every service is ready */
    LAB_STAGE_DUE,      /* the scheduler has started a module */
    LAB_STAGE_FETCHED,  /* every list has been fetched once */
    LAB_STAGE_CHANGED,  /* a change of a list was published */
    LAB_STAGE_STORED,   /* storage holds rows of every list */
    LAB_STAGE_HARMLESS, /* the breaking list has failed, its entries and the other lists live on */
    LAB_STAGE_VERDICTS, /* verdicts were published */
    LAB_STAGE_ANSWERED, /* a search for LAB_ADDRESS finds two lists */
    LAB_STAGE_COUNT
};

struct lab_stages {
    int64_t at_ms[LAB_STAGE_COUNT]; /* -1: not yet */
    uint32_t fetched;               /* bits of lab_list_id */
    bool has_failed, has_others_since, has_survived;
};

/** "system_up", …: the names in ndjson. */
const char *lab_stage_name(enum lab_stage stage);

/** A sentence for people. */
const char *lab_stage_text(enum lab_stage stage);

void lab_stages_init(struct lab_stages *stages);
bool lab_stages_all(const struct lab_stages *stages);

/** Says that all services are ready. */
void lab_stages_ready(struct lab_stages *stages, int64_t at_ms);
void lab_stages_event(struct lab_stages *stages, const struct tip_event *event, int64_t at_ms);

/** Answers of the queries `count_listed` and `search`. */
void lab_stages_counted(struct lab_stages *stages, const struct tip_store_answer *answer, int64_t at_ms);
void lab_stages_found(struct lab_stages *stages, const struct tip_store_answer *answer, int64_t at_ms);
