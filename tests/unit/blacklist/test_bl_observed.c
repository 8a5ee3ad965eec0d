#include "check.h"

#include <stdio.h>
#include <string.h>

#include "observed.h"

enum { SEEN_MAX = 64 };

static const int64_t NOW = 1767225600000; /* midnight */

/* What came out: "trap ip 192.0.2.7 taken" and so on. */
struct seen {
    struct {
        char text[256], because_of[OBSERVED_BECAUSE];
        struct bl_observation observation;
        enum observed_fate fate;
    } items[SEEN_MAX];
    size_t n;
    int stop;
};

static int take(void *ctx, const struct bl_observation *observation, enum observed_fate fate)
{
    struct seen *seen = ctx;

    assert_true(seen->n < SEEN_MAX);
    (void)snprintf(seen->items[seen->n].text, sizeof(seen->items[0].text), "%s %s %.*s %s",
                   bl_evidence_name(observation->what), tip_kind_name(observation->kind), (int)observation->len,
                   observation->value, observed_fate_name(fate));
    (void)snprintf(seen->items[seen->n].because_of, OBSERVED_BECAUSE, "%s",
                   observation->because_of ? observation->because_of : "");
    seen->items[seen->n].observation = *observation;
    seen->items[seen->n++].fate = fate;
    return seen->stop;
}

static int walk(const struct tip_event *event, struct seen *seen)
{
    const struct observed_order order = {
        .event = event, .tlp = TIP_TLP_GREEN, .commit_unix_ms = NOW, .now_unix_ms = NOW, .each = take, .ctx = seen};

    seen->n = 0;
    return observed_walk(&order);
}

static struct tip_mail_entry advertised(enum tip_kind kind, const char *value)
{
    return (struct tip_mail_entry){
        .kind = kind, .role = TIP_MAIL_ADVERTISED, .value = value, .value_len = (uint16_t)strlen(value)};
}

static struct tip_event mail_of(struct tip_mail_entry *entries, size_t n)
{
    return (struct tip_event){.kind = TIP_EVENT_MAIL_SEEN,
                              .observed_unix_ms = NOW,
                              .mail_seen = {.trap = "bait", .digest = "", .n_entries = n, .entries = entries}};
}

static void test_observed_of_a_mail(void **state)
{
    struct tip_mail_entry entries[] = {
        {.kind = TIP_KIND_IP, .role = TIP_MAIL_SENDER, .value = "46.4.8.1", .value_len = 8},
        advertised(TIP_KIND_URL, "http://bad.tip-b.net/a"),
        advertised(TIP_KIND_DOMAIN, "bad.tip-b.net"),
        advertised(TIP_KIND_DOMAIN, "Bad.tip-b.net"),
        advertised(TIP_KIND_DOMAIN, "co.uk"),
        advertised(TIP_KIND_URL, "http://10.0.0.1/"),
        {.kind = TIP_KIND_IP, .role = TIP_MAIL_SENDER, .value = "10.0.0.1", .value_len = 8},
    };
    static const char *const expected[] = {
        "trap ip 46.4.8.1 taken",          "trap url http://bad.tip-b.net/a taken",
        "trap domain bad.tip-b.net taken", "trap domain Bad.tip-b.net malformed",
        "trap domain co.uk unscored",      "trap url http://10.0.0.1/ unscored",
        "trap ip 10.0.0.1 unscored",
    };
    struct tip_event event = mail_of(entries, 7);
    static struct seen seen;

    (void)state;
    assert_true(observed_is(&event));
    assert_int_equal(walk(&event, &seen), 0);
    assert_int_equal(seen.n, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(seen.items[i].text, expected[i]);
        assert_int_equal(seen.items[i].observation.tlp, TIP_TLP_GREEN);
        assert_int_equal(seen.items[i].observation.at_s, NOW / 1000);
    }
    seen.stop = -7;
    assert_int_equal(walk(&event, &seen), -7);
    assert_int_equal(seen.n, 1);
    seen.stop = 0;
}

static uint64_t distinct_of(const struct tip_event *event, size_t i)
{
    static struct seen seen;

    assert_int_equal(walk(event, &seen), 0);
    assert_true(i < seen.n);
    return seen.items[i].observation.distinct;
}

static void test_observed_is_distinct_by_trap_and_day(void **state)
{
    struct tip_mail_entry entry = advertised(TIP_KIND_DOMAIN, "bad.tip-b.net");
    struct tip_event event = mail_of(&entry, 1);
    uint64_t one = distinct_of(&event, 0);

    (void)state;
    event.mail_seen.received_unix_ms = NOW - 1000;
    assert_true(distinct_of(&event, 0) != one);
    event.mail_seen.received_unix_ms = NOW;
    assert_true(distinct_of(&event, 0) == one);
    event.mail_seen.trap = "other";
    assert_true(distinct_of(&event, 0) != one);
}

