/* Each event, built here from its plain struct, is byte for byte what python3-protobuf makes of the same message. */
#include "golden.h"

#include <tip/buf.h>

static const int64_t T0 = 1767225600123;

struct golden_event {
    enum tip_event_kind kind;
    void (*fill)(struct tip_event *event);
};

static void fill_due(struct tip_event *event)
{
    event->schedule_due = (struct tip_schedule_due){.run_id = golden_id(0x20),
                                                    .job = "lists",
                                                    .module = "blacklist",
                                                    .target = "drop.v4",
                                                    .due_unix_ms = T0,
                                                    .deadline_unix_ms = T0 + 60000,
                                                    .expires_unix_ms = T0 + 30000,
                                                    .force = true};
}

static void fill_report(struct tip_event *event, const char *summary)
{
    event->schedule_report = (struct tip_schedule_report){
        .run_id = golden_id(0x20), .module = "blacklist", .summary = summary, .n_ok = 9, .n_failed = 1, .n_skipped = 2};
}

static void fill_done(struct tip_event *event)
{
    fill_report(event, "12 sources, 1 failed");
    event->depth = 1;
    event->n_causes = 1;
    event->causes[0] = (struct tip_cause){.event_id = golden_id(2), .index = 0};
}

static void fill_failed(struct tip_event *event)
{
    fill_report(event, "Gr\u00fc\u00dfe \u2603");
}

static void fill_overdue(struct tip_event *event)
{
    event->schedule_overdue = (struct tip_schedule_overdue){
        .run_id = golden_id(0x20), .job = "lists", .module = "blacklist", .deadline_unix_ms = T0 + 60000};
}

static struct tip_listing_entry entry(enum tip_kind kind, const char *value, uint32_t flags, uint64_t line,
                                      const char *raw)
{
    return (struct tip_listing_entry){.kind = kind,
                                      .value = value,
                                      .value_len = (uint16_t)strlen(value),
                                      .flags = flags,
                                      .line = line,
                                      .raw = (const uint8_t *)raw,
                                      .raw_len = (uint16_t)strlen(raw)};
}

static void fill_delta(struct tip_event *event)
{
    static struct tip_listing_entry added[3], changed[1], removed[2];

    event->depth = 2;
    event->n_causes = 2;
    event->causes[0] = (struct tip_cause){.event_id = golden_id(2), .index = 3};
    event->causes[1] = (struct tip_cause){.event_id = golden_id(3), .index = 300};
    added[0] = entry(TIP_KIND_IP, "192.0.2.7", 0, 12, "192.0.2.7 ; SBL1");
    added[1] = entry(TIP_KIND_NET, "198.51.100.0/24", TIP_LISTING_HOST_BITS, 13, "198.51.100.9/24 \\ \xff\t");
    added[2] = entry(TIP_KIND_URL, "http://bad.example/a?b=c", 0, UINT64_C(1) << 40, "");
    changed[0] = entry(TIP_KIND_DOMAIN, "xn--bcher-kva.example", TIP_LISTING_SUBTREE | TIP_LISTING_BAD_IDNA, 14,
                       "*.b\u00fccher.example");
    changed[0].stated_unix_ms = T0 - 86400000;
    removed[0] = entry(TIP_KIND_ENDPOINT, "[2001:db8::1]:443", 0, 0, "");
    removed[1] = entry(TIP_KIND_IP, "2001:db8::7", 0, 0, "");
    event->listing_delta = (struct tip_listing_delta){.source = "drop.v4",
                                                      .stream = golden_id(0x30),
                                                      .from_version = 6,
                                                      .to_version = 7,
                                                      .part = 1,
                                                      .n_parts = 2,
                                                      .n_added = 3,
                                                      .added = added,
                                                      .n_changed = 1,
                                                      .changed = changed,
                                                      .n_removed = 2,
                                                      .removed = removed,
                                                      .fetched_unix_ms = T0,
                                                      .confirmed_unix_ms = T0 - 60000};
}

static void fill_baseline(struct tip_event *event)
{
    static struct tip_listing_entry entries[1];

    entries[0] = entry(TIP_KIND_IP, "10.0.0.1", TIP_LISTING_SPECIAL_USE, 1, "10.0.0.1");
    event->listing_baseline = (struct tip_listing_baseline){.source = "drop.v4",
                                                            .stream = golden_id(0x30),
                                                            .version = 1,
                                                            .baseline_id = golden_id(0x40),
                                                            .part = 2,
                                                            .n_parts = 2,
                                                            .n_entries = 1,
                                                            .entries = entries,
                                                            .fetched_unix_ms = T0};
}

