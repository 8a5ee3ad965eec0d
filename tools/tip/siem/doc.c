#include "siem/doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/utf8.h>
#include <tip/uuid.h>

#include "line.h"

/* clang-format off */
static const struct siem_row siem_rows[TIP_EVENT_KIND_COUNT] = {
    [TIP_EVENT_NONE]             = {"event", NULL, "info", NULL, NULL, SIEM_INFO},
    [TIP_EVENT_SCHEDULE_DUE]     = {"event", "process", "start", "run_due", NULL, SIEM_INFO},
    [TIP_EVENT_SCHEDULE_DONE]    = {"event", "process", "end", "run_done", "success", SIEM_INFO},
    [TIP_EVENT_SCHEDULE_FAILED]  = {"event", "process", "end", "run_failed", "failure", SIEM_WARNING},
    [TIP_EVENT_SCHEDULE_OVERDUE] = {"event", "process", "info", "run_overdue", "unknown", SIEM_WARNING},
    [TIP_EVENT_LISTING_DELTA]    = {"enrichment", "threat", "indicator", "list_unchanged", NULL, SIEM_INFO},
    [TIP_EVENT_LISTING_BASELINE] = {"enrichment", "threat", "indicator", "list_empty", NULL, SIEM_INFO},
    [TIP_EVENT_SOURCE_OK]        = {"event", "process", "info", "source_ok", "success", SIEM_INFO},
    [TIP_EVENT_SOURCE_HELD]      = {"event", "process", "info", "source_held", "unknown", SIEM_NOTICE},
    [TIP_EVENT_SOURCE_FAILED]    = {"event", "process", "info", "source_failed", "failure", SIEM_WARNING},
    [TIP_EVENT_SOURCE_WEIGHT]    = {"event", "configuration", "change", "source_weight", NULL, SIEM_NOTICE},
    [TIP_EVENT_VERDICT_CHANGES]  = {"enrichment", "threat", "indicator", "verdict_unchanged", NULL, SIEM_INFO},
    [TIP_EVENT_CONTROL_APPLIED]  = {"event", "configuration", "change", "applied", NULL, SIEM_NOTICE},
    [TIP_EVENT_CONTROL_ALLOW]    = {"event", "configuration", "change", "allow_list", NULL, SIEM_NOTICE},
    [TIP_EVENT_SYSTEM_HELLO]     = {"event", "process", "start", "service_hello", NULL, SIEM_INFO},
    [TIP_EVENT_SYSTEM_HEARTBEAT] = {"state", "process", "info", "service_heartbeat", NULL, SIEM_INFO},
    [TIP_EVENT_SYSTEM_GOODBYE]   = {"event", "process", "end", "service_goodbye", NULL, SIEM_INFO},
    [TIP_EVENT_SYSTEM_ALARM]     = {"event", "process", "info", "alarm", NULL, SIEM_ERROR},
    [TIP_EVENT_BUS_HEAD]         = {"metric", "process", "info", "bus_head", NULL, SIEM_INFO},
    [TIP_EVENT_MAIL_SEEN]        = {"event", "email", "info", "mail_seen", NULL, SIEM_INFO},
    [TIP_EVENT_FLUX_AGENT]       = {"event", "threat", "indicator", "flux_agents", NULL, SIEM_INFO},
    [TIP_EVENT_SMTP_BEHAVIOUR]   = {"event", "network", "info", "smtp_behaviour", NULL, SIEM_INFO},
};
/* clang-format on */

static const struct siem_row siem_gap_row = {"pipeline_error", NULL, "error", "gap", "failure", SIEM_ERROR};

const char *siem_severity_name(enum siem_severity severity)
{
    static const char *const names[] = {
        [SIEM_ERROR] = "error", [SIEM_WARNING] = "warning", [SIEM_NOTICE] = "notice", [SIEM_INFO] = "info"};

    return names[severity];
}

