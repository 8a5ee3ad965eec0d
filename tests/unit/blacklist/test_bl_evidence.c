#include "check.h"

#include <math.h>

#include "core/evidence.h"

static void test_evidence_adds_up_to_a_bound(void **state)
{
    (void)state;
    assert_true(bl_evidence_p(BL_EVIDENCE_TRAP, 0) == 0);
    assert_true(bl_evidence_p(BL_EVIDENCE_TRAP, 1) == 0.5);
    assert_true(bl_evidence_p(BL_EVIDENCE_TRAP, 3) == 0.875);
    assert_true(bl_evidence_p(BL_EVIDENCE_TRAP, 1000000) == 0.95);
    assert_true(fabs(bl_evidence_p(BL_EVIDENCE_FLUX, 2) - 0.64) < 1e-15);
    assert_true(fabs(bl_evidence_p(BL_EVIDENCE_SMTP, 2) - 0.51) < 1e-15);
    assert_true(bl_evidence_p(BL_EVIDENCE_ABANDONMENT, 1000000) == 0);
}

static void test_evidence_halves_with_time(void **state)
{
    static const uint32_t days[] = {
        [BL_EVIDENCE_TRAP] = 3, [BL_EVIDENCE_FLUX] = 7, [BL_EVIDENCE_SMTP] = 1, [BL_EVIDENCE_ABANDONMENT] = 1};

    (void)state;
    for (enum bl_evidence_kind what = 0; what < BL_EVIDENCE_KIND_COUNT; what++)
        assert_int_equal(bl_evidence_half_life(what), days[what] * 24 * 60 * 60);
    assert_string_equal(bl_evidence_name(BL_EVIDENCE_SMTP), "smtp");
}

static void test_evidence_is_distinct_by_text_and_number(void **state)
{
    (void)state;
    assert_true(bl_evidence_distinct("trap", 4, 19000) == bl_evidence_distinct("trap", 4, 19000));
    assert_true(bl_evidence_distinct("trap", 4, 19000) != bl_evidence_distinct("trap", 4, 19001));
    assert_true(bl_evidence_distinct("trap", 4, 19000) != bl_evidence_distinct("tram", 4, 19000));
    assert_true(bl_evidence_distinct("", 0, 1) != bl_evidence_distinct("", 0, UINT64_C(1) << 56));
}

static void test_evidence_confirms_within_a_week_after(void **state)
{
    const struct bl_observation base = {.what = BL_EVIDENCE_TRAP, .at_s = 1000000};
    struct bl_observation seen = base;

    (void)state;
    assert_true(bl_evidence_confirms(&seen, "list", 1000000));
    assert_true(bl_evidence_confirms(&seen, "list", 1000000 - BL_EVIDENCE_CONFIRM_S));
    assert_false(bl_evidence_confirms(&seen, "list", 1000000 - BL_EVIDENCE_CONFIRM_S - 1));
    assert_false(bl_evidence_confirms(&seen, "list", 1000001)); /* it was listed later: it confirms nothing */
    seen.because_of = "list";
    assert_false(bl_evidence_confirms(&seen, "list", 1000000));
    assert_true(bl_evidence_confirms(&seen, "other", 1000000));
    assert_true(bl_evidence_confirms(&seen, "lis", 1000000));
    seen.because_of = "a list of them";
    assert_false(bl_evidence_confirms(&seen, "list", 1000000));
    assert_false(bl_evidence_confirms(&seen, "a", 1000000));
    assert_false(bl_evidence_confirms(&seen, "them", 1000000));
    assert_true(bl_evidence_confirms(&seen, "a list", 1000000));
    assert_true(bl_evidence_confirms(&seen, "lists", 1000000));
    seen.because_of = BL_EVIDENCE_ANY_SOURCE;
    assert_false(bl_evidence_confirms(&seen, "list", 1000000));
    assert_false(bl_evidence_confirms(&seen, "other", 1000000));
    seen = base;
    seen.depth = BL_EVIDENCE_DEPTH_MAX + 1;
    assert_false(bl_evidence_confirms(&seen, "list", 1000000));
    seen = base;
    seen.what = BL_EVIDENCE_ABANDONMENT;
    assert_false(bl_evidence_confirms(&seen, "list", 1000000));
}

static void test_evidence_of_one_kind_never_blocks_alone(void **state)
{
    const struct bl_evidence_base alone = {.n_families = 1, .n_independent = 1};
    const struct bl_evidence_base families = {.n_families = 2, .n_independent = 1};
    const struct bl_evidence_base sources = {.n_families = 1, .n_independent = 2};

    (void)state;
    assert_true(bl_evidence_rule(0.99, &alone) < 0.9);
    assert_true(bl_evidence_rule(0.99, &alone) >= 0.6);
    assert_true(bl_evidence_rule(0.7, &alone) == 0.7);
    assert_true(bl_evidence_rule(0.99, &families) == 0.99);
    assert_true(bl_evidence_rule(0.99, &sources) == 0.99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evidence_adds_up_to_a_bound),
        cmocka_unit_test(test_evidence_halves_with_time),
        cmocka_unit_test(test_evidence_is_distinct_by_text_and_number),
        cmocka_unit_test(test_evidence_confirms_within_a_week_after),
        cmocka_unit_test(test_evidence_of_one_kind_never_blocks_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