static void test_observed_of_agents(void **state)
{
    struct tip_flux_agent agents[] = {
        {.kind = TIP_KIND_IP, .value = "46.4.8.1", .value_len = 8, .prefix = "46.4.0.0/16", .asn = 1},
        {.kind = TIP_KIND_IP, .value = "46.4.9.1", .value_len = 8, .prefix = "46.4.0.0/16", .asn = 1},
        {.kind = TIP_KIND_IP, .value = "91.1.1.1", .value_len = 8, .prefix = "", .asn = 2},
        {.kind = TIP_KIND_IP, .value = "91.2.1.1", .value_len = 8, .prefix = "", .asn = 3},
        {.kind = TIP_KIND_IP, .value = "91.3.1.1", .value_len = 8, .prefix = ""},
    };
    struct tip_event event = {
        .kind = TIP_EVENT_FLUX_AGENT,
        .observed_unix_ms = NOW,
        .flux_agents = {.domain = "bad.tip-b.net", .network = "", .n_agents = 5, .agents = agents}};
    uint64_t by_name, names[5];

    (void)state;
    for (size_t i = 0; i < 5; i++)
        names[i] = distinct_of(&event, 2 * i + 1);
    assert_true(names[0] == names[1]); /* one network */
    for (size_t i = 1; i < 5; i++) {
        for (size_t j = i + 1; j < 5; j++)
            assert_true(names[i] != names[j]);
    }
    by_name = distinct_of(&event, 0);
    assert_true(by_name == distinct_of(&event, 2)); /* an agent counts by the network that it serves */
    event.flux_agents.domain = "worse.tip-b.net";
    assert_true(by_name != distinct_of(&event, 0));
    event.flux_agents.network = "net-7";
    by_name = distinct_of(&event, 0);
    event.flux_agents.domain = "bad.tip-b.net";
    assert_true(by_name == distinct_of(&event, 0));
}

static void test_observed_of_what_tip_caused(void **state)
{
    struct tip_smtp_behaviour entries[] = {
        {.kind = TIP_KIND_IP, .value = "46.4.8.1", .value_len = 8, .behaviour = "early_talker", .n = 1},
        {.kind = TIP_KIND_IP,
         .value = "46.4.8.1",
         .value_len = 8,
         .behaviour = "early_talker",
         .caused_by_treatment = true,
         .n = 1},
        {.kind = TIP_KIND_IP, .value = "46.4.8.1", .value_len = 8, .behaviour = "abandoned", .n = 1},
    };
    struct tip_event event = {.kind = TIP_EVENT_SMTP_BEHAVIOUR,
                              .observed_unix_ms = NOW,
                              .smtp_behaviours = {.n_entries = 3, .entries = entries}};
    static struct seen seen;

    (void)state;
    assert_int_equal(walk(&event, &seen), 0);
    assert_string_equal(seen.items[0].text, "smtp ip 46.4.8.1 taken");
    assert_string_equal(seen.items[1].text, "abandonment ip 46.4.8.1 treated");
    assert_string_equal(seen.items[2].text, "abandonment ip 46.4.8.1 treated");
    event.depth = BL_EVIDENCE_DEPTH_MAX;
    assert_int_equal(walk(&event, &seen), 0);
    assert_int_equal(seen.items[0].fate, OBSERVED_TAKEN);
    event.depth++;
    assert_int_equal(walk(&event, &seen), 0);
    assert_int_equal(seen.items[0].fate, OBSERVED_DEEP);
}

static void test_observed_says_what_led_to_it(void **state)
{
    struct tip_cause causes[TIP_EVENT_CAUSES_MAX] = {{.source = "m"}, {.source = "a"}, {.source = "two words"}};
    struct tip_smtp_behaviour entry = {.kind = TIP_KIND_IP,
                                       .value = "46.4.8.1",
                                       .value_len = 8,
                                       .behaviour = "dictionary",
                                       .n = 1,
                                       .n_causes = 3,
                                       .causes = causes};
    struct tip_event event = {.kind = TIP_EVENT_SMTP_BEHAVIOUR,
                              .observed_unix_ms = NOW,
                              .n_causes = 3,
                              .causes = {{.source = "am"}, {.source = "m"}, {.source = NULL}, {.source = ""}},
                              .smtp_behaviours = {.n_entries = 1, .entries = &entry}};
    char longest[2 * TIP_EVENT_CAUSES_MAX - 2][TIP_NAME_MAX + 1];
    static struct seen seen;

    (void)state;
    assert_int_equal(walk(&event, &seen), 0);
    assert_string_equal(seen.items[0].because_of, "a am m");
    event.n_causes = TIP_EVENT_CAUSES_MAX; /* there may have been a fifth */
    assert_int_equal(walk(&event, &seen), 0);
    assert_string_equal(seen.items[0].because_of, BL_EVIDENCE_ANY_SOURCE);
    event.n_causes = 3;
    entry.n_causes = TIP_EVENT_CAUSES_MAX;
    assert_int_equal(walk(&event, &seen), 0);
    assert_string_equal(seen.items[0].because_of, BL_EVIDENCE_ANY_SOURCE);
    entry.n_causes = 3;
    for (size_t i = 0; i < 6; i++) {
        memset(longest[i], (int)('h' - i), TIP_NAME_MAX);
        longest[i][TIP_NAME_MAX] = '\0';
        (i < 3 ? &event.causes[i] : &causes[i - 3])->source = longest[i];
    }
    assert_int_equal(walk(&event, &seen), 0);
    assert_int_equal(strlen(seen.items[0].because_of), OBSERVED_BECAUSE - 1);
    assert_int_equal(seen.items[0].because_of[0], 'c');
    event.n_causes = entry.n_causes = 0;
    assert_int_equal(walk(&event, &seen), 0);
    assert_string_equal(seen.items[0].because_of, "");
}

