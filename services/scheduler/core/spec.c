#include "core/spec.h"

#include <stdio.h>
#include <string.h>

#include <tip/clock.h>

static const char *const spec_rule_names[SCHED_RULE_COUNT] = {
    [SCHED_EVERY] = "every", [SCHED_AT] = "at",         [SCHED_CRON] = "cron",
    [SCHED_AFTER] = "after", [SCHED_MANUAL] = "manual",
};

#define SPEC_NAME_CHARS   "abcdefghijklmnopqrstuvwxyz0123456789_-"
#define SPEC_TARGET_CHARS SPEC_NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ.:"

static bool spec_copy(char to[static SCHED_NAME_MAX + 1], const char *text, const char *chars)
{
    size_t len = strlen(text);

    if (len > SCHED_NAME_MAX || strspn(text, chars) != len)
        return false;
    memcpy(to, text, len + 1);
    return true;
}

static const char *spec_names(struct sched_spec *spec, const struct sched_spec_text *text)
{
    if (!text->name || !*text->name || !spec_copy(spec->name, text->name, SPEC_NAME_CHARS ".") ||
        !strcmp(text->name, SCHED_MANUAL_NAME))
        return "name must be 1 to 64 of a-z 0-9 . _ - and not \"manual\"";
    if (!text->module || !*text->module || !spec_copy(spec->module, text->module, SPEC_NAME_CHARS))
        return "module must be 1 to 64 of a-z 0-9 _ -";
    if (text->target && !spec_copy(spec->target, text->target, SPEC_TARGET_CHARS))
        return "target must be at most 64 of a-z A-Z 0-9 . : _ -";
    return NULL;
}

static const char *spec_every(struct sched_spec *spec, const struct sched_spec_text *text)
{
    char duration[TIP_DURATION_TEXT];

    spec->every_ms = text->every_ms;
    tip_duration_format((uint64_t)text->every_ms, duration);
    snprintf(spec->rule_text, sizeof(spec->rule_text), "every %s", duration);
    return text->jitter_ms < text->every_ms ? NULL : "jitter must be less than every";
}

static const char *spec_at(struct sched_spec *spec, const struct sched_spec_text *text)
{
    if (tip_clock_parse(&spec->at_unix_ms, text->at, strlen(text->at)))
        return "at wants a time like 2026-11-22T04:00:00Z";
    snprintf(spec->rule_text, sizeof(spec->rule_text), "at %s", text->at);
    return NULL;
}

static const char *spec_cron(struct sched_spec *spec, const struct sched_spec_text *text)
{
    const char *why, *zone = text->timezone ? text->timezone : "UTC";

    if (sched_cron_parse(&spec->cron, text->cron, &why))
        return why;
    if (strlen(text->cron) + strlen(zone) + sizeof("cron  ") > sizeof(spec->rule_text))
        return "cron and timezone are too long";
    snprintf(spec->rule_text, sizeof(spec->rule_text), "cron %s %s", text->cron, zone);
    return NULL;
}

/* A module's own schedule events would start it again and again. */
static bool spec_feeds_itself(const struct sched_spec *spec)
{
    static const char *const kinds[] = {"due", "done", "failed", "overdue"};
    char own[SCHED_NAME_MAX + 32];

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        int len = snprintf(own, sizeof(own), "v1.schedule.%s.%s.", kinds[i], spec->module);
        size_t prefix_len = strlen(spec->prefix);

        if (!strncmp(own, spec->prefix, prefix_len < (size_t)len ? prefix_len : (size_t)len))
            return true;
    }
    return false;
}

static const char *spec_after(struct sched_spec *spec, const struct sched_spec_text *text)
{
    size_t len = strlen(text->after);
    char duration[TIP_DURATION_TEXT];

    if (len < 4 || len > SCHED_PREFIX_MAX || strncmp(text->after, "v1.", 3) != 0 || text->after[len - 1] != '.' ||
        strspn(text->after, SPEC_NAME_CHARS ".") != len)
        return "after wants a topic prefix like v1.schedule.done.blacklist. with its last dot";
    memcpy(spec->prefix, text->after, len + 1);
    if (spec_feeds_itself(spec))
        return "after names this module's own schedule events: it would start itself without end";
    spec->delay_ms = text->delay_ms;
    tip_duration_format((uint64_t)text->delay_ms, duration);
    snprintf(spec->rule_text, sizeof(spec->rule_text), "after %s delay %s", text->after, duration);
    return NULL;
}

static const char *spec_rule(struct sched_spec *spec, const struct sched_spec_text *text)
{
    const struct {
        enum sched_rule rule;
        bool is_given;
        const char *(*make)(struct sched_spec *spec, const struct sched_spec_text *text);
    } rules[] = {
        {SCHED_EVERY, text->every_ms > 0, spec_every},
        {SCHED_AT, text->at != NULL, spec_at},
        {SCHED_CRON, text->cron != NULL, spec_cron},
        {SCHED_AFTER, text->after != NULL, spec_after},
    };
    int found = -1;

    for (int i = 0; i < (int)(sizeof(rules) / sizeof(rules[0])); i++) {
        if (!rules[i].is_given)
            continue;
        if (found >= 0)
            return "only one of every, at, cron, after may be given";
        found = i;
    }
    if (found < 0)
        return "one of every, at, cron, after is wanted";
    spec->rule = rules[found].rule;
    return rules[found].make(spec, text);
}

static const char *spec_extras(const struct sched_spec *spec, const struct sched_spec_text *text)
{
    if (text->timezone && spec->rule != SCHED_CRON)
        return "timezone belongs to cron";
    if (text->delay_ms && spec->rule != SCHED_AFTER)
        return "delay belongs to after";
    return NULL;
}

int sched_spec_make(struct sched_spec *spec, const struct sched_spec_text *text, const struct sched_zone *zone,
                    const char **whyp)
{
    memset(spec, 0, sizeof(*spec));
    spec->zone = *zone;
    spec->missed = text->missed;
    spec->jitter_ms = text->jitter_ms;
    spec->deadline_ms = text->deadline_ms;
    spec->expires_ms = text->expires_ms ? text->expires_ms : text->deadline_ms;
    *whyp = spec_names(spec, text);
    if (!*whyp)
        *whyp = spec_rule(spec, text);
    if (!*whyp)
        *whyp = spec_extras(spec, text);
    return *whyp ? SCHED_SPEC_E_INVALID : 0;
}

int sched_spec_make_manual(struct sched_spec *spec, const char *module, const char *target, bool force,
                           const char **whyp)
{
    *spec = (struct sched_spec){.name = SCHED_MANUAL_NAME, .rule = SCHED_MANUAL, .force = force, .rule_text = "manual"};
    *whyp = NULL;
    if (!*module || !spec_copy(spec->module, module, SPEC_NAME_CHARS))
        *whyp = "the module's name must be 1 to 64 of a-z 0-9 _ -";
    else if (!spec_copy(spec->target, target, SPEC_TARGET_CHARS))
        *whyp = "what to run within the module must be at most 64 of a-z A-Z 0-9 . : _ -";
    return *whyp ? SCHED_SPEC_E_INVALID : 0;
}

const char *sched_rule_name(enum sched_rule rule)
{
    return spec_rule_names[rule];
}
