#include "codec.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/buf.h>
#include <tip/fail.h>

#include "batch.h"
#include "core/told.h"

/* ---- keys ---- */

static bool codec_net(struct tip_prefix *net, enum tip_kind kind, const char *value, size_t len)
{
    struct tip_endpoint endpoint;
    bool masked;

    *net = (struct tip_prefix){.len = 0};
    switch (kind) {
    case TIP_KIND_IP:
    case TIP_KIND_NET:
        return !tip_prefix_parse(net, &masked, value, len) && !masked;
    case TIP_KIND_ENDPOINT:
        if (tip_endpoint_parse(&endpoint, value, len))
            return false;
        *net = tip_prefix_of(&endpoint.addr, (uint8_t)tip_addr_bits(&endpoint.addr));
        return true;
    case TIP_KIND_DOMAIN:
    case TIP_KIND_URL:
    case TIP_KIND_ASN:
    case TIP_KIND_HASH:
    case TIP_KIND_EMAIL_DOMAIN:
        return true;
    case TIP_KIND_NONE:
    case TIP_KIND_COUNT:
        break;
    }
    return false;
}

bool store_codec_key(struct store_key *key, const uint8_t *ikey_key, enum tip_kind kind, const char *value, size_t len)
{
    *key = (struct store_key){.kind = (uint8_t)kind, .value = value, .value_len = (uint16_t)len};
    key->ikey = tip_ikey(ikey_key, kind, value, len);
    return codec_net(&key->net, kind, value, len);
}

/* ---- reading ---- */

static const char codec_not_an_address[] = "an ip, net or endpoint whose value is none";
static const char codec_number_too_large[] = "a version, line or count beyond 63 bits";
static const char codec_no_part[] = "a part that is not among its parts";

static const char *codec_check_entries(const struct tip_listing_entry *entries, size_t n)
{
    struct tip_prefix net;

    for (size_t i = 0; i < n; i++) {
        if (!codec_net(&net, entries[i].kind, entries[i].value, entries[i].value_len))
            return codec_not_an_address;
        if (entries[i].line > INT64_MAX)
            return codec_number_too_large;
    }
    return NULL;
}

static const char *codec_check_part(const struct tip_event *event)
{
    struct store_part part;

    if (!store_codec_part(event, &part))
        return NULL;
    if (part.from > INT64_MAX || part.to > INT64_MAX || part.n_parts > INT32_MAX)
        return codec_number_too_large;
    if (!part.part || part.part > part.n_parts || !part.to || (!part.is_baseline && part.from >= part.to))
        return codec_no_part;
    return NULL;
}

static const char *codec_check_verdicts(const struct tip_verdict_changes *changes)
{
    struct tip_prefix net;

    for (size_t i = 0; i < changes->n_verdicts; i++) {
        const struct tip_verdict *verdict = &changes->verdicts[i];

        if (!codec_net(&net, verdict->kind, verdict->value, verdict->value_len))
            return codec_not_an_address;
    }
    return changes->version > INT64_MAX ? codec_number_too_large : NULL;
}

static const char *codec_check_allow(const struct tip_allow_entry *entries, size_t n)
{
    struct tip_prefix net;

    for (size_t i = 0; i < n; i++) {
        if (!codec_net(&net, entries[i].kind, entries[i].value, entries[i].value_len))
            return codec_not_an_address;
    }
    return NULL;
}

static const char *codec_check(const struct tip_event *event)
{
    const struct tip_listing_delta *delta = &event->listing_delta;
    const char *reason = codec_check_part(event);

    if (event->kind == TIP_EVENT_LISTING_BASELINE && !reason)
        return codec_check_entries(event->listing_baseline.entries, event->listing_baseline.n_entries);
    if (event->kind == TIP_EVENT_LISTING_DELTA) {
        reason = reason ? reason : codec_check_entries(delta->added, delta->n_added);
        reason = reason ? reason : codec_check_entries(delta->changed, delta->n_changed);
        return reason ? reason : codec_check_entries(delta->removed, delta->n_removed);
    }
    if (event->kind == TIP_EVENT_VERDICT_CHANGES)
        return codec_check_verdicts(&event->verdict_changes);
    if (event->kind == TIP_EVENT_CONTROL_ALLOW) {
        reason = codec_check_allow(event->allow_changes.added, event->allow_changes.n_added);
        return reason ? reason : codec_check_allow(event->allow_changes.removed, event->allow_changes.n_removed);
    }
    return reason;
}

int store_codec_read(const uint8_t *bytes, size_t n, struct tip_event **eventp, const char **reasonp)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    int r = tip_event_decode(bytes, n, &event, reasonp);

    if (r < 0)
        return tip_fail(r);
    if (r)
        return STORE_CODEC_E_REJECT;
    *reasonp = codec_check(event);
    if (*reasonp)
        return STORE_CODEC_E_REJECT;
    *eventp = tip_take(event);
    return 0;
}

