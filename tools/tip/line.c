#include "line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <topics.h>

enum { LINE_VERDICTS = 3 };

static int line_due(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_schedule_due *due = &event->schedule_due;

    return tip_buf_append_format(out, "%s%s%s starts (job %s%s)", due->module, *due->target ? "/" : "", due->target,
                                 due->job, due->force ? ", forced" : "");
}

static int line_report(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_schedule_report *report = &event->schedule_report;

    return tip_buf_append_format(out, "%s: %u ok, %u failed, %u not due%s%s", report->module, report->n_ok,
                                 report->n_failed, report->n_skipped, *report->summary ? ": " : "", report->summary);
}

static int line_overdue(const struct tip_event *event, struct tip_buf *out)
{
    return tip_buf_append_format(out, "%s (job %s) has not answered in time", event->schedule_overdue.module,
                                 event->schedule_overdue.job);
}

static int line_delta(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_listing_delta *delta = &event->listing_delta;

    return tip_buf_append_format(out, "%s %" PRIu64 " -> %" PRIu64 ", part %u of %u: +%zu -%zu ~%zu", delta->source,
                                 delta->from_version, delta->to_version, delta->part, delta->n_parts, delta->n_added,
                                 delta->n_removed, delta->n_changed);
}

static int line_baseline(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_listing_baseline *baseline = &event->listing_baseline;

    return tip_buf_append_format(out, "%s version %" PRIu64 " in full, part %u of %u: %zu entries", baseline->source,
                                 baseline->version, baseline->part, baseline->n_parts, baseline->n_entries);
}

static int line_source(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_source_state *state = &event->source_state;

    if (event->kind == TIP_EVENT_SOURCE_OK)
        return tip_buf_append_format(
            out, "%s %s: %" PRIu64 " entries (+%" PRIu64 " -%" PRIu64 "), %" PRIu64 " rejected", state->source,
            state->reason, state->n_entries, state->n_added, state->n_removed, state->n_rejected);
    return tip_buf_append_format(out, "%s %s: %s; %" PRIu64 " entries stay as they are", state->source, state->reason,
                                 state->detail, state->n_entries);
}

static int line_weight(const struct tip_event *event, struct tip_buf *out)
{
    return tip_buf_append_format(out, "%s %.2f -> %.2f %s", event->source_weight.source, event->source_weight.before,
                                 event->source_weight.weight, event->source_weight.reason);
}

static int line_verdicts(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_verdict_changes *changes = &event->verdict_changes;
    int r = tip_buf_append_format(out, "%zu moved by %s:", changes->n_verdicts, changes->cause_source);

    for (size_t i = 0; i < changes->n_verdicts && i < LINE_VERDICTS && r == 0; i++) {
        const struct tip_verdict *verdict = &changes->verdicts[i];

        r = tip_buf_append_format(out, "%s %.*s %.2f %s", i ? "," : "", (int)verdict->value_len, verdict->value,
                                  verdict->score, tip_tier_name(verdict->tier));
    }
    if (r == 0 && changes->n_verdicts > LINE_VERDICTS)
        r = tip_buf_append_text(out, ", ...");
    return r;
}

static int line_applied(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_control_applied *applied = &event->control_applied;

    return tip_buf_append_format(out, "%s: %s by %s: %s%s%s", applied->service, applied->action, applied->actor,
                                 applied->result, *applied->reason ? "; " : "", applied->reason);
}

static int line_allow_entries(const struct tip_allow_entry *entries, size_t n, const char *verb, struct tip_buf *out)
{
    size_t shown = n < LINE_VERDICTS ? n : LINE_VERDICTS;
    int r = 0;

    for (size_t i = 0; r == 0 && i < shown; i++)
        r = tip_buf_append_format(out, " %s %s %.*s", verb, tip_allow_rule_name(entries[i].rule),
                                  (int)entries[i].value_len, entries[i].value);
    return r == 0 && n > shown ? tip_buf_append_format(out, " %s %zu more", verb, n - shown) : r;
}

static int line_allow(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_allow_changes *changes = &event->allow_changes;
    int r = tip_buf_append_format(out, "list %" PRIu64 "%s:", changes->change, changes->full ? " (all of it)" : "");

    r = r ? r : line_allow_entries(changes->added, changes->n_added, "+", out);
    return r ? r : line_allow_entries(changes->removed, changes->n_removed, "-", out);
}

static int line_system(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_system_state *state = &event->system_state;

    return tip_buf_append_format(out, "%s %s pid %" PRIu64 " %s%s%s%s", state->service, state->version, state->pid,
                                 state->ready ? "ready" : "not ready", *state->detail ? ": " : "", state->detail,
                                 state->simulated ? " (simulated)" : "");
}

static int line_alarm(const struct tip_event *event, struct tip_buf *out)
{
    return tip_buf_append_format(out, "%s: %s %s: %s", event->system_alarm.service, event->system_alarm.name,
                                 event->system_alarm.raised ? "raised" : "over", event->system_alarm.detail);
}

