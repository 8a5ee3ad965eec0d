#include "check.h"

#include <errno.h>

#include "weight.h"

static void says(const char *counts, const char *expected)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;

    tip_buf_init(&text, 10000);
    assert_int_equal(weight_text(counts, &text), 0);
    assert_string_equal(tip_buf_text(&text), expected);
}

static void test_weight_is_said_as_it_is_computed(void **state)
{
    (void)state;
    says("{\"weight\":0.08,\"before\":0.375,\"reason\":\"measured\",\"measured_at\":\"2026-01-01T01:00:00.000Z\","
         "\"measured\":0.08,\"fixed\":false,\"trust\":0.5,\"trust_low\":0.135,\"trust_high\":0.865,\"n_entries\":20000,"
         "\"n_confirmed\":3,\"exposure\":100,\"penalties\":2,\"hits\":{\"sinkhole\":2},\"independence\":0.25,"
         "\"n_scored\":19998.5,\"n_exclusive\":19998.5,\"n_copied\":15000,\"copied_from\":\"other\",\"lead\":0.75,"
         "\"n_shared\":40,\"lead_sum\":30,\"freshness\":0.84,\"ok_at\":\"2026-01-01T00:00:00.000Z\","
         "\"interval_ms\":3600000,\"half_life_ms\":86400000,\"half_life_basis\":\"measured\",\"n_known\":80,"
         "\"n_removed\":60,\"n_held_60d\":20100,\"n_removed_60d\":100,\"observed_ms\":1,"
         "\"law_half_life_ms\":7200000,\"law_basis\":\"file\",\"law_append\":true}",
         "weight 0.0800 (before 0.3750), measured\n"
         "  trust         0.5000  (T + 2) / (T + 5 F + 4); T = 3 seen by ourselves, F = 2 * 10^4 / 20000 = 1 (sinkhole "
         "2) "
         "of 20000 entries; 90 % sure: 0.1350 to 0.8650\n"
         "  independence  0.2500  max(0.05, (19998.5 in nothing it is derived from - 15000 copied from "
         "other) / 19998.5 scored)\n"
         "  lead          0.7500  30 / 40 entries shared, each as 2^(-lateness / 24 h): 1 when no other list had it "
         "before\n"
         "  freshness     0.8400  2^(-(age / (4 * 1h))), last ok 2026-01-01T00:00:00.000Z, as of "
         "2026-01-01T01:00:00.000Z\n"
         "  measured      0.0800  0.5000 * 0.2500 * (0.5 + 0.5 * 0.7500) * 0.8400\n"
         "  half-life     1d  measured: 60 of 80 entries of known age removed, 100 of 20100 in the last 60 days\n"
         "  in force      half-life 2h: its file says so; an entry fades from when it came, though it is listed\n");
}

static void test_weight_that_was_not_measured(void **state)
{
    (void)state;
    says("{\"weight\":0.9,\"before\":0.5,\"reason\":\"configured\",\"measured_at\":null}",
         "weight 0.9000 (before 0.5000), configured\n  nothing was measured yet\n");
    says("{\"weight\":0.375,\"before\":0,\"reason\":\"prior\",\"measured_at\":null,\"law_half_life_ms\":604800000,"
         "\"law_basis\":\"category\",\"law_append\":false}",
         "weight 0.3750 (before 0.0000), prior\n  nothing was measured yet\n  in force      half-life 7d: category\n");
}

static void test_weight_of_no_json(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;

    (void)state;
    tip_buf_init(&text, 10000);
    assert_int_equal(weight_text("[]", &text), -EINVAL);
    assert_int_equal(weight_text("{", &text), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weight_is_said_as_it_is_computed),
        cmocka_unit_test(test_weight_that_was_not_measured),
        cmocka_unit_test(test_weight_of_no_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