const char *siem_indicator_type(enum tip_kind kind, const char *value, size_t len)
{
    bool is_v6 = len && (*value == '[' || memchr(value, ':', len));

    switch (kind) {
    case TIP_KIND_IP:
    case TIP_KIND_NET:
        return is_v6 ? "ipv6-addr" : "ipv4-addr";
    case TIP_KIND_ENDPOINT: /* it always has a colon */
        return len && *value == '[' ? "ipv6-addr" : "ipv4-addr";
    case TIP_KIND_DOMAIN:
        return "domain-name";
    case TIP_KIND_URL:
        return "url";
    case TIP_KIND_ASN:
        return "autonomous-system";
    case TIP_KIND_HASH:
        return "file";
    case TIP_KIND_EMAIL_DOMAIN:
        return "email-addr";
    case TIP_KIND_NONE:
    case TIP_KIND_COUNT:
        break;
    }
    return "";
}

/* ---- documents ---- */

static void doc_text(struct siem_doc *doc, const char *name, const char *text)
{
    if (text && *text && doc->n_fields < SIEM_FIELDS_MAX)
        doc->fields[doc->n_fields++] = (struct siem_field){.name = name, .text = text};
}

static void doc_number(struct siem_doc *doc, const char *name, uint64_t number)
{
    if (doc->n_fields < SIEM_FIELDS_MAX)
        doc->fields[doc->n_fields++] = (struct siem_field){.name = name, .number = number};
}

static void doc_init(struct siem_doc *doc, const struct tip_event *event, const struct tip_stamp *stamp)
{
    struct tip_uuid uuid;

    *doc = (struct siem_doc){.row = &siem_rows[event->kind], .event = event, .stamp = stamp};
    doc->kind_name = event->kind ? tip_event_kind_name(event->kind) : event->kind_name;
    doc->action = doc->row->action;
    doc->outcome = doc->row->outcome;
    doc->severity = doc->row->severity;
    memcpy(uuid.bytes, event->id.bytes, sizeof(uuid.bytes));
    tip_uuid_format(&uuid, doc->id);
}

/* The same for entry i of a batch; entries are counted through all of its lists. */
static void doc_init_entry(struct siem_doc *doc, const struct tip_event *event, const struct tip_stamp *stamp, size_t i)
{
    size_t len;

    doc_init(doc, event, stamp);
    len = strlen(doc->id);
    snprintf(doc->id + len, sizeof(doc->id) - len, "/%zu", i);
    doc_number(doc, "index", i);
}

/** Documents on their way to who wants them. */
struct siem_run {
    const struct tip_event *event;
    const struct tip_stamp *stamp;
    int (*fn)(void *ctx, const struct siem_doc *doc);
    void *ctx;
    size_t n; /* entries so far */
};

/* ---- lists ---- */

/** What happened to all entries of one part of a listing. */
struct siem_part {
    const char *source;
    const char *action, *text;
    const struct tip_listing_entry *entries;
    size_t n;
    uint64_t version;
    int64_t fetched_unix_ms;
};

static void siem_entry(struct siem_run *run, const struct siem_part *part, const struct tip_listing_entry *entry,
                       struct siem_doc *doc)
{
    doc_init_entry(doc, run->event, run->stamp, run->n++);
    doc->action = part->action;
    doc->indicator = entry->kind;
    doc->value = entry->value;
    doc->value_len = entry->value_len;
    doc->source = part->source;
    doc->seen_unix_ms = part->fetched_unix_ms;
    doc_number(doc, "version", part->version);
    if (entry->flags)
        doc_number(doc, "flags", entry->flags);
    if (entry->line)
        doc_number(doc, "line", entry->line);
    snprintf(doc->message, sizeof(doc->message), "%.*s %s %s", (int)(entry->value_len < 256 ? entry->value_len : 256),
             entry->value, part->text, part->source);
}

static int siem_part(struct siem_run *run, const struct siem_part *part)
{
    struct siem_doc doc;
    int r = 0;

    for (size_t i = 0; i < part->n && r == 0; i++) {
        siem_entry(run, part, &part->entries[i], &doc);
        r = run->fn(run->ctx, &doc);
    }
    return r;
}

