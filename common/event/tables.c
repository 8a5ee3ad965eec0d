/* What each event is made of: one row a field. */
#include "wire.h"

#include <string.h>

#include <tip/v1/event.pb-c.h>

enum { N = TIP_NAME_MAX, T = TIP_TEXT_MAX, C = INT32_MAX };

static const char *tables_kind_name(int kind)
{
    return tip_kind_name((enum tip_kind)kind);
}

static const char *tables_tier_name(int tier)
{
    return tip_tier_name((enum tip_tier)tier);
}

static const char *tables_tlp_name(int tlp)
{
    return tip_tlp_name((enum tip_tlp)tlp);
}

static const char *tables_rule_name(int rule)
{
    return tip_allow_rule_name((enum tip_allow_rule)rule);
}

static const char *tables_scope_name(int scope)
{
    return tip_allow_scope_name((enum tip_allow_scope)scope);
}

static const char *tables_role_name(int role)
{
    return tip_mail_role_name((enum tip_mail_role)role);
}

/* ---- schedule ---- */

static const struct wire_field due_rows[] = {
    WIRE_ROW(UUID, ScheduleDue, tip_schedule_due, run_id, 1, 0),
    WIRE_ROW(TEXT, ScheduleDue, tip_schedule_due, job, 1, N),
    WIRE_ROW(TEXT, ScheduleDue, tip_schedule_due, module, 1, N),
    WIRE_ROW(TEXT, ScheduleDue, tip_schedule_due, target, 0, N),
    WIRE_AT("due_at", ScheduleDue, tip_schedule_due, due_unix_ms),
    WIRE_AT("deadline_at", ScheduleDue, tip_schedule_due, deadline_unix_ms),
    WIRE_AT("expires_at", ScheduleDue, tip_schedule_due, expires_unix_ms),
    WIRE_ROW(BOOL, ScheduleDue, tip_schedule_due, force, 0, 0),
};
static const struct wire_table due_table = WIRE_TABLE(tip__v1__schedule_due__descriptor, tip_schedule_due, due_rows, );

static const struct wire_field report_rows[] = {
    WIRE_ROW(UUID, ScheduleReport, tip_schedule_report, run_id, 1, 0),
    WIRE_ROW(TEXT, ScheduleReport, tip_schedule_report, module, 1, N),
    WIRE_ROW(TEXT, ScheduleReport, tip_schedule_report, summary, 0, T),
    WIRE_ROW(U32, ScheduleReport, tip_schedule_report, n_ok, 0, 0),
    WIRE_ROW(U32, ScheduleReport, tip_schedule_report, n_failed, 0, 0),
    WIRE_ROW(U32, ScheduleReport, tip_schedule_report, n_skipped, 0, 0),
};
static const struct wire_table report_table =
    WIRE_TABLE(tip__v1__schedule_report__descriptor, tip_schedule_report, report_rows, );

static const struct wire_field overdue_rows[] = {
    WIRE_ROW(UUID, ScheduleOverdue, tip_schedule_overdue, run_id, 1, 0),
    WIRE_ROW(TEXT, ScheduleOverdue, tip_schedule_overdue, job, 1, N),
    WIRE_ROW(TEXT, ScheduleOverdue, tip_schedule_overdue, module, 1, N),
    WIRE_AT("deadline_at", ScheduleOverdue, tip_schedule_overdue, deadline_unix_ms),
};
static const struct wire_table overdue_table =
    WIRE_TABLE(tip__v1__schedule_overdue__descriptor, tip_schedule_overdue, overdue_rows, );

/* ---- listing ---- */

static const struct wire_field indicator_rows[] = {
    WIRE_NAMED("kind", Indicator, tip_listing_entry, kind, TIP_KIND_NONE + 1, TIP_KIND_COUNT - 1, tables_kind_name),
    WIRE_BYTES(VALUE, Indicator, tip_listing_entry, value, 1, TIP_INDICATOR_MAX),
};
static const struct wire_table indicator_table =
    WIRE_TABLE(tip__v1__indicator__descriptor, tip_listing_entry, indicator_rows, );