const char *store_codec_source(const struct tip_event *event)
{
    switch ((int)event->kind) {
    case TIP_EVENT_LISTING_DELTA:
        return event->listing_delta.source;
    case TIP_EVENT_LISTING_BASELINE:
        return event->listing_baseline.source;
    case TIP_EVENT_SOURCE_OK:
    case TIP_EVENT_SOURCE_HELD:
    case TIP_EVENT_SOURCE_FAILED:
        return event->source_state.source;
    case TIP_EVENT_SOURCE_WEIGHT:
        return event->source_weight.source;
    default:
        return NULL;
    }
}

/* ---- listings ---- */

bool store_codec_part(const struct tip_event *event, struct store_part *part)
{
    const struct tip_listing_delta *delta = &event->listing_delta;
    const struct tip_listing_baseline *baseline = &event->listing_baseline;

    if (event->kind == TIP_EVENT_LISTING_DELTA) {
        *part = (struct store_part){.stream = store_uuid(&delta->stream),
                                    .from = delta->from_version,
                                    .to = delta->to_version,
                                    .part = delta->part,
                                    .n_parts = delta->n_parts};
        return true;
    }
    if (event->kind == TIP_EVENT_LISTING_BASELINE) {
        *part = (struct store_part){.is_baseline = true,
                                    .stream = store_uuid(&baseline->stream),
                                    .baseline_id = store_uuid(&baseline->baseline_id),
                                    .to = baseline->version,
                                    .part = baseline->part,
                                    .n_parts = baseline->n_parts};
        return true;
    }
    return false;
}

size_t store_codec_n_listings(const struct tip_event *event)
{
    const struct tip_listing_delta *delta = &event->listing_delta;

    return event->kind == TIP_EVENT_LISTING_DELTA ? delta->n_added + delta->n_changed + delta->n_removed
                                                  : event->listing_baseline.n_entries;
}

/* However long ago that is: verdicts go by it too. What lies ahead is as if it were now. */
static int64_t codec_stated(const struct tip_listing_entry *entry, const struct store_codec_context *context)
{
    int64_t now_ms = context->commit_unix_us / 1000;

    return entry->stated_unix_ms < now_ms ? entry->stated_unix_ms : now_ms;
}

/* What all entries of a run share. */
struct codec_run {
    bool listed;
    uint64_t version;
    int64_t unix_ms, confirmed_unix_ms;
};

static struct store_listing *codec_entries(struct store_listing *row, const struct codec_run *run,
                                           const struct store_codec_context *context,
                                           const struct tip_listing_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++, row++) {
        const struct tip_listing_entry *entry = &entries[i];

        *row = (struct store_listing){
            .listed = run->listed,
            .raw = entry->raw,
            .raw_len = entry->raw_len,
            .flags = entry->flags,
            .line = entry->line,
            .version = run->version,
            .mark = context->mark,
            .tlp = context->tlp,
            .first_unix_ms = run->unix_ms,
            .last_unix_ms = run->unix_ms,
            .confirmed_unix_ms = run->confirmed_unix_ms,
            .stated_unix_ms = codec_stated(entry, context),
        };
        (void)store_codec_key(&row->key, context->ikey_key, entry->kind, entry->value,
                              entry->value_len); /* was checked when it was read */
        row->key.source_id = context->source_id;
    }
    return row;
}

/* However long ago that is: verdicts go by it too. It was not named any more when it was removed. */
static int64_t codec_confirmed(const struct tip_listing_delta *delta, int64_t removed_unix_ms)
{
    int64_t unix_ms = delta->confirmed_unix_ms < removed_unix_ms ? delta->confirmed_unix_ms : removed_unix_ms;

    return unix_ms > 0 ? unix_ms : 0;
}

void store_codec_listings(const struct tip_event *event, const struct store_codec_context *context,
                          struct store_listing *rows)
{
    const struct tip_listing_delta *delta = &event->listing_delta;
    const struct tip_listing_baseline *baseline = &event->listing_baseline;
    bool is_delta = event->kind == TIP_EVENT_LISTING_DELTA;
    struct codec_run run = {.listed = true, .version = is_delta ? delta->to_version : baseline->version};

    run.unix_ms = store_clamp_ms(is_delta ? delta->fetched_unix_ms : baseline->fetched_unix_ms, context->commit_unix_us,
                                 context->clampedp);
    if (!is_delta) {
        codec_entries(rows, &run, context, baseline->entries, baseline->n_entries);
        return;
    }
    rows = codec_entries(rows, &run, context, delta->added, delta->n_added);
    rows = codec_entries(rows, &run, context, delta->changed, delta->n_changed);
    run.listed = false;
    run.confirmed_unix_ms = codec_confirmed(delta, run.unix_ms);
    codec_entries(rows, &run, context, delta->removed, delta->n_removed);
}

