/* What an operator does to a source: hold, release, enable, disable, retire. */
#include <stdio.h>
#include <string.h>

#include <tip/utf8.h>

#include "control.h"

static int control_stored_release(struct control *control, struct app_source *source, struct tip_outbox_txn *txn)
{
    (void)control;
    return collect_release(source, txn);
}

static int control_stored_hold(struct control *control, struct app_source *source, struct tip_outbox_txn *txn)
{
    source->stored.is_held = true;
    source->stored.held_until_unix_ms = control->until_unix_ms;
    (void)tip_utf8_copy(source->stored.hold_reason, sizeof(source->stored.hold_reason), control->request->reason,
                        strlen(control->request->reason)); /* cut */
    return app_source_put(txn, source);
}

static bool control_accepts(const struct control *control)
{
    const char *accepts = tip_param_get(control->request->params, control->request->n_params, "accept_terms");

    return accepts && !strcmp(accepts, "true");
}

/* What was retired is due at once, and whole: the last, empty version has no validators. */
static int control_stored_enable(struct control *control, struct app_source *source, struct tip_outbox_txn *txn)
{
    if (source->spec && source->spec->is_public && control_accepts(control)) /* else it was said before, and when */
        source->stored.terms_unix_ms = tip_loop_wall_ms();
    if (source->stored.override == BL_OVERRIDE_RETIRED) {
        source->stored.validators.known = false;
        source->stored.next_unix_ms = source->machine.next_unix_ms = 0;
    }
    source->stored.override = BL_OVERRIDE_ENABLED;
    return app_source_put(txn, source);
}

static int control_stored_disable(struct control *control, struct app_source *source, struct tip_outbox_txn *txn)
{
    (void)control;
    source->stored.override = BL_OVERRIDE_DISABLED;
    return app_source_put(txn, source);
}

/* A hold would keep what it lists: this is the later word. The version that ends it follows by itself. */
static int control_stored_retire(struct control *control, struct app_source *source, struct tip_outbox_txn *txn)
{
    (void)control;
    source->stored.override = BL_OVERRIDE_RETIRED;
    source->stored.is_held = false;
    source->stored.held_until_unix_ms = 0;
    *source->stored.hold_reason = '\0';
    bl_guard_clear(&source->stored.guard);
    return app_source_put(txn, source);
}

static const struct control_deed {
    const char *action, *done, *would;
    int (*apply)(struct control *control, struct app_source *source, struct tip_outbox_txn *txn);
    bool is_of_retired; /* means something for what is retired */
} control_deeds[] = {
    {"hold", "held: it is fetched and compared, nothing of it is published", "would be held", control_stored_hold,
     false},
    {"release", "released: it is due at once", "would be released", control_stored_release, true},
    {"enable", "enabled: it is fetched, whatever its file says", "would be enabled", control_stored_enable, true},
    {"disable", "disabled: it is not fetched any more; what it lists stays", "would be disabled",
     control_stored_disable, false},
    {"retire", "retired: it is not fetched any more, and what it lists goes; its file stays as it is",
     "would be retired", control_stored_retire, false},
};

static const struct control_deed *control_deed(const struct control *control)
{
    size_t i = 0;

    while (strcmp(control_deeds[i].action, control->request->action)) /* the table of actions knows no other */
        i++;
    return &control_deeds[i];
}

/* What has ended can come back, and nothing else; and what ends says why. */
static bool control_deed_fits(struct control *control, const struct app_source *source, const struct control_deed *deed)
{
    if (source->stored.override == BL_OVERRIDE_RETIRED && !deed->is_of_retired)
        control_fail(control, TIP_FAILURE_REFUSED, "it is retired: only enable undoes that");
    else if (!source->spec && (deed->apply == control_stored_enable || deed->apply == control_stored_disable))
        control_fail(control, TIP_FAILURE_REFUSED, "its file is gone: nothing of it is fetched");
    else if (deed->apply == control_stored_retire && !*control->request->reason && !control->request->dry_run)
        control_fail(control, TIP_FAILURE_INVALID, "a source is retired for a reason, which the audit log keeps");
    else
        return true;
    return false;
}

/* What is of the public pack is fetched by who said who he is, and that he has read on what terms. */
static bool control_terms(struct control *control, const struct app_source *source)
{
    if (strcmp(control->request->action, "enable") || !source->spec || !source->spec->is_public)
        return true;
    if (!control->app->has_contact)
        control_fail(control, TIP_FAILURE_REFUSED,
                     "blacklist.contact is not set: publishers have to find out who fetches");
    else if (!source->stored.terms_unix_ms && !control_accepts(control))
        (void)snprintf(control->result, sizeof(control->result),
                       "its terms have to be accepted (--accept-terms): %.200s",
                       source->spec->terms ? source->spec->terms : "it names none");
    else
        return true;
    control->failure = TIP_FAILURE_REFUSED;
    return false;
}

static void control_deed_result(struct control *control, const struct app_source *source,
                                const struct control_deed *deed)
{
    bool is_enabled = deed->apply == control_stored_enable && source->spec && source->spec->is_public;
    bool is_retired = deed->apply == control_stored_retire;

    if (is_enabled)
        (void)snprintf(control->result, sizeof(control->result), "%s, its terms are accepted: %.200s",
                       control->request->dry_run ? "would be enabled" : "enabled",
                       source->spec->terms ? source->spec->terms : "it names none");
    else if (is_retired)
        (void)snprintf(control->result, sizeof(control->result), "%s (%llu entries)",
                       control->request->dry_run ? deed->would : deed->done,
                       (unsigned long long)(source->stored.version ? source->stored.n_entries : 0));
    else
        (void)snprintf(control->result, sizeof(control->result), "%s",
                       control->request->dry_run ? deed->would : deed->done);
}

void control_change_source(struct control *control)
{
    const struct control_deed *deed = control_deed(control);
    struct app_source *source = control_source(control);
    struct tip_outbox_txn *txn;
    int r;

    if (!source || !control_until(control, &control->until_unix_ms) || !control_terms(control, source) ||
        !control_deed_fits(control, source, deed))
        return;
    if (control->until_unix_ms && control->until_unix_ms <= tip_loop_wall_ms()) {
        control_fail(control, TIP_FAILURE_INVALID, "until is over already");
        return;
    }
    control_deed_result(control, source, deed);
    if (control->request->dry_run || !control_has_room(control))
        return;
    txn = app_begin(control->app);
    r = deed->apply(control, source, txn);
    r = r ? r : control_applied(control, txn);
    app_commit(control->app, &txn, r);
}
