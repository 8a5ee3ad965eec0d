#include "check.h"

#include <stdio.h>
#include <string.h>

#include "core/witness.h"
#include "observed.h"

enum { SEEN_MAX = 64 };

static const int64_t NOW = 1767225600000; /* midnight */

/* What came out: "trap ip 192.0.2.7 taken" and so on. */
struct seen {
    struct {
        char text[256], value[TIP_INDICATOR_MAX + 1], because_of[OBSERVED_BECAUSE];
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
                   bl_evidence_name(observation->what), tip_kind_name(observation->kind),
                   fate == OBSERVED_MALFORMED ? 0 : (int)observation->len,
                   fate == OBSERVED_MALFORMED ? "" : observation->value, observed_fate_name(fate));
    (void)snprintf(seen->items[seen->n].value, sizeof(seen->items[0].value), "%.*s", (int)observation->len,
                   observation->value);
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
        advertised(TIP_KIND_DOMAIN, "bad_tip"),
        advertised(TIP_KIND_DOMAIN, "co.uk"),
        advertised(TIP_KIND_URL, "http://10.0.0.1/"),
        {.kind = TIP_KIND_IP, .role = TIP_MAIL_SENDER, .value = "10.0.0.1", .value_len = 8},
    };
    static const char *const expected[] = {
        "trap ip 46.4.8.1 taken",          "trap url http://bad.tip-b.net/a taken",
        "trap domain bad.tip-b.net taken", "trap domain  malformed",
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

/* How many networks are counted of an indicator, after all these events. */
static unsigned networks_of(const struct tip_event *events, size_t n, const char *value)
{
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *witnesses = bl_witnesses_new();
    static struct seen seen;

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(walk(&events[i], &seen), 0);
        for (size_t j = 0; j < seen.n; j++) {
            seen.items[j].observation.because_of = NULL;
            seen.items[j].observation.value = seen.items[j].value;
            bl_witnesses_add(witnesses, &seen.items[j].observation);
        }
    }
    bl_witnesses_build(witnesses);
    for (size_t i = 0; i < bl_witnesses_count(witnesses); i++) {
        const struct bl_witnesses_item item = bl_witnesses_at(witnesses, i);

        if (!strcmp(item.value, value))
            return item.witness->n[BL_EVIDENCE_FLUX];
    }
    return 0;
}

static struct tip_event flux_of(const char *domain, const char *network, struct tip_flux_agent *agents, size_t n)
{
    return (struct tip_event){.kind = TIP_EVENT_FLUX_AGENT,
                              .observed_unix_ms = NOW,
                              .flux_agents = {.domain = domain, .network = network, .n_agents = n, .agents = agents}};
}

static struct tip_flux_agent agent_at(const char *value, const char *prefix, uint32_t asn)
{
    return (struct tip_flux_agent){
        .kind = TIP_KIND_IP, .value = value, .value_len = (uint16_t)strlen(value), .prefix = prefix, .asn = asn};
}

