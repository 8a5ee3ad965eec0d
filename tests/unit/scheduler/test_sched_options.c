#include "check.h"

#include <stdbool.h>
#include <stdlib.h>

#include <tip/clock.h>

#include "io/zone.h"
#include "options.h"
#include "zones.h"

/* The jobs of a section; NULL errorp: it must be accepted. */
static void jobs_of(const char *yaml, const char *error, struct sched_jobs *jobs)
{
    struct tip_conf *conf = tip_conf_new();
    struct sched_options options = {0};
    int r = tip_conf_load_text(conf, "test.yaml", yaml, strlen(yaml), &sched_options_table, &options);

    if (!r)
        r = sched_jobs_make(jobs, &options, conf);
    else
        *jobs = (struct sched_jobs){0};
    assert_int_equal(!r, !error);
    assert_int_equal(!tip_conf_n_errors(conf), !error);
    if (error && strncmp(tip_conf_error(conf, 0), error, strlen(error)) != 0)
        fail_msg("\"%s\" instead of \"%s\"", tip_conf_error(conf, 0), error);
    tip_conf_destroy(&conf);
    tip_opt_free(&sched_options_table, &options);
}

static void test_options_make_jobs(void **state)
{
    tip_auto(sched_jobs_deinit) struct sched_jobs jobs = {0};

    (void)state;
    jobs_of("jobs:\n"
            "  - {name: lists, module: blacklist, every: 15m, jitter: 30s}\n"
            "  - {name: nightly, module: storage, target: old, cron: \"30 3 * * *\", timezone: Europe/Berlin}\n"
            "  - {name: weekly, module: storage, cron: \"@weekly\", timezone: Europe/Berlin, missed: all}\n"
            "  - {name: opening, module: blacklist, at: 2030-01-01T00:00:00Z, deadline: 1h, expires: 5m}\n"
            "  - {name: follow, module: flux, after: v1.schedule.done.blacklist., delay: 30s}\n",
            NULL, &jobs);
    assert_int_equal(jobs.n, 5);
    assert_non_null(jobs.specs);
    assert_int_equal(jobs.n_zones, 1);
    assert_int_equal(jobs.specs[0].every_ms, 900000);
    assert_int_equal(jobs.specs[0].deadline_ms, 600000);
    assert_int_equal(jobs.specs[0].missed, SCHED_ONCE);
    assert_string_equal(jobs.specs[1].rule_text, "cron 30 3 * * * Europe/Berlin");
    assert_int_equal(jobs.specs[2].missed, SCHED_ALL);
    assert_int_equal(jobs.specs[3].at_unix_ms, INT64_C(1893456000000));
    assert_int_equal(jobs.specs[3].expires_ms, 300000);
    assert_string_equal(jobs.prefixes[0], "v1.schedule.done.");
    assert_string_equal(jobs.prefixes[1], "v1.schedule.failed.");
    assert_string_equal(jobs.prefixes[2], "v1.schedule.done.blacklist.");
    assert_null(jobs.prefixes[3]);
}

static void test_options_refuse_at_the_place(void **state)
{
    static const struct {
        const char *yaml, *error;
    } rows[] = {
        {"jobs:\n  - {name: a, module: m, every: 1m}\n  - {name: a, module: m, every: 2m}\n", "test.yaml:3:5: "},
        {"jobs:\n  - {name: a, module: m}\n", "test.yaml:2:5: job a: one of every, at, cron, after is wanted"},
        {"jobs:\n  - {name: a, module: m, every: 1m, at: 2030-01-01T00:00:00Z}\n", "test.yaml:2:5: job a: only one"},
        {"jobs:\n  - name: a\n    module: m\n    cron: 0 0 30 2 *\n", "test.yaml:2:5: job a: no month has such a day"},
        {"jobs:\n  - {name: a, module: m, cron: \"@daily\", timezone: Mars/Olympus}\n",
         "test.yaml:2:5: job a: timezone"},
        {"jobs:\n  - {name: a, module: m, cron: \"@daily\", timezone: ../../etc/passwd}\n",
         "test.yaml:2:5: job a: time"},
        {"jobs:\n  - {name: a, module: m, cron: \"@daily\", timezone: zone.tab}\n", "test.yaml:2:5: job a: timezone"},
        {"jobs:\n  - {name: a, module: m, every: soon}\n", "test.yaml:2:"},
        {"jobs:\n  - {name: a, module: m, every: 1m, evry: 1m}\n", "test.yaml:2:"},
        {"jobs:\n  - {module: m, every: 1m}\n", "test.yaml:2:"},
        {"jobs:\n  - {name: a, module: m, every: 1m, missed: never}\n", "test.yaml:2:"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tip_auto(sched_jobs_deinit) struct sched_jobs jobs = {0};

        jobs_of(rows[i].yaml, rows[i].error, &jobs);
    }
}

/* The system's zoneinfo against the law, an hour a step. */
static void test_zone_is_as_the_law_says(void **state)
{
    static const struct {
        const char *name;
        int32_t (*offset_s)(const void *ctx, int64_t unix_s);
    } rows[] = {{"Europe/Berlin", zone_berlin}, {"America/New_York", zone_new_york}};

    (void)state;
    setenv("TZ", "Asia/Tokyo", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tip_auto(zone_destroy) struct zone *zone = NULL;
        int64_t from = tip_clock_days(2026, 1, 1) * 86400;
        struct sched_zone clock;

        assert_int_equal(zone_open(&zone, rows[i].name), 0);
        clock = zone_clock(zone);
        for (int64_t at = from; at < from + 5 * 365 * 86400; at += 3600)
            assert_int_equal(clock.offset_s(clock.ctx, at), rows[i].offset_s(NULL, at));
    }
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_make_jobs),
        cmocka_unit_test(test_options_refuse_at_the_place),
        cmocka_unit_test(test_zone_is_as_the_law_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
