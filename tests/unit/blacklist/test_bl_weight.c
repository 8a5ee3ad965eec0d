/* The numbers are counted again in tests/integration/test_weights.py; here is what the loop may not do. */
#include "check.h"

#include <math.h>
#include <stdio.h>

#include "core/score.h"
#include "core/weight.h"
#include "core/witness.h"
#include "random.h"
#include "seens.h"

enum { T0 = 1700000000, HOUR = 3600, TURNS = 10000 };

static struct bl_weight weigh(const struct bl_weigh_source *source, struct bl_weigh_job *job)
{
    tip_auto(bl_reference_destroy) struct bl_reference *reference = bl_reference_new();
    struct bl_weight weight;

    assert_int_equal(bl_reference_finish(reference), 0);
    job->sources = source;
    job->n_sources = 1;
    job->reference = reference;
    assert_int_equal(bl_weigh(job, &weight), 0);
    return weight;
}

static struct bl_weigh_source list_of(const struct seens *seens)
{
    return (struct bl_weigh_source){
        .name = "list", .group = "list", .seen = seens->seen, .ok_s = T0, .interval_s = HOUR};
}

static void test_weight_before_anything_is_known(void **state)
{
    tip_auto(seens_deinit) struct seens seens;
    struct bl_weigh_job job = {.now_s = T0};
    struct bl_weigh_source source;

    (void)state;
    seens_init(&seens);
    seens_update(&seens, "9.9.9.9\n", T0, 0, 1000);
    source = list_of(&seens);
    assert_true(weigh(&source, &job).weight == BL_WEIGHT_PRIOR);
}

static void test_weight_falls_when_a_source_is_silent(void **state)
{
    tip_auto(seens_deinit) struct seens seens;
    struct bl_weigh_job job = {.now_s = T0 + 4 * HOUR};
    struct bl_weigh_source source;

    (void)state;
    seens_init(&seens);
    seens_update(&seens, "9.9.9.9\n", T0, 0, 1000);
    source = list_of(&seens);
    assert_true(fabs(weigh(&source, &job).freshness - 0.5) < 1e-15);
    source.ok_s = 0;
    assert_true(weigh(&source, &job).weight == 0);
}

/* One more: a table made of the last one. */
static struct bl_witnesses *seen_too(struct bl_witnesses *last, const struct bl_observation *observation)
{
    struct bl_witnesses *next = bl_witnesses_from(last, UINT8_MAX);

    bl_witnesses_add(next, observation);
    bl_witnesses_build(next);
    bl_witnesses_destroy(&last);
    return next;
}

/*
 * A harmless sender is listed once. From then on, hour by hour: the SMTP door slows it and it leaves; its name is
 * looked into because it is listed, and what that finds is reported, each time one step deeper. None of it may raise
 * its score.
 */
static void test_weight_does_not_feed_on_itself(void **state)
{
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *witnesses = bl_witnesses_new();
    tip_auto(seens_deinit) struct seens seens;
    struct bl_weigh_job job = {.exposure = 1};
    struct bl_weigh_source source;
    double last = 1;

    (void)state;
    seens_init(&seens);
    seens_update(&seens, "9.9.9.9\n8.8.8.8\n", T0, 0, 1000);
    source = list_of(&seens);
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        const struct bl_observation seen = {.kind = TIP_KIND_IP,
                                            .value = "9.9.9.9",
                                            .len = 7,
                                            .what = turn % 2 ? BL_EVIDENCE_ABANDONMENT : BL_EVIDENCE_FLUX,
                                            .distinct = turn,
                                            .at_s = T0 + turn,
                                            .depth = 1 + turn % 7,
                                            .because_of = turn % 2 ? NULL : "list"};
        double p;

        witnesses = seen_too(witnesses, &seen);
        if (turn % 100) /* weighed at most hourly, and never because of one observation */
            continue;
        job.witnesses = witnesses;
        job.now_s = source.ok_s = T0 + turn;
        p = weigh(&source, &job).weight;
        p = 1 - (1 - p) * (1 - bl_evidence_p(BL_EVIDENCE_ABANDONMENT, turn));
        assert_true(p <= last && p > 0);
        last = p;
    }
    job.witnesses = witnesses;
    assert_true(weigh(&source, &job).n_confirmed == 0);
}

