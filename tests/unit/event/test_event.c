#include "golden.h"

#include <errno.h>
#include <math.h>

#include <tip/buf.h>

static struct tip_event base_event(enum tip_event_kind kind)
{
    return (struct tip_event){.id = golden_id(1), .kind = kind, .observed_unix_ms = 1767225600123};
}

static struct tip_listing_entry entry_ip(const char *value)
{
    return (struct tip_listing_entry){.kind = TIP_KIND_IP, .value = value, .value_len = (uint16_t)strlen(value)};
}

static int encode(const struct tip_event *event)
{
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    tip_buf_init(&buf, 2 * TIP_EVENT_BYTES_MAX);
    return tip_event_encode(event, &buf);
}

/* Each row breaks one bound of an event that is good. */
static void break_id(struct tip_event *event)
{
    memset(&event->id, 0, sizeof(event->id));
}

static void break_time(struct tip_event *event)
{
    event->observed_unix_ms = -1;
}

static void break_causes(struct tip_event *event)
{
    event->n_causes = 1;
}

static void break_source(struct tip_event *event)
{
    event->listing_delta.source = "";
}

static void break_text(struct tip_event *event)
{
    event->listing_delta.source = "a\nb";
}

static void break_utf8(struct tip_event *event)
{
    event->listing_delta.source = "\xc3(";
}

static void break_part(struct tip_event *event)
{
    event->listing_delta.part = 3;
}

static void break_version(struct tip_event *event)
{
    event->listing_delta.to_version = event->listing_delta.from_version;
}

static void break_value(struct tip_event *event)
{
    event->listing_delta.added[0] = entry_ip("192.0.2.7 ");
}

static void break_kind(struct tip_event *event)
{
    event->listing_delta.added[0].kind = TIP_KIND_COUNT;
}

static void break_raw(struct tip_event *event)
{
    static const uint8_t raw[TIP_RAW_MAX + 1];

    event->listing_delta.added[0].raw = raw;
    event->listing_delta.added[0].raw_len = sizeof(raw);
}

static void break_sum(struct tip_event *event)
{
    static struct tip_listing_entry many[TIP_BATCH_ENTRIES_MAX];

    for (size_t i = 0; i < TIP_BATCH_ENTRIES_MAX; i++)
        many[i] = entry_ip("192.0.2.9");
    event->listing_delta.n_removed = TIP_BATCH_ENTRIES_MAX;
    event->listing_delta.removed = many;
}

static void break_nothing(struct tip_event *event)
{
    (void)event;
}

