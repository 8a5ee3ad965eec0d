/* Elastic Common Schema 8.11: https://www.elastic.co/guide/en/ecs/8.11/ecs-field-reference.html */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <tip/alloc.h>
#include <tip/clock.h>

#include "siem/doc.h"

#define ECS_VERSION "8.11.0"

/* Sets a.b.c in nested objects; the value is given away. */
static void ecs_set(json_t *object, const char *path, json_t *value)
{
    const char *dot;
    char name[64];

    while ((dot = strchr(path, '.'))) {
        json_t *inner;

        snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
        inner = json_object_get(object, name);
        if (!inner) {
            inner = json_object();
            json_object_set_new(object, name, inner);
        }
        object = inner;
        path = dot + 1;
    }
    json_object_set_new(object, path, value);
}

static void ecs_text(json_t *object, const char *path, const char *text)
{
    if (text && *text)
        ecs_set(object, path, json_string(text));
}

static void ecs_list(json_t *object, const char *path, const char *text)
{
    if (text && *text)
        ecs_set(object, path, json_pack("[s]", text));
}

static void ecs_time(json_t *object, const char *path, int64_t unix_ms)
{
    char text[TIP_CLOCK_TEXT];

    if (unix_ms <= 0)
        return;
    tip_clock_format(unix_ms, text);
    ecs_set(object, path, json_string(text));
}

/* ---- indicators ---- */

/* "192.0.2.1:443", "[2001:db8::1]:443" */
static void ecs_endpoint(json_t *object, const char *value)
{
    const char *colon = strrchr(value, ':');
    char ip[64];
    size_t skip = *value == '[';

    if (!colon)
        return;
    snprintf(ip, sizeof(ip), "%.*s", (int)(colon - value - 2 * (long)skip), value + skip);
    ecs_text(object, "threat.indicator.ip", ip);
    ecs_list(object, "related.ip", ip);
    ecs_set(object, "threat.indicator.port", json_integer(atoi(colon + 1)));
}

static void ecs_hash(json_t *object, const char *value)
{
    size_t len = strlen(value);

    ecs_text(object,
             len == 32   ? "threat.indicator.file.hash.md5"
             : len == 40 ? "threat.indicator.file.hash.sha1"
                         : "threat.indicator.file.hash.sha256",
             value);
    ecs_list(object, "related.hash", value);
}

static void ecs_by_kind(json_t *object, enum tip_kind kind, const char *value)
{
    switch (kind) {
    case TIP_KIND_IP:
        ecs_text(object, "threat.indicator.ip", value);
        ecs_list(object, "related.ip", value);
        return;
    case TIP_KIND_DOMAIN:
        ecs_text(object, "threat.indicator.url.domain", value);
        ecs_list(object, "related.hosts", value);
        return;
    case TIP_KIND_URL:
        ecs_text(object, "threat.indicator.url.full", value);
        ecs_text(object, "threat.indicator.url.original", value);
        return;
    case TIP_KIND_ENDPOINT:
        ecs_endpoint(object, value);
        return;
    case TIP_KIND_ASN:
        ecs_set(object, "threat.indicator.as.number", json_integer(strtol(value + 2, NULL, 10)));
        return;
    case TIP_KIND_HASH:
        ecs_hash(object, value);
        return;
    case TIP_KIND_NET: /* ECS has no field for a network or a mail domain: threat.indicator.name holds it */
    case TIP_KIND_EMAIL_DOMAIN:
    case TIP_KIND_NONE:
    case TIP_KIND_COUNT:
        return;
    }
}

static void ecs_verdict(json_t *object, const struct tip_verdict *verdict)
{
    static const char *const confidences[TIP_TIER_COUNT] = {
        [TIP_TIER_NONE] = "None", [TIP_TIER_WATCH] = "Low", [TIP_TIER_SLOW] = "Medium", [TIP_TIER_BLOCK] = "High"};

    ecs_text(object, "threat.indicator.confidence", confidences[verdict->tier]);
    ecs_set(object, "event.risk_score", json_real(100 * verdict->score));
    ecs_set(object, "tip.score", json_real(verdict->score));
}