/* While a trap that nobody led to does confirm, once an indicator. */
static void test_weight_rises_by_what_was_seen(void **state)
{
    const struct bl_observation trap = {
        .kind = TIP_KIND_IP, .value = "9.9.9.9", .len = 7, .what = BL_EVIDENCE_TRAP, .at_s = T0 + HOUR};
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *witnesses = bl_witnesses_new();
    tip_auto(seens_deinit) struct seens seens;
    struct bl_weigh_job job = {.exposure = 1, .now_s = T0 + HOUR};
    struct bl_weigh_source source;
    struct bl_weight weight;

    (void)state;
    seens_init(&seens);
    seens_update(&seens, "9.9.9.9\n8.8.8.8\n", T0, 0, 1000);
    source = list_of(&seens);
    source.ok_s = T0 + HOUR;
    for (int i = 0; i < 3; i++)
        witnesses = seen_too(witnesses, &trap);
    job.witnesses = witnesses;
    weight = weigh(&source, &job);
    assert_true(weight.n_confirmed == 1);
    assert_true(fabs(weight.trust - 0.6) < 1e-15);
}

/* The same again, nine days after: too late to confirm the list, and it takes nothing from what did. */
static void test_weight_stays_when_it_is_seen_again(void **state)
{
    static const struct bl_observation first = {
        .kind = TIP_KIND_IP, .value = "9.9.9.9", .len = 7, .what = BL_EVIDENCE_FLUX, .at_s = T0 + HOUR};
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *witnesses = bl_witnesses_new();
    struct bl_observation again = first;
    tip_auto(seens_deinit) struct seens seens;
    struct bl_weigh_job job = {.exposure = 1, .now_s = T0 + HOUR};
    struct bl_weigh_source source;

    (void)state;
    seens_init(&seens);
    seens_update(&seens, "9.9.9.9\n", T0, 0, 1000);
    source = list_of(&seens);
    again.at_s += 9 * 24 * HOUR;
    bl_witnesses_add(witnesses, &again);
    bl_witnesses_add(witnesses, &first);
    bl_witnesses_build(witnesses);
    assert_int_equal(bl_witnesses_at(witnesses, 0).witness->n[BL_EVIDENCE_FLUX], 1);
    assert_int_equal(bl_witnesses_at(witnesses, 0).witness->last_s[BL_EVIDENCE_FLUX], again.at_s);
    job.witnesses = witnesses;
    assert_true(weigh(&source, &job).n_confirmed == 1);
    bl_witnesses_destroy(&witnesses);
    witnesses = seen_too(bl_witnesses_new(), &again);
    job.witnesses = witnesses;
    assert_true(weigh(&source, &job).n_confirmed == 0);
}

/* Whichever of the two is longer, and whatever stands in them: the same as by looking each up. */
static void test_weight_counts_side_by_side(void **state)
{
    enum { MOST = 400 };
    uint64_t seed = test_seed();

    (void)state;
    for (int turn = 0; turn < 50; turn++) {
        tip_auto(bl_witnesses_destroy) struct bl_witnesses *witnesses = bl_witnesses_new();
        tip_auto(seens_deinit) struct seens seens;
        struct bl_weigh_job job = {.exposure = 1, .now_s = T0 + HOUR};
        uint64_t n_listed = 1 + test_random(&seed) % (turn % 2 ? 10 : MOST);
        uint64_t n_seen = test_random(&seed) % (turn % 3 ? 10 : MOST);
        struct bl_weigh_source source;
        char text[MOST * 32] = "", value[32];
        double n = 0;

        seens_init(&seens);
        for (uint64_t i = 0; i < n_listed; i++)
            (void)snprintf(text + strlen(text), 32, test_random(&seed) % 2 ? "9.9.9.%d\n" : "h%d.tip-b.net\n",
                           (int)(test_random(&seed) % 256));
        seens_update(&seens, text, T0, 0, 1000);
        for (uint64_t i = 0; i < n_seen; i++) {
            struct bl_observation seen = {.value = value, .what = BL_EVIDENCE_TRAP, .at_s = T0 + HOUR};

            seen.kind = test_random(&seed) % 2 ? TIP_KIND_IP : TIP_KIND_DOMAIN;
            seen.len = (size_t)snprintf(value, sizeof(value), seen.kind == TIP_KIND_IP ? "9.9.9.%d" : "h%d.tip-b.net",
                                        (int)(test_random(&seed) % 256));
            bl_witnesses_add(witnesses, &seen);
        }
        bl_witnesses_build(witnesses);
        for (size_t i = 0; i < bl_witnesses_count(witnesses); i++) {
            const struct bl_witnesses_item item = bl_witnesses_at(witnesses, i);

            n += bl_seen_find(&seens.seen, item.kind, item.value, item.len) != NULL;
        }
        source = list_of(&seens);
        job.witnesses = witnesses;
        assert_true(weigh(&source, &job).n_confirmed == n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weight_before_anything_is_known),
        cmocka_unit_test(test_weight_falls_when_a_source_is_silent),
        cmocka_unit_test(test_weight_does_not_feed_on_itself),
        cmocka_unit_test(test_weight_rises_by_what_was_seen),
        cmocka_unit_test(test_weight_stays_when_it_is_seen_again),
        cmocka_unit_test(test_weight_counts_side_by_side),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