static void fill_source(struct tip_event *event, const char *reason, const char *detail)
{
    event->source_state = (struct tip_source_state){.source = "drop.v4",
                                                    .reason = reason,
                                                    .detail = detail,
                                                    .stream = golden_id(0x30),
                                                    .version = 7,
                                                    .weight = 0.7,
                                                    .n_entries = 1100,
                                                    .url = "https://lists.example/drop.txt"};
}

static void fill_source_ok(struct tip_event *event)
{
    static struct tip_listing_reject reject = {
        .line = 5, .reason = "default_route", .raw = (const uint8_t *)"0.0.0.0/0", .raw_len = 9};
    static struct tip_reject_count count = {.reason = "default_route", .n = 1};
    struct tip_source_state *state = &event->source_state;

    fill_source(event, "changed", "3 added, 2 removed");
    state->n_added = 3;
    state->n_removed = 2;
    state->n_changed = 1;
    state->n_lines = 1200;
    state->n_special = 4;
    state->n_rejected = 2;
    state->n_bytes = 65536;
    state->next_unix_ms = T0 + 3600000;
    state->n_counts = 1;
    state->counts = &count;
    state->n_rejects = 1;
    state->rejects = &reject;
}

static void fill_source_held(struct tip_event *event)
{
    fill_source(event, "shrunk", "held back");
}

static void fill_source_failed(struct tip_event *event)
{
    fill_source(event, "http_503", "server said 503");
    event->source_state.n_failures = 4;
}

static void fill_weight(struct tip_event *event)
{
    static struct tip_role_hits hits = {"top_site", 1};
    static struct tip_source_overlap overlaps[2] = {{"ssh", 500.5, 400, 150.25, 249.5}, {"scan", 20, 3, 3, 0}};

    event->source_weight = (struct tip_source_weight){.source = "drop.v4",
                                                      .weight = 0.8,
                                                      .before = 0.7,
                                                      .reason = "configured",
                                                      .measured_unix_ms = T0,
                                                      .measured = 0.225,
                                                      .fixed = true,
                                                      .trust = 0.6,
                                                      .trust_low = 0.25,
                                                      .trust_high = 0.875,
                                                      .n_entries = 1100.5,
                                                      .n_confirmed = 2.5,
                                                      .exposure = 12,
                                                      .penalties = 0.5,
                                                      .n_hits = 1,
                                                      .hits = &hits,
                                                      .independence = 0.5,
                                                      .n_scored = 1000.25,
                                                      .n_exclusive = 900.125,
                                                      .n_copied = 400,
                                                      .copied_from = "ssh",
                                                      .lead = 0.75,
                                                      .n_shared = 40,
                                                      .lead_sum = 30,
                                                      .freshness = 0.875,
                                                      .ok_unix_ms = T0 - 60000,
                                                      .interval_ms = 3600000,
                                                      .half_life_ms = 86400000,
                                                      .half_life_basis = "measured",
                                                      .n_known = 80,
                                                      .n_removed = 60,
                                                      .n_held_60d = 1200,
                                                      .n_removed_60d = 61,
                                                      .observed_ms = 7776000000,
                                                      .law_half_life_ms = 172800000,
                                                      .law_basis = "file",
                                                      .law_append = true,
                                                      .n_overlaps = 2,
                                                      .overlaps = overlaps,
                                                      .overlap_count = 40,
                                                      .overlaps_unix_ms = T0 + 3600000,
                                                      .overlaps_scored = 1001.5};
}

static void fill_verdicts(struct tip_event *event)
{
    static struct tip_verdict_reason reasons[2] = {{"drop.v4", 0.7}, {"ssh", 0.7}};
    static struct tip_family_share family = {"list", 0.91};
    static struct tip_verdict verdicts[2] = {
        {.kind = TIP_KIND_IP,
         .value = "192.0.2.7",
         .value_len = 9,
         .score = 0.91,
         .tier = TIP_TIER_BLOCK,
         .n_families = 1,
         .families = &family,
         .n_reasons = 2,
         .reasons = reasons,
         .reason_count = 2},
        {.kind = TIP_KIND_DOMAIN, .value = "bad.example", .value_len = 11, .score = 0.1}};

    verdicts[0].next_change_unix_ms = T0 + 1;
    verdicts[0].expires_unix_ms = T0 + 2;
    event->verdict_changes = (struct tip_verdict_changes){.n_verdicts = 2,
                                                          .verdicts = verdicts,
                                                          .cause_source = "drop.v4",
                                                          .stream = golden_id(0x30),
                                                          .version = 7,
                                                          .part = 1};
}

static void fill_applied(struct tip_event *event)
{
    event->control_applied = (struct tip_control_applied){.service = "scheduler",
                                                          .actor = "alice",
                                                          .action = "run",
                                                          .target = "blacklist",
                                                          .reason = "by hand",
                                                          .call_id = golden_id(0x50),
                                                          .result = "started",
                                                          .ok = true};
}