static const struct wire_field entry_rows[] = {
    WIRE_WITHIN(ListingEntry, indicator, &indicator_table),
    WIRE_ROW(FLAGS, ListingEntry, tip_listing_entry, flags, 0, 0),
    WIRE_ROW(U64, ListingEntry, tip_listing_entry, line, 0, 0),
    WIRE_BYTES(RAW, ListingEntry, tip_listing_entry, raw, 0, TIP_RAW_MAX),
    WIRE_AT("stated_at", ListingEntry, tip_listing_entry, stated_unix_ms),
};
const struct wire_table wire_listing_entry =
    WIRE_TABLE(tip__v1__listing_entry__descriptor, tip_listing_entry, entry_rows, );

static const char *delta_check(const void *plain)
{
    const struct tip_listing_delta *delta = plain;

    if (delta->part > delta->n_parts)
        return "part lies behind n_parts";
    if (delta->to_version <= delta->from_version)
        return "to_version is not after from_version";
    if (delta->n_added + delta->n_changed + delta->n_removed > TIP_BATCH_ENTRIES_MAX)
        return "more entries than a part may have";
    return NULL;
}

static const struct wire_field delta_rows[] = {
    WIRE_ROW(TEXT, ListingDelta, tip_listing_delta, source, 1, N),
    WIRE_ROW(ID, ListingDelta, tip_listing_delta, stream, 1, 0),
    WIRE_ROW(U64, ListingDelta, tip_listing_delta, from_version, 0, 0),
    WIRE_ROW(U64, ListingDelta, tip_listing_delta, to_version, 1, 0),
    WIRE_ROW(U32, ListingDelta, tip_listing_delta, part, 1, 0),
    WIRE_ROW(U32, ListingDelta, tip_listing_delta, n_parts, 1, 0),
    WIRE_AT("fetched_at", ListingDelta, tip_listing_delta, fetched_unix_ms),
    WIRE_AT("confirmed_at", ListingDelta, tip_listing_delta, confirmed_unix_ms),
    WIRE_MANY(LIST, ListingDelta, added, tip_listing_delta, added, TIP_BATCH_ENTRIES_MAX, &wire_listing_entry),
    WIRE_MANY(LIST, ListingDelta, changed, tip_listing_delta, changed, TIP_BATCH_ENTRIES_MAX, &wire_listing_entry),
    WIRE_MANY(LIST, ListingDelta, removed, tip_listing_delta, removed, TIP_BATCH_ENTRIES_MAX, &indicator_table),
};
static const struct wire_table delta_table =
    WIRE_TABLE(tip__v1__listing_delta__descriptor, tip_listing_delta, delta_rows, .check = delta_check);

static const char *baseline_check(const void *plain)
{
    const struct tip_listing_baseline *baseline = plain;

    return baseline->part > baseline->n_parts ? "part lies behind n_parts" : NULL;
}

static const struct wire_field baseline_rows[] = {
    WIRE_ROW(TEXT, ListingBaseline, tip_listing_baseline, source, 1, N),
    WIRE_ROW(ID, ListingBaseline, tip_listing_baseline, stream, 1, 0),
    WIRE_ROW(U64, ListingBaseline, tip_listing_baseline, version, 0, 0),
    WIRE_ROW(ID, ListingBaseline, tip_listing_baseline, baseline_id, 1, 0),
    WIRE_ROW(U32, ListingBaseline, tip_listing_baseline, part, 1, 0),
    WIRE_ROW(U32, ListingBaseline, tip_listing_baseline, n_parts, 1, 0),
    WIRE_AT("fetched_at", ListingBaseline, tip_listing_baseline, fetched_unix_ms),
    WIRE_MANY(LIST, ListingBaseline, entries, tip_listing_baseline, entries, TIP_BATCH_ENTRIES_MAX,
              &wire_listing_entry),
};
static const struct wire_table baseline_table =
    WIRE_TABLE(tip__v1__listing_baseline__descriptor, tip_listing_baseline, baseline_rows, .check = baseline_check);

/* ---- source ---- */

static const struct wire_field reject_rows[] = {
    WIRE_ROW(U64, ListingReject, tip_listing_reject, line, 0, 0),
    WIRE_ROW(TEXT, ListingReject, tip_listing_reject, reason, 1, N),
    WIRE_BYTES(RAW, ListingReject, tip_listing_reject, raw, 0, TIP_RAW_MAX),
};
static const struct wire_table reject_table =
    WIRE_TABLE(tip__v1__listing_reject__descriptor, tip_listing_reject, reject_rows, );

