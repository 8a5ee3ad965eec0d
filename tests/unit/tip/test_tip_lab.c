#include "check.h"

#include <stdio.h>

#include <jansson.h>

#include "lab/lists.h"
#include "lab/stages.h"

static void lists_text(enum lab_list_id id, uint64_t seed, unsigned generation, struct tip_buf *out)
{
    tip_buf_init(out, LAB_LIST_BYTES);
    assert_int_equal(lab_list_write(id, seed, generation, out), 0);
}

static void test_lab_address_is_on_two_lists_and_soon_on_three(void **state)
{
    (void)state;
    for (unsigned generation = 0; generation < 40; generation++) {
        for (enum lab_list_id id = LAB_HOSTS; id <= LAB_FEED; id++) {
            tip_auto(tip_buf_deinit) struct tip_buf text;
            const char *found;

            lists_text(id, 7, generation, &text);
            found = strstr(tip_buf_text(&text), id == LAB_FEED ? "\"192.0.2.7\"" : "192.0.2.7");
            if (id == LAB_HOSTS || id == LAB_TABLE)
                assert_non_null(found);
            if (id == LAB_FEED)
                assert_int_equal(found != NULL, generation >= 3);
        }
    }
}

static void test_lab_lists_change_and_repeat_with_their_seed(void **state)
{
    (void)state;
    for (enum lab_list_id id = 0; id < LAB_LIST_COUNT; id++) {
        tip_auto(tip_buf_deinit) struct tip_buf first, again, later, other;

        lists_text(id, 1, 4, &first);
        lists_text(id, 1, 4, &again);
        lists_text(id, 1, 5, &later);
        lists_text(id, 2, 4, &other);
        assert_string_equal(tip_buf_text(&first), tip_buf_text(&again));
        assert_string_not_equal(tip_buf_text(&first), tip_buf_text(&later));
        assert_string_not_equal(tip_buf_text(&first), tip_buf_text(&other));
    }
}

