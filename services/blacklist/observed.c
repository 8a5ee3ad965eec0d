#include "observed.h"

#include <string.h>

#include <tip/addr.h>
#include <tip/clock.h>
#include <tip/url.h>

const char *observed_fate_name(enum observed_fate fate)
{
    static const char *const names[OBSERVED_FATE_COUNT] = {
        [OBSERVED_TAKEN] = "taken",     [OBSERVED_MALFORMED] = "malformed", [OBSERVED_DEEP] = "deep",
        [OBSERVED_TREATED] = "treated", [OBSERVED_UNSCORED] = "unscored",   [OBSERVED_LATE] = "late",
    };

    return names[fate];
}

/** One entry on its way. */
struct observed {
    const struct observed_order *order;
    enum bl_evidence_kind what;
    enum tip_kind kind;
    const char *value;
    size_t len;
    struct tip_indicator indicator; /* what it names, canonical: once observed_fate has looked */
    int64_t seen_unix_ms;           /* 0: when the event was made */
    const struct tip_cause *causes;
    size_t n_causes;
    char because_of[OBSERVED_BECAUSE];
};

/* ---- may it count? ---- */

static bool observed_special(const struct observed *it, const struct tip_addr *addr)
{
    const struct tip_prefix host = tip_prefix_of(addr, (uint8_t)tip_addr_bits(addr));

    if (tip_prefix_special(&host) == TIP_SPECIAL_NONE)
        return false;
    for (size_t i = 0; i < it->order->n_ordinary; i++) {
        if (tip_prefix_covers(&it->order->ordinary[i], &host))
            return false;
    }
    return true;
}

/* As of an entry of a list: a URL names one place, so only a special address forbids it. */
static bool observed_unscored(const struct observed *it)
{
    const struct tip_indicator *indicator = &it->indicator;
    struct tip_addr addr;
    struct tip_url url;

    if (indicator->kind == TIP_KIND_IP)
        return tip_addr_parse(&addr, indicator->value, indicator->len) || observed_special(it, &addr);
    if (indicator->kind == TIP_KIND_URL)
        return !tip_url_parse(&url, indicator->value, indicator->len, 0) && url.host_is_addr &&
               observed_special(it, &url.addr);
    return indicator->flags & TIP_INDICATOR_PUBLIC_SUFFIX;
}

/* Written as it may be: what a trap and a list spell in two ways is one. */
static enum observed_fate observed_fate(struct observed *it)
{
    if (tip_indicator_parse(&it->indicator, it->kind, it->value, it->len) || it->indicator.kind != it->kind ||
        it->indicator.flags & TIP_INDICATOR_SUBTREE) {
        it->indicator.len = 0;
        return OBSERVED_MALFORMED;
    }
    if (it->order->event->depth > BL_EVIDENCE_DEPTH_MAX)
        return OBSERVED_DEEP;
    if (bl_evidence_first(it->what) <= 0)
        return OBSERVED_TREATED;
    return observed_unscored(it) ? OBSERVED_UNSCORED : OBSERVED_TAKEN;
}

/* ---- what led to it: names in order, each once ---- */

static bool observed_is_name(const char *at, const char *name, size_t len)
{
    return !strncmp(at, name, len) && (at[len] == ' ' || !at[len]);
}

static void observed_because_add(char *names, const char *name)
{
    size_t at = 0, len = strlen(name), n = strlen(names);

    while (at < n && strncmp(names + at, name, len) < 0) {
        at += strcspn(names + at, " ");
        at += names[at] == ' ';
    }
    if (at < n && observed_is_name(names + at, name, len))
        return;
    if (at == n && n) { /* behind the last one */
        names[n] = ' ';
        memcpy(names + n + 1, name, len + 1);
        return;
    }
    if (n) {
        memmove(names + at + len + 1, names + at, n - at + 1);
        names[at + len] = ' ';
    }
    memcpy(names + at, name, len + !n);
}

/* Where every place is taken there may have been more that had none. */
static bool observed_is_cut(const struct observed *it)
{
    return it->order->event->n_causes == TIP_EVENT_CAUSES_MAX || it->n_causes == TIP_EVENT_CAUSES_MAX;
}

static void observed_because(struct observed *it)
{
    const struct tip_event *event = it->order->event;

    strcpy(it->because_of, observed_is_cut(it) ? BL_EVIDENCE_ANY_SOURCE : "");
    if (*it->because_of)
        return;
    for (size_t i = 0; i < event->n_causes + it->n_causes; i++) {
        const struct tip_cause *cause = i < event->n_causes ? &event->causes[i] : &it->causes[i - event->n_causes];

        if (cause->source && *cause->source && !strchr(cause->source, ' ')) /* no source has a blank in its name */
            observed_because_add(it->because_of, cause->source);
    }
}

/* ---- when ---- */

static enum observed_fate observed_time(const struct observed *it, uint32_t *at_sp)
{
    int64_t commit_s = it->order->commit_unix_ms / TIP_SECOND_MS;
    int64_t now_s = it->order->now_unix_ms / TIP_SECOND_MS;
    int64_t at_s = (it->seen_unix_ms ? it->seen_unix_ms : it->order->event->observed_unix_ms) / TIP_SECOND_MS;
    int64_t most_s = (commit_s < now_s ? commit_s : now_s) + OBSERVED_AHEAD_S;

    at_s = at_s < most_s ? at_s : most_s;
    *at_sp = (uint32_t)at_s;
    return at_s < commit_s - OBSERVED_LATE_S ? OBSERVED_LATE : OBSERVED_TAKEN;
}

/** What makes one distinct: a text, or a text and the day; and by what else it is the same. */
struct observed_distinct {
    const char *text;
    bool is_daily;
    uint32_t also;
};

