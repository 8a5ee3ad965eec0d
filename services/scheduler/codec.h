#pragma once
/*
 * Between the core's structs and what travels or is stored.
 */
#include <tip/call.h>
#include <tip/event.h>

#include "core/sched.h"

/** A schedule.due or schedule.overdue of an action; borrows from it. @return its topic's prefix */
const char *codec_event(struct tip_event *event, const struct sched_action *action);

/** What a record means for the core. @return false when it is no report */
bool codec_report(struct sched_event *to, const struct tip_event *event);

/** A stored job: its state, and of a manual run what it was made of. */
struct codec_stored {
    struct sched_spec spec; /* of a manual run */
    bool is_manual;
    struct sched_state state;
};

enum { CODEC_E_FOREIGN = 1 };

/** Appends the stored form of a job's state. */
tip_nodiscard int codec_stored_write(const struct sched_job *job, const struct sched_now *now, struct tip_buf *out);

/** @return 0, or CODEC_E_FOREIGN for bytes that are not a stored state */
tip_nodiscard int codec_stored_read(struct codec_stored *stored, const void *bytes, size_t n);

/** A job as one JSON object, for `tip sched`. */
tip_nodiscard int codec_job_json(const struct sched_job *job, const struct sched_now *now, struct tip_buf *out);

struct tip_id codec_id(const struct tip_uuid *uuid);