static void test_lab_feed_is_json(void **state)
{
    (void)state;
    for (unsigned generation = 0; generation < 10; generation++) {
        tip_auto(tip_buf_deinit) struct tip_buf text;
        json_t *feed;

        lists_text(LAB_FEED, 3, generation, &text);
        feed = json_loads(tip_buf_text(&text), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(feed);
        assert_true(json_array_size(json_object_get(feed, "entries")) > 10);
        json_decref(feed);
    }
}

static void test_lab_fault_comes_and_goes(void **state)
{
    static const struct {
        uint64_t at_ms;
        enum lab_fault fault;
    } table[] = {
        {0, LAB_FAULT_NONE},      {5999, LAB_FAULT_NONE},   {6000, LAB_FAULT_HTTP_503}, {15999, LAB_FAULT_HTTP_503},
        {16000, LAB_FAULT_EMPTY}, {25999, LAB_FAULT_EMPTY}, {26000, LAB_FAULT_NONE},    {46000, LAB_FAULT_HTTP_503},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(lab_fault_at(table[i].at_ms), table[i].fault);
}

/* ---- stages ---- */

static void stages_source(struct lab_stages *stages, enum tip_event_kind kind, enum lab_list_id id, int64_t at_ms)
{
    struct tip_event event = {.kind = kind, .source_state = {.source = lab_lists[id].source}};

    lab_stages_event(stages, &event, at_ms);
}

static void stages_kind(struct lab_stages *stages, enum tip_event_kind kind, int64_t at_ms)
{
    struct tip_event event = {.kind = kind};

    if (kind == TIP_EVENT_SCHEDULE_DUE)
        event.schedule_due.module = "blacklist";
    lab_stages_event(stages, &event, at_ms);
}

/* How storage counts when every list has entries, but for `without`. */
static void stages_count(struct lab_stages *stages, enum lab_list_id without, int64_t at_ms)
{
    struct tip_column columns[] = {{"source", TIP_COLUMN_TEXT}, {"n_listed", TIP_COLUMN_INT}};
    const char *cells[2 * LAB_LIST_COUNT];
    const struct tip_store_answer answer = {
        .n_columns = 2, .n_rows = LAB_LIST_COUNT, .columns = columns, .cells = cells};

    for (enum lab_list_id id = 0; id < LAB_LIST_COUNT; id++) {
        cells[2 * id] = lab_lists[id].source;
        cells[2 * id + 1] = id == without ? "0" : "17";
    }
    lab_stages_counted(stages, &answer, at_ms);
}

static void test_lab_stages_are_told_by_events(void **state)
{
    struct lab_stages stages;

    (void)state;
    lab_stages_init(&stages);
    lab_stages_ready(&stages, 10);
    lab_stages_event(&stages,
                     &(struct tip_event){.kind = TIP_EVENT_SCHEDULE_DUE, .schedule_due = {.module = "storage"}},
                     15); /* another module's */
    stages_kind(&stages, TIP_EVENT_SCHEDULE_DUE, 20);
    stages_kind(&stages, TIP_EVENT_SCHEDULE_DUE, 25); /* the first one counts */
    for (enum lab_list_id id = 0; id < LAB_LIST_COUNT; id++) {
        assert_int_equal(stages.at_ms[LAB_STAGE_FETCHED], -1);
        stages_source(&stages, TIP_EVENT_SOURCE_OK, id, 30);
    }
    stages_kind(&stages, TIP_EVENT_LISTING_DELTA, 40);
    stages_kind(&stages, TIP_EVENT_VERDICT_CHANGES, 50);
    assert_int_equal(stages.at_ms[LAB_STAGE_UP], 10);
    assert_int_equal(stages.at_ms[LAB_STAGE_DUE], 20);
    assert_int_equal(stages.at_ms[LAB_STAGE_FETCHED], 30);
    assert_int_equal(stages.at_ms[LAB_STAGE_CHANGED], 40);
    assert_int_equal(stages.at_ms[LAB_STAGE_VERDICTS], 50);
    assert_false(lab_stages_all(&stages));
}

static void test_lab_failure_is_harmless_when_all_live_on(void **state)
{
    struct lab_stages stages;

    (void)state;
    lab_stages_init(&stages);
    stages_count(&stages, LAB_HOSTS, 5);
    assert_int_equal(stages.at_ms[LAB_STAGE_STORED], -1);
    stages_count(&stages, LAB_LIST_COUNT, 10);
    assert_int_equal(stages.at_ms[LAB_STAGE_STORED], 10);
    stages_source(&stages, TIP_EVENT_SOURCE_FAILED, LAB_HOSTS, 11); /* not the one that breaks on purpose */
    assert_false(stages.has_failed);
    stages_source(&stages, TIP_EVENT_SOURCE_FAILED, LAB_PORTS, 12);
    stages_count(&stages, LAB_PORTS, 13); /* its entries are gone: not harmless */
    stages_source(&stages, TIP_EVENT_SOURCE_OK, LAB_HOSTS, 14);
    assert_int_equal(stages.at_ms[LAB_STAGE_HARMLESS], -1);
    stages_count(&stages, LAB_LIST_COUNT, 15);
    assert_int_equal(stages.at_ms[LAB_STAGE_HARMLESS], 15);
}

static void test_lab_search_wants_two_lists(void **state)
{
    struct tip_column columns[] = {{"relation", TIP_COLUMN_TEXT}, {"listed", TIP_COLUMN_BOOL}};
    const char *cells[] = {"exact", "true", "around", "true", "exact", "false", "exact", "true"};
    struct tip_store_answer answer = {.n_columns = 2, .n_rows = 3, .columns = columns, .cells = cells};
    struct lab_stages stages;

    (void)state;
    lab_stages_init(&stages);
    lab_stages_found(&stages, &answer, 1);
    assert_int_equal(stages.at_ms[LAB_STAGE_ANSWERED], -1);
    answer.n_rows = 4;
    lab_stages_found(&stages, &answer, 2);
    assert_int_equal(stages.at_ms[LAB_STAGE_ANSWERED], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lab_address_is_on_two_lists_and_soon_on_three),
        cmocka_unit_test(test_lab_lists_change_and_repeat_with_their_seed),
        cmocka_unit_test(test_lab_feed_is_json),
        cmocka_unit_test(test_lab_fault_comes_and_goes),
        cmocka_unit_test(test_lab_stages_are_told_by_events),
        cmocka_unit_test(test_lab_failure_is_harmless_when_all_live_on),
        cmocka_unit_test(test_lab_search_wants_two_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
