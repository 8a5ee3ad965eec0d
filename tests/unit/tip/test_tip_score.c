#include "check.h"

#include "score.h"

static void test_score_is_said_as_it_is_computed(void **state)
{
    static const struct {
        size_t n;
        double weights[4];
        const char *text;
    } table[] = {
        {2, {0.60, 0.50}, "1 - (1-0.60)(1-0.50) = 0.80 -> slow"},
        {3, {0.60, 0.50, 0.55}, "1 - (1-0.60)(1-0.50)(1-0.55) = 0.91 -> block"},
        {1, {0.30}, "1 - (1-0.30) = 0.30 -> watch"},
        {1, {0.10}, "1 - (1-0.10) = 0.10 -> none"},
        {0, {0}, "0.00 -> none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        tip_auto(tip_buf_deinit) struct tip_buf text;

        tip_buf_init(&text, 1000);
        assert_int_equal(score_text(table[i].weights, table[i].n, &text), 0);
        assert_string_equal(tip_buf_text(&text), table[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_score_is_said_as_it_is_computed)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