/* One network is one, whatever the tracker knew of it at the time. */
static void test_observed_networks_of_a_name(void **state)
{
    static const struct {
        struct {
            const char *value, *prefix;
            uint32_t asn;
        } agents[4];
        unsigned n;
    } rows[] = {
        {{{"46.4.8.1", "", 0}}, 1},
        {{{"46.4.8.1", "", 0}, {"46.4.8.9", "", 0}}, 1}, /* one /24 */
        {{{"46.4.8.1", "", 0}, {"46.4.9.1", "", 0}}, 2},
        {{{"46.4.8.1", "46.4.0.0/16", 0}, {"46.4.9.1", "46.4.0.0/16", 0}}, 1}, /* one prefix */
        {{{"46.4.8.1", "46.4.0.0/16", 7}, {"91.1.1.1", "91.1.0.0/16", 7}}, 1}, /* one system */
        {{{"46.4.8.1", "46.4.0.0/16", 7}, {"91.1.1.1", "91.1.0.0/16", 8}}, 2},
        {{{"46.4.8.1", "46.4.0.0/16", 0}, {"46.4.8.1", "", 7}}, 1}, /* once by its prefix and once by its system */
        {{{"46.4.8.1", "46.4.0.0/16", 7}, {"46.4.8.1", "", 0}}, 1}, /* and once by nothing */
        {{{"46.4.8.1", "46.4.0.0/16", 0}, {"46.4.8.1", "", 7}, {"46.4.9.1", "46.4.0.0/16", 0}, {"91.1.1.1", "", 7}}, 1},
        {{{"46.4.8.1", "", 7}, {"91.1.1.1", "", 0}, {"91.1.2.1", "", 7}, {"5.9.1.1", "", 0}}, 3},
        {{{"2a01:4f8:1:2::3", "", 0}, {"2A01:4F8:1:ffff::1", "", 0}}, 1}, /* one /48, however it is spelt */
        {{{"2a01:4f8:1::3", "", 0}, {"2a01:4f8:2::3", "", 0}}, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_flux_agent agents[4];
        struct tip_event events[4];
        unsigned found[2];
        size_t n = 0;

        for (; n < 4 && rows[i].agents[n].value; n++) {
            agents[n] = agent_at(rows[i].agents[n].value, rows[i].agents[n].prefix, rows[i].agents[n].asn);
            events[n] = flux_of("bad.tip-b.net", "", &agents[n], 1);
        }
        found[0] = networks_of(events, n, "bad.tip-b.net");
        for (size_t j = 0; j < n; j++)
            events[j] = flux_of("Bad.tip-b.net", "", &agents[n - 1 - j], 1);
        found[1] = networks_of(events, n, "bad.tip-b.net");
        if (found[0] != rows[i].n || found[1] != rows[i].n)
            fail_msg("row %zu: %u and %u", i, found[0], found[1]);
    }
}

static void test_observed_networks_of_an_agent(void **state)
{
    static const struct {
        struct {
            const char *domain, *network;
        } names[4];
        unsigned n;
    } rows[] = {
        {{{"a.tip-b.net", ""}, {"b.tip-b.net", ""}}, 2}, /* of which nothing more is known */
        {{{"a.tip-b.net", ""}, {"A.tip-b.net", ""}}, 1},
        {{{"a.tip-b.net", "net-1"}, {"b.tip-b.net", "net-1"}}, 1},
        {{{"a.tip-b.net", "net-1"}, {"b.tip-b.net", "net-2"}}, 2},
        {{{"a.tip-b.net", ""}, {"a.tip-b.net", "net-1"}}, 1}, /* its network was found later */
        {{{"a.tip-b.net", ""}, {"b.tip-b.net", ""}, {"a.tip-b.net", "net-1"}, {"b.tip-b.net", "net-1"}}, 1},
        {{{"a.tip-b.net", "net-1"}, {"a.tip-b.net", "net-2"}, {"b.tip-b.net", "net-2"}, {"c.tip-b.net", ""}}, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_flux_agent agent = agent_at("46.4.8.1", "", 0);
        struct tip_event events[4];
        unsigned found;
        size_t n = 0;

        for (; n < 4 && rows[i].names[n].domain; n++)
            events[n] = flux_of(rows[i].names[n].domain, rows[i].names[n].network, &agent, 1);
        found = networks_of(events, n, "46.4.8.1");
        if (found != rows[i].n)
            fail_msg("row %zu: %u", i, found);
    }
}

/* As lists are read: what a trap and a list spell in two ways is one indicator. */
static void test_observed_in_canonical_form(void **state)
{
    static const struct {
        enum tip_kind kind;
        const char *value, *seen;
    } rows[] = {
        {TIP_KIND_URL, "http://www.bank.example@bad.tip-b.net/a", "trap url http://bad.tip-b.net/a taken"},
        {TIP_KIND_URL, "HTTP://user:p%40ss@Bad.tip-b.net:80", "trap url http://bad.tip-b.net/ taken"},
        {TIP_KIND_URL, "https://bad.tip-b.net:8443/?q=a@b", "trap url https://bad.tip-b.net:8443/?q=a@b taken"},
        {TIP_KIND_URL,
         "http://b\xc3\xbc"
         "cher.tip-b.net/%7e%3a#x",
         "trap url http://xn--bcher-kva.tip-b.net/~%3A taken"},
        {TIP_KIND_URL, "http://u@10.0.0.1/", "trap url http://10.0.0.1/ unscored"},
        {TIP_KIND_URL, "http://a@b@bad.tip-b.net/", "trap url  malformed"},
        {TIP_KIND_URL, "http://bad.tip-b.net\\@worse.tip-b.net/", "trap url  malformed"},
        {TIP_KIND_DOMAIN, "Bad.tip-b.net.", "trap domain bad.tip-b.net taken"},
        {TIP_KIND_DOMAIN,
         "b\xc3\xbc"
         "cher.tip-b.net",
         "trap domain xn--bcher-kva.tip-b.net taken"},
        {TIP_KIND_DOMAIN, "*.bad.tip-b.net", "trap domain  malformed"},
        {TIP_KIND_DOMAIN, "co.uk", "trap domain co.uk unscored"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_mail_entry entry = advertised(rows[i].kind, rows[i].value);
        struct tip_event event = mail_of(&entry, 1);
        static struct seen seen;

        assert_int_equal(walk(&event, &seen), 0);
        assert_string_equal(seen.items[0].text, rows[i].seen);
    }
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
    event.mail_seen.received_unix_ms = INT64_MIN;
    assert_int_equal(walk(&event, &seen), 0);
    assert_int_equal(seen.items[0].fate, OBSERVED_LATE);
    event.mail_seen.received_unix_ms = INT64_MAX;
    assert_int_equal(walk(&event, &seen), 0);
    assert_int_equal(seen.items[0].observation.at_s, NOW / 1000 + OBSERVED_AHEAD_S);
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
        cmocka_unit_test(test_observed_networks_of_a_name),
        cmocka_unit_test(test_observed_networks_of_an_agent),
        cmocka_unit_test(test_observed_in_canonical_form),
        cmocka_unit_test(test_observed_of_what_tip_caused),
        cmocka_unit_test(test_observed_says_what_led_to_it),
        cmocka_unit_test(test_observed_in_its_time),
        cmocka_unit_test(test_observed_by_no_clock_that_goes_before),
        cmocka_unit_test(test_observed_in_a_lab),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
