/* What a verdict is made of, and why a text is no indicator: for people and for programs. */
#include "check.h"

#include <stdlib.h>

#include <tip/cleanup.h>
#include <tip/indicator.h>

#include "unreadable.h"
#include "verdict.h"

static struct tip_family_share families[] = {{"list", 0.8400000001}, {"trap", 0.5}};
static struct tip_verdict_reason reasons[] = {{.source = "lab-hosts", .weight = 0.6},
                                              {.source = "a \"b\"", .weight = 1.0 / 3}};

static const struct tip_verdict verdicts[] = {
    {.n_families = 2, .families = families, .n_reasons = 2, .reasons = reasons, .reason_count = 2},
    {.n_families = 2, .families = families, .n_reasons = 2, .reasons = reasons, .reason_count = 5},
    {.n_families = 0},
};

static void test_parts_of_a_verdict(void **state)
{
    static const struct {
        const char *families, *reasons; /* for people */
        const char *json_families, *json_reasons;
    } table[] = {
        {"list 0.84, trap 0.50", "lab-hosts 0.60, a \"b\" 0.33", "{\"list\":0.84,\"trap\":0.5}",
         "[{\"source\":\"lab-hosts\",\"weight\":0.6},{\"source\":\"a \\\"b\\\"\",\"weight\":0.333333}]"},
        {"list 0.84, trap 0.50", "lab-hosts 0.60, a \"b\" 0.33 and 3 more", "{\"list\":0.84,\"trap\":0.5}",
         "[{\"source\":\"lab-hosts\",\"weight\":0.6},{\"source\":\"a \\\"b\\\"\",\"weight\":0.333333}]"},
        {"", "", "{}", "[]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (enum out_mode mode = OUT_HUMAN; mode < OUT_MODE_COUNT; mode++) {
            tip_auto(tip_free) char *its_families = verdict_families(&verdicts[i], mode);
            tip_auto(tip_free) char *its_reasons = verdict_reasons(&verdicts[i], mode);

            assert_string_equal(its_families, mode == OUT_HUMAN ? table[i].families : table[i].json_families);
            assert_string_equal(its_reasons, mode == OUT_HUMAN ? table[i].reasons : table[i].json_reasons);
        }
    }
}

/* Every word that a parser has is a sentence for people; what a newer blacklist says passes. */
static void test_every_reason_has_a_phrase(void **state)
{
    (void)state;
    for (int code = 1; code < TIP_INDICATOR_E_END; code++) {
        const char *word = tip_indicator_reason(code);

        if (*word && strcmp(unreadable_phrase(word), word) == 0)
            fail_msg("%d: %s has no phrase", code, word);
    }
    assert_string_equal(unreadable_phrase("of_tomorrow"), "of_tomorrow");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_a_verdict),
        cmocka_unit_test(test_every_reason_has_a_phrase),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