static const struct wire_field count_rows[] = {
    WIRE_AS("reason", TEXT, SourceState__RejectedEntry, key, tip_reject_count, reason, 1, N),
    WIRE_AS("n", U64, SourceState__RejectedEntry, value, tip_reject_count, n, 0, 0),
};
static const struct wire_table count_table =
    WIRE_TABLE(tip__v1__source_state__rejected_entry__descriptor, tip_reject_count, count_rows, );

static const struct wire_field state_rows[] = {
    WIRE_ROW(TEXT, SourceState, tip_source_state, source, 1, N),
    WIRE_ROW(TEXT, SourceState, tip_source_state, reason, 0, N),
    WIRE_ROW(TEXT, SourceState, tip_source_state, detail, 0, T),
    WIRE_ROW(TEXT, SourceState, tip_source_state, url, 0, TIP_INDICATOR_MAX),
    WIRE_ROW(ID, SourceState, tip_source_state, stream, 0, 0),
    WIRE_ROW(U64, SourceState, tip_source_state, version, 0, 0),
    WIRE_ROW(U64, SourceState, tip_source_state, n_entries, 0, 0),
    WIRE_ROW(U64, SourceState, tip_source_state, n_added, 0, 0),
    WIRE_ROW(U64, SourceState, tip_source_state, n_removed, 0, 0),
    WIRE_ROW(U64, SourceState, tip_source_state, n_changed, 0, 0),
    WIRE_ROW(U64, SourceState, tip_source_state, n_lines, 0, 0),
    WIRE_AS("n_rejected", U64, SourceState, rejected_lines, tip_source_state, n_rejected, 0, 0),
    WIRE_ROW(U64, SourceState, tip_source_state, n_special, 0, 0),
    WIRE_ROW(U64, SourceState, tip_source_state, n_bytes, 0, 0),
    WIRE_ROW(REAL, SourceState, tip_source_state, weight, 0, 1),
    WIRE_ROW(U32, SourceState, tip_source_state, n_failures, 0, 0),
    WIRE_AT("next_at", SourceState, tip_source_state, next_unix_ms),
    WIRE_MANY(MAP, SourceState, rejected, tip_source_state, counts, TIP_REJECT_COUNTS_MAX, &count_table),
    WIRE_MANY(LIST, SourceState, rejects, tip_source_state, rejects, TIP_REJECTS_MAX, &reject_table),
};
static const struct wire_table state_table =
    WIRE_TABLE(tip__v1__source_state__descriptor, tip_source_state, state_rows, );

static const struct wire_field hits_rows[] = {
    WIRE_AS("role", TEXT, SourceWeight__HitsEntry, key, tip_role_hits, role, 1, N),
    WIRE_AS("n", REAL, SourceWeight__HitsEntry, value, tip_role_hits, n, 0, C),
};
static const struct wire_table hits_table =
    WIRE_TABLE(tip__v1__source_weight__hits_entry__descriptor, tip_role_hits, hits_rows, );

static const struct wire_field overlap_rows[] = {
    WIRE_ROW(TEXT, SourceOverlap, tip_source_overlap, source, 1, N),
    WIRE_ROW(REAL, SourceOverlap, tip_source_overlap, n_scored, 0, C),
    WIRE_ROW(REAL, SourceOverlap, tip_source_overlap, n_shared, 0, C),
    WIRE_ROW(REAL, SourceOverlap, tip_source_overlap, n_first, 0, C),
    WIRE_ROW(REAL, SourceOverlap, tip_source_overlap, n_late, 0, C),
};
static const struct wire_table overlap_table =
    WIRE_TABLE(tip__v1__source_overlap__descriptor, tip_source_overlap, overlap_rows, );

