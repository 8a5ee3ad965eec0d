#include "check.h"

#include <math.h>

#include <tip/cleanup.h>

#include "core/flag.h"
#include "core/score.h"
#include "random.h"

static void test_score_tiers(void **state)
{
    (void)state;
    assert_int_equal(bl_score_tier(0), 0);
    assert_int_equal(bl_score_tier(0.2999), 0);
    assert_int_equal(bl_score_tier(0.3), 1);
    assert_int_equal(bl_score_tier(1 - 0.7), 1);
    assert_int_equal(bl_score_tier(0.6), 2);
    assert_int_equal(bl_score_tier(1 - (1 - 0.5) * (1 - 0.8)), 3);
    assert_int_equal(bl_score_tier(1), 3);
}

static void test_score_moves(void **state)
{
    static const struct {
        double before, after;
        bool moved;
    } table[] = {
        {0, 0.2, false},                        /* below watch: silence */
        {0, 0.3, true},                         /* appears */
        {0.3, 0, true},                         /* the one removal */
        {0.2, 0, false},                        /* nothing was told */
        {0.4, 0.41, false},  {0.4, 0.47, true}, /* another step of 0.05 */
        {0.59, 0.61, true},                     /* another tier */
        {0.95, 0.95, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        assert_int_equal(bl_score_moved(table[i].before, table[i].after), table[i].moved);
}

enum { ADDRS = 40, VOTERS = 5, ROUNDS = 300 };

/* A list as the naive way sees it: what each address is. */
struct naive_list {
    bool listed[ADDRS];
    bool special[ADDRS];
    struct bl_ip4 entries[ADDRS];
    double weight;
};

static void naive_fill(uint64_t *random, struct naive_list *list, struct bl_set *set)
{
    *set = (struct bl_set){.ip4 = list->entries};
    for (uint32_t i = 0; i < ADDRS; i++) {
        list->listed[i] = test_random(random) % 3 == 0;
        list->special[i] = test_random(random) % 8 == 0;
        if (list->listed[i])
            list->entries[set->n_ip4++] =
                (struct bl_ip4){.addr = i, .flags = list->special[i] ? BL_FLAG_SPECIAL_USE : 0};
    }
    list->weight = (double)(test_random(random) % 20) / 20;
}

static double naive_score(const struct naive_list *self, double weight, const struct naive_list *others, uint32_t addr)
{
    double doubt = self->listed[addr] && !self->special[addr] ? 1 - weight : 1;

    for (size_t i = 0; i < VOTERS; i++) {
        if (others[i].listed[addr] && !others[i].special[addr])
            doubt *= 1 - others[i].weight;
    }
    return 1 - doubt;
}

/* Each address once at most, and exactly those that moved, with the right score. */
static void check_verdicts(const struct tip_buf *verdicts, const struct bl_score_job *job, const double *before,
                           const double *after, const bool *touched)
{
    bool told[ADDRS] = {0};

    for (size_t i = 0; i < bl_score_count(verdicts); i++) {
        const struct bl_verdict *verdict = bl_score_at(verdicts, i);
        uint32_t addr = (verdict->in_old ? job->before : job->after).ip4[verdict->index].addr;

        assert_false(told[addr]);
        told[addr] = true;
        assert_true(fabs(verdict->score - after[addr]) < 1e-9);
        for (size_t v = 1; v < verdict->count && v < BL_SCORE_REASONS; v++)
            assert_true(job->voters[verdict->voters[v - 1]].weight >= job->voters[verdict->voters[v]].weight);
    }
    for (uint32_t addr = 0; addr < ADDRS; addr++)
        assert_int_equal(told[addr], touched[addr] && bl_score_moved(before[addr], after[addr]));
}

static void random_round(uint64_t *random)
{
    static struct naive_list from, to, others[VOTERS];
    tip_auto(tip_buf_deinit) struct tip_buf verdicts;
    struct bl_voter voters[VOTERS] = {0};
    struct bl_score_job job = {.voters = voters, .n_voters = VOTERS};
    double before[ADDRS], after[ADDRS];
    bool touched[ADDRS];
    struct bl_diff diff;

    tip_buf_init(&verdicts, 1 << 20);
    naive_fill(random, &from, &job.before);
    naive_fill(random, &to, &job.after);
    job.weight_before = job.weight_after = to.weight;
    for (size_t i = 0; i < VOTERS; i++) {
        naive_fill(random, &others[i], &voters[i].set);
        voters[i].weight = others[i].weight;
    }
    for (uint32_t i = 0; i < ADDRS; i++) {
        before[i] = naive_score(&from, to.weight, others, i);
        after[i] = naive_score(&to, to.weight, others, i);
        touched[i] = true;
    }
    bl_diff_init(&diff);
    assert_int_equal(bl_diff_run(&diff, &job.before, &job.after), 0);
    assert_int_equal(bl_score_diff(&verdicts, &job, &diff), 0);
    check_verdicts(&verdicts, &job, before, after, touched);
    bl_diff_deinit(&diff);

    tip_buf_clear(&verdicts);
    job.weight_after = 0.95;
    for (uint32_t i = 0; i < ADDRS; i++) {
        before[i] = naive_score(&to, to.weight, others, i);
        after[i] = naive_score(&to, 0.95, others, i);
        touched[i] = to.listed[i];
    }
    assert_int_equal(bl_score_weight(&verdicts, &job), 0);
    check_verdicts(&verdicts, &job, before, after, touched);
}

static void test_score_agrees_with_the_naive_way(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (int round = 0; round < ROUNDS; round++)
        random_round(&random);
}

static void test_score_full_and_every(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf verdicts;
    struct bl_ip4 mine[] = {{1, 1, 0, 0}, {2, 2, 0, BL_FLAG_SPECIAL_USE}, {3, 3, 0, 0}};
    struct bl_ip4 theirs[] = {{3, 1, 0, 0}};
    struct bl_voter voter = {.set = {.ip4 = theirs, .n_ip4 = 1}, .weight = 0.5, .tlp = 3};
    struct bl_score_job job = {
        .after = {.ip4 = mine, .n_ip4 = 3}, .weight_after = 0.2, .voters = &voter, .n_voters = 1};

    (void)state;
    tip_buf_init(&verdicts, 1000);
    assert_int_equal(bl_score_full(&verdicts, &job), 0);
    assert_int_equal(bl_score_count(&verdicts), 1);
    assert_int_equal(bl_score_at(&verdicts, 0)->index, 2);
    assert_true(fabs(bl_score_at(&verdicts, 0)->score - 0.6) < 1e-9);
    assert_int_equal(bl_score_at(&verdicts, 0)->count, 1);
    assert_int_equal(bl_score_at(&verdicts, 0)->tlp, 3);
    assert_true(bl_score_at(&verdicts, 0)->self);

    tip_buf_clear(&verdicts);
    assert_int_equal(bl_score_every(&verdicts, &job), 0); /* and those whose removal may have been lost */
    assert_int_equal(bl_score_count(&verdicts), 3);
    assert_int_equal(bl_score_tier(bl_score_at(&verdicts, 0)->score), 0);
    assert_int_equal(bl_score_tier(bl_score_at(&verdicts, 1)->score), 0);
    assert_true(fabs(bl_score_at(&verdicts, 2)->score - 0.6) < 1e-9);
}

static void test_score_order_of_lists_does_not_matter(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf a;
    tip_auto(tip_buf_deinit) struct tip_buf b;
    struct bl_ip4 one[] = {{1, 1, 0, 0}};
    struct bl_set set = {.ip4 = one, .n_ip4 = 1};
    struct bl_voter forth[] = {{set, 0.3, 1, 0}, {set, 0.5, 1, 0}, {set, 0.1, 1, 0}, {set, 0.4, 1, 0}};
    struct bl_voter back[] = {{set, 0.4, 1, 0}, {set, 0.1, 1, 0}, {set, 0.5, 1, 0}, {set, 0.3, 1, 0}};
    struct bl_score_job job = {.after = set, .weight_after = 0.2, .voters = forth, .n_voters = 4};

    (void)state;
    tip_buf_init(&a, 1000);
    tip_buf_init(&b, 1000);
    assert_int_equal(bl_score_full(&a, &job), 0);
    job.voters = back;
    assert_int_equal(bl_score_full(&b, &job), 0);
    assert_true(fabs(bl_score_at(&a, 0)->score - bl_score_at(&b, 0)->score) < 1e-12);
    for (size_t i = 0; i < BL_SCORE_REASONS; i++)
        assert_true(forth[bl_score_at(&a, 0)->voters[i]].weight == back[bl_score_at(&b, 0)->voters[i]].weight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score_tiers),
        cmocka_unit_test(test_score_moves),
        cmocka_unit_test(test_score_agrees_with_the_naive_way),
        cmocka_unit_test(test_score_full_and_every),
        cmocka_unit_test(test_score_order_of_lists_does_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
