/* The allow and deny list of the operators. */
#include <stdio.h>
#include <string.h>

#include "control.h"

static bool control_indicator(struct control *control, struct tip_indicator *indicator)
{
    const char *target = control->request->target;

    if (!tip_indicator_parse(indicator, TIP_KIND_NONE, target, strlen(target)))
        return true;
    control_fail(control, TIP_FAILURE_INVALID, "the target is no indicator");
    return false;
}

static bool control_scope(struct control *control, struct operator_order *order)
{
    const char *scope = tip_param_get(control->request->params, control->request->n_params, "scope");

    order->is_subtree = order->indicator.kind == TIP_KIND_NET || order->indicator.flags & TIP_INDICATOR_SUBTREE;
    if (!scope || !*scope)
        return true;
    order->is_subtree = !strcmp(scope, "subtree");
    if (order->is_subtree || !strcmp(scope, "exact"))
        return true;
    control_fail(control, TIP_FAILURE_INVALID, "scope is exact or subtree");
    return false;
}

static void control_add_result(struct control *control, const struct operator_order *order)
{
    const struct operator_entry *old = operator_find(control->app, &order->indicator);

    (void)snprintf(control->result, sizeof(control->result), "%s%s %.100s%s%s%s",
                   control->request->dry_run ? "would " : "", order->rule == BL_RULE_DENY ? "deny" : "allow",
                   order->indicator.value, order->is_subtree ? " and everything inside" : "",
                   order->until_unix_ms ? ", for a time" : "",
                   !old                             ? ""
                   : old->word.rule == BL_RULE_DENY ? "; replaces a deny entry"
                                                    : "; replaces an allow entry");
}

void control_word_add(struct control *control)
{
    const struct tip_control_request *request = control->request;
    struct operator_order order = {.rule = !strcmp(request->action, "deny_add") ? BL_RULE_DENY : BL_RULE_ALLOW,
                                   .reason = request->reason,
                                   .actor = control_actor(control)};
    struct tip_outbox_txn *txn;
    const char *why;
    int r;

    if (!control_indicator(control, &order.indicator) || !control_scope(control, &order) ||
        !control_until(control, &order.until_unix_ms))
        return;
    why = strlen(request->reason) > STATE_DETAIL ? "the reason is longer than 255 bytes"
                                                 : operator_refuses(control->app, &order);
    if (why || tip_hash_count(control->app->operator.standing) >= BL_ALLOW_MAX) {
        control_fail(control, TIP_FAILURE_REFUSED, why ? why : "there are 100,000 entries already");
        return;
    }
    control_add_result(control, &order);
    if (request->dry_run || !control_has_room(control))
        return;
    txn = app_begin(control->app);
    r = operator_add(control->app, txn, &order);
    r = r ? r : control_applied(control, txn);
    app_commit(control->app, &txn, r);
    publish_go_on(control->app);
}

void control_word_remove(struct control *control)
{
    enum bl_rule rule = !strcmp(control->request->action, "deny_remove") ? BL_RULE_DENY : BL_RULE_ALLOW;
    struct tip_indicator indicator;
    struct operator_entry *entry;
    struct tip_outbox_txn *txn;
    int r;

    if (!control_indicator(control, &indicator))
        return;
    entry = operator_find(control->app, &indicator);
    if (!entry || entry->word.rule != rule) {
        control_fail(control, TIP_FAILURE_NOT_FOUND, "there is no such entry");
        return;
    }
    if (entry->word.is_configured) {
        control_fail(control, TIP_FAILURE_REFUSED, "it stands in tip.yaml (blacklist.own_networks)");
        return;
    }
    (void)snprintf(control->result, sizeof(control->result), "%s: %s %.100s",
                   control->request->dry_run ? "would be removed" : "removed", rule == BL_RULE_DENY ? "deny" : "allow",
                   entry->value);
    if (control->request->dry_run || !control_has_room(control))
        return;
    txn = app_begin(control->app);
    r = operator_remove(control->app, txn, entry);
    r = r ? r : control_applied(control, txn);
    app_commit(control->app, &txn, r);
    publish_go_on(control->app);
}

void control_allow_why(struct control *control)
{
    struct tip_indicator indicator;
    struct tip_allow_entry told;
    struct operator_entry *entry;

    if (!control_indicator(control, &indicator))
        return;
    entry = operator_decides(control->app, &indicator);
    if (!entry) {
        (void)snprintf(control->result, sizeof(control->result), "no entry bears on %.100s", indicator.value);
        return;
    }
    told = operator_told(entry);
    control_check(control, codec_allow_json(&told, control_value(control, "entry")));
    (void)snprintf(control->result, sizeof(control->result), "%.100s: %s by %s %.100s%s", indicator.value,
                   told.rule == TIP_ALLOW_DENY ? "denied" : "allowed", told.configured ? "own network" : "entry",
                   told.value, told.scope == TIP_ALLOW_SUBTREE ? " and everything inside" : "");
}