static int siem_delta(struct siem_run *run)
{
    const struct tip_listing_delta *delta = &run->event->listing_delta;
    const struct siem_part parts[] = {
        {delta->source, "listed", "is listed by", delta->added, delta->n_added, delta->to_version,
         delta->fetched_unix_ms},
        {delta->source, "listing_changed", "is listed otherwise by", delta->changed, delta->n_changed,
         delta->to_version, delta->fetched_unix_ms},
        {delta->source, "delisted", "is no longer listed by", delta->removed, delta->n_removed, delta->to_version,
         delta->fetched_unix_ms},
    };
    int r = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && r == 0; i++)
        r = siem_part(run, &parts[i]);
    return r;
}

static int siem_baseline(struct siem_run *run)
{
    const struct tip_listing_baseline *baseline = &run->event->listing_baseline;

    return siem_part(run, &(const struct siem_part){baseline->source, "listed", "is listed by", baseline->entries,
                                                    baseline->n_entries, baseline->version, baseline->fetched_unix_ms});
}

/* ---- verdicts ---- */

static void siem_verdict(struct siem_run *run, const struct tip_verdict *verdict, struct siem_doc *doc)
{
    static const enum siem_severity severities[TIP_TIER_COUNT] = {
        [TIP_TIER_NONE] = SIEM_INFO,
        [TIP_TIER_WATCH] = SIEM_INFO,
        [TIP_TIER_SLOW] = SIEM_NOTICE,
        [TIP_TIER_BLOCK] = SIEM_WARNING,
    };
    static const char *const actions[TIP_TIER_COUNT] = {
        [TIP_TIER_NONE] = "verdict_removed",
        [TIP_TIER_WATCH] = "verdict_watch",
        [TIP_TIER_SLOW] = "verdict_slow",
        [TIP_TIER_BLOCK] = "verdict_block",
    };

    doc_init_entry(doc, run->event, run->stamp, run->n++);
    doc->action = actions[verdict->tier];
    doc->severity = severities[verdict->tier];
    doc->indicator = verdict->kind;
    doc->value = verdict->value;
    doc->value_len = verdict->value_len;
    doc->verdict = verdict;
    doc_text(doc, "tier", tip_tier_name(verdict->tier));
    doc_text(doc, "cause_source", run->event->verdict_changes.cause_source);
    doc_number(doc, "reasons", verdict->reason_count);
    snprintf(doc->message, sizeof(doc->message), "%.*s: %s, score %.2f",
             (int)(verdict->value_len < 256 ? verdict->value_len : 256), verdict->value,
             verdict->tier ? tip_tier_name(verdict->tier) : "no verdict any more", verdict->score);
}

static int siem_verdicts(struct siem_run *run)
{
    const struct tip_verdict_changes *changes = &run->event->verdict_changes;
    struct siem_doc doc;
    int r = 0;

    for (size_t i = 0; i < changes->n_verdicts && r == 0; i++) {
        siem_verdict(run, &changes->verdicts[i], &doc);
        r = run->fn(run->ctx, &doc);
    }
    return r;
}

/* ---- all others: one document ---- */

static void siem_source(const struct tip_event *event, struct siem_doc *doc)
{
    const struct tip_source_state *state = &event->source_state;

    doc->source = state->source;
    doc->service = "blacklist";
    doc->reason = state->reason;
    doc_number(doc, "version", state->version);
    doc_number(doc, "entries", state->n_entries);
    doc_number(doc, "added", state->n_added);
    doc_number(doc, "removed", state->n_removed);
    doc_number(doc, "rejected", state->n_rejected);
}

static void siem_weight(const struct tip_event *event, struct siem_doc *doc)
{
    doc->source = event->source_weight.source;
    doc->reason = event->source_weight.reason;
}

static void siem_due(const struct tip_event *event, struct siem_doc *doc)
{
    doc->service = event->schedule_due.module;
    doc_text(doc, "job", event->schedule_due.job);
    doc_text(doc, "target", event->schedule_due.target);
}