static int line_mail(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_mail_seen *mail = &event->mail_seen;
    int r = tip_buf_append_format(out, "%s got %.12s:", mail->trap, mail->digest);

    for (size_t i = 0; i < mail->n_entries && i < LINE_VERDICTS && r == 0; i++)
        r = tip_buf_append_format(out, "%s %s %.*s", i ? "," : "", tip_mail_role_name(mail->entries[i].role),
                                  (int)mail->entries[i].value_len, mail->entries[i].value);
    return r == 0 && mail->n_entries > LINE_VERDICTS ? tip_buf_append_text(out, ", ...") : r;
}

static int line_agents(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_flux_agents *flux = &event->flux_agents;
    int r = tip_buf_append_format(out, "%s%s%s%s: %zu agents:", flux->domain, *flux->network ? " (" : "", flux->network,
                                  *flux->network ? ")" : "", flux->n_agents);

    for (size_t i = 0; i < flux->n_agents && i < LINE_VERDICTS && r == 0; i++)
        r = tip_buf_append_format(out, "%s %.*s", i ? "," : "", (int)flux->agents[i].value_len, flux->agents[i].value);
    return r == 0 && flux->n_agents > LINE_VERDICTS ? tip_buf_append_text(out, ", ...") : r;
}

static int line_behaviours(const struct tip_event *event, struct tip_buf *out)
{
    const struct tip_smtp_behaviours *smtp = &event->smtp_behaviours;
    int r = tip_buf_append_format(out, "%zu seen:", smtp->n_entries);

    for (size_t i = 0; i < smtp->n_entries && i < LINE_VERDICTS && r == 0; i++) {
        const struct tip_smtp_behaviour *entry = &smtp->entries[i];

        r = tip_buf_append_format(out, "%s %.*s %s%s", i ? "," : "", (int)entry->value_len, entry->value,
                                  entry->behaviour, entry->caused_by_treatment ? " (treated)" : "");
    }
    return r == 0 && smtp->n_entries > LINE_VERDICTS ? tip_buf_append_text(out, ", ...") : r;
}

static int line_head(const struct tip_event *event, struct tip_buf *out)
{
    return tip_buf_append_format(out, "journal at %" PRIu64 ", kept from %" PRIu64, event->bus_head.head_seq,
                                 event->bus_head.first_available);
}

static int (*const line_kinds[TIP_EVENT_KIND_COUNT])(const struct tip_event *event, struct tip_buf *out) = {
    [TIP_EVENT_SCHEDULE_DUE] = line_due,
    [TIP_EVENT_SCHEDULE_DONE] = line_report,
    [TIP_EVENT_SCHEDULE_FAILED] = line_report,
    [TIP_EVENT_SCHEDULE_OVERDUE] = line_overdue,
    [TIP_EVENT_LISTING_DELTA] = line_delta,
    [TIP_EVENT_LISTING_BASELINE] = line_baseline,
    [TIP_EVENT_SOURCE_OK] = line_source,
    [TIP_EVENT_SOURCE_HELD] = line_source,
    [TIP_EVENT_SOURCE_FAILED] = line_source,
    [TIP_EVENT_SOURCE_WEIGHT] = line_weight,
    [TIP_EVENT_VERDICT_CHANGES] = line_verdicts,
    [TIP_EVENT_CONTROL_APPLIED] = line_applied,
    [TIP_EVENT_CONTROL_ALLOW] = line_allow,
    [TIP_EVENT_SYSTEM_HELLO] = line_system,
    [TIP_EVENT_SYSTEM_HEARTBEAT] = line_system,
    [TIP_EVENT_SYSTEM_GOODBYE] = line_system,
    [TIP_EVENT_SYSTEM_ALARM] = line_alarm,
    [TIP_EVENT_BUS_HEAD] = line_head,
    [TIP_EVENT_MAIL_SEEN] = line_mail,
    [TIP_EVENT_FLUX_AGENT] = line_agents,
    [TIP_EVENT_SMTP_BEHAVIOUR] = line_behaviours,
};

int line_event(const struct tip_event *event, struct tip_buf *out)
{
    if (!line_kinds[event->kind])
        return tip_buf_append_format(out, "%s (of a kind this program does not know)", event->kind_name);
    return line_kinds[event->kind](event, out);
}

int line_prefix(const char *text, char prefix[static 256])
{
    bool is_full = strncmp(text, "v1.", 3) == 0 || strcmp(text, "v1") == 0;
    int n = snprintf(prefix, 256, "%s%s", is_full ? "" : "v1.", text);

    if (n > TIP_TOPIC_MAX || prefix[strspn(prefix, "abcdefghijklmnopqrstuvwxyz0123456789_.-")])
        return -EINVAL;
    return 0;
}