static void test_encode_holds_the_bounds(void **state)
{
    static const struct {
        const char *name;
        void (*fn)(struct tip_event *event);
        int r;
    } rows[] = {
        {"nothing", break_nothing, 0},     {"id", break_id, -EINVAL},         {"time", break_time, -EINVAL},
        {"causes", break_causes, -EINVAL}, {"source", break_source, -EINVAL}, {"text", break_text, -EINVAL},
        {"utf8", break_utf8, -EINVAL},     {"part", break_part, -EINVAL},     {"version", break_version, -EINVAL},
        {"value", break_value, -EINVAL},   {"kind", break_kind, -EINVAL},     {"raw", break_raw, -EINVAL},
        {"sum", break_sum, -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tip_event event = base_event(TIP_EVENT_LISTING_DELTA);
        struct tip_listing_entry added = entry_ip("192.0.2.7");

        event.listing_delta = (struct tip_listing_delta){.source = "drop",
                                                         .stream = golden_id(2),
                                                         .from_version = 1,
                                                         .to_version = 2,
                                                         .part = 1,
                                                         .n_parts = 2,
                                                         .n_added = 1,
                                                         .added = &added};
        rows[i].fn(&event);
        if (encode(&event) != rows[i].r)
            fail_msg("%s", rows[i].name);
    }
}

static void test_encode_refuses_no_numbers(void **state)
{
    struct tip_event event = base_event(TIP_EVENT_SOURCE_WEIGHT);

    (void)state;
    event.source_weight = (struct tip_source_weight){.source = "drop", .weight = 0.5, .before = 0.5};
    assert_int_equal(encode(&event), 0);
    event.source_weight.weight = (double)NAN;
    assert_int_equal(encode(&event), -EINVAL);
    event.source_weight.weight = 1.1;
    assert_int_equal(encode(&event), -EINVAL);
    event.kind = TIP_EVENT_NONE;
    assert_int_equal(encode(&event), -EINVAL);
}

static void test_what_tip_saw_holds_its_bounds(void **state)
{
    static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct tip_mail_entry sent = {.kind = TIP_KIND_IP, .role = TIP_MAIL_SENDER, .value = "192.0.2.7", .value_len = 9};
    struct tip_flux_agent agent = {.kind = TIP_KIND_IP, .value = "192.0.2.7", .value_len = 9, .prefix = ""};
    struct tip_smtp_behaviour did = {
        .kind = TIP_KIND_IP, .value = "192.0.2.7", .value_len = 9, .behaviour = "early_talker", .n = 1};
    struct tip_cause causes[TIP_EVENT_CAUSES_MAX + 1] = {{.event_id = golden_id(1), .source = "drop"}};
    struct tip_event mail = base_event(TIP_EVENT_MAIL_SEEN), flux = base_event(TIP_EVENT_FLUX_AGENT),
                     smtp = base_event(TIP_EVENT_SMTP_BEHAVIOUR);

    (void)state;
    mail.mail_seen = (struct tip_mail_seen){.trap = "bait", .digest = digest, .n_entries = 1, .entries = &sent};
    flux.flux_agents =
        (struct tip_flux_agents){.domain = "bad.example", .network = "", .n_agents = 1, .agents = &agent};
    smtp.smtp_behaviours = (struct tip_smtp_behaviours){.n_entries = 1, .entries = &did};
    did.causes = agent.causes = causes;
    did.n_causes = agent.n_causes = 1;
    assert_int_equal(encode(&mail) | encode(&flux) | encode(&smtp), 0);
    sent.kind = TIP_KIND_DOMAIN; /* a name hands over no mail */
    assert_int_equal(encode(&mail), -EINVAL);
    sent.role = TIP_MAIL_ADVERTISED;
    assert_int_equal(encode(&mail), 0);
    sent.kind = TIP_KIND_EMAIL_DOMAIN;
    assert_int_equal(encode(&mail), -EINVAL);
    sent.kind = TIP_KIND_URL;
    sent.role = TIP_MAIL_ROLE_NONE;
    assert_int_equal(encode(&mail), -EINVAL);
    sent.role = TIP_MAIL_ADVERTISED;
    mail.mail_seen.digest = "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_int_equal(encode(&mail), -EINVAL);
    mail.mail_seen.digest = digest + 1;
    assert_int_equal(encode(&mail), -EINVAL);
    agent.kind = TIP_KIND_NET;
    assert_int_equal(encode(&flux), -EINVAL);
    did.n = 0;
    assert_int_equal(encode(&smtp), -EINVAL);
    did.n = 1;
    did.n_causes = TIP_EVENT_CAUSES_MAX + 1;
    assert_int_equal(encode(&smtp), -EINVAL);
    did.n_causes = 1;
    causes[0].event_id = (struct tip_id){{0}};
    assert_int_equal(encode(&smtp), -EINVAL);
}

static void test_a_cause_may_name_its_list(void **state)
{
    struct tip_event event = base_event(TIP_EVENT_SMTP_BEHAVIOUR);
    tip_auto(tip_event_destroy) struct tip_event *again = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf bytes, json;

    (void)state;
    tip_buf_init(&bytes, TIP_EVENT_BYTES_MAX);
    tip_buf_init(&json, TIP_EVENT_BYTES_MAX);
    event.n_causes = 2;
    event.causes[0] = (struct tip_cause){.event_id = golden_id(1), .source = "drop"};
    event.causes[1] = (struct tip_cause){.event_id = golden_id(1), .index = 7};
    assert_int_equal(tip_event_encode(&event, &bytes), 0);
    assert_int_equal(tip_event_decode(bytes.data, bytes.len, &again, NULL), 0);
    assert_string_equal(again->causes[0].source, "drop");
    assert_string_equal(again->causes[1].source, "");
    assert_int_equal(tip_event_json(again, NULL, &json), 0);
    assert_non_null(strstr(tip_buf_text(&json), "\"index\":0,\"source\":\"drop\"}"));
    assert_non_null(strstr(tip_buf_text(&json), "\"index\":7}"));
    event.causes[1].source = "two\nlines";
    assert_int_equal(encode(&event), -EINVAL);
}

static void test_encode_keeps_the_size(void **state)
{
    static struct tip_listing_entry entries[TIP_BATCH_ENTRIES_MAX];
    static uint8_t raw[TIP_RAW_MAX];
    struct tip_event event = base_event(TIP_EVENT_LISTING_BASELINE);

    (void)state;
    for (size_t i = 0; i < TIP_BATCH_ENTRIES_MAX; i++) {
        entries[i] = entry_ip("192.0.2.7");
        entries[i].raw = raw;
        entries[i].raw_len = sizeof(raw);
    }
    event.listing_baseline = (struct tip_listing_baseline){.source = "drop",
                                                           .stream = golden_id(2),
                                                           .version = 1,
                                                           .baseline_id = golden_id(3),
                                                           .part = 1,
                                                           .n_parts = 1,
                                                           .n_entries = TIP_BATCH_ENTRIES_MAX,
                                                           .entries = entries};
    assert_int_equal(encode(&event), -EMSGSIZE);
    event.listing_baseline.n_entries = 400;
    assert_int_equal(encode(&event), 0);
}

/* The sizes that fill a batch are exactly what the entries add. */
static void test_entry_sizes_are_exact(void **state)
{
    struct tip_listing_entry entries[2] = {entry_ip("192.0.2.7"), entry_ip("2001:db8::1")};
    struct tip_event event = base_event(TIP_EVENT_LISTING_BASELINE);
    static const uint8_t raw[200] = "192.0.2.7";
    tip_auto(tip_buf_deinit) struct tip_buf one, two;

    (void)state;
    tip_buf_init(&one, TIP_EVENT_BYTES_MAX);
    tip_buf_init(&two, TIP_EVENT_BYTES_MAX);
    event.listing_baseline = (struct tip_listing_baseline){.source = "drop",
                                                           .stream = golden_id(2),
                                                           .version = 1,
                                                           .baseline_id = golden_id(3),
                                                           .part = 1,
                                                           .n_parts = 1,
                                                           .n_entries = 1,
                                                           .entries = entries};
    entries[0].raw = raw; /* above 127 bytes: lengths of two bytes in both messages */
    entries[0].raw_len = sizeof(raw);
    entries[1].raw = raw;
    entries[1].raw_len = sizeof(raw);
    entries[1].line = 300;
    assert_int_equal(tip_event_encode(&event, &one), 0);
    event.listing_baseline.n_entries = 2;
    assert_int_equal(tip_event_encode(&event, &two), 0);
    assert_int_equal(two.len - one.len, tip_listing_entry_size(&entries[1]));
}

static void test_decode_names_what_is_wrong(void **state)
{
    /* Event{id, kind: "listing.delta", schedule_due: {}} and one without payload */
    uint8_t bytes[GOLDEN_MAX];
    size_t n = golden_read("event", "schedule.due", bytes);
    struct tip_event *event = NULL;
    const char *reason = "";

    (void)state;
    assert_int_equal(tip_event_decode(bytes, 0, &event, &reason), TIP_EVENT_E_INVALID);
    assert_string_equal(reason, "id is missing, malformed or out of bounds");
    assert_int_equal(tip_event_decode(bytes, n - 1, &event, &reason), TIP_EVENT_E_MALFORMED);
    assert_string_equal(reason, "not a tip.v1.Event");
    bytes[20 + strlen("schedule.d")] = 'a'; /* schedule.due becomes schedule.dae */
    assert_int_equal(tip_event_decode(bytes, n, &event, &reason), TIP_EVENT_E_INVALID);
    assert_string_equal(reason, "kind and payload do not belong together");
    assert_null(event);
}

static void test_decode_passes_over_the_unknown(void **state)
{
    /* id, kind "flux.state", schema 2, field 200 with 3 bytes */
    uint8_t bytes[] = {0x0a, 16,  1,   2,   3,   4,   5,   6,   7,   8,   9,   10,   11, 12,   13,   14, 15, 16, 0x12,
                       10,   'f', 'l', 'u', 'x', '.', 's', 't', 'a', 't', 'e', 0x20, 2,  0xc2, 0x0c, 3,  1,  2,  3};
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf json;

    (void)state;
    tip_buf_init(&json, 10000);
    assert_int_equal(tip_event_decode(bytes, sizeof(bytes), &event, NULL), 0);
    assert_int_equal(event->kind, TIP_EVENT_NONE);
    assert_string_equal(event->kind_name, "flux.state");
    assert_int_equal(event->schema, 2);
    assert_int_equal(tip_event_json(event, NULL, &json), 0);
    assert_string_equal(tip_buf_text(&json), "{\"id\":\"01020304-0506-0708-090a-0b0c0d0e0f10\",\"kind\":\"flux.state\","
                                             "\"observed_at\":null,\"schema\":2,\"depth\":0,\"causes\":[],"
                                             "\"data\":null}");
}

static void json_of(const char *name, const struct tip_stamp *stamp, struct tip_buf *json)
{
    uint8_t bytes[GOLDEN_MAX];
    size_t n = golden_read("event", name, bytes);
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;

    tip_buf_init(json, 100000);
    assert_int_equal(tip_event_decode(bytes, n, &event, NULL), 0);
    assert_int_equal(tip_event_json(event, stamp, json), 0);
}

static void test_json_of_a_delta(void **state)
{
    struct tip_stamp stamp = {.journal_id = golden_id(0x60),
                              .seq = 7,
                              .class_seq = 6,
                              .epoch = 5,
                              .pub_seq = 4,
                              .commit_unix_us = INT64_C(1767225600123456),
                              .tlp = TIP_TLP_AMBER,
                              .publisher = "blacklist",
                              .topic = "v1.listing.delta.drop_v4."};
    tip_auto(tip_buf_deinit) struct tip_buf json;

    (void)state;
    json_of("listing.delta", &stamp, &json);
    assert_string_equal(
        tip_buf_text(&json),
        "{\"id\":\"01020304-0506-0708-090a-0b0c0d0e0f10\",\"kind\":\"listing.delta\","
        "\"observed_at\":\"2026-01-01T00:00:00.123Z\",\"schema\":1,\"depth\":2,"
        "\"causes\":[{\"event\":\"02030405-0607-0809-0a0b-0c0d0e0f1011\",\"index\":3},"
        "{\"event\":\"03040506-0708-090a-0b0c-0d0e0f101112\",\"index\":300}],"
        "\"stamp\":{\"journal\":\"606162636465666768696a6b6c6d6e6f\",\"seq\":7,\"class_seq\":6,"
        "\"committed_at\":\"2026-01-01T00:00:00.123Z\",\"publisher\":\"blacklist\",\"epoch\":5,\"pub_seq\":4,"
        "\"topic\":\"v1.listing.delta.drop_v4.\",\"tlp\":\"amber\"},"
        "\"data\":{\"source\":\"drop.v4\",\"stream\":\"303132333435363738393a3b3c3d3e3f\",\"from_version\":6,"
        "\"to_version\":7,\"part\":1,\"n_parts\":2,\"fetched_at\":\"2026-01-01T00:00:00.123Z\","
        "\"confirmed_at\":\"2025-12-31T23:59:00.123Z\",\"added\":["
        "{\"kind\":\"ip\",\"value\":\"192.0.2.7\",\"flags\":[],\"line\":12,\"raw\":\"192.0.2.7 ; "
        "SBL1\",\"stated_at\":null},"
        "{\"kind\":\"net\",\"value\":\"198.51.100.0/24\",\"flags\":[\"host_bits\"],\"line\":13,"
        "\"raw\":\"198.51.100.9/24 \\\\\\\\ \\\\xff\\\\x09\",\"stated_at\":null},"
        "{\"kind\":\"url\",\"value\":\"http://bad.example/"
        "a?b=c\",\"flags\":[],\"line\":1099511627776,\"raw\":\"\",\"stated_at\":null}],"
        "\"changed\":[{\"kind\":\"domain\",\"value\":\"xn--bcher-kva.example\",\"flags\":[\"subtree\",\"bad_idna\"],"
        "\"line\":14,\"raw\":\"*.b\u00fccher.example\",\"stated_at\":\"2025-12-31T00:00:00.123Z\"}],"
        "\"removed\":[{\"kind\":\"endpoint\",\"value\":\"[2001:db8::1]:443\"},"
        "{\"kind\":\"ip\",\"value\":\"2001:db8::7\"}]}}");
}

static void test_json_of_verdicts_is_short(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf json;

    (void)state;
    json_of("verdict.changes", NULL, &json);
    assert_non_null(strstr(tip_buf_text(&json), "\"score\":0.91,\"tier\":\"block\",\"families\":{\"list\":0.91},"
                                                "\"reasons\":[{\"source\":\"drop.v4\",\"weight\":0.7},"));
    assert_non_null(strstr(tip_buf_text(&json), "\"score\":0.1,\"tier\":\"none\",\"families\":{},\"reasons\":[]"));
}

static void test_json_needs_room(void **state)
{
    uint8_t bytes[GOLDEN_MAX];
    size_t n = golden_read("event", "system.alarm", bytes);
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf json;

    (void)state;
    tip_buf_init(&json, 50);
    assert_int_equal(tip_buf_append_text(&json, "x"), 0);
    assert_int_equal(tip_event_decode(bytes, n, &event, NULL), 0);
    assert_int_equal(tip_event_json(event, NULL, &json), -ENOBUFS);
    assert_string_equal(tip_buf_text(&json), "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_holds_the_bounds),
        cmocka_unit_test(test_encode_refuses_no_numbers),
        cmocka_unit_test(test_what_tip_saw_holds_its_bounds),
        cmocka_unit_test(test_a_cause_may_name_its_list),
        cmocka_unit_test(test_encode_keeps_the_size),
        cmocka_unit_test(test_entry_sizes_are_exact),
        cmocka_unit_test(test_decode_names_what_is_wrong),
        cmocka_unit_test(test_decode_passes_over_the_unknown),
        cmocka_unit_test(test_json_of_a_delta),
        cmocka_unit_test(test_json_of_verdicts_is_short),
        cmocka_unit_test(test_json_needs_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