static void siem_report(const struct tip_event *event, struct siem_doc *doc)
{
    doc->service = event->schedule_report.module;
    doc->reason = event->schedule_report.summary;
    doc_number(doc, "ok", event->schedule_report.n_ok);
    doc_number(doc, "failed", event->schedule_report.n_failed);
    doc_number(doc, "skipped", event->schedule_report.n_skipped);
}

static void siem_overdue(const struct tip_event *event, struct siem_doc *doc)
{
    doc->service = event->schedule_overdue.module;
    doc_text(doc, "job", event->schedule_overdue.job);
}

static void siem_applied(const struct tip_event *event, struct siem_doc *doc)
{
    const struct tip_control_applied *applied = &event->control_applied;

    doc->service = applied->service;
    doc->user = applied->actor;
    doc->reason = applied->reason;
    doc->outcome = applied->ok ? "success" : "failure";
    doc_text(doc, "applied", applied->action);
    doc_text(doc, "target", applied->target);
    doc_text(doc, "result", applied->result);
}

static void siem_state(const struct tip_event *event, struct siem_doc *doc)
{
    const struct tip_system_state *state = &event->system_state;

    doc->service = state->service;
    doc->reason = state->detail;
    doc_text(doc, "service_version", state->version);
    doc_text(doc, "ready", state->ready ? "true" : "false");
    doc_number(doc, "pid", state->pid);
}

static void siem_alarm(const struct tip_event *event, struct siem_doc *doc)
{
    const struct tip_system_alarm *alarm = &event->system_alarm;

    doc->service = alarm->service;
    doc->reason = alarm->detail;
    doc->action = alarm->raised ? "alarm_raised" : "alarm_over";
    doc->severity = alarm->raised ? SIEM_ERROR : SIEM_NOTICE;
    doc_text(doc, "alarm", alarm->name);
}

static void siem_head(const struct tip_event *event, struct siem_doc *doc)
{
    doc->service = "broker";
    doc_number(doc, "head_seq", event->bus_head.head_seq);
    doc_number(doc, "first_available", event->bus_head.first_available);
}

static void siem_mail(const struct tip_event *event, struct siem_doc *doc)
{
    doc_text(doc, "trap", event->mail_seen.trap);
    doc_text(doc, "digest", event->mail_seen.digest);
    doc_number(doc, "entries", event->mail_seen.n_entries);
}

static void siem_agents(const struct tip_event *event, struct siem_doc *doc)
{
    doc_text(doc, "domain", event->flux_agents.domain);
    doc_text(doc, "network", event->flux_agents.network);
    doc_number(doc, "agents", event->flux_agents.n_agents);
}

static void siem_behaviours(const struct tip_event *event, struct siem_doc *doc)
{
    doc_number(doc, "entries", event->smtp_behaviours.n_entries);
}

/* What a kind adds; none: a kind of which only the header can be read. */
static void (*const siem_fills[TIP_EVENT_KIND_COUNT])(const struct tip_event *event, struct siem_doc *doc) = {
    [TIP_EVENT_SCHEDULE_DUE] = siem_due,
    [TIP_EVENT_SCHEDULE_DONE] = siem_report,
    [TIP_EVENT_SCHEDULE_FAILED] = siem_report,
    [TIP_EVENT_SCHEDULE_OVERDUE] = siem_overdue,
    [TIP_EVENT_SOURCE_OK] = siem_source,
    [TIP_EVENT_SOURCE_HELD] = siem_source,
    [TIP_EVENT_SOURCE_FAILED] = siem_source,
    [TIP_EVENT_SOURCE_WEIGHT] = siem_weight,
    [TIP_EVENT_CONTROL_APPLIED] = siem_applied,
    [TIP_EVENT_SYSTEM_HELLO] = siem_state,
    [TIP_EVENT_SYSTEM_HEARTBEAT] = siem_state,
    [TIP_EVENT_SYSTEM_GOODBYE] = siem_state,
    [TIP_EVENT_SYSTEM_ALARM] = siem_alarm,
    [TIP_EVENT_BUS_HEAD] = siem_head,
    [TIP_EVENT_MAIL_SEEN] = siem_mail,
    [TIP_EVENT_FLUX_AGENT] = siem_agents,
    [TIP_EVENT_SMTP_BEHAVIOUR] = siem_behaviours,
};

