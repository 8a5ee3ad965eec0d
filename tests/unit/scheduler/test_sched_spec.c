#include "check.h"

#include "core/spec.h"

static const struct sched_spec_text good = {
    .name = "lists", .module = "blacklist", .every_ms = 900000, .jitter_ms = 1000, .deadline_ms = 600000};

static int make(struct sched_spec *spec, const struct sched_spec_text *text)
{
    static const struct sched_zone utc;
    const char *why = NULL;
    int r = sched_spec_make(spec, text, &utc, &why);

    assert_int_equal(!r, !why);
    return r;
}

static void test_spec_of_each_rule(void **state)
{
    static const struct {
        struct sched_spec_text text;
        enum sched_rule rule;
        const char *rule_text;
    } rows[] = {
        {{.every_ms = 900000}, SCHED_EVERY, "every 15m"},
        {{.at = "2026-11-22T04:00:00Z"}, SCHED_AT, "at 2026-11-22T04:00:00Z"},
        {{.cron = "0 4 * * *"}, SCHED_CRON, "cron 0 4 * * * UTC"},
        {{.cron = "@daily", .timezone = "Europe/Berlin"}, SCHED_CRON, "cron @daily Europe/Berlin"},
        {{.after = "v1.schedule.done.flux.", .delay_ms = 5000}, SCHED_AFTER, "after v1.schedule.done.flux. delay 5s"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sched_spec_text text = rows[i].text;
        struct sched_spec spec;

        text.name = "lists.v4";
        text.module = "blacklist";
        text.deadline_ms = 600000;
        assert_int_equal(make(&spec, &text), 0);
        assert_int_equal(spec.rule, rows[i].rule);
        assert_string_equal(spec.rule_text, rows[i].rule_text);
        assert_string_equal(spec.target, "");
        assert_int_equal(spec.expires_ms, 600000); /* as long as the deadline */
    }
}

#define REFUSED(...)                                                \
    {                                                               \
        struct sched_spec_text text = good;                         \
        struct sched_spec spec;                                     \
        __VA_ARGS__;                                                \
        assert_int_equal(make(&spec, &text), SCHED_SPEC_E_INVALID); \
    }

static void test_spec_refuses(void **state)
{
    (void)state;
    REFUSED(text.name = NULL)
    REFUSED(text.name = "")
    REFUSED(text.name = "manual")
    REFUSED(text.name = "with blank")
    REFUSED(text.name = "x1234567890123456789012345678901234567890123456789012345678901234")
    REFUSED(text.module = NULL)
    REFUSED(text.module = "Black.List")
    REFUSED(text.target = "a/b")
    REFUSED(text.every_ms = 0)
    REFUSED(text.at = "2026-11-22T04:00:00Z")
    REFUSED(text.jitter_ms = 900000)
    REFUSED(text.timezone = "Europe/Berlin")
    REFUSED(text.delay_ms = 1)
    REFUSED(text.every_ms = 0; text.at = "tomorrow")
    REFUSED(text.every_ms = 0; text.cron = "0 0 30 2 *")
    REFUSED(text.every_ms = 0; text.after = "v1.schedule.done.flux")
    REFUSED(text.every_ms = 0; text.after = "schedule.done.flux.")
    REFUSED(text.every_ms = 0; text.after = "v1.schedule.done.blacklist.")
    REFUSED(text.every_ms = 0; text.after = "v1.schedule.")
    REFUSED(text.every_ms = 0; text.after = "v1.")
}

static void test_spec_of_a_manual_run(void **state)
{
    struct sched_spec spec;
    const char *why;

    (void)state;
    assert_int_equal(sched_spec_make_manual(&spec, "blacklist", "drop.v4", true, &why), 0);
    assert_string_equal(spec.name, "manual");
    assert_true(spec.force);
    assert_int_equal(sched_spec_make_manual(&spec, "", "", false, &why), SCHED_SPEC_E_INVALID);
    assert_int_equal(sched_spec_make_manual(&spec, "b", "../x", false, &why), SCHED_SPEC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_of_each_rule),
        cmocka_unit_test(test_spec_refuses),
        cmocka_unit_test(test_spec_of_a_manual_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