static int observed_tell(struct observed *it, const struct observed_distinct *distinct)
{
    enum observed_fate fate = observed_fate(it);
    struct bl_observation observation = {.kind = it->kind,
                                         .value = it->indicator.value,
                                         .len = it->indicator.len,
                                         .what = it->what,
                                         .also = distinct->also,
                                         .depth = it->order->event->depth,
                                         .tlp = (uint8_t)it->order->tlp};
    enum observed_fate when = observed_time(it, &observation.at_s);
    uint64_t number = distinct->is_daily ? observation.at_s / (TIP_DAY_MS / TIP_SECOND_MS) : 0;

    observed_because(it);
    observation.because_of = it->because_of[0] ? it->because_of : NULL;
    observation.distinct = bl_evidence_distinct(distinct->text, strlen(distinct->text), number);
    return it->order->each(it->order->ctx, &observation, fate ? fate : when);
}

/* ---- kinds ---- */

static int observed_mail(const struct observed_order *order)
{
    const struct tip_mail_seen *mail = &order->event->mail_seen;
    const struct observed_distinct distinct = {.text = mail->trap, .is_daily = true};
    int r = 0;

    for (size_t i = 0; !r && i < mail->n_entries; i++) {
        const struct tip_mail_entry *entry = &mail->entries[i];
        struct observed it = {.order = order,
                              .what = BL_EVIDENCE_TRAP,
                              .kind = entry->kind,
                              .value = entry->value,
                              .len = entry->value_len,
                              .seen_unix_ms = mail->received_unix_ms};

        r = observed_tell(&it, &distinct);
    }
    return r;
}

/* The network around a host, as anybody would cut it who knows nothing of it: /24 and /48. "" of what is no host. */
static const char *observed_network(const struct tip_flux_agent *agent, char text[static TIP_PREFIX_TEXT])
{
    struct tip_prefix network;
    struct tip_addr addr;

    *text = '\0';
    if (tip_addr_parse(&addr, agent->value, agent->value_len))
        return text;
    network = tip_prefix_of(&addr, addr.family == 4 ? 24 : 48);
    (void)tip_prefix_format(&network, text);
    return text;
}

/* The larger one that it is part of, where somebody knows. 0: nobody does. */
static uint32_t observed_around(const struct tip_flux_agent *agent)
{
    return agent->asn ? agent->asn : bl_evidence_also(agent->prefix, strlen(agent->prefix));
}

/* The name in flux as others spell it, if it is one. */
static const char *observed_name(const struct tip_flux_agents *flux, struct tip_indicator *indicator)
{
    return tip_indicator_parse(indicator, TIP_KIND_DOMAIN, flux->domain, strlen(flux->domain)) ? flux->domain
                                                                                               : indicator->value;
}

/* An agent counts by the flux networks that it serves, a name by the networks that its agents lie in. */
static int observed_agent(const struct observed_order *order, const struct tip_flux_agent *agent)
{
    const struct tip_flux_agents *flux = &order->event->flux_agents;
    char network[TIP_PREFIX_TEXT];
    struct tip_indicator name;
    const struct observed_distinct served = {.text = observed_name(flux, &name),
                                             .also = bl_evidence_also(flux->network, strlen(flux->network))};
    const struct observed_distinct place = {.text = observed_network(agent, network), .also = observed_around(agent)};
    struct observed it = {.order = order,
                          .what = BL_EVIDENCE_FLUX,
                          .kind = agent->kind,
                          .value = agent->value,
                          .len = agent->value_len,
                          .seen_unix_ms = agent->seen_unix_ms,
                          .causes = agent->causes,
                          .n_causes = agent->n_causes};
    int r = observed_tell(&it, &served);

    it.kind = TIP_KIND_DOMAIN;
    it.value = flux->domain;
    it.len = strlen(flux->domain);
    return r ? r : observed_tell(&it, &place);
}

static int observed_flux(const struct observed_order *order)
{
    const struct tip_flux_agents *flux = &order->event->flux_agents;
    int r = 0;

    for (size_t i = 0; !r && i < flux->n_agents; i++)
        r = observed_agent(order, &flux->agents[i]);
    return r;
}

static int observed_smtp(const struct observed_order *order)
{
    const struct tip_smtp_behaviours *smtp = &order->event->smtp_behaviours;
    const struct observed_distinct distinct = {.text = "", .is_daily = true};
    int r = 0;

    for (size_t i = 0; !r && i < smtp->n_entries; i++) {
        const struct tip_smtp_behaviour *entry = &smtp->entries[i];
        bool proves_nothing = entry->caused_by_treatment || !strcmp(entry->behaviour, "abandoned");
        struct observed it = {.order = order,
                              .what = proves_nothing ? BL_EVIDENCE_ABANDONMENT : BL_EVIDENCE_SMTP,
                              .kind = entry->kind,
                              .value = entry->value,
                              .len = entry->value_len,
                              .seen_unix_ms = entry->seen_unix_ms,
                              .causes = entry->causes,
                              .n_causes = entry->n_causes};

        r = observed_tell(&it, &distinct);
    }
    return r;
}

static int (*const observed_kinds[TIP_EVENT_KIND_COUNT])(const struct observed_order *order) = {
    [TIP_EVENT_MAIL_SEEN] = observed_mail,
    [TIP_EVENT_FLUX_AGENT] = observed_flux,
    [TIP_EVENT_SMTP_BEHAVIOUR] = observed_smtp,
};

bool observed_is(const struct tip_event *event)
{
    return observed_kinds[event->kind];
}

int observed_walk(const struct observed_order *order)
{
    return observed_kinds[order->event->kind](order);
}