static const struct wire_field weight_rows[] = {
    WIRE_ROW(TEXT, SourceWeight, tip_source_weight, source, 1, N),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, weight, 0, 1),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, before, 0, 1),
    WIRE_ROW(TEXT, SourceWeight, tip_source_weight, reason, 0, T),
    WIRE_AT("measured_at", SourceWeight, tip_source_weight, measured_unix_ms),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, measured, 0, 1),
    WIRE_ROW(BOOL, SourceWeight, tip_source_weight, fixed, 0, 0),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, trust, 0, 1),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, trust_low, 0, 1),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, trust_high, 0, 1),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, n_entries, 0, C),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, n_confirmed, 0, C),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, exposure, 0, C),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, penalties, 0, C),
    WIRE_MANY(MAP, SourceWeight, hits, tip_source_weight, hits, TIP_ROLES_MAX, &hits_table),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, independence, 0, 1),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, n_scored, 0, C),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, n_exclusive, 0, C),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, n_copied, 0, C),
    WIRE_ROW(TEXT, SourceWeight, tip_source_weight, copied_from, 0, N),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, lead, 0, 1),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, n_shared, 0, C),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, lead_sum, 0, C),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, freshness, 0, 1),
    WIRE_AT("ok_at", SourceWeight, tip_source_weight, ok_unix_ms),
    WIRE_ROW(U64, SourceWeight, tip_source_weight, interval_ms, 0, 0),
    WIRE_ROW(U64, SourceWeight, tip_source_weight, half_life_ms, 0, 0),
    WIRE_ROW(TEXT, SourceWeight, tip_source_weight, half_life_basis, 0, N),
    WIRE_ROW(U64, SourceWeight, tip_source_weight, n_known, 0, 0),
    WIRE_ROW(U64, SourceWeight, tip_source_weight, n_removed, 0, 0),
    WIRE_ROW(U64, SourceWeight, tip_source_weight, n_held_60d, 0, 0),
    WIRE_ROW(U64, SourceWeight, tip_source_weight, n_removed_60d, 0, 0),
    WIRE_ROW(U64, SourceWeight, tip_source_weight, observed_ms, 0, 0),
    WIRE_ROW(U64, SourceWeight, tip_source_weight, law_half_life_ms, 0, 0),
    WIRE_ROW(TEXT, SourceWeight, tip_source_weight, law_basis, 0, N),
    WIRE_ROW(BOOL, SourceWeight, tip_source_weight, law_append, 0, 0),
    WIRE_MANY(LIST, SourceWeight, overlaps, tip_source_weight, overlaps, TIP_OVERLAPS_MAX, &overlap_table),
    WIRE_ROW(U32, SourceWeight, tip_source_weight, overlap_count, 0, 0),
    WIRE_AT("overlaps_at", SourceWeight, tip_source_weight, overlaps_unix_ms),
    WIRE_ROW(REAL, SourceWeight, tip_source_weight, overlaps_scored, 0, C),
};
static const struct wire_table weight_table =
    WIRE_TABLE(tip__v1__source_weight__descriptor, tip_source_weight, weight_rows, );

/* ---- verdict ---- */

static const struct wire_field subject_rows[] = {
    WIRE_NAMED("kind", Indicator, tip_verdict, kind, TIP_KIND_NONE + 1, TIP_KIND_COUNT - 1, tables_kind_name),
    WIRE_BYTES(VALUE, Indicator, tip_verdict, value, 1, TIP_INDICATOR_MAX),
};
static const struct wire_table subject_table = WIRE_TABLE(tip__v1__indicator__descriptor, tip_verdict, subject_rows, );

static const struct wire_field family_rows[] = {
    WIRE_AS("family", TEXT, Verdict__FamiliesEntry, key, tip_family_share, family, 1, N),
    WIRE_AS("share", REAL, Verdict__FamiliesEntry, value, tip_family_share, share, -1, 1),
};
static const struct wire_table family_table =
    WIRE_TABLE(tip__v1__verdict__families_entry__descriptor, tip_family_share, family_rows, );

static const struct wire_field reason_rows[] = {
    WIRE_ROW(TEXT, VerdictReason, tip_verdict_reason, source, 1, N),
    WIRE_ROW(REAL, VerdictReason, tip_verdict_reason, weight, 0, 1),
};
static const struct wire_table reason_table =
    WIRE_TABLE(tip__v1__verdict_reason__descriptor, tip_verdict_reason, reason_rows, );

