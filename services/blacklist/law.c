/*
 * The law of a source as others are told it: how far and for how long it is trusted in what has been published.
 * voters.c decides it, core/law.h says what it means.
 */
#include <stdio.h>
#include <string.h>

#include <tip/clock.h>

#include "app.h"

static bool law_is_of_file(const struct app_source *source)
{
    return source->spec && source->spec->half_life_ms >= 0;
}

/* What is in force may be what was, until a job has put the next one in force: then for the reason that was told. */
static const char *law_basis(const struct app_source *source, const char *measured)
{
    const struct bl_stored *stored = &source->stored;
    struct bl_law law = app_source_law(source);

    if (!source->spec || law.half_life_s != stored->half_life_s)
        return stored->law_basis;
    if (law_is_of_file(source))
        return "file";
    return stored->measured_half_life_s && *measured ? measured : "category";
}

void law_fill(struct app_source *source, struct tip_source_weight *told)
{
    struct bl_stored *stored = &source->stored;
    char basis[sizeof(stored->law_basis)];

    (void)snprintf(basis, sizeof(basis), "%s", law_basis(source, told->half_life_basis));
    strcpy(stored->law_basis, basis);
    told->law_half_life_ms = (uint64_t)stored->half_life_s * TIP_SECOND_MS;
    told->law_basis = stored->law_basis;
    told->law_append = stored->is_append;
}

int law_tell(struct app_source *source, struct tip_outbox_txn *txn, double before)
{
    const char *reason = app_source_is_over(source) && !source->stored.n_entries ? "retired"
                         : app_source_is_fixed(source)                           ? "configured"
                         : source->stored.weighed_unix_ms                        ? "measured"
                                                                                 : "prior";

    return weigh_publish(source, txn, before, reason);
}

/*
 * A first version brings its law into force. With a baseline somebody who has lost something is told everything again.
 */
int law_begin(struct app_source *source, struct tip_outbox_txn *txn, const struct bl_job *job)
{
    struct bl_stored *stored = &source->stored;
    double before = *stored->law_basis ? stored->weight : 0;

    if (job->kind == WORK_BASELINE)
        return law_tell(source, txn, stored->weight);
    if (job->kind != WORK_VERSION || stored->version)
        return 0;
    bl_stored_law_set(stored, &job->after);
    return law_tell(source, txn, before);
}

int law_settle(struct app_source *source, struct tip_outbox_txn *txn)
{
    const struct bl_stored *stored = &source->stored;
    struct bl_law law = app_source_law(source), stands = bl_stored_law(stored);
    bool is_told = *stored->law_basis && law_is_of_file(source) == !strcmp(stored->law_basis, "file");

    if (!source->spec || !stored->version || is_told || !bl_law_equals(&law, &stands))
        return 0; /* another one is told when it is in force */
    return law_tell(source, txn, stored->weight);
}

/* Where times of the list's own count from now on, what was told without them is told again: in a baseline. */
int law_end(struct app_source *source, struct tip_outbox_txn *txn, const struct bl_job *job)
{
    bool is_stated = source->app->publish.plan->is_stated;
    bool is_full = job->kind == WORK_BASELINE || (job->kind == WORK_VERSION && !job->from);
    bool is_missing = is_stated && !source->stored.is_stated && !is_full;

    source->stored.is_stated = is_stated && !is_missing;
    return is_missing ? publish_baseline(source, txn) : 0;
}
