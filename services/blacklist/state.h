#pragma once
/*
 * What the service remembers over a restart: of each source, of each run, and what is still to be published.
 */
#include <tip/event.h>

#include "core/guard.h"
#include "io/fetch.h"
#include "plan.h"

enum {
    STATE_DETAIL = 255,
    STATE_PLAN = 3, /* another number whenever a plan has another order or other cuts than that of the build before */
};

/** A source. A version is (stream of the outbox, number). */
struct bl_stored {
    uint64_t version;       /* the current one; 0: none, or its file is lost */
    uint64_t pending;       /* the one that is being published; 0: none */
    uint64_t last_number;   /* highest that was ever used */
    double weight;          /* in force in what has been published */
    int64_t half_life_s;    /* likewise; 0: what leaves counts no more */
    bool is_append;         /* likewise: its entries age from when they came */
    bool is_stated;         /* likewise, or from when the list says: those that are listed were told with that */
    char law_basis[16];     /* why the half-life is that, as it was told; empty: it was not told yet */
    int64_t kin;            /* likewise: whom it is independent of, as a number; 0: not known */
    struct work_kin kin_of; /* likewise, in full */
    int64_t tlp;            /* marking of the current version */
    int64_t fingerprint;    /* of the rules that it was read by */
    struct bl_validators validators;
    int64_t next_unix_ms, fetched_unix_ms, ok_unix_ms;
    int64_t changed_unix_ms; /* of the newest version; 0: not known */
    int64_t n_failures;
    char reason[32]; /* of the last end */
    char detail[STATE_DETAIL + 1];
    uint64_t n_entries, n_added, n_removed, n_changed; /* of the newest version, pending or current */
    uint64_t n_lines, n_rejected, n_special, n_bytes;  /* of the newest body that was read */
    int64_t override;                                  /* enum bl_override: an operator's word against the file's */
    bool is_held;                                      /* fetched and compared, but not published */
    int64_t held_until_unix_ms;                        /* 0: until released */
    char hold_reason[STATE_DETAIL + 1];
    double measured, measured_rest; /* weight as it was last told, and without its freshness */
    bool measured_late;             /* it was overdue then */
    double measured_independence;   /* likewise, with the weight */
    int64_t measured_half_life_s;   /* likewise; 0: not yet */
    bool measured_append;
    int64_t weighed_unix_ms; /* when; 0: never */
    bool is_stale;           /* it has not changed for too long, and that was said */
    int64_t asked_unix_ms;   /* when a transfer last began */
    int64_t told_unix_ms;    /* its server wants no other one before */
    int64_t terms_unix_ms;   /* when an operator accepted its terms; 0: not yet */
    struct bl_guard guard;
};

/**
 * An entry of the operators' allow and deny list: what it says, from the change that made it to the one that ended it.
 * Where it was read or is written the texts are borrowed.
 */
struct bl_word {
    uint64_t born, died; /* changes of the list; died 0: it stands */
    int64_t rule;        /* enum bl_rule */
    int64_t kind;        /* enum tip_kind */
    bool is_subtree, is_configured;
    const char *value, *reason, *actor;
    int64_t since_unix_ms, until_unix_ms; /* until 0: for good */
};

static inline struct bl_law bl_stored_law(const struct bl_stored *stored)
{
    return (struct bl_law){stored->weight, stored->half_life_s, stored->is_append};
}

static inline void bl_stored_law_set(struct bl_stored *stored, const struct bl_law *law)
{
    stored->weight = law->weight;
    stored->half_life_s = law->half_life_s;
    stored->is_append = law->is_append;
}

/** A host, or the domain of a publisher, that was asked for what is no source. */
struct bl_tried {
    char host[BL_HOST];
    int64_t asked_unix_ms; /* last; 0: never */
    int64_t told_unix_ms;  /* it wants no other request before */
};

/** Up to when time has been counted. */
struct bl_clock_state {
    int64_t tau_s; /* 0: not yet */
};

enum bl_override {
    BL_OVERRIDE_NONE,
    BL_OVERRIDE_ENABLED,
    BL_OVERRIDE_DISABLED,
    BL_OVERRIDE_RETIRED, /* nor does it list anything any more */
    BL_OVERRIDE_COUNT
};

/** Something to publish. Jobs are done one after the other, so a verdict always knows what was published before. */
struct bl_job {
    uint64_t number; /* its key: jobs are done in this order */
    int64_t kind;    /* enum work_kind */
    char name[TIP_NAME_MAX + 1];
    uint64_t from, to; /* WORK_CLOCK: score times */
    struct bl_law before, after;
    int64_t kin_after;
    struct work_kin kin_of_after;
    struct tip_id baseline_id;
    int64_t plan;  /* STATE_PLAN of who wrote it */
    uint64_t next; /* parts that are in the outbox already */
    bool is_again; /* not kept: some went out, by a build of another STATE_PLAN; all go out again, meaning the same */
};

/** Are parts of it out? Then what it means is settled. */
static inline bool bl_job_has_begun(const struct bl_job *job)
{
    return job->next || job->is_again;
}

enum bl_sub_state { BL_SUB_PENDING, BL_SUB_OK, BL_SUB_FAILED, BL_SUB_SKIPPED, BL_SUB_STATE_COUNT };

struct bl_sub {
    char name[TIP_NAME_MAX + 1];
    enum bl_sub_state state;
};

/** A run of the scheduler's. */
struct bl_run {
    struct tip_id id;
    int64_t deadline_unix_ms;
    struct bl_sub *subs;
    size_t n_subs;
    struct bl_run *next;
};

size_t bl_run_count(const struct bl_run *run, enum bl_sub_state state);