static void test_observed_in_its_time(void **state)
{
    struct tip_mail_entry entry = advertised(TIP_KIND_DOMAIN, "bad.tip-b.net");
    struct tip_event event = mail_of(&entry, 1);
    static struct seen seen;

    (void)state;
    event.mail_seen.received_unix_ms = NOW - (int64_t)OBSERVED_LATE_S * 1000;
    assert_int_equal(walk(&event, &seen), 0);
    assert_int_equal(seen.items[0].fate, OBSERVED_TAKEN);
    event.mail_seen.received_unix_ms -= 1000;
    assert_int_equal(walk(&event, &seen), 0);
    assert_int_equal(seen.items[0].fate, OBSERVED_LATE);
    event.mail_seen.received_unix_ms = NOW + 3600000; /* nobody's clock */
    assert_int_equal(walk(&event, &seen), 0);
    assert_int_equal(seen.items[0].fate, OBSERVED_TAKEN);
    assert_int_equal(seen.items[0].observation.at_s, NOW / 1000 + OBSERVED_AHEAD_S);
}

static void test_observed_by_no_clock_that_goes_before(void **state)
{
    struct tip_mail_entry entry = advertised(TIP_KIND_DOMAIN, "bad.tip-b.net");
    struct tip_event event = mail_of(&entry, 1);
    static struct seen seen;
    struct observed_order order = {.event = &event, .tlp = TIP_TLP_AMBER, .each = take, .ctx = &seen};

    (void)state;
    event.mail_seen.received_unix_ms = NOW + 7200000;
    order.commit_unix_ms = NOW + 7200000; /* that of the bus */
    order.now_unix_ms = NOW;
    assert_int_equal(observed_walk(&order), 0);
    order.commit_unix_ms = NOW;
    order.now_unix_ms = NOW + 7200000; /* one's own */
    assert_int_equal(observed_walk(&order), 0);
    assert_int_equal(seen.n, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(seen.items[i].observation.at_s, NOW / 1000 + OBSERVED_AHEAD_S);
}

static void test_observed_in_a_lab(void **state)
{
    struct tip_mail_entry entry = {.kind = TIP_KIND_IP, .role = TIP_MAIL_SENDER, .value = "127.0.0.9", .value_len = 9};
    struct tip_event event = mail_of(&entry, 1);
    struct tip_prefix lab;
    static struct seen seen;
    struct observed_order order = {.event = &event,
                                   .tlp = TIP_TLP_AMBER,
                                   .commit_unix_ms = NOW,
                                   .now_unix_ms = NOW,
                                   .ordinary = &lab,
                                   .n_ordinary = 1,
                                   .each = take,
                                   .ctx = &seen};

    (void)state;
    assert_int_equal(tip_prefix_parse(&lab, NULL, "127.0.0.0/24", 12), 0);
    assert_int_equal(observed_walk(&order), 0);
    assert_int_equal(seen.items[0].fate, OBSERVED_TAKEN);
    entry.value = "127.0.1.9";
    seen.n = 0;
    assert_int_equal(observed_walk(&order), 0);
    assert_int_equal(seen.items[0].fate, OBSERVED_UNSCORED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_observed_of_a_mail),
        cmocka_unit_test(test_observed_is_distinct_by_trap_and_day),
        cmocka_unit_test(test_observed_of_agents),
        cmocka_unit_test(test_observed_of_what_tip_caused),
        cmocka_unit_test(test_observed_says_what_led_to_it),
        cmocka_unit_test(test_observed_in_its_time),
        cmocka_unit_test(test_observed_by_no_clock_that_goes_before),
        cmocka_unit_test(test_observed_in_a_lab),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
