/* Events for a SIEM: documents, their ids, ECS names, RFC 5424 lines. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "siem/doc.h"

static const struct tip_stamp stamp = {
    .journal_id = {.bytes = {0xab, 0xcd}},
    .seq = 4711,
    .class_seq = 7,
    .commit_unix_us = INT64_C(1700000001500000),
    .tlp = TIP_TLP_AMBER,
    .publisher = "blacklist",
    .topic = "v1.verdict.changes.list.",
};

#define VALUE(text) .value = (text), .value_len = sizeof(text) - 1

static struct tip_event made(enum tip_event_kind kind)
{
    return (struct tip_event){.id = {.bytes = {0x01, 0x8b, [15] = 0x0f}},
                              .kind = kind,
                              .kind_name = tip_event_kind_name(kind),
                              .observed_unix_ms = INT64_C(1700000000250)};
}

/* ---- documents ---- */

struct docs {
    struct siem_doc items[16];
    size_t n;
};

static int collect(void *ctx, const struct siem_doc *doc)
{
    struct docs *docs = ctx;

    assert_true(docs->n < sizeof(docs->items) / sizeof(docs->items[0]));
    docs->items[docs->n++] = *doc;
    return 0;
}

static struct docs docs_of(const struct tip_event *event)
{
    struct docs docs = {.n = 0};

    assert_int_equal(siem_each(event, &stamp, collect, &docs), 0);
    return docs;
}

static void test_a_document_an_entry(void **state)
{
    struct tip_listing_entry added[] = {{.kind = TIP_KIND_IP, VALUE("192.0.2.7"), .line = 3},
                                        {.kind = TIP_KIND_NET, VALUE("2001:db8::/32"), .flags = 2}};
    struct tip_listing_entry removed[] = {{.kind = TIP_KIND_DOMAIN, VALUE("a.example")}};
    struct tip_event event = made(TIP_EVENT_LISTING_DELTA);
    struct docs docs;

    (void)state;
    event.listing_delta = (struct tip_listing_delta){
        .source = "drop", .to_version = 5, .n_added = 2, .added = added, .n_removed = 1, .removed = removed};
    docs = docs_of(&event);
    assert_int_equal(docs.n, 3);
    assert_string_equal(docs.items[0].id, "018b0000-0000-0000-0000-00000000000f/0");
    assert_string_equal(docs.items[2].id, "018b0000-0000-0000-0000-00000000000f/2");
    assert_string_equal(docs.items[0].action, "listed");
    assert_string_equal(docs.items[2].action, "delisted");
    assert_string_equal(docs.items[1].message, "2001:db8::/32 is listed by drop");
    assert_string_equal(docs.items[2].message, "a.example is no longer listed by drop");
    event.listing_delta.n_added = event.listing_delta.n_removed = 0;
    docs = docs_of(&event); /* nothing in it is still an event */
    assert_int_equal(docs.n, 1);
    assert_string_equal(docs.items[0].id, "018b0000-0000-0000-0000-00000000000f");
}

static int stop(void *ctx, const struct siem_doc *doc)
{
    (void)doc; /* whatever it is */
    return ++*(int *)ctx == 2 ? -EIO : 0;
}

static void test_it_stops_when_told(void **state)
{
    struct tip_listing_entry entries[5] = {{.kind = TIP_KIND_IP, VALUE("192.0.2.7")}};
    struct tip_event event = made(TIP_EVENT_LISTING_BASELINE);
    int n = 0;

    (void)state;
    for (size_t i = 1; i < 5; i++)
        entries[i] = entries[0];
    event.listing_baseline = (struct tip_listing_baseline){.source = "drop", .n_entries = 5, .entries = entries};
    assert_int_equal(siem_each(&event, &stamp, stop, &n), -EIO);
    assert_int_equal(n, 2);
}