static void fill_allow(struct tip_event *event)
{
    static struct tip_allow_entry added[] = {{.kind = TIP_KIND_NET,
                                              .value = "192.0.2.0/24",
                                              .value_len = 12,
                                              .rule = TIP_ALLOW_ALLOW,
                                              .scope = TIP_ALLOW_SUBTREE,
                                              .reason = "our customers",
                                              .actor = "alice"},
                                             {.kind = TIP_KIND_NET,
                                              .value = "198.51.100.0/24",
                                              .value_len = 15,
                                              .rule = TIP_ALLOW_ALLOW,
                                              .scope = TIP_ALLOW_SUBTREE,
                                              .reason = "",
                                              .actor = "tip.yaml",
                                              .configured = true}};
    static struct tip_allow_entry removed = {.kind = TIP_KIND_DOMAIN,
                                             .value = "bad.example",
                                             .value_len = 11,
                                             .rule = TIP_ALLOW_DENY,
                                             .scope = TIP_ALLOW_EXACT,
                                             .reason = "",
                                             .actor = ""};

    added[0].since_unix_ms = added[1].since_unix_ms = removed.since_unix_ms = T0;
    added[0].until_unix_ms = T0 + 86400000;
    event->allow_changes = (struct tip_allow_changes){.n_added = 2,
                                                      .added = added,
                                                      .n_removed = 1,
                                                      .removed = &removed,
                                                      .stream = golden_id(0x30),
                                                      .change = 9,
                                                      .full = true};
}

static void fill_system(struct tip_event *event, const char *detail)
{
    event->system_state = (struct tip_system_state){.service = "storage",
                                                    .version = "0.1.0",
                                                    .instance = "storage",
                                                    .pid = 4711,
                                                    .uptime_ms = 86400000,
                                                    .ready = true,
                                                    .detail = detail,
                                                    .rss_bytes = UINT64_C(1) << 33,
                                                    .outbox_events = 3,
                                                    .insecure = true};
}

static void fill_hello(struct tip_event *event)
{
    fill_system(event, "");
}

static void fill_heartbeat(struct tip_event *event)
{
    fill_system(event, "catching up");
}

static void fill_goodbye(struct tip_event *event)
{
    fill_system(event, "asked to end");
}

static void fill_alarm(struct tip_event *event)
{
    event->system_alarm = (struct tip_system_alarm){
        .service = "storage", .name = "storage.behind", .detail = "an hour behind", .raised = true};
}

static void fill_head(struct tip_event *event)
{
    static struct tip_class_head class_head = {.class_name = "listing", .tlp = TIP_TLP_AMBER, .class_seq = 42};

    event->bus_head = (struct tip_bus_head){.journal_id = golden_id(0x60),
                                            .head_seq = UINT64_C(1) << 40,
                                            .first_available = 1,
                                            .n_classes = 1,
                                            .classes = &class_head};
}

#define VALUE(text) .value = (text), .value_len = sizeof(text) - 1

static void fill_mail(struct tip_event *event)
{
    static struct tip_mail_entry entries[] = {
        {.kind = TIP_KIND_IP, .role = TIP_MAIL_SENDER, VALUE("192.0.2.7")},
        {.kind = TIP_KIND_URL, .role = TIP_MAIL_ADVERTISED, VALUE("http://bad.example/a?b=c")},
        {.kind = TIP_KIND_DOMAIN, .role = TIP_MAIL_ADVERTISED, VALUE("bad.example")},
    };

    event->mail_seen =
        (struct tip_mail_seen){.trap = "bait.one",
                               .digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                               .received_unix_ms = T0 - 1000,
                               .n_entries = 3,
                               .entries = entries};
}

static void fill_agents(struct tip_event *event)
{
    static struct tip_cause cause = {.index = 300, .source = "drop.v4"};
    static struct tip_flux_agent agents[] = {
        {.kind = TIP_KIND_IP, VALUE("2001:db8::7"), .prefix = "2001:db8::/32", .asn = 64496, .n_causes = 1},
        {.kind = TIP_KIND_IP, VALUE("198.51.100.9"), .prefix = ""},
    };

    cause.event_id = golden_id(3);
    agents[0].causes = &cause;
    agents[0].seen_unix_ms = T0;
    agents[1].seen_unix_ms = T0 - 5;
    event->depth = 1;
    event->n_causes = 1;
    event->causes[0] = (struct tip_cause){.event_id = golden_id(2), .index = 1};
    event->flux_agents =
        (struct tip_flux_agents){.domain = "bad.example", .network = "net-7", .n_agents = 2, .agents = agents};
}

