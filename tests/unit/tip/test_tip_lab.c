#include "check.h"

#include <stdio.h>

#include <jansson.h>

#include "lab/lists.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lab_address_is_on_two_lists_and_soon_on_three),
        cmocka_unit_test(test_lab_lists_change_and_repeat_with_their_seed),
        cmocka_unit_test(test_lab_feed_is_json),
        cmocka_unit_test(test_lab_fault_comes_and_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
