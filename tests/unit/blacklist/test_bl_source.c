#include "check.h"

#include "core/source.h"

struct step {
    enum bl_source_event event;
    enum bl_source_action action;
    enum bl_source_phase phase;
};

static void walk(const struct step *steps, size_t n, struct bl_source *source)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(bl_source_step(source, steps[i].event), steps[i].action);
        assert_int_equal(source->phase, steps[i].phase);
    }
}

#define WALK(source, ...)                                         \
    do {                                                          \
        static const struct step steps_[] = {__VA_ARGS__};        \
        walk(steps_, sizeof(steps_) / sizeof(*steps_), (source)); \
    } while (0)

static void test_source_life(void **state)
{
    struct bl_source source = {0};

    (void)state;
    WALK(&source, {BL_SOURCE_EV_ASK, BL_SOURCE_ACT_WAIT, BL_SOURCE_QUEUED},
         {BL_SOURCE_EV_ASK, BL_SOURCE_ACT_NONE, BL_SOURCE_QUEUED},
         {BL_SOURCE_EV_SLOT, BL_SOURCE_ACT_FETCH, BL_SOURCE_FETCHING},
         {BL_SOURCE_EV_BODY, BL_SOURCE_ACT_PARSE, BL_SOURCE_PARSING},
         {BL_SOURCE_EV_CHANGED, BL_SOURCE_ACT_PUBLISH, BL_SOURCE_PUBLISHING},
         {BL_SOURCE_EV_FAILED, BL_SOURCE_ACT_NONE, BL_SOURCE_PUBLISHING},
         {BL_SOURCE_EV_PUBLISHED, BL_SOURCE_ACT_END_OK, BL_SOURCE_IDLE},
         {BL_SOURCE_EV_PUBLISHED, BL_SOURCE_ACT_NONE, BL_SOURCE_IDLE});
    WALK(&source, {BL_SOURCE_EV_ASK, BL_SOURCE_ACT_WAIT, BL_SOURCE_QUEUED},
         {BL_SOURCE_EV_SLOT, BL_SOURCE_ACT_FETCH, BL_SOURCE_FETCHING},
         {BL_SOURCE_EV_NOT_MODIFIED, BL_SOURCE_ACT_END_OK, BL_SOURCE_IDLE});
    assert_false(bl_source_busy(&source));
}

static void test_source_failures_count_and_are_forgiven(void **state)
{
    struct bl_source source = {0};

    (void)state;
    for (uint32_t i = 1; i < 4; i++) {
        WALK(&source, {BL_SOURCE_EV_ASK, BL_SOURCE_ACT_WAIT, BL_SOURCE_QUEUED},
             {BL_SOURCE_EV_SLOT, BL_SOURCE_ACT_FETCH, BL_SOURCE_FETCHING},
             {BL_SOURCE_EV_FAILED, BL_SOURCE_ACT_END_FAILED, BL_SOURCE_BACKOFF});
        assert_int_equal(source.n_failures, i);
    }
    WALK(&source, {BL_SOURCE_EV_ASK, BL_SOURCE_ACT_WAIT, BL_SOURCE_QUEUED},
         {BL_SOURCE_EV_SLOT, BL_SOURCE_ACT_FETCH, BL_SOURCE_FETCHING},
         {BL_SOURCE_EV_BODY, BL_SOURCE_ACT_PARSE, BL_SOURCE_PARSING},
         {BL_SOURCE_EV_SAME, BL_SOURCE_ACT_END_OK, BL_SOURCE_IDLE});
    assert_int_equal(source.n_failures, 0);
}

static void test_source_resumes_what_was_being_published(void **state)
{
    struct bl_source source = {.phase = BL_SOURCE_BACKOFF, .n_failures = 2};

    (void)state;
    WALK(&source, {BL_SOURCE_EV_RESUME, BL_SOURCE_ACT_PUBLISH, BL_SOURCE_PUBLISHING},
         {BL_SOURCE_EV_PUBLISHED, BL_SOURCE_ACT_END_OK, BL_SOURCE_IDLE});
}

