#include "check.h"

#include <errno.h>

#include <tip/event.h>

#include <topics.h>

static void test_topic_makes_names_safe(void **state)
{
    char topic[256];

    (void)state;
    assert_int_equal(tip_topic(topic, TIP_TOPIC_SOURCE_OK, "drop.v4"), 0);
    assert_string_equal(topic, "v1.source.ok.drop_v4.");
    assert_int_equal(tip_topic(topic, TIP_TOPIC_SOURCE_OK, "DROP v6/\xc3\xa4"), 0);
    assert_string_equal(topic, "v1.source.ok.drop_v6___.");
    assert_true(tip_topic_valid(topic, strlen(topic)));
}

static void test_topic_refuses_what_is_too_long(void **state)
{
    char name[300];
    char topic[256];

    (void)state;
    memset(name, 'x', sizeof(name));
    name[TIP_TOPIC_MAX - strlen(TIP_TOPIC_SOURCE_OK) - 1] = 0;
    assert_int_equal(tip_topic(topic, TIP_TOPIC_SOURCE_OK, name), 0);
    assert_int_equal(strlen(topic), TIP_TOPIC_MAX);
    assert_true(tip_topic_valid(topic, TIP_TOPIC_MAX));
    name[strlen(name)] = 'x';
    name[sizeof(name) - 1] = 0;
    assert_int_equal(tip_topic(topic, TIP_TOPIC_SOURCE_OK, name), -EMSGSIZE);
}

static void test_topic_valid(void **state)
{
    static const struct {
        const char *topic;
        bool valid;
    } rows[] = {
        {"v1.bus.head.", true},
        {"v1.listing.delta.drop_v4.", true},
        {"v1.listing.delta.drop-v4.", true},
        {"", false},
        {"v1", false},
        {"v1.", false},
        {"v1.listing.", false},
        {"v1.listing.delta", false},
        {"v1..delta.x.", false},
        {"v1.listing.delta..", false},
        {"v2.listing.delta.x.", false},
        {"v1.Listing.delta.x.", false},
        {"v1.listing.delta.a b.", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (tip_topic_valid(rows[i].topic, strlen(rows[i].topic)) != rows[i].valid)
            fail_msg("%s", rows[i].topic);
    }
}

static void test_topic_says_the_kind(void **state)
{
    static const struct {
        const char *topic;
        enum tip_event_kind kind;
        bool is_under;
    } rows[] = {
        {TIP_TOPIC_MAIL_SEEN "bait.", TIP_EVENT_MAIL_SEEN, true},
        {TIP_TOPIC_MAIL_SEEN "bait.", TIP_EVENT_FLUX_AGENT, false},
        {TIP_TOPIC_MAIL_SEEN "bait.", TIP_EVENT_SCHEDULE_DUE, false},
        {TIP_TOPIC_SCHEDULE_DUE "blacklist.", TIP_EVENT_SCHEDULE_DUE, true},
        {TIP_TOPIC_SCHEDULE_DONE "blacklist.", TIP_EVENT_SCHEDULE_FAILED, false},
        {TIP_TOPIC_BUS_HEAD, TIP_EVENT_BUS_HEAD, true},
        {"v1.mail.seenx.bait.", TIP_EVENT_MAIL_SEEN, false},
        {"v1.mail.see", TIP_EVENT_MAIL_SEEN, false},
        {"v2.mail.seen.bait.", TIP_EVENT_MAIL_SEEN, false},
        {"", TIP_EVENT_MAIL_SEEN, false},
        {"v1..", TIP_EVENT_NONE, false},
        {TIP_TOPIC_MAIL_SEEN "bait.", TIP_EVENT_NONE, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct tip_event event = {.kind = rows[i].kind};

        if (tip_event_is_under(&event, rows[i].topic) != rows[i].is_under)
            fail_msg("%s of %s", rows[i].topic, tip_event_kind_name(rows[i].kind));
    }
}

static void test_tiers_and_names(void **state)
{
    (void)state;
    assert_int_equal(tip_tier_of(0.0), TIP_TIER_NONE);
    assert_int_equal(tip_tier_of(0.29999), TIP_TIER_NONE);
    assert_int_equal(tip_tier_of(0.3), TIP_TIER_WATCH);
    assert_int_equal(tip_tier_of(0.6), TIP_TIER_SLOW);
    assert_int_equal(tip_tier_of(0.9), TIP_TIER_BLOCK);
    assert_string_equal(tip_tier_name(TIP_TIER_SLOW), "slow");
    assert_string_equal(tip_tlp_name(TIP_TLP_AMBER), "amber");
    for (enum tip_event_kind kind = 1; kind < TIP_EVENT_KIND_COUNT; kind++)
        assert_int_equal(tip_event_kind_of(tip_event_kind_name(kind)), kind);
    assert_int_equal(tip_event_kind_of("flux.state"), TIP_EVENT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topic_makes_names_safe),
        cmocka_unit_test(test_topic_refuses_what_is_too_long),
        cmocka_unit_test(test_topic_valid),
        cmocka_unit_test(test_topic_says_the_kind),
        cmocka_unit_test(test_tiers_and_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
