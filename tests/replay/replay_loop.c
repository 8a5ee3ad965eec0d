/*
 * The loop on itself, in virtual time: listing, verdict, treatment, behaviour, weights, and again. A harmless sender is
 * listed once. Whatever its verdict makes the SMTP door do to it, what the door then sees, and what others who look
 * because it is listed report, its score never rises again. All parts are those of the service, without its wires.
 */
#include "check.h"

#include <tip/event.h>

#include "core/score.h"
#include "core/weight.h"
#include "observed.h"
#include "seens.h"

enum { T0 = 1700000000, HOUR = 3600, TURNS = 10000, LISTED = 40 };

struct loop {
    struct seens seens;
    struct bl_reference *reference;
    struct bl_witnesses *witnesses;
    struct bl_score_source source;
    struct bl_score_job job;
    uint32_t now_s;
    unsigned n_taken, n_refused;
};

static void loop_init(struct loop *loop)
{
    char text[LISTED * 24] = "9.9.9.9\n";

    *loop = (struct loop){.reference = bl_reference_new(), .witnesses = bl_witnesses_new(), .now_s = T0};
    for (int i = 1; i < LISTED; i++)
        (void)snprintf(text + strlen(text), 24, "8.8.4.%d\n", i);
    seens_init(&loop->seens);
    seens_update(&loop->seens, text, T0, 0, 1000);
    assert_int_equal(bl_reference_finish(loop->reference), 0);
    loop->source = (struct bl_score_source){.seen = {loop->seens.seen, loop->seens.seen}, .tlp = 3};
    bl_witnesses_build(loop->witnesses);
    bl_score_job_init(&loop->job, &loop->source, 1);
}

static void loop_deinit(struct loop *loop)
{
    bl_score_job_deinit(&loop->job);
    bl_witnesses_destroy(&loop->witnesses);
    bl_reference_destroy(&loop->reference);
    seens_deinit(&loop->seens);
}

/* How far the list is trusted, by all that was observed until now. */
static struct bl_weight loop_weigh(struct loop *loop)
{
    const struct bl_weigh_source list = {
        .name = "list", .group = "list", .seen = loop->seens.seen, .ok_s = loop->now_s, .interval_s = HOUR};
    const struct bl_weigh_job job = {.sources = &list,
                                     .n_sources = 1,
                                     .reference = loop->reference,
                                     .witnesses = loop->witnesses,
                                     .exposure = (double)bl_witnesses_count(loop->witnesses),
                                     .now_s = loop->now_s};
    struct bl_weight weight;

    assert_int_equal(bl_weigh(&job, &weight), 0);
    for (int side = 0; side < BL_SIDE_COUNT; side++)
        loop->source.law[side] = (struct bl_law){.weight = weight.weight, .half_life_s = 24 * HOUR};
    return weight;
}

static struct bl_score loop_score(struct loop *loop)
{
    const struct bl_key key = {.addr = 0x09090909, .kind = TIP_KIND_IP};

    loop->job.moment[BL_AFTER] = (struct bl_score_moment){.tau_s = loop->now_s, .witnesses = loop->witnesses};
    bl_score_look(&loop->job, &key);
    return bl_score_at(&loop->job, BL_AFTER, loop->now_s);
}

static int loop_take(void *ctx, const struct bl_observation *observation, enum observed_fate fate)
{
    struct loop *loop = ctx;
    struct bl_witnesses *next;

    if (fate) {
        loop->n_refused++;
        return 0;
    }
    loop->n_taken++;
    next = bl_witnesses_from(loop->witnesses, UINT8_MAX);
    bl_witnesses_add(next, observation);
    bl_witnesses_build(next);
    bl_witnesses_destroy(&loop->witnesses);
    loop->witnesses = next;
    return 0;
}

static void loop_hear(struct loop *loop, struct tip_event *event)
{
    const struct observed_order order = {.event = event,
                                         .tlp = TIP_TLP_AMBER,
                                         .commit_unix_ms = (int64_t)loop->now_s * 1000,
                                         .now_unix_ms = (int64_t)loop->now_s * 1000,
                                         .each = loop_take,
                                         .ctx = loop};

    event->observed_unix_ms = order.now_unix_ms;
    assert_int_equal(observed_walk(&order), 0);
}