/* ---- JSON columns ---- */

static char *codec_json_text(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(6));

    json_decref(json);
    if (!text)
        abort(); /* out of memory: every text in it is valid UTF-8 */
    return text;
}

static char *codec_families(const struct tip_verdict *verdict)
{
    json_t *families = json_object();

    for (size_t i = 0; i < verdict->n_families; i++)
        json_object_set_new(families, verdict->families[i].family, json_real(verdict->families[i].share));
    return codec_json_text(families);
}

static char *codec_reasons(const struct tip_verdict *verdict)
{
    json_t *reasons = json_array();

    for (size_t i = 0; i < verdict->n_reasons; i++)
        json_array_append_new(reasons, json_pack("{s:s, s:f}", "source", verdict->reasons[i].source, "weight",
                                                 verdict->reasons[i].weight));
    return codec_json_text(reasons);
}

static char *codec_names(const struct tip_verdict *verdict)
{
    json_t *families = json_object(), *sources = json_object();

    for (size_t i = 0; i < verdict->n_families; i++)
        json_object_set_new(families, verdict->families[i].family, json_null());
    for (size_t i = 0; i < verdict->n_reasons; i++)
        json_object_set_new(sources, verdict->reasons[i].source, json_null());
    return codec_json_text(json_pack("[o, o]", families, sources));
}

char *store_codec_weight(const struct tip_event *event)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    json_t *object;
    char *data;

    tip_buf_init(&text, 64 * 1024);
    if (tip_event_json(event, NULL, &text))
        abort(); /* an event that was decoded has a JSON form, and this one is small */
    object = json_loads(tip_buf_text(&text), 0, NULL);
    data = json_dumps(json_object_get(object, "data"), JSON_COMPACT);
    json_decref(object);
    if (!data)
        abort(); /* out of memory */
    return data;
}

char *store_codec_reject_counts(const struct tip_source_state *state)
{
    json_t *counts = json_object();

    for (size_t i = 0; i < state->n_counts; i++)
        json_object_set_new(counts, state->counts[i].reason, json_integer((json_int_t)state->counts[i].n));
    return codec_json_text(counts);
}

/* A raw line as text: printable ASCII as it is, the rest as \xNN. */
static json_t *codec_raw_text(const uint8_t *raw, size_t n)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    int r = 0;

    tip_buf_init(&text, 4 * TIP_RAW_MAX);
    for (size_t i = 0; i < n && !r; i++) {
        bool plain = raw[i] >= ' ' && raw[i] < 0x7f && raw[i] != '\\';

        r = plain ? tip_buf_append(&text, raw + i, 1) : tip_buf_append_format(&text, "\\x%02x", raw[i]);
    }
    return json_string(tip_buf_text(&text));
}

char *store_codec_reject_sample(const struct tip_source_state *state)
{
    json_t *sample = json_array();

    for (size_t i = 0; i < state->n_rejects; i++) {
        const struct tip_listing_reject *reject = &state->rejects[i];

        json_array_append_new(sample, json_pack("{s:I, s:s, s:o}", "line", (json_int_t)reject->line, "reason",
                                                reject->reason, "raw", codec_raw_text(reject->raw, reject->raw_len)));
    }
    return codec_json_text(sample);
}

/* ---- verdicts ---- */

void store_codec_verdicts(const struct tip_event *event, const struct store_codec_context *context,
                          struct store_verdict *rows)
{
    const struct tip_verdict_changes *changes = &event->verdict_changes;
    int64_t unix_ms = store_clamp_ms(event->observed_unix_ms, context->commit_unix_us, context->clampedp);

    for (size_t i = 0; i < changes->n_verdicts; i++) {
        const struct tip_verdict *verdict = &changes->verdicts[i];

        rows[i] = (struct store_verdict){
            .score = verdict->score,
            .tier = (int16_t)verdict->tier,
            .tlp = context->tlp,
            .n_reasons = verdict->reason_count,
            .families = codec_families(verdict),
            .reasons = codec_reasons(verdict),
            .names = codec_names(verdict),
            .cause_source = changes->cause_source,
            .cause_version = changes->version,
            .next_change_unix_ms = verdict->next_change_unix_ms,
            .expires_unix_ms = verdict->expires_unix_ms,
            .subtree = verdict->subtree,
            .whole = verdict->whole,
            .first_unix_ms = unix_ms,
            .last_unix_ms = unix_ms,
            .told_unix_us = store_told_us(context->commit_unix_us),
        };
        (void)store_codec_key(&rows[i].key, context->ikey_key, verdict->kind, verdict->value,
                              verdict->value_len); /* was checked when it was read */
    }
}

void store_codec_verdicts_free(struct store_verdict *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free((void *)(uintptr_t)rows[i].families);
        free((void *)(uintptr_t)rows[i].reasons);
        free((void *)(uintptr_t)rows[i].names);
    }
}
