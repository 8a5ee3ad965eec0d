#include <tip/event.h>

#include <string.h>

/* Names by kind; the payload of each is its row in event.c. */
static const char *const kind_names[TIP_EVENT_KIND_COUNT] = {
    [TIP_EVENT_NONE] = "",
    [TIP_EVENT_SCHEDULE_DUE] = "schedule.due",
    [TIP_EVENT_SCHEDULE_DONE] = "schedule.done",
    [TIP_EVENT_SCHEDULE_FAILED] = "schedule.failed",
    [TIP_EVENT_SCHEDULE_OVERDUE] = "schedule.overdue",
    [TIP_EVENT_LISTING_DELTA] = "listing.delta",
    [TIP_EVENT_LISTING_BASELINE] = "listing.baseline",
    [TIP_EVENT_SOURCE_OK] = "source.ok",
    [TIP_EVENT_SOURCE_HELD] = "source.held",
    [TIP_EVENT_SOURCE_FAILED] = "source.failed",
    [TIP_EVENT_SOURCE_WEIGHT] = "source.weight",
    [TIP_EVENT_VERDICT_CHANGES] = "verdict.changes",
    [TIP_EVENT_CONTROL_APPLIED] = "control.applied",
    [TIP_EVENT_CONTROL_ALLOW] = "control.allow",
    [TIP_EVENT_SYSTEM_HELLO] = "system.hello",
    [TIP_EVENT_SYSTEM_HEARTBEAT] = "system.heartbeat",
    [TIP_EVENT_SYSTEM_GOODBYE] = "system.goodbye",
    [TIP_EVENT_SYSTEM_ALARM] = "system.alarm",
    [TIP_EVENT_BUS_HEAD] = "bus.head",
    [TIP_EVENT_MAIL_SEEN] = "mail.seen",
    [TIP_EVENT_FLUX_AGENT] = "flux.agent",
    [TIP_EVENT_SMTP_BEHAVIOUR] = "smtp.behaviour",
};

static const char *const tier_names[TIP_TIER_COUNT] = {
    [TIP_TIER_NONE] = "none",
    [TIP_TIER_WATCH] = "watch",
    [TIP_TIER_SLOW] = "slow",
    [TIP_TIER_BLOCK] = "block",
};

static const char *const tlp_names[TIP_TLP_COUNT] = {
    [TIP_TLP_NONE] = "none",
    [TIP_TLP_CLEAR] = "clear",
    [TIP_TLP_GREEN] = "green",
    [TIP_TLP_AMBER] = "amber",
};

const char *tip_mail_role_name(enum tip_mail_role role)
{
    static const char *const names[TIP_MAIL_ROLE_COUNT] = {
        [TIP_MAIL_ROLE_NONE] = "none", [TIP_MAIL_SENDER] = "sender", [TIP_MAIL_ADVERTISED] = "advertised"};

    return role < TIP_MAIL_ROLE_COUNT ? names[role] : "";
}

const char *tip_allow_rule_name(enum tip_allow_rule rule)
{
    static const char *const names[TIP_ALLOW_RULE_COUNT] = {
        [TIP_ALLOW_NONE] = "none", [TIP_ALLOW_ALLOW] = "allow", [TIP_ALLOW_DENY] = "deny"};

    return rule < TIP_ALLOW_RULE_COUNT ? names[rule] : "";
}

const char *tip_allow_scope_name(enum tip_allow_scope scope)
{
    static const char *const names[TIP_ALLOW_SCOPE_COUNT] = {
        [TIP_ALLOW_ANY] = "none", [TIP_ALLOW_EXACT] = "exact", [TIP_ALLOW_SUBTREE] = "subtree"};

    return scope < TIP_ALLOW_SCOPE_COUNT ? names[scope] : "";
}

const char *tip_event_kind_name(enum tip_event_kind kind)
{
    return kind < TIP_EVENT_KIND_COUNT ? kind_names[kind] : "";
}

enum tip_event_kind tip_event_kind_of(const char *name)
{
    for (enum tip_event_kind kind = TIP_EVENT_NONE + 1; kind < TIP_EVENT_KIND_COUNT; kind++) {
        if (strcmp(kind_names[kind], name) == 0)
            return kind;
    }
    return TIP_EVENT_NONE;
}

const char *tip_tier_name(enum tip_tier tier)
{
    return tier < TIP_TIER_COUNT ? tier_names[tier] : "";
}

const char *tip_tlp_name(enum tip_tlp tlp)
{
    return tlp < TIP_TLP_COUNT ? tlp_names[tlp] : "";
}

enum tip_tier tip_tier_of(double score)
{
    static const double from[TIP_TIER_COUNT] = {[TIP_TIER_WATCH] = 0.3, [TIP_TIER_SLOW] = 0.6, [TIP_TIER_BLOCK] = 0.9};
    enum tip_tier tier = TIP_TIER_BLOCK;

    while (tier > TIP_TIER_NONE && !(score >= from[tier]))
        tier--;
    return tier;
}

bool tip_id_equal(const struct tip_id *a, const struct tip_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool tip_id_is_zero(const struct tip_id *id)
{
    static const struct tip_id zero;

    return tip_id_equal(id, &zero);
}