static const struct wire_field verdict_rows[] = {
    WIRE_WITHIN(Verdict, indicator, &subject_table),
    WIRE_ROW(REAL, Verdict, tip_verdict, score, 0, 1),
    WIRE_NAMED("tier", Verdict, tip_verdict, tier, TIP_TIER_NONE, TIP_TIER_COUNT - 1, tables_tier_name),
    WIRE_MANY(MAP, Verdict, families, tip_verdict, families, TIP_FAMILIES_MAX, &family_table),
    WIRE_MANY(LIST, Verdict, reasons, tip_verdict, reasons, TIP_REASONS_MAX, &reason_table),
    WIRE_ROW(U32, Verdict, tip_verdict, reason_count, 0, 0),
    WIRE_AT("next_change_at", Verdict, tip_verdict, next_change_unix_ms),
    WIRE_AT("expires_at", Verdict, tip_verdict, expires_unix_ms),
    WIRE_ROW(BOOL, Verdict, tip_verdict, subtree, 0, 0),
    WIRE_ROW(BOOL, Verdict, tip_verdict, whole, 0, 0),
};
const struct wire_table wire_verdict = WIRE_TABLE(tip__v1__verdict__descriptor, tip_verdict, verdict_rows, );

static const struct wire_field changes_rows[] = {
    WIRE_ROW(TEXT, VerdictChanges, tip_verdict_changes, cause_source, 0, N),
    WIRE_ROW(ID, VerdictChanges, tip_verdict_changes, stream, 0, 0),
    WIRE_ROW(U64, VerdictChanges, tip_verdict_changes, version, 0, 0),
    WIRE_AT("scored_at", VerdictChanges, tip_verdict_changes, scored_unix_ms),
    WIRE_ROW(U32, VerdictChanges, tip_verdict_changes, part, 0, 0),
    WIRE_MANY(LIST, VerdictChanges, verdicts, tip_verdict_changes, verdicts, TIP_BATCH_ENTRIES_MAX, &wire_verdict),
};
static const struct wire_table changes_table =
    WIRE_TABLE(tip__v1__verdict_changes__descriptor, tip_verdict_changes, changes_rows, );

/* ---- control, system, bus ---- */

static const struct wire_field applied_rows[] = {
    WIRE_ROW(TEXT, ControlApplied, tip_control_applied, service, 1, N),
    WIRE_ROW(TEXT, ControlApplied, tip_control_applied, actor, 0, N),
    WIRE_ROW(TEXT, ControlApplied, tip_control_applied, action, 1, N),
    WIRE_ROW(TEXT, ControlApplied, tip_control_applied, target, 0, TIP_INDICATOR_MAX),
    WIRE_ROW(TEXT, ControlApplied, tip_control_applied, reason, 0, T),
    WIRE_ROW(ID, ControlApplied, tip_control_applied, call_id, 0, 0),
    WIRE_ROW(TEXT, ControlApplied, tip_control_applied, result, 0, T),
    WIRE_ROW(BOOL, ControlApplied, tip_control_applied, ok, 0, 0),
};
static const struct wire_table applied_table =
    WIRE_TABLE(tip__v1__control_applied__descriptor, tip_control_applied, applied_rows, );

static const struct wire_field allowed_rows[] = {
    WIRE_NAMED("kind", Indicator, tip_allow_entry, kind, TIP_KIND_IP, TIP_KIND_DOMAIN, tables_kind_name),
    WIRE_BYTES(VALUE, Indicator, tip_allow_entry, value, 1, TIP_INDICATOR_MAX),
};
static const struct wire_table allowed_table =
    WIRE_TABLE(tip__v1__indicator__descriptor, tip_allow_entry, allowed_rows, );

static const struct wire_field allow_rows[] = {
    WIRE_WITHIN(AllowEntry, indicator, &allowed_table),
    WIRE_NAMED("rule", AllowEntry, tip_allow_entry, rule, TIP_ALLOW_ALLOW, TIP_ALLOW_RULE_COUNT - 1, tables_rule_name),
    WIRE_NAMED("scope", AllowEntry, tip_allow_entry, scope, TIP_ALLOW_EXACT, TIP_ALLOW_SCOPE_COUNT - 1,
               tables_scope_name),
    WIRE_ROW(TEXT, AllowEntry, tip_allow_entry, reason, 0, T),
    WIRE_ROW(TEXT, AllowEntry, tip_allow_entry, actor, 0, N),
    WIRE_AT("since", AllowEntry, tip_allow_entry, since_unix_ms),
    WIRE_AT("until", AllowEntry, tip_allow_entry, until_unix_ms),
    WIRE_ROW(BOOL, AllowEntry, tip_allow_entry, configured, 0, 0),
};
const struct wire_table wire_allow = WIRE_TABLE(tip__v1__allow_entry__descriptor, tip_allow_entry, allow_rows, );