static void fill_behaviours(struct tip_event *event)
{
    static struct tip_cause cause = {.source = "drop.v4"};
    static struct tip_smtp_behaviour entries[] = {
        {.kind = TIP_KIND_IP, VALUE("192.0.2.7"), .behaviour = "early_talker", .n = 3},
        {.kind = TIP_KIND_IP,
         VALUE("192.0.2.8"),
         .behaviour = "abandoned",
         .caused_by_treatment = true,
         .n = 1,
         .n_causes = 1,
         .causes = &cause},
    };

    cause.event_id = golden_id(4);
    entries[0].seen_unix_ms = entries[1].seen_unix_ms = T0;
    event->depth = 2;
    event->n_causes = 1;
    event->causes[0] = (struct tip_cause){.event_id = golden_id(2), .index = 3, .source = "ssh"};
    event->smtp_behaviours = (struct tip_smtp_behaviours){.n_entries = 2, .entries = entries};
}

static const struct golden_event events[] = {
    {TIP_EVENT_SCHEDULE_DUE, fill_due},
    {TIP_EVENT_SCHEDULE_DONE, fill_done},
    {TIP_EVENT_SCHEDULE_FAILED, fill_failed},
    {TIP_EVENT_SCHEDULE_OVERDUE, fill_overdue},
    {TIP_EVENT_LISTING_DELTA, fill_delta},
    {TIP_EVENT_LISTING_BASELINE, fill_baseline},
    {TIP_EVENT_SOURCE_OK, fill_source_ok},
    {TIP_EVENT_SOURCE_HELD, fill_source_held},
    {TIP_EVENT_SOURCE_FAILED, fill_source_failed},
    {TIP_EVENT_SOURCE_WEIGHT, fill_weight},
    {TIP_EVENT_VERDICT_CHANGES, fill_verdicts},
    {TIP_EVENT_CONTROL_APPLIED, fill_applied},
    {TIP_EVENT_CONTROL_ALLOW, fill_allow},
    {TIP_EVENT_SYSTEM_HELLO, fill_hello},
    {TIP_EVENT_SYSTEM_HEARTBEAT, fill_heartbeat},
    {TIP_EVENT_SYSTEM_GOODBYE, fill_goodbye},
    {TIP_EVENT_SYSTEM_ALARM, fill_alarm},
    {TIP_EVENT_BUS_HEAD, fill_head},
    {TIP_EVENT_MAIL_SEEN, fill_mail},
    {TIP_EVENT_FLUX_AGENT, fill_agents},
    {TIP_EVENT_SMTP_BEHAVIOUR, fill_behaviours},
};

enum { N_EVENTS = sizeof(events) / sizeof(events[0]) };

static void assert_golden(const char *name, const struct tip_buf *buf, const uint8_t *bytes, size_t n)
{
    if (buf->len != n || memcmp(buf->data, bytes, n) != 0)
        fail_msg("%s: encoded bytes differ from the golden ones", name);
}

static void test_encode_gives_the_golden_bytes(void **state)
{
    uint8_t bytes[GOLDEN_MAX];

    (void)state;
    assert_int_equal(N_EVENTS, TIP_EVENT_KIND_COUNT - 1);
    for (size_t i = 0; i < N_EVENTS; i++) {
        const char *name = tip_event_kind_name(events[i].kind);
        struct tip_event event = {.id = golden_id(1), .kind = events[i].kind, .observed_unix_ms = T0};
        tip_auto(tip_buf_deinit) struct tip_buf buf;

        tip_buf_init(&buf, TIP_EVENT_BYTES_MAX);
        events[i].fill(&event);
        assert_int_equal(tip_event_encode(&event, &buf), 0);
        assert_golden(name, &buf, bytes, golden_read("event", name, bytes));
    }
}

static void test_decode_and_encode_gives_the_same_bytes(void **state)
{
    uint8_t bytes[GOLDEN_MAX];

    (void)state;
    for (size_t i = 0; i < N_EVENTS; i++) {
        const char *name = tip_event_kind_name(events[i].kind);
        size_t n = golden_read("event", name, bytes);
        tip_auto(tip_event_destroy) struct tip_event *event = NULL;
        tip_auto(tip_buf_deinit) struct tip_buf buf;
        const char *reason = "";

        tip_buf_init(&buf, TIP_EVENT_BYTES_MAX);
        if (tip_event_decode(bytes, n, &event, &reason))
            fail_msg("%s: %s", name, reason);
        assert_int_equal(event->kind, events[i].kind);
        assert_string_equal(event->kind_name, name);
        assert_int_equal(tip_event_encode(event, &buf), 0);
        assert_golden(name, &buf, bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_gives_the_golden_bytes),
        cmocka_unit_test(test_decode_and_encode_gives_the_same_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