static void test_types(void **state)
{
    static const struct {
        enum tip_kind kind;
        const char *value, *type;
    } rows[] = {
        {TIP_KIND_IP, "192.0.2.7", "ipv4-addr"},           {TIP_KIND_IP, "2001:db8::1", "ipv6-addr"},
        {TIP_KIND_NET, "192.0.2.0/24", "ipv4-addr"},       {TIP_KIND_NET, "2001:db8::/32", "ipv6-addr"},
        {TIP_KIND_ENDPOINT, "192.0.2.7:443", "ipv4-addr"}, {TIP_KIND_ENDPOINT, "[2001:db8::1]:443", "ipv6-addr"},
        {TIP_KIND_DOMAIN, "a.example", "domain-name"},     {TIP_KIND_URL, "http://a.example/", "url"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(siem_indicator_type(rows[i].kind, rows[i].value, strlen(rows[i].value)), rows[i].type);
}

/* ---- ECS ---- */

static json_t *ecs_of(const struct siem_doc *doc)
{
    tip_auto(tip_buf_deinit) struct tip_buf line;
    json_t *object;

    tip_buf_init(&line, 1 << 20);
    assert_int_equal(siem_ecs(doc, &line), 0);
    assert_null(strchr(tip_buf_text(&line), '\n'));
    object = json_loads(tip_buf_text(&line), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    return object;
}

/* The text at a.b.c; of a list its first. */
static const char *at(const json_t *object, const char *path)
{
    char name[64];

    while (*path && object) {
        size_t len = strcspn(path, ".");

        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        object = json_object_get(object, name);
        path += len + (path[len] == '.');
    }
    if (json_is_array(object))
        object = json_array_get(object, 0);
    return object ? json_string_value(object) : NULL;
}

static struct tip_event verdict_event(struct tip_verdict *verdict)
{
    struct tip_event event = made(TIP_EVENT_VERDICT_CHANGES);

    event.verdict_changes = (struct tip_verdict_changes){.n_verdicts = 1, .verdicts = verdict, .cause_source = "drop"};
    return event;
}

static void test_ecs_of_a_verdict(void **state)
{
    struct tip_verdict verdict = {.kind = TIP_KIND_ENDPOINT,
                                  VALUE("[2001:db8::1]:443"),
                                  .score = 0.93,
                                  .tier = TIP_TIER_BLOCK,
                                  .reason_count = 2};
    struct tip_event event = verdict_event(&verdict);
    struct docs docs = docs_of(&event);
    json_t *object = ecs_of(&docs.items[0]);
    static const char *const texts[][2] = {
        {"@timestamp", "2023-11-14T22:13:20.250Z"},
        {"event.created", "2023-11-14T22:13:21.500Z"},
        {"ecs.version", "8.11.0"},
        {"event.kind", "enrichment"},
        {"event.category", "threat"},
        {"event.type", "indicator"},
        {"event.dataset", "tip.verdict"},
        {"event.module", "tip"},
        {"event.action", "verdict_block"},
        {"event.provider", "blacklist"},
        {"log.level", "warning"},
        {"message", "[2001:db8::1]:443: block, score 0.93"},
        {"threat.indicator.type", "ipv6-addr"},
        {"threat.indicator.name", "[2001:db8::1]:443"},
        {"threat.indicator.ip", "2001:db8::1"},
        {"threat.indicator.confidence", "High"},
        {"threat.indicator.marking.tlp", "AMBER"},
        {"related.ip", "2001:db8::1"},
        {"tip.tier", "block"},
        {"tip.cause_source", "drop"},
        {"tip.topic", "v1.verdict.changes.list."},
        {"tip.journal", "abcd0000000000000000000000000000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_non_null(at(object, texts[i][0]));
        assert_string_equal(at(object, texts[i][0]), texts[i][1]);
    }
    assert_string_equal(at(object, "event.id"), "018b0000-0000-0000-0000-00000000000f/0");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(json_object_get(object, "threat"), "indicator"), "port")),
        443);
    assert_true(json_real_value(json_object_get(json_object_get(object, "event"), "risk_score")) == 93);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(object, "event"), "sequence")), 4711);
    json_decref(object);
}

#define REPORT                                              \
    {                                                       \
        .schedule_report = {.module = "m", .summary = "s" } \
    }
#define SOURCE                                                                     \
    {                                                                              \
        .source_state = {.source = "s", .reason = "r", .detail = "d", .url = "u" } \
    }
#define SERVICE                                                                           \
    {                                                                                     \
        .system_state = {.service = "s", .version = "v", .instance = "i", .detail = "d" } \
    }

