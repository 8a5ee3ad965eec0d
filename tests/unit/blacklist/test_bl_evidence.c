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
        cmocka_unit_test(test_evidence_confirms_within_a_week_after),
        cmocka_unit_test(test_evidence_of_one_kind_never_blocks_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