static const char *allow_check(const void *plain)
{
    const struct tip_allow_changes *changes = plain;

    return changes->n_added + changes->n_removed > TIP_BATCH_ENTRIES_MAX ? "more entries than a batch may have" : NULL;
}

static const struct wire_field allow_changes_rows[] = {
    WIRE_ROW(ID, AllowChanges, tip_allow_changes, stream, 1, 0),
    WIRE_ROW(U64, AllowChanges, tip_allow_changes, change, 0, 0),
    WIRE_ROW(BOOL, AllowChanges, tip_allow_changes, full, 0, 0),
    WIRE_MANY(LIST, AllowChanges, added, tip_allow_changes, added, TIP_BATCH_ENTRIES_MAX, &wire_allow),
    WIRE_MANY(LIST, AllowChanges, removed, tip_allow_changes, removed, TIP_BATCH_ENTRIES_MAX, &wire_allow),
};
static const struct wire_table allow_changes_table =
    WIRE_TABLE(tip__v1__allow_changes__descriptor, tip_allow_changes, allow_changes_rows, .check = allow_check);

static const struct wire_field system_rows[] = {
    WIRE_ROW(TEXT, SystemState, tip_system_state, service, 1, N),
    WIRE_ROW(TEXT, SystemState, tip_system_state, version, 0, N),
    WIRE_ROW(TEXT, SystemState, tip_system_state, instance, 0, N),
    WIRE_ROW(U64, SystemState, tip_system_state, pid, 0, 0),
    WIRE_ROW(U64, SystemState, tip_system_state, uptime_ms, 0, 0),
    WIRE_ROW(BOOL, SystemState, tip_system_state, ready, 0, 0),
    WIRE_ROW(TEXT, SystemState, tip_system_state, detail, 0, T),
    WIRE_ROW(U64, SystemState, tip_system_state, rss_bytes, 0, 0),
    WIRE_ROW(U64, SystemState, tip_system_state, outbox_events, 0, 0),
    WIRE_ROW(BOOL, SystemState, tip_system_state, insecure, 0, 0),
    WIRE_ROW(BOOL, SystemState, tip_system_state, simulated, 0, 0),
};
static const struct wire_table system_table =
    WIRE_TABLE(tip__v1__system_state__descriptor, tip_system_state, system_rows, );

static const struct wire_field alarm_rows[] = {
    WIRE_ROW(TEXT, SystemAlarm, tip_system_alarm, service, 1, N),
    WIRE_ROW(TEXT, SystemAlarm, tip_system_alarm, name, 1, N),
    WIRE_ROW(TEXT, SystemAlarm, tip_system_alarm, detail, 0, T),
    WIRE_ROW(BOOL, SystemAlarm, tip_system_alarm, raised, 0, 0),
};
static const struct wire_table alarm_table =
    WIRE_TABLE(tip__v1__system_alarm__descriptor, tip_system_alarm, alarm_rows, );

static const struct wire_field class_rows[] = {
    WIRE_AS("class", TEXT, ClassHead, class_name, tip_class_head, class_name, 1, N),
    WIRE_NAMED("tlp", ClassHead, tip_class_head, tlp, TIP_TLP_CLEAR, TIP_TLP_COUNT - 1, tables_tlp_name),
    WIRE_ROW(U64, ClassHead, tip_class_head, class_seq, 0, 0),
};
static const struct wire_table class_table = WIRE_TABLE(tip__v1__class_head__descriptor, tip_class_head, class_rows, );

static const struct wire_field head_rows[] = {
    WIRE_ROW(ID, BusHead, tip_bus_head, journal_id, 1, 0),
    WIRE_ROW(U64, BusHead, tip_bus_head, head_seq, 0, 0),
    WIRE_ROW(U64, BusHead, tip_bus_head, first_available, 0, 0),
    WIRE_MANY(LIST, BusHead, classes, tip_bus_head, classes, TIP_CLASSES_MAX, &class_table),
};
static const struct wire_table head_table = WIRE_TABLE(tip__v1__bus_head__descriptor, tip_bus_head, head_rows, );