/* A payload with texts where the kind has texts. */
static struct tip_event payload_of(enum tip_event_kind kind)
{
    static const struct tip_event payloads[TIP_EVENT_KIND_COUNT] = {
        [TIP_EVENT_SCHEDULE_DUE] = {.schedule_due = {.job = "j", .module = "m", .target = "t"}},
        [TIP_EVENT_SCHEDULE_DONE] = REPORT,
        [TIP_EVENT_SCHEDULE_FAILED] = REPORT,
        [TIP_EVENT_SCHEDULE_OVERDUE] = {.schedule_overdue = {.job = "j", .module = "m"}},
        [TIP_EVENT_LISTING_DELTA] = {.listing_delta = {.source = "s"}},
        [TIP_EVENT_LISTING_BASELINE] = {.listing_baseline = {.source = "s"}},
        [TIP_EVENT_SOURCE_OK] = SOURCE,
        [TIP_EVENT_SOURCE_HELD] = SOURCE,
        [TIP_EVENT_SOURCE_FAILED] = SOURCE,
        [TIP_EVENT_SOURCE_WEIGHT] = {.source_weight = {.source = "s", .reason = "r"}},
        [TIP_EVENT_VERDICT_CHANGES] = {.verdict_changes = {.cause_source = "s"}},
        [TIP_EVENT_CONTROL_APPLIED] = {.control_applied = {"s", "a", "b", "c", "d", "e", {{0}}, true}},
        [TIP_EVENT_SYSTEM_HELLO] = SERVICE,
        [TIP_EVENT_SYSTEM_HEARTBEAT] = SERVICE,
        [TIP_EVENT_SYSTEM_GOODBYE] = SERVICE,
        [TIP_EVENT_SYSTEM_ALARM] = {.system_alarm = {"s", "n", "d", true}},
        [TIP_EVENT_BUS_HEAD] = {.bus_head = {.head_seq = 1}},
        [TIP_EVENT_MAIL_SEEN] = {.mail_seen = {.trap = "t", .digest = "d"}},
        [TIP_EVENT_FLUX_AGENT] = {.flux_agents = {.domain = "d", .network = "n"}},
    };
    struct tip_event event = payloads[kind], header = made(kind);

    event.id = header.id;
    event.kind = kind;
    event.kind_name = kind ? header.kind_name : "flux.state";
    event.observed_unix_ms = header.observed_unix_ms;
    return event;
}

/* Every kind makes a document with what ECS wants of each. */
static void test_ecs_of_every_kind(void **state)
{
    (void)state;
    for (enum tip_event_kind kind = TIP_EVENT_NONE; kind < TIP_EVENT_KIND_COUNT; kind++) {
        struct tip_event event = payload_of(kind);
        struct docs docs = docs_of(&event);
        json_t *object = ecs_of(&docs.items[0]);

        assert_int_equal(docs.n, 1);
        assert_non_null(at(object, "event.kind"));
        assert_non_null(at(object, "event.dataset"));
        assert_non_null(at(object, "event.type"));
        assert_non_null(at(object, "event.id"));
        assert_non_null(at(object, "message"));
        assert_string_equal(at(object, "tip.kind"), kind ? tip_event_kind_name(kind) : "flux.state");
        json_decref(object);
    }
}

/* ---- RFC 5424 ---- */

static void check_syslog(const struct siem_doc *doc, const char *host, const char *expected)
{
    tip_auto(tip_buf_deinit) struct tip_buf line;

    tip_buf_init(&line, 1 << 20);
    assert_int_equal(siem_syslog(doc, host, &line), 0);
    assert_string_equal(tip_buf_text(&line), expected);
}

static void test_syslog_of_a_verdict(void **state)
{
    struct tip_verdict verdict = {
        .kind = TIP_KIND_IP, VALUE("192.0.2.7"), .score = 0.6, .tier = TIP_TIER_SLOW, .reason_count = 1};
    struct tip_event event = verdict_event(&verdict);
    struct docs docs = docs_of(&event);

    (void)state;
    check_syslog(
        &docs.items[0], "host.example",
        "<133>1 2023-11-14T22:13:20.250Z host.example tip blacklist verdict.changes "
        "[tip@32473 id=\"018b0000-0000-0000-0000-00000000000f/0\" journal=\"abcd0000000000000000000000000000\" "
        "seq=\"4711\" tlp=\"amber\" action=\"verdict_slow\" type=\"ipv4-addr\" indicator=\"192.0.2.7\" "
        "score=\"0.6000\" index=\"0\" tier=\"slow\" cause_source=\"drop\" reasons=\"1\"] "
        "192.0.2.7: slow, score 0.60");
}

static void test_syslog_escapes_and_marks(void **state)
{
    struct tip_event event = made(TIP_EVENT_SYSTEM_ALARM);
    struct docs docs;

    (void)state;
    event.system_alarm = (struct tip_system_alarm){"s", "a\"b\\c]d", "gr\xc3\xbc\xc3\x9f", true};
    docs = docs_of(&event);
    check_syslog(&docs.items[0], "",
                 "<131>1 2023-11-14T22:13:20.250Z - tip blacklist system.alarm "
                 "[tip@32473 id=\"018b0000-0000-0000-0000-00000000000f\" journal=\"abcd0000000000000000000000000000\" "
                 "seq=\"4711\" tlp=\"amber\" action=\"alarm_raised\" service=\"s\" reason=\"gr\xc3\xbc\xc3\x9f\" "
                 "alarm=\"a\\\"b\\\\c\\]d\"] \xef\xbb\xbfs: a\"b\\c]d raised: gr\xc3\xbc\xc3\x9f");
}

