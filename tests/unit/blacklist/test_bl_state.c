#include "check.h"

#include <tip/cleanup.h>

#include <tip/alloc.h>
#include <tip/clock.h>

#include "app.h"

/* A job as it was stored before a plan had a number. */
static void test_state_a_job_of_before_begins_anew_and_means_the_same(void **state)
{
    static const char before[] = "{\"kind\":2,\"name\":\"a\",\"from\":3,\"to\":3,\"weight_after\":0.5,\"next\":7}";
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    struct bl_job job;

    (void)state;
    assert_int_equal(codec_job_read(&job, before, sizeof(before) - 1), 0);
    assert_int_equal(job.next, 0);
    assert_true(bl_job_has_begun(&job));
    assert_true(job.after.weight == 0.5);
    tip_buf_init(&bytes, 64 * 1024);
    job.next = 7;
    job.kin_of_after = (struct work_kin){.group = UINT64_MAX, .from = {5, 6}};
    assert_int_equal(codec_job_write(&job, &bytes), 0);
    assert_int_equal(codec_job_read(&job, bytes.data, bytes.len), 0);
    assert_int_equal(job.next, 7);
    assert_false(job.is_again);
    assert_true(job.kin_of_after.group == UINT64_MAX && work_kin(&job.kin_of_after).n_from == 2);
}

static void test_state_a_job_that_has_not_begun(void **state)
{
    static const char before[] = "{\"kind\":2,\"name\":\"a\",\"next\":0}";
    struct bl_job job;

    (void)state;
    assert_int_equal(codec_job_read(&job, before, sizeof(before) - 1), 0);
    assert_false(bl_job_has_begun(&job));
}

static struct app_source *site_add(struct app *app, const char *name, struct bl_spec *spec)
{
    struct app_source *source = tip_new(struct app_source);

    source->app = app;
    source->spec = spec;
    strcpy(source->name, name);
    source->stored.version = 1;
    source->stored.weight = 0.5;
    tip_hash_add_text(app->sources, name, source);
    return source;
}

static void site_free(struct app *app)
{
    struct app_source *source, *next;

    tip_hash_each (app->sources, source, next) {
        tip_hash_remove(app->sources, source);
        free(source);
    }
}

/* Its file says another group and origin, and then goes: what has been told rests on the old ones until a job has run.
 */
static void test_state_kin_is_in_force_until_a_job_changes_it(void **state)
{
    char name[] = "b", *from[] = {name};
    struct bl_spec spec = {.group = "old"};
    struct app app = {.n_jobs = 0};
    struct app_source *source = site_add(&app, "a", &spec);
    struct work_voters voters;

    (void)state;
    voters_configure(&app);
    source->stored.kin = app_source_kin(source);
    strcpy(spec.group, "new");
    spec.derived_from = from;
    spec.n_derived_from = 1;
    voters_configure(&app);
    assert_false(voters_same_kin(app_source_kin(source), source->stored.kin));
    for (int round = 0; round < 2; round++) {
        voters = voters_make(&app, &(struct voters_wish){.self = "a"});
        assert_true(voters.items[0].kin.group == bl_score_name("old"));
        assert_int_equal(voters.items[0].kin.n_from, 0);
        tip_free(&voters.items);
        source->spec = NULL;
    }
    source->spec = &spec;
    source->stored.kin_of = app_source_kin_of(source); /* as the job leaves it */
    voters = voters_make(&app, &(struct voters_wish){.self = "a"});
    assert_true(voters.items[0].kin.group == bl_score_name("new"));
    assert_true(voters.items[0].kin.n_from == 1 && voters.items[0].kin.from[0] == bl_score_name("b"));
    tip_free(&voters.items);
    site_free(&app);
}

/* A source as it was stored before there was any kin: it counts as it did, until its own job has run. */
static void test_state_a_source_of_before_is_trusted(void **state)
{
    struct bl_spec spec = {.group = "g", .weight = 0.95, .is_whole = true};
    struct app app = {.n_jobs = 0};
    struct app_source *source = site_add(&app, "a", &spec);
    struct work_voters voters;

    (void)state;
    source->stored.measured_half_life_s = 1; /* weighed, and said to copy: that was not asked then */
    voters_configure(&app);
    voters = voters_make(&app, &(struct voters_wish){.self = "a"});
    assert_true(voters.items[0].marks.is_trusted && voters.items[0].marks.is_final && voters.items[0].marks.is_whole);
    assert_true(voters.items[0].kin.group == bl_score_name("g"));
    assert_int_equal(source->stored.kin, 0); /* so the job is queued */
    tip_free(&voters.items);
    site_free(&app);
}

static void test_state_a_clock_that_was_wrong_is_put_right(void **state)
{
    static const struct tip_metric_row row = {TIP_METRIC_COUNTER, "tip_test_back_total", "", "Test."};
    struct tip_metrics *metrics = tip_metrics_new();
    int64_t now_s = tip_loop_wall_ms() / TIP_SECOND_MS;
    struct bl_job job = {.kind = WORK_CLOCK};
    struct app app = {.clock.state.tau_s = now_s + 20};

    (void)state;
    tip_metrics_add(metrics, &row, 1, &app.m[APP_M_CLOCK_BACK]);
    clock_order(&app, &job);
    assert_int_equal(job.to, now_s + 20); /* a clock that is set by a little */
    assert_true(tip_metric_value(app.m[APP_M_CLOCK_BACK]) == 0);
    app.clock.state.tau_s = now_s + TIP_DAY_MS;
    clock_order(&app, &job);
    assert_int_equal(job.from, now_s + TIP_DAY_MS);
    assert_in_range(job.to, now_s, now_s + 10);
    assert_true(tip_metric_value(app.m[APP_M_CLOCK_BACK]) == 1);
    job.next = 1;
    app.clock.state.tau_s = now_s + 20;
    clock_order(&app, &job);
    assert_int_equal(job.from, now_s + TIP_DAY_MS); /* parts of it are out */
    tip_metrics_destroy(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_a_job_of_before_begins_anew_and_means_the_same),
        cmocka_unit_test(test_state_a_job_that_has_not_begun),
        cmocka_unit_test(test_state_kin_is_in_force_until_a_job_changes_it),
        cmocka_unit_test(test_state_a_source_of_before_is_trusted),
        cmocka_unit_test(test_state_a_clock_that_was_wrong_is_put_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