static void test_source_names(void **state)
{
    (void)state;
    for (int i = 0; i < BL_SOURCE_PHASE_COUNT; i++)
        assert_true(*bl_source_phase_name((enum bl_source_phase)i));
    for (int i = 0; i < BL_SOURCE_EVENT_COUNT; i++)
        assert_true(*bl_source_event_name((enum bl_source_event)i));
}

static void test_source_rests(void **state)
{
    enum { HOUR = 3600 * 1000 };
    static const struct {
        uint32_t n_failures;
        struct bl_source_pace pace;
        int64_t rest_ms;
    } table[] = {
        {0, {.interval_ms = HOUR}, HOUR},
        {0, {.interval_ms = HOUR, .asked_unix_ms = 400}, HOUR - 600},
        {0, {.interval_ms = HOUR, .asked_unix_ms = 5000}, HOUR}, /* the clock went back meanwhile */
        {0, {.interval_ms = HOUR, .retry_after_ms = 2 * HOUR}, 2 * HOUR},
        {1, {.interval_ms = HOUR}, HOUR / 4},
        {1, {.interval_ms = HOUR, .asked_unix_ms = 400}, HOUR / 4},
        {2, {.interval_ms = HOUR}, HOUR / 2},
        {3, {.interval_ms = HOUR}, HOUR},
        {6, {.interval_ms = HOUR}, 8 * HOUR},
        {60, {.interval_ms = HOUR}, 24 * HOUR},
        {1, {.interval_ms = HOUR, .retry_after_ms = 3 * HOUR}, 3 * HOUR},
        {1, {.interval_ms = HOUR, .retry_after_ms = INT64_MAX}, 24 * HOUR},
        {1, {.interval_ms = 1000}, 1000}, /* a short interval is not stretched by the first failure */
        {1, {.interval_ms = 20 * 1000}, 10 * 1000},
        {1, {.interval_ms = INT64_C(7) * 24 * HOUR}, 24 * HOUR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct bl_source source = {.n_failures = table[i].n_failures};
        int64_t slack = table[i].pace.interval_ms / 20 < 30000 ? table[i].pace.interval_ms / 20 : 30000;

        bl_source_rest(&source, &table[i].pace, 1000);
        assert_int_equal(source.next_unix_ms, 1000 + table[i].rest_ms);
        assert_false(bl_source_due(&source, &table[i].pace, 1000 + table[i].rest_ms - slack - 1));
        assert_true(bl_source_due(&source, &table[i].pace, 1000 + table[i].rest_ms - slack));
    }
}

static void test_source_is_due_when_the_clock_went_back(void **state)
{
    struct bl_source source = {.next_unix_ms = INT64_C(1) << 50};
    struct bl_source_pace pace = {.interval_ms = 1000};

    (void)state;
    assert_true(bl_source_due(&source, &pace, 0));
}

static void test_source_a_long_rest_is_no_jump(void **state)
{
    enum { HOUR = 3600 * 1000 };
    struct bl_source source = {.next_unix_ms = 36 * HOUR};
    struct bl_source_pace pace = {.interval_ms = 24 * HOUR};

    (void)state; /* chance made it half as long again */
    assert_false(bl_source_due(&source, &pace, 0));
    source.next_unix_ms++;
    assert_true(bl_source_due(&source, &pace, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source_life),
        cmocka_unit_test(test_source_failures_count_and_are_forgiven),
        cmocka_unit_test(test_source_resumes_what_was_being_published),
        cmocka_unit_test(test_source_names),
        cmocka_unit_test(test_source_rests),
        cmocka_unit_test(test_source_is_due_when_the_clock_went_back),
        cmocka_unit_test(test_source_a_long_rest_is_no_jump),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
