#include "check.h"

#include <stdlib.h>

#include <jansson.h>

#include "codec.h"

static const struct sched_now now = {.now_ms = 5000, .wall_unix_ms = 1767225600000};

static struct sched_job job_made(void)
{
    struct sched_job job = {
        .spec = {.name = "lists",
                 .module = "blacklist",
                 .target = "drop",
                 .rule = SCHED_EVERY,
                 .every_ms = 900000,
                 .rule_text = "every 15m"},
        .key = "lists",
        .next_ms = 905000,
        .deadline_ms = 65000,
        .state = {.settled_unix_ms = 1,
                  .started_unix_ms = 1767225600000,
                  .ended_unix_ms = 2,
                  .last_end = SCHED_END_FAILED,
                  .is_open = true,
                  .is_paused = true,
                  .paused_until_unix_ms = 3,
                  .pause_reason = "a \"reason\" \\ with ü",
                  .n_runs = 4,
                  .n_failed = 5,
                  .n_overdue = 6,
                  .n_missed = 7,
                  .rule_crc = 8},
    };

    job.state.run = (struct sched_run){.due_unix_ms = 9, .started_unix_ms = 10, .expires_unix_ms = 11};
    memset(job.state.run.id.bytes, 0xab, sizeof(job.state.run.id.bytes));
    return job;
}

static void test_codec_state_comes_back(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    struct sched_job job = job_made();
    struct codec_stored stored;
    struct sched_state want;

    (void)state;
    tip_buf_init(&bytes, 4096);
    sched_job_save(&job, &now, &want);
    assert_int_equal(want.next_unix_ms, now.wall_unix_ms + 900000);
    assert_int_equal(want.run.deadline_unix_ms, now.wall_unix_ms + 60000);
    assert_int_equal(codec_stored_write(&job, &now, &bytes), 0);
    assert_int_equal(codec_stored_read(&stored, bytes.data, bytes.len), 0);
    assert_false(stored.is_manual);
    assert_int_equal(stored.state.next_unix_ms, want.next_unix_ms);
    assert_int_equal(stored.state.settled_unix_ms, 1);
    assert_int_equal(stored.state.started_unix_ms, want.started_unix_ms);
    assert_int_equal(stored.state.ended_unix_ms, 2);
    assert_int_equal(stored.state.last_end, SCHED_END_FAILED);
    assert_true(stored.state.is_open && stored.state.is_paused);
    assert_int_equal(stored.state.paused_until_unix_ms, 3);
    assert_string_equal(stored.state.pause_reason, want.pause_reason);
    assert_int_equal(stored.state.n_runs, 4);
    assert_int_equal(stored.state.n_failed, 5);
    assert_int_equal(stored.state.n_overdue, 6);
    assert_int_equal(stored.state.n_missed, 7);
    assert_int_equal(stored.state.rule_crc, 8);
    assert_memory_equal(&stored.state.run.id, &job.state.run.id, 16);
    assert_int_equal(stored.state.run.due_unix_ms, 9);
    assert_int_equal(stored.state.run.started_unix_ms, 10);
    assert_int_equal(stored.state.run.deadline_unix_ms, want.run.deadline_unix_ms);
    assert_int_equal(stored.state.run.expires_unix_ms, 11);
}

static void test_codec_manual_run_comes_back(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    struct sched_job job = job_made();
    struct codec_stored stored;

    (void)state;
    tip_buf_init(&bytes, 4096);
    job.spec.rule = SCHED_MANUAL;
    job.spec.force = true;
    assert_int_equal(codec_stored_write(&job, &now, &bytes), 0);
    assert_int_equal(codec_stored_read(&stored, bytes.data, bytes.len), 0);
    assert_true(stored.is_manual && stored.spec.force);
    assert_int_equal(stored.spec.rule, SCHED_MANUAL);
    assert_string_equal(stored.spec.name, SCHED_MANUAL_NAME);
    assert_string_equal(stored.spec.module, "blacklist");
    assert_string_equal(stored.spec.target, "drop");
}

static void test_codec_foreign_bytes(void **state)
{
    static const char *const foreign[] = {
        "", "x", "[]", "7", "{\"manual\":true}", "{\"manual\":true,\"module\":\"A/B\"}"};
    static const char odd[] = "{\"next\":\"soon\",\"end\":3,\"new\":1}";
    struct codec_stored stored;

    (void)state;
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        assert_int_equal(codec_stored_read(&stored, foreign[i], strlen(foreign[i])), CODEC_E_FOREIGN);
    assert_int_equal(codec_stored_read(&stored, odd, sizeof(odd) - 1), 0);
    assert_int_equal(stored.state.next_unix_ms, 0);
}

static void test_codec_events(void **state)
{
    struct sched_action action = {.kind = SCHED_ACT_DUE,
                                  .job = "lists",
                                  .module = "blacklist",
                                  .target = "drop",
                                  .run = {.due_unix_ms = 1, .deadline_unix_ms = 2, .expires_unix_ms = 3}};
    struct tip_event event;
    struct sched_event report;

    (void)state;
    assert_string_equal(codec_event(&event, &action), "v1.schedule.due.");
    assert_int_equal(event.kind, TIP_EVENT_SCHEDULE_DUE);
    assert_int_equal(event.schedule_due.expires_unix_ms, 3);
    assert_false(codec_report(&report, &event));
    action.kind = SCHED_ACT_OVERDUE;
    assert_string_equal(codec_event(&event, &action), "v1.schedule.overdue.");
    assert_int_equal(event.schedule_overdue.deadline_unix_ms, 2);
    event = (struct tip_event){.kind = TIP_EVENT_SCHEDULE_FAILED};
    memset(event.schedule_report.run_id.bytes, 7, 16);
    assert_true(codec_report(&report, &event));
    assert_false(report.is_ok);
    assert_int_equal(report.run_id.bytes[15], 7);
}

static void test_codec_job_for_people(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    struct sched_job job = job_made();
    json_t *object;

    (void)state;
    tip_buf_init(&text, 4096);
    assert_int_equal(codec_job_json(&job, &now, &text), 0);
    object = json_loads(tip_buf_text(&text), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(object, "state")), "running");
    assert_string_equal(json_string_value(json_object_get(object, "next")), "2026-01-01T00:15:00Z");
    assert_string_equal(json_string_value(json_object_get(object, "rule")), "every 15m");
    assert_int_equal(json_integer_value(json_object_get(object, "overdue")), 6);
    json_decref(object);
    tip_buf_clear(&text);
    job.state = (struct sched_state){0};
    job.next_ms = SCHED_NEVER;
    assert_int_equal(codec_job_json(&job, &now, &text), 0);
    object = json_loads(tip_buf_text(&text), 0, NULL);
    assert_true(json_is_null(json_object_get(object, "next")));
    assert_null(json_object_get(object, "run_id"));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_state_comes_back), cmocka_unit_test(test_codec_manual_run_comes_back),
        cmocka_unit_test(test_codec_foreign_bytes),    cmocka_unit_test(test_codec_events),
        cmocka_unit_test(test_codec_job_for_people),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