static void ecs_indicator(json_t *object, const struct siem_doc *doc)
{
    static const char *const tlps[TIP_TLP_COUNT] = {
        [TIP_TLP_CLEAR] = "CLEAR", [TIP_TLP_GREEN] = "GREEN", [TIP_TLP_AMBER] = "AMBER"};
    tip_auto(tip_free) char *value = tip_alloc(doc->value_len + 1U, 1);

    memcpy(value, doc->value, doc->value_len);
    ecs_text(object, "threat.indicator.type", siem_indicator_type(doc->indicator, value, doc->value_len));
    ecs_text(object, "threat.indicator.name", value);
    ecs_by_kind(object, doc->indicator, value);
    ecs_text(object, "threat.indicator.provider", doc->source);
    ecs_text(object, "threat.feed.name", doc->source);
    ecs_time(object, "threat.indicator.last_seen", doc->seen_unix_ms);
    ecs_text(object, "threat.indicator.marking.tlp", tlps[doc->stamp->tlp]);
    ecs_text(object, "threat.indicator.marking.tlp_version", "2.0");
    if (doc->verdict)
        ecs_verdict(object, doc->verdict);
}

/* ---- the rest ---- */

static void ecs_event(json_t *object, const struct siem_doc *doc)
{
    char dataset[80];

    snprintf(dataset, sizeof(dataset), "tip.%.*s", (int)strcspn(doc->kind_name, "."), doc->kind_name);
    ecs_time(object, "@timestamp", doc->event ? doc->event->observed_unix_ms : doc->stamp->commit_unix_us / 1000);
    ecs_text(object, "ecs.version", ECS_VERSION);
    ecs_text(object, "message", doc->message);
    ecs_text(object, "log.level", siem_severity_name(doc->severity));
    ecs_text(object, "event.id", doc->id);
    ecs_text(object, "event.kind", doc->row->kind);
    ecs_list(object, "event.category", doc->row->category);
    ecs_list(object, "event.type", doc->row->type);
    ecs_text(object, "event.action", doc->action);
    ecs_text(object, "event.outcome", doc->outcome);
    ecs_text(object, "event.reason", doc->reason);
    ecs_text(object, "event.module", "tip");
    ecs_text(object, "event.dataset", dataset);
    ecs_text(object, "event.provider", doc->stamp->publisher);
    ecs_time(object, "event.created", doc->stamp->commit_unix_us / 1000);
    ecs_set(object, "event.sequence", json_integer((json_int_t)doc->stamp->seq));
    ecs_text(object, "service.name", doc->service);
    ecs_text(object, "user.name", doc->user);
}

static void ecs_tip(json_t *object, const struct siem_doc *doc)
{
    char path[80], journal[33];

    for (size_t i = 0; i < sizeof(doc->stamp->journal_id.bytes); i++)
        snprintf(journal + 2 * i, 3, "%02x", doc->stamp->journal_id.bytes[i]);
    ecs_text(object, "tip.kind", doc->kind_name);
    ecs_text(object, "tip.journal", journal);
    ecs_text(object, "tip.topic", doc->stamp->topic);
    if (doc->stamp->tlp)
        ecs_text(object, "tip.tlp", tip_tlp_name(doc->stamp->tlp));
    if (!doc->indicator)
        ecs_text(object, "tip.source", doc->source);
    for (size_t i = 0; i < doc->n_fields; i++) {
        const struct siem_field *field = &doc->fields[i];

        snprintf(path, sizeof(path), "tip.%s", field->name);
        ecs_set(object, path, field->text ? json_string(field->text) : json_integer((json_int_t)field->number));
    }
}

static int ecs_append(const char *bytes, size_t n, void *ctx)
{
    return tip_buf_append(ctx, bytes, n) ? -1 : 0;
}

int siem_ecs(const struct siem_doc *doc, struct tip_buf *out)
{
    json_t *object = json_object();
    int r;

    ecs_event(object, doc);
    if (doc->indicator)
        ecs_indicator(object, doc);
    ecs_tip(object, doc);
    r = json_dump_callback(object, ecs_append, out, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(object);
    return r ? -ENOBUFS : 0;
}
