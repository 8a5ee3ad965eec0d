/* What an operator does to a source: hold, release, enable, disable. */
#include <stdio.h>
#include <string.h>

#include <tip/utf8.h>

#include "control.h"

static void control_stored_hold(struct control *control, struct bl_stored *stored, int64_t until_unix_ms)
{
    stored->is_held = true;
    stored->held_until_unix_ms = until_unix_ms;
    (void)tip_utf8_copy(stored->hold_reason, sizeof(stored->hold_reason), control->request->reason,
                        strlen(control->request->reason)); /* cut */
}

static int control_source_apply(struct control *control, struct app_source *source, struct tip_outbox_txn *txn,
                                int64_t until_unix_ms)
{
    const char *action = control->request->action;

    if (!strcmp(action, "release"))
        return collect_release(source, txn);
    if (!strcmp(action, "enable") && source->spec && source->spec->is_public)
        source->stored.terms_unix_ms = tip_loop_wall_ms();
    if (!strcmp(action, "hold"))
        control_stored_hold(control, &source->stored, until_unix_ms);
    else
        source->stored.override = !strcmp(action, "enable") ? BL_OVERRIDE_ENABLED : BL_OVERRIDE_DISABLED;
    return app_source_put(txn, source);
}

static void control_source_result(struct control *control)
{
    static const struct {
        const char *action, *done, *would;
    } words[] = {
        {"hold", "held: it is fetched and compared, nothing of it is published", "would be held"},
        {"release", "released: it is due at once", "would be released"},
        {"enable", "enabled: it is fetched, whatever its file says", "would be enabled"},
        {"disable", "disabled: it is not fetched any more; what it lists stays", "would be disabled"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (!strcmp(words[i].action, control->request->action))
            (void)snprintf(control->result, sizeof(control->result), "%s",
                           control->request->dry_run ? words[i].would : words[i].done);
    }
}

/* What is of the public pack is fetched by who said who he is, and that he has read on what terms. */
static bool control_terms(struct control *control, const struct app_source *source)
{
    const char *accepts = tip_param_get(control->request->params, control->request->n_params, "accept_terms");

    if (strcmp(control->request->action, "enable") || !source->spec || !source->spec->is_public)
        return true;
    if (!control->app->has_contact)
        control_fail(control, TIP_FAILURE_REFUSED,
                     "blacklist.contact is not set: publishers have to find out who fetches");
    else if (!source->stored.terms_unix_ms && (!accepts || strcmp(accepts, "true")))
        (void)snprintf(control->result, sizeof(control->result),
                       "its terms have to be accepted (--accept-terms): %.200s",
                       source->spec->terms ? source->spec->terms : "it names none");
    else
        return true;
    control->failure = TIP_FAILURE_REFUSED;
    return false;
}

void control_change_source(struct control *control)
{
    struct app_source *source = control_source(control);
    struct tip_outbox_txn *txn;
    int64_t until_unix_ms;
    int r;

    if (!source || !control_until(control, &until_unix_ms) || !control_terms(control, source))
        return;
    if (until_unix_ms && until_unix_ms <= tip_loop_wall_ms()) {
        control_fail(control, TIP_FAILURE_INVALID, "until is over already");
        return;
    }
    control_source_result(control);
    if (!strcmp(control->request->action, "enable") && source->spec && source->spec->is_public)
        (void)snprintf(control->result, sizeof(control->result), "%s, its terms are accepted: %.200s",
                       control->request->dry_run ? "would be enabled" : "enabled",
                       source->spec->terms ? source->spec->terms : "it names none");
    if (control->request->dry_run || !control_has_room(control))
        return;
    txn = app_begin(control->app);
    r = control_source_apply(control, source, txn, until_unix_ms);
    r = r ? r : control_applied(control, txn);
    app_commit(control->app, &txn, r);
}