/* Whatever is in it: one line, within its octets, the indicator whole. */
static void test_syslog_is_bounded(void **state)
{
    static char url[TIP_INDICATOR_MAX + 1], text[TIP_TEXT_MAX + 1];
    struct tip_verdict verdict = {.kind = TIP_KIND_URL, .value = url, .value_len = TIP_INDICATOR_MAX};
    struct tip_event events[] = {verdict_event(&verdict), made(TIP_EVENT_CONTROL_APPLIED)};
    tip_auto(tip_buf_deinit) struct tip_buf line;

    (void)state;
    memset(url, ']', TIP_INDICATOR_MAX);
    memset(text, '"', TIP_TEXT_MAX);
    events[1].control_applied = (struct tip_control_applied){text, text, text, text, text, text, {{0}}, false};
    events[1].control_applied.service = events[1].control_applied.actor = "me";
    events[1].control_applied.action = events[1].control_applied.target = "it\nis";
    tip_buf_init(&line, 1 << 20);
    for (size_t i = 0; i < 2; i++) {
        struct docs docs = docs_of(&events[i]);

        tip_buf_clear(&line);
        assert_int_equal(siem_syslog(&docs.items[0], "h", &line), 0);
        assert_true(line.len <= SIEM_SYSLOG_BYTES);
        assert_null(strchr(tip_buf_text(&line), '\n'));
    }
    tip_buf_clear(&line);
    {
        struct docs docs = docs_of(&events[0]);
        size_t n = 0;

        assert_int_equal(siem_syslog(&docs.items[0], "h", &line), 0);
        for (const char *c = strstr(tip_buf_text(&line), "indicator="); *c && strncmp(c, "\" score", 7) != 0; c++)
            n += c[0] == '\\' && c[1] == ']';
        assert_int_equal(n, TIP_INDICATOR_MAX);
    }
}

/* ---- gaps ---- */

static void test_gaps(void **state)
{
    struct siem_gap gap = {.reason = "trimmed",
                           .journal_id = {.bytes = {0xab}},
                           .before_id = {.bytes = {0xab}},
                           .from_seq = 5,
                           .to_seq = 9,
                           .next_seq = 10,
                           .now_unix_ms = INT64_C(1700000000000)};
    tip_auto(tip_buf_deinit) struct tip_buf line;
    struct tip_stamp filled;
    struct siem_doc doc;
    json_t *object;

    (void)state;
    tip_buf_init(&line, 4096);
    assert_int_equal(siem_gap_json(&gap, &line), 0);
    assert_string_equal(tip_buf_text(&line),
                        "{\"gap\":{\"reason\":\"trimmed\",\"journal\":\"ab000000000000000000000000000000\","
                        "\"journal_before\":\"ab000000000000000000000000000000\",\"from_seq\":5,\"to_seq\":9,"
                        "\"next_seq\":10}}");
    siem_gap_doc(&gap, &filled, &doc);
    object = ecs_of(&doc);
    assert_string_equal(at(object, "event.kind"), "pipeline_error");
    assert_string_equal(at(object, "event.dataset"), "tip.gap");
    assert_string_equal(at(object, "event.reason"), "trimmed");
    assert_string_equal(at(object, "event.id"), "gap-ab000000-10"); /* the same when it is read again */
    json_decref(object);
    tip_buf_clear(&line);
    assert_int_equal(siem_syslog(&doc, "h", &line), 0);
    assert_non_null(
        strstr(tip_buf_text(&line), "<131>1 2023-11-14T22:13:20Z h tip - gap [tip@32473 id=\"gap-ab000000-10\""));
    assert_non_null(strstr(tip_buf_text(&line), "from_seq=\"5\" to_seq=\"9\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_document_an_entry),
        cmocka_unit_test(test_it_stops_when_told),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_ecs_of_a_verdict),
        cmocka_unit_test(test_ecs_of_every_kind),
        cmocka_unit_test(test_syslog_of_a_verdict),
        cmocka_unit_test(test_syslog_escapes_and_marks),
        cmocka_unit_test(test_syslog_is_bounded),
        cmocka_unit_test(test_gaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
