/* What is looked up is kept for as long as somebody asks. */
#include "check.h"

#include <stdlib.h>

#include <tip/alloc.h>
#include <tip/clock.h>

#include "app.h"

enum { IDLE_MS = 15 * 60 * 1000, MARGIN_MS = 60 * 1000 };

static struct lookup_index *index_make(void)
{
    const struct bl_key host = {.addr = 0x2d010035, .kind = TIP_KIND_IP};
    const struct bl_score_detail detail = {.n_reasons = 0};
    struct lookup_index *made = tip_new(struct lookup_index);
    uint32_t record;

    made->index = bl_index_new();
    assert_int_equal(bl_index_record(made->index, &detail, &record), 0);
    assert_int_equal(bl_index_add(made->index, &host, record), 0);
    assert_int_equal(bl_index_finish(made->index, NULL, NULL), 0);
    return made;
}

struct row {
    const char *what;
    int64_t asked_ago_ms;
    size_t n_waiting;
    bool is_building, stays;
};

static const struct row rows[] = {
    {"somebody has just asked", 0, 0, false, true},
    {"somebody asked a quarter of an hour ago, nearly", IDLE_MS - MARGIN_MS, 0, false, true},
    {"nobody has asked for a quarter of an hour", IDLE_MS, 0, false, false},
    {"nor did anybody while another one is being built", IDLE_MS, 0, true, false},
    {"nobody has asked, but one who did still waits", IDLE_MS, 1, true, true},
};

static struct lookup_view *view_make(struct app *app, enum tip_tlp tlp, const struct row *row)
{
    struct lookup_view *view = &app->lookups[tlp];

    *view = (struct lookup_view){.app = app,
                                 .tlp = tlp,
                                 .index = index_make(),
                                 .is_wanted = true,
                                 .is_building = row->is_building,
                                 .asked_ms = tip_loop_now_ms() - row->asked_ago_ms,
                                 .n_waiting = row->n_waiting};
    return view;
}

static void test_lookups_that_nobody_asks_for_are_freed(void **state)
{
    static const struct tip_metric_row metric_rows[] = {
        {TIP_METRIC_GAUGE, "tip_test_entries", "", "Test."},
        {TIP_METRIC_GAUGE, "tip_test_bytes", "", "Test."},
    };
    struct tip_metrics *metrics = tip_metrics_new();
    struct app *app = tip_new(struct app);

    (void)state;
    tip_metrics_add(metrics, metric_rows, 2, &app->m[APP_M_LOOKUP_ENTRIES]);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct lookup_view *view = view_make(app, TIP_TLP_GREEN, &rows[i]);
        struct lookup_view *other = view_make(app, TIP_TLP_AMBER, &rows[0]);

        lookup_tick(app);
        lookup_on_metrics(app);
        if ((view->index != NULL) != rows[i].stays || view->is_wanted != rows[i].stays)
            fail_msg("%s: it %s", rows[i].what, rows[i].stays ? "is gone" : "is still there");
        assert_int_equal(view->is_void, !rows[i].stays); /* what is being built is not for whoever asks next */
        assert_non_null(other->index);
        assert_true(tip_metric_value(app->m[APP_M_LOOKUP_ENTRIES]) == 1 + rows[i].stays);
        lookup_index_destroy(&view->index);
        lookup_index_destroy(&other->index);
    }
    lookup_on_metrics(app);
    assert_true(tip_metric_value(app->m[APP_M_LOOKUP_BYTES]) == 0);
    tip_metrics_destroy(&metrics);
    free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lookups_that_nobody_asks_for_are_freed)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
