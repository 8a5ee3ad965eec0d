/* What `tip sub` is made of besides the bus: topics, lines, the position file. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "line.h"
#include "position.h"
#include "up/tree.h"

static void test_sub_topics(void **state)
{
    static const struct {
        const char *text, *prefix; /* NULL: refused */
    } table[] = {
        {"", "v1."},
        {"listing.", "v1.listing."},
        {"v1.listing.delta.", "v1.listing.delta."},
        {"v1", "v1"},
        {"Listing.", NULL},
        {"listing.*", NULL},
        {"listing delta", NULL},
    };
    char prefix[256];

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(line_prefix(table[i].text, prefix) == 0, table[i].prefix != NULL);
        if (table[i].prefix)
            assert_string_equal(prefix, table[i].prefix);
    }
}

static void check_line(const struct tip_event *event, const char *expected)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;

    tip_buf_init(&text, 4096);
    assert_int_equal(line_event(event, &text), 0);
    assert_string_equal(tip_buf_text(&text), expected);
}

static void test_sub_lines(void **state)
{
    struct tip_verdict verdicts[5];

    (void)state;
    for (size_t i = 0; i < 5; i++)
        verdicts[i] = (struct tip_verdict){.value = "192.0.2.7", .value_len = 9, .score = 0.8, .tier = TIP_TIER_SLOW};
    check_line(&(struct tip_event){.kind = TIP_EVENT_LISTING_DELTA,
                                   .listing_delta = {.source = "drop",
                                                     .from_version = 3,
                                                     .to_version = 4,
                                                     .part = 1,
                                                     .n_parts = 2,
                                                     .n_added = 5,
                                                     .n_removed = 1}},
               "drop 3 -> 4, part 1 of 2: +5 -1 ~0");
    check_line(
        &(struct tip_event){
            .kind = TIP_EVENT_SOURCE_FAILED,
            .source_state = {.source = "drop", .reason = "http_503", .detail = "the server said 503", .n_entries = 7}},
        "drop http_503: the server said 503; 7 entries stay as they are");
    check_line(&(struct tip_event){.kind = TIP_EVENT_VERDICT_CHANGES,
                                   .verdict_changes = {.verdicts = verdicts, .n_verdicts = 5, .cause_source = "drop"}},
               "5 moved by drop: 192.0.2.7 0.80 slow, 192.0.2.7 0.80 slow, 192.0.2.7 0.80 slow, ...");
    check_line(
        &(struct tip_event){.kind = TIP_EVENT_MAIL_SEEN,
                            .mail_seen = {.trap = "bait",
                                          .digest = "0123456789abcdef",
                                          .n_entries = 2,
                                          .entries =
                                              (struct tip_mail_entry[]){
                                                  {.role = TIP_MAIL_SENDER, .value = "192.0.2.7", .value_len = 9},
                                                  {.role = TIP_MAIL_ADVERTISED, .value = "a.test", .value_len = 6}}}},
        "bait got 0123456789ab: sender 192.0.2.7, advertised a.test");
    check_line(
        &(struct tip_event){.kind = TIP_EVENT_FLUX_AGENT,
                            .flux_agents = {.domain = "a.test",
                                            .network = "net",
                                            .n_agents = 1,
                                            .agents = &(struct tip_flux_agent){.value = "192.0.2.7", .value_len = 9}}},
        "a.test (net): 1 agents: 192.0.2.7");
    check_line(
        &(struct tip_event){.kind = TIP_EVENT_SMTP_BEHAVIOUR,
                            .smtp_behaviours = {.n_entries = 1,
                                                .entries = &(struct tip_smtp_behaviour){.value = "192.0.2.7",
                                                                                        .value_len = 9,
                                                                                        .behaviour = "abandoned",
                                                                                        .caused_by_treatment = true}}},
        "1 seen: 192.0.2.7 abandoned (treated)");
    check_line(&(struct tip_event){.kind = TIP_EVENT_NONE, .kind_name = "flux.state"},
               "flux.state (of a kind this program does not know)");
}

static void test_sub_position_is_remembered(void **state)
{
    char dir[] = "/tmp/tip-unit-XXXXXX";
    struct position first, again;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(setenv("XDG_STATE_HOME", dir, 1), 0);
    assert_int_equal(position_place(&first, "no/slash"), -EINVAL);
    assert_int_equal(position_place(&first, ""), -EINVAL);
    assert_int_equal(position_place(&first, "mine"), 0);
    assert_int_equal(position_load(&first), 0);
    assert_int_equal(first.next_seq, 0);
    first.next_seq = UINT64_C(1) << 40;
    first.journal_id = (struct tip_id){.bytes = {1, 2, 255}};
    assert_int_equal(position_save(&first), 0);
    assert_int_equal(position_at(&again, first.path), 0);
    assert_int_equal(position_load(&again), POSITION_E_HELD);
    position_close(&first);
    assert_int_equal(position_load(&again), 0);
    assert_int_equal(again.next_seq, first.next_seq);
    assert_true(tip_id_equal(&again.journal_id, &first.journal_id));
    file = fopen(first.path, "w");
    fputs("{\"journal_id\": 7}", file);
    fclose(file);
    position_close(&again);
    assert_int_equal(position_load(&again), POSITION_E_BAD);
    position_close(&again);
    assert_int_equal(tree_remove(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sub_topics),
        cmocka_unit_test(test_sub_lines),
        cmocka_unit_test(test_sub_position_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