/* ---- what TIP saw itself ---- */

static const struct wire_field cause_rows[] = {
    WIRE_AS("event", UUID, Cause, event_id, tip_cause, event_id, 1, 0),
    WIRE_ROW(U32, Cause, tip_cause, index, 0, 0),
    WIRE_ROW(TEXT, Cause, tip_cause, source, 0, N),
};
static const struct wire_table cause_table = WIRE_TABLE(tip__v1__cause__descriptor, tip_cause, cause_rows, );

static const struct wire_field mailed_rows[] = {
    WIRE_NAMED("kind", Indicator, tip_mail_entry, kind, TIP_KIND_NONE + 1, TIP_KIND_COUNT - 1, tables_kind_name),
    WIRE_BYTES(VALUE, Indicator, tip_mail_entry, value, 1, TIP_INDICATOR_MAX),
};
static const struct wire_table mailed_table = WIRE_TABLE(tip__v1__indicator__descriptor, tip_mail_entry, mailed_rows, );

static const char *mail_entry_check(const void *plain)
{
    const struct tip_mail_entry *entry = plain;

    if (entry->role == TIP_MAIL_SENDER)
        return entry->kind == TIP_KIND_IP ? NULL : "the sender of a mail is no address";
    return entry->kind == TIP_KIND_URL || entry->kind == TIP_KIND_DOMAIN ? NULL : "a mail leads to URLs and domains";
}

static const struct wire_field mail_entry_rows[] = {
    WIRE_WITHIN(MailEntry, indicator, &mailed_table),
    WIRE_NAMED("role", MailEntry, tip_mail_entry, role, TIP_MAIL_SENDER, TIP_MAIL_ROLE_COUNT - 1, tables_role_name),
};
static const struct wire_table mail_entry_table =
    WIRE_TABLE(tip__v1__mail_entry__descriptor, tip_mail_entry, mail_entry_rows, .check = mail_entry_check);

static const char *mail_check(const void *plain)
{
    const struct tip_mail_seen *mail = plain;

    if (strspn(mail->digest, "0123456789abcdef") != TIP_DIGEST_TEXT)
        return "the digest is not 64 hex digits";
    return NULL;
}

static const struct wire_field mail_rows[] = {
    WIRE_ROW(TEXT, MailSeen, tip_mail_seen, trap, 1, N),
    WIRE_ROW(TEXT, MailSeen, tip_mail_seen, digest, TIP_DIGEST_TEXT, TIP_DIGEST_TEXT),
    WIRE_AT("received_at", MailSeen, tip_mail_seen, received_unix_ms),
    WIRE_MANY(LIST, MailSeen, entries, tip_mail_seen, entries, TIP_BATCH_ENTRIES_MAX, &mail_entry_table),
};
static const struct wire_table mail_table =
    WIRE_TABLE(tip__v1__mail_seen__descriptor, tip_mail_seen, mail_rows, .check = mail_check);

static const struct wire_field agent_ip_rows[] = {
    WIRE_NAMED("kind", Indicator, tip_flux_agent, kind, TIP_KIND_IP, TIP_KIND_IP, tables_kind_name),
    WIRE_BYTES(VALUE, Indicator, tip_flux_agent, value, 1, TIP_INDICATOR_MAX),
};
static const struct wire_table agent_ip_table =
    WIRE_TABLE(tip__v1__indicator__descriptor, tip_flux_agent, agent_ip_rows, );

static const struct wire_field agent_rows[] = {
    WIRE_WITHIN(FluxAgent, indicator, &agent_ip_table),
    WIRE_ROW(TEXT, FluxAgent, tip_flux_agent, prefix, 0, N),
    WIRE_ROW(U32, FluxAgent, tip_flux_agent, asn, 0, 0),
    WIRE_AT("seen_at", FluxAgent, tip_flux_agent, seen_unix_ms),
    WIRE_MANY(LIST, FluxAgent, causes, tip_flux_agent, causes, TIP_EVENT_CAUSES_MAX, &cause_table),
};
static const struct wire_table agent_table = WIRE_TABLE(tip__v1__flux_agent__descriptor, tip_flux_agent, agent_rows, );