/* The door slows whom a verdict names: it leaves, or loses patience and talks too early. */
static void loop_treat(struct loop *loop, unsigned turn, uint32_t depth)
{
    static const char *const behaviours[] = {"abandoned", "early_talker", "dictionary", "pipelining"};
    struct tip_smtp_behaviour entry = {.kind = TIP_KIND_IP,
                                       .value = "9.9.9.9",
                                       .value_len = 7,
                                       .behaviour = behaviours[turn % 4],
                                       .caused_by_treatment = turn % 8 != 0, /* that it left needs no such word */
                                       .n = 1};
    struct tip_event event = {
        .kind = TIP_EVENT_SMTP_BEHAVIOUR, .depth = depth, .smtp_behaviours = {.n_entries = 1, .entries = &entry}};

    if (turn % 3)
        event.causes[event.n_causes++].source = "list";
    loop_hear(loop, &event);
}

/* What was derived from the verdict of before, again and again: one step deeper each time. */
static void loop_derive(struct loop *loop, uint32_t depth)
{
    struct tip_flux_agent agent = {.kind = TIP_KIND_IP, .value = "9.9.9.9", .value_len = 7, .prefix = ""};
    struct tip_event event = {
        .kind = TIP_EVENT_FLUX_AGENT,
        .depth = depth,
        .flux_agents = {.domain = "fine.tip-b.net", .network = "", .n_agents = 1, .agents = &agent}};

    loop_hear(loop, &event);
}

static void test_loop_never_raises_what_was_listed_once(void **state)
{
    uint32_t depth = 0;
    struct loop loop;
    double first, last;

    (void)state;
    loop_init(&loop);
    (void)loop_weigh(&loop);
    first = last = loop_score(&loop).score;
    assert_true(bl_score_tier(first) > 0); /* else nothing would be done to it */
    for (unsigned turn = 0; turn < TURNS; turn++) {
        double score;

        loop.now_s = T0 + (turn + 1) * 60;
        loop_treat(&loop, turn, 1 + depth % 8);
        depth = depth < BL_EVIDENCE_DEPTH_MAX + 1 ? BL_EVIDENCE_DEPTH_MAX + 1 : depth + 1;
        loop_derive(&loop, depth);
        if (turn % 60 == 0)
            assert_true(loop_weigh(&loop).n_confirmed == 0);
        score = loop_score(&loop).score;
        assert_true(score <= last && bl_score_tier(score) == bl_score_tier(first));
        last = score;
    }
    assert_true(loop.n_taken == 0 && loop.n_refused == 3 * TURNS);
    loop_deinit(&loop);
}

/* The door may fail to know what it caused. What names the list still never confirms that list, and moves no weight. */
static void test_loop_of_a_door_that_forgets_what_it_caused(void **state)
{
    struct bl_weight before, after;
    struct loop loop;

    (void)state;
    loop_init(&loop);
    before = loop_weigh(&loop);
    for (unsigned turn = 0; turn < 500; turn++) {
        struct tip_cause cause = {.source = "list"};
        struct tip_smtp_behaviour entry = {.kind = TIP_KIND_IP,
                                           .value = "9.9.9.9",
                                           .value_len = 7,
                                           .behaviour = "early_talker",
                                           .n = 1,
                                           .n_causes = 1,
                                           .causes = &cause};
        struct tip_event event = {
            .kind = TIP_EVENT_SMTP_BEHAVIOUR, .depth = 2, .smtp_behaviours = {.n_entries = 1, .entries = &entry}};

        loop.now_s = T0 + turn * 60;
        loop_hear(&loop, &event);
    }
    after = loop_weigh(&loop);
    assert_int_equal(loop.n_taken, 500);
    assert_true(after.n_confirmed == 0 && after.weight <= before.weight);
    loop_deinit(&loop);
}

/* And the loop is no dead end: what a trap saw by itself does raise it. */
static void test_loop_is_open_to_what_it_did_not_cause(void **state)
{
    struct tip_mail_entry sender = {.kind = TIP_KIND_IP, .role = TIP_MAIL_SENDER, .value = "9.9.9.9", .value_len = 7};
    struct tip_event event = {.kind = TIP_EVENT_MAIL_SEEN,
                              .mail_seen = {.trap = "bait", .digest = "", .n_entries = 1, .entries = &sender}};
    struct loop loop;
    double first;

    (void)state;
    loop_init(&loop);
    (void)loop_weigh(&loop);
    first = loop_score(&loop).score;
    loop.now_s += HOUR;
    loop_hear(&loop, &event);
    assert_true(loop_weigh(&loop).n_confirmed == 1);
    assert_true(loop_score(&loop).score > first);
    loop_deinit(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop_never_raises_what_was_listed_once),
        cmocka_unit_test(test_loop_of_a_door_that_forgets_what_it_caused),
        cmocka_unit_test(test_loop_is_open_to_what_it_did_not_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