/* An event as a whole; of a batch only when it has no entries. */
static int siem_whole(struct siem_run *run)
{
    tip_auto(tip_buf_deinit) struct tip_buf line;
    struct siem_doc doc;
    int r;

    tip_buf_init(&line, 64 * 1024);
    doc_init(&doc, run->event, run->stamp);
    if (siem_fills[run->event->kind])
        siem_fills[run->event->kind](run->event, &doc);
    r = line_event(run->event, &line);
    if (r)
        return r;
    tip_utf8_copy(doc.message, sizeof(doc.message), tip_buf_text(&line), line.len); /* cut is fine */
    return run->fn(run->ctx, &doc);
}

int siem_each(const struct tip_event *event, const struct tip_stamp *stamp,
              int (*fn)(void *ctx, const struct siem_doc *doc), void *ctx)
{
    struct siem_run run = {event, stamp, fn, ctx, 0};
    int r = 0;

    if (event->kind == TIP_EVENT_LISTING_DELTA)
        r = siem_delta(&run);
    else if (event->kind == TIP_EVENT_LISTING_BASELINE)
        r = siem_baseline(&run);
    else if (event->kind == TIP_EVENT_VERDICT_CHANGES)
        r = siem_verdicts(&run);
    return r || run.n ? r : siem_whole(&run);
}

/* ---- gaps ---- */

static void siem_hex(const struct tip_id *id, char text[static 33])
{
    for (size_t i = 0; i < sizeof(id->bytes); i++)
        snprintf(text + 2 * i, 3, "%02x", id->bytes[i]);
}

void siem_gap_doc(const struct siem_gap *gap, struct tip_stamp *stamp, struct siem_doc *doc)
{
    char journal[33];

    *stamp = (struct tip_stamp){
        .journal_id = gap->journal_id, .seq = gap->next_seq, .commit_unix_us = gap->now_unix_ms * 1000};
    *doc = (struct siem_doc){.row = &siem_gap_row,
                             .stamp = stamp,
                             .kind_name = "gap",
                             .action = siem_gap_row.action,
                             .outcome = siem_gap_row.outcome,
                             .severity = siem_gap_row.severity,
                             .reason = gap->reason};
    siem_hex(&gap->journal_id, journal);
    snprintf(doc->id, sizeof(doc->id), "gap-%.8s-%" PRIu64, journal, gap->next_seq);
    if (gap->from_seq)
        doc_number(doc, "from_seq", gap->from_seq);
    if (gap->to_seq)
        doc_number(doc, "to_seq", gap->to_seq);
    snprintf(doc->message, sizeof(doc->message),
             "events are missing here (%s): read on from %" PRIu64 " and ask for the state again", gap->reason,
             gap->next_seq);
}

int siem_gap_json(const struct siem_gap *gap, struct tip_buf *out)
{
    char journal[33], before[33];
    int r;

    siem_hex(&gap->journal_id, journal);
    siem_hex(&gap->before_id, before);
    r = tip_buf_append_format(out, "{\"gap\":{\"reason\":\"%s\",\"journal\":\"%s\",\"journal_before\":\"%s\"",
                              gap->reason, journal, before);
    if (!r && gap->from_seq)
        r = tip_buf_append_format(out, ",\"from_seq\":%" PRIu64, gap->from_seq);
    if (!r && gap->to_seq)
        r = tip_buf_append_format(out, ",\"to_seq\":%" PRIu64, gap->to_seq);
    return r ? r : tip_buf_append_format(out, ",\"next_seq\":%" PRIu64 "}}", gap->next_seq);
}