static const struct wire_field agents_rows[] = {
    WIRE_ROW(TEXT, FluxAgents, tip_flux_agents, domain, 1, TIP_INDICATOR_MAX),
    WIRE_ROW(TEXT, FluxAgents, tip_flux_agents, network, 0, N),
    WIRE_MANY(LIST, FluxAgents, agents, tip_flux_agents, agents, TIP_BATCH_ENTRIES_MAX, &agent_table),
};
static const struct wire_table agents_table =
    WIRE_TABLE(tip__v1__flux_agents__descriptor, tip_flux_agents, agents_rows, );

static const struct wire_field client_rows[] = {
    WIRE_NAMED("kind", Indicator, tip_smtp_behaviour, kind, TIP_KIND_IP, TIP_KIND_IP, tables_kind_name),
    WIRE_BYTES(VALUE, Indicator, tip_smtp_behaviour, value, 1, TIP_INDICATOR_MAX),
};
static const struct wire_table client_table =
    WIRE_TABLE(tip__v1__indicator__descriptor, tip_smtp_behaviour, client_rows, );

static const struct wire_field behaviour_rows[] = {
    WIRE_WITHIN(SmtpBehaviour, indicator, &client_table),
    WIRE_ROW(TEXT, SmtpBehaviour, tip_smtp_behaviour, behaviour, 1, N),
    WIRE_ROW(BOOL, SmtpBehaviour, tip_smtp_behaviour, caused_by_treatment, 0, 0),
    WIRE_AT("seen_at", SmtpBehaviour, tip_smtp_behaviour, seen_unix_ms),
    WIRE_ROW(U32, SmtpBehaviour, tip_smtp_behaviour, n, 1, 0),
    WIRE_MANY(LIST, SmtpBehaviour, causes, tip_smtp_behaviour, causes, TIP_EVENT_CAUSES_MAX, &cause_table),
};
static const struct wire_table behaviour_table =
    WIRE_TABLE(tip__v1__smtp_behaviour__descriptor, tip_smtp_behaviour, behaviour_rows, );

static const struct wire_field behaviours_rows[] = {
    WIRE_MANY(LIST, SmtpBehaviours, entries, tip_smtp_behaviours, entries, TIP_BATCH_ENTRIES_MAX, &behaviour_table),
};
static const struct wire_table behaviours_table =
    WIRE_TABLE(tip__v1__smtp_behaviours__descriptor, tip_smtp_behaviours, behaviours_rows, );

const struct wire_table *wire_event_table(enum tip_event_kind kind)
{
    static const struct wire_table *const tables[TIP_EVENT_KIND_COUNT] = {
        [TIP_EVENT_SCHEDULE_DUE] = &due_table,
        [TIP_EVENT_SCHEDULE_DONE] = &report_table,
        [TIP_EVENT_SCHEDULE_FAILED] = &report_table,
        [TIP_EVENT_SCHEDULE_OVERDUE] = &overdue_table,
        [TIP_EVENT_LISTING_DELTA] = &delta_table,
        [TIP_EVENT_LISTING_BASELINE] = &baseline_table,
        [TIP_EVENT_SOURCE_OK] = &state_table,
        [TIP_EVENT_SOURCE_HELD] = &state_table,
        [TIP_EVENT_SOURCE_FAILED] = &state_table,
        [TIP_EVENT_SOURCE_WEIGHT] = &weight_table,
        [TIP_EVENT_VERDICT_CHANGES] = &changes_table,
        [TIP_EVENT_CONTROL_APPLIED] = &applied_table,
        [TIP_EVENT_SYSTEM_HELLO] = &system_table,
        [TIP_EVENT_SYSTEM_HEARTBEAT] = &system_table,
        [TIP_EVENT_SYSTEM_GOODBYE] = &system_table,
        [TIP_EVENT_SYSTEM_ALARM] = &alarm_table,
        [TIP_EVENT_BUS_HEAD] = &head_table,
        [TIP_EVENT_CONTROL_ALLOW] = &allow_changes_table,
        [TIP_EVENT_MAIL_SEEN] = &mail_table,
        [TIP_EVENT_FLUX_AGENT] = &agents_table,
        [TIP_EVENT_SMTP_BEHAVIOUR] = &behaviours_table,
    };

    return kind < TIP_EVENT_KIND_COUNT ? tables[kind] : NULL;
}
