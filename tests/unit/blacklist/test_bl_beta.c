#include "check.h"

#include <math.h>

#include "core/beta.h"

static void test_beta_of_known_values(void **state)
{
    static const struct {
        double a, b, x, below;
    } rows[] = {
        {1, 1, 0.3, 0.3},        /* uniform */
        {2, 2, 0.5, 0.5},        /* symmetric */
        {2, 2, 0.25, 0.15625},   /* 3x^2 - 2x^3 */
        {3, 1, 0.5, 0.125},      /* x^3 */
        {1, 4, 0.1, 1 - 0.6561}, /* 1 - (1 - x)^4 */
        {5, 7, 0, 0},
        {5, 7, 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_true(fabs(bl_beta_below(rows[i].a, rows[i].b, rows[i].x) - rows[i].below) < 1e-14);
}

static void test_beta_quantile_is_the_inverse(void **state)
{
    static const double sizes[] = {2, 2.5, 7, 52, 1000, 50002};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++) {
            double low = bl_beta_quantile(sizes[i], sizes[j], 0.05);
            double high = bl_beta_quantile(sizes[i], sizes[j], 0.95);

            assert_true(low > 0 && low < sizes[i] / (sizes[i] + sizes[j]) && high < 1 && low < high);
            assert_true(fabs(bl_beta_below(sizes[i], sizes[j], low) - 0.05) < 1e-9);
            assert_true(fabs(bl_beta_below(sizes[i], sizes[j], high) - 0.95) < 1e-9);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beta_of_known_values),
        cmocka_unit_test(test_beta_quantile_is_the_inverse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
