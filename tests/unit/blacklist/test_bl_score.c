#include "check.h"

#include <math.h>

#include <tip/cleanup.h>

#include "core/flag.h"
#include "core/score.h"

enum { DAY = 86400, NOW = 1000 * DAY, LISTS = 4 };

static const struct bl_key key = {.addr = 7, .kind = TIP_KIND_IP};

/* What lists say of one address. */
struct world {
    struct bl_seen_ip4 entries[LISTS];
    struct bl_score_source sources[LISTS];
    struct bl_score_job job;
};

static void world_init(struct world *world, size_t n)
{
    *world = (struct world){.job = {.n_sources = 0}};
    for (size_t i = 0; i < n; i++) {
        world->entries[i] = (struct bl_seen_ip4){7, {NOW - 9 * DAY, NOW - 9 * DAY, NOW, 0, 0, BL_SEEN_LISTED}};
        world->sources[i] = (struct bl_score_source){.law[BL_AFTER] = {0.5, 7 * DAY, false},
                                                     .is_trusted = {true, true},
                                                     .name = 100 + i,
                                                     .kin = {{.group = i}, {.group = i}}};
        world->sources[i].seen[BL_AFTER] = (struct bl_seen){.ip4 = &world->entries[i], .n_ip4 = 1};
    }
    bl_score_job_init(&world->job, world->sources, n);
    world->job.moment[BL_AFTER].tau_s = NOW;
}

static void world_deinit(struct world *world)
{
    bl_score_job_deinit(&world->job);
}

static struct bl_score world_score(struct world *world)
{
    for (size_t i = 0; i < world->job.n_sources; i++) {
        world->sources[i].seen[BL_BEFORE] = world->sources[i].seen[BL_AFTER];
        world->sources[i].law[BL_BEFORE] = world->sources[i].law[BL_AFTER];
    }
    world->job.moment[BL_BEFORE] = world->job.moment[BL_AFTER];
    bl_score_look(&world->job, &key);
    return bl_score_at(&world->job, BL_AFTER, world->job.moment[BL_AFTER].tau_s);
}

static void leave(struct world *world, size_t list, uint32_t ago_s)
{
    world->entries[list].times.state = 0;
    world->entries[list].times.last_s = NOW - ago_s;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

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

static void test_score_tells(void **state)
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
    struct bl_score a = {.score = 0.5}, b = {.score = 0.5};

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        a.score = table[i].before;
        b.score = table[i].after;
        assert_int_equal(bl_score_told(&a) != bl_score_told(&b), table[i].moved);
    }
    a = b = (struct bl_score){.score = 0.5};
    b.families[BL_FAMILY_TRAP] = 0.05; /* a family that comes */
    assert_true(bl_score_told(&a) != bl_score_told(&b));
    b.families[BL_FAMILY_TRAP] = 0.04;
    assert_true(bl_score_told(&a) == bl_score_told(&b));
    b.is_subtree = true;
    assert_true(bl_score_told(&a) != bl_score_told(&b));
    b.is_subtree = false;
    b.is_whole = true;
    assert_true(bl_score_told(&a) != bl_score_told(&b));
    b.is_whole = false;
    b.rule = BL_RULE_DENY;
    assert_true(bl_score_told(&a) != bl_score_told(&b));
}

static void test_score_law(void **state)
{
    const struct bl_law law = {0.8, 7 * DAY, false}, append = {0.8, 7 * DAY, true}, at_once = {0.8, 0, false};
    struct bl_seen_times times = {NOW - 30 * DAY, NOW - 14 * DAY, NOW - 7 * DAY, 0, 0, BL_SEEN_LISTED};

    (void)state;
    assert_true(near(bl_law_share(&law, &times, NOW), 0.8)); /* listed: no age */
    assert_true(near(bl_law_share(&at_once, &times, NOW), 0.8));
    assert_true(near(bl_law_share(&append, &times, NOW), 0.2)); /* since it came */
    assert_true(near(bl_law_share(&append, &times, 0), 0.8));   /* before any time was counted */
    assert_false(bl_law_fades(&law, &times, NOW));
    assert_true(bl_law_fades(&append, &times, NOW));
    times.state = 0;
    assert_true(near(bl_law_share(&law, &times, NOW), 0.4)); /* since it was last there */
    assert_true(near(bl_law_share(&law, &times, NOW - 9 * DAY), 0.8));
    assert_true(near(bl_law_share(&append, &times, NOW), 0.2));
    assert_true(bl_law_share(&at_once, &times, NOW) == 0);
    assert_true(bl_law_share(&law, &times, 0) == 0);
    assert_true(bl_law_fades(&law, &times, NOW));
    assert_true(bl_law_share(&law, &times, NOW + 67 * DAY) == 0);                                 /* less than 0.001 */
    assert_true(bl_law_share(&(struct bl_law){0.8, 180 * DAY, 0}, &times, NOW + 83 * DAY) > 0.5); /* the window */
    assert_true(bl_law_share(&(struct bl_law){0.8, 180 * DAY, 0}, &times, NOW + 83 * DAY + 1) == 0);
    times.flags = BL_FLAG_SPECIAL_USE;
    assert_true(bl_law_share(&law, &times, NOW) == 0);
    assert_true(bl_law_share(&law, NULL, NOW) == 0);
}

static void test_score_block_needs_two(void **state)
{
    static const uint64_t name = 100, group = 50;
    struct world world;

    (void)state;
    world_init(&world, 2);
    world.sources[0].law[BL_AFTER].weight = 0.95;
    world.sources[1].law[BL_AFTER].weight = 0;
    assert_true(near(world_score(&world).score, BL_EVIDENCE_SLOW_MOST)); /* alone, whatever its weight */
    world.sources[0].is_final[BL_AFTER] = true;
    assert_true(near(world_score(&world).score, 0.95)); /* the operators' word */
    leave(&world, 0, DAY);
    assert_true(near(world_score(&world).score, 0.95 * exp2(-1 / 7.))); /* 0.86: no longer */
    world.sources[0].law[BL_AFTER].half_life_s = 14 * DAY;
    assert_true(near(world_score(&world).score, 0.95 * exp2(-1 / 14.)) && world_score(&world).score > 0.9);
    world.sources[0].law[BL_AFTER].half_life_s = 12 * DAY;
    assert_true(near(world_score(&world).score, BL_EVIDENCE_SLOW_MOST)); /* 0.897 */
    world_deinit(&world);

    world_init(&world, 2);
    world.sources[0].law[BL_AFTER].weight = world.sources[1].law[BL_AFTER].weight = 0.7;
    assert_true(near(world_score(&world).score, 0.91));
    world.sources[1].kin[BL_AFTER].group = 0;
    assert_true(near(world_score(&world).score, BL_EVIDENCE_SLOW_MOST));    /* one maintainer */
    assert_true(near(bl_score_at(&world.job, BL_BEFORE, NOW).score, 0.91)); /* as it was then */
    world.sources[1].kin[BL_AFTER] = (struct bl_kin){.group = 1, .from = &name, .n_from = 1};
    assert_true(near(world_score(&world).score, BL_EVIDENCE_SLOW_MOST)); /* made of the other */
    world.sources[1].kin[BL_AFTER].from = &group;
    world.sources[0].kin[BL_AFTER].group = group;
    assert_true(near(world_score(&world).score, BL_EVIDENCE_SLOW_MOST)); /* made of one of that group */
    world.sources[1].kin[BL_AFTER].n_from = 0;
    world.sources[1].is_trusted[BL_AFTER] = false;
    assert_true(near(world_score(&world).score, BL_EVIDENCE_SLOW_MOST)); /* it copies */
    world.sources[1].is_trusted[BL_AFTER] = true;
    world.sources[0].law[BL_AFTER].weight = 0.92;
    world.sources[1].law[BL_AFTER].weight = 0.04;
    assert_true(near(world_score(&world).score, BL_EVIDENCE_SLOW_MOST)); /* it hardly says anything */
    world_deinit(&world);
}

/* More of one maintainer than are held against each other, and one of another behind them. */
static void test_score_block_finds_one_among_many(void **state)
{
    enum { MANY = 60 };
    static struct bl_seen_ip4 entry = {7, {NOW, NOW, NOW, 0, 0, BL_SEEN_LISTED}};
    static struct bl_score_source sources[MANY];
    struct bl_score_job job;

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        sources[i] = (struct bl_score_source){.seen[BL_AFTER] = {.ip4 = &entry, .n_ip4 = 1},
                                              .law[BL_AFTER] = {0.5, 0, false},
                                              .is_trusted = {true, true},
                                              .kin[BL_AFTER].group = 1};
    bl_score_job_init(&job, sources, MANY);
    bl_score_look(&job, &key);
    assert_true(near(bl_score_at(&job, BL_AFTER, NOW).score, BL_EVIDENCE_SLOW_MOST));
    sources[MANY - 1].kin[BL_AFTER].group = 2;
    assert_true(bl_score_at(&job, BL_AFTER, NOW).score > 0.99);
    bl_score_job_deinit(&job);
}

static struct bl_witnesses *seen_in_traps(uint64_t n)
{
    struct bl_witnesses *witnesses = bl_witnesses_new();

    for (uint64_t i = 0; i < n; i++)
        bl_witnesses_add(witnesses, &(struct bl_observation){.kind = TIP_KIND_IP,
                                                             .value = "0.0.0.7",
                                                             .len = 7,
                                                             .what = BL_EVIDENCE_TRAP,
                                                             .distinct = i,
                                                             .tlp = 3,
                                                             .at_s = NOW - 3 * DAY});
    bl_witnesses_build(witnesses);
    return witnesses;
}

static void test_score_own_observations(void **state)
{
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *one = seen_in_traps(1);
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *many = seen_in_traps(60);
    struct bl_score_detail detail;
    struct bl_score score;
    struct world world;

    (void)state;
    world_init(&world, 1);
    world.job.moment[BL_AFTER].witnesses = one;
    score = world_score(&world);
    assert_true(near(score.families[BL_FAMILY_TRAP], 0.25)); /* 0.5, and a half-life of three days */
    assert_true(near(score.score, 1 - 0.5 * 0.75));
    world.sources[0].law[BL_AFTER].weight = 0.85;
    world.job.moment[BL_AFTER].witnesses = many;
    world.job.moment[BL_AFTER].tau_s = NOW - 3 * DAY;
    score = world_score(&world);
    assert_true(near(score.score, 1 - 0.15 * 0.05)); /* two families */
    world.sources[0].law[BL_AFTER].weight = 0;
    assert_true(near(world_score(&world).score, BL_EVIDENCE_SLOW_MOST)); /* own observations of one kind alone */
    bl_score_explain(&world.job, &detail);
    assert_int_equal(detail.mark.tlp, 3);
    world.job.moment[BL_AFTER].tau_s = NOW + 60 * DAY;
    (void)world_score(&world);
    bl_score_explain(&world.job, &detail);
    assert_int_equal(detail.mark.tlp, 0); /* what says nothing any more marks nothing */
    world_deinit(&world);
}

/* A kind that says nothing any more marks nothing, whatever others say. */
static void test_score_is_marked_by_kinds_that_count(void **state)
{
    struct bl_observation trap = {
        .kind = TIP_KIND_IP, .value = "0.0.0.7", .len = 7, .what = BL_EVIDENCE_TRAP, .at_s = NOW, .tlp = 2};
    struct bl_observation smtp = trap;
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *witnesses = bl_witnesses_new();
    struct bl_score_detail detail;
    struct world world;

    (void)state;
    smtp.what = BL_EVIDENCE_SMTP;
    smtp.tlp = 3;
    smtp.depth = 2;
    smtp.at_s = NOW - 9 * DAY;
    bl_witnesses_add(witnesses, &trap);
    bl_witnesses_add(witnesses, &smtp);
    bl_witnesses_build(witnesses);
    world_init(&world, 1);
    world.sources[0].law[BL_AFTER].weight = 0;
    world.job.moment[BL_AFTER].witnesses = witnesses;
    world.job.moment[BL_AFTER].tau_s = NOW - 9 * DAY;
    (void)world_score(&world);
    bl_score_explain(&world.job, &detail);
    assert_int_equal(detail.mark.tlp, 3);
    assert_int_equal(detail.mark.depth, 2);
    world.job.moment[BL_AFTER].tau_s = NOW;
    (void)world_score(&world);
    bl_score_explain(&world.job, &detail);
    assert_true(detail.score.families[BL_FAMILY_TRAP] > 0 && !(detail.score.families[BL_FAMILY_SMTP] > 0));
    assert_int_equal(detail.mark.tlp, 2);
    assert_int_equal(detail.mark.depth, 0);
    world_deinit(&world);
}

static void test_score_crossings(void **state)
{
    struct bl_score_detail detail;
    struct bl_score before, after;
    struct world world;

    (void)state;
    world_init(&world, 2);
    world.sources[0].law[BL_AFTER].weight = 0.7;
    leave(&world, 0, 0);
    assert_true(near(world_score(&world).score, 0.85));
    bl_score_explain(&world.job, &detail);
    assert_int_equal(detail.end_s, 0); /* the other one stays, and is more than `watch` */
    assert_true(detail.next_s > NOW);
    before = bl_score_at(&world.job, BL_AFTER, detail.next_s - 1);
    after = bl_score_at(&world.job, BL_AFTER, detail.next_s);
    assert_int_equal(bl_score_told(&before), bl_score_told(&detail.score));
    assert_int_not_equal(bl_score_told(&after), bl_score_told(&detail.score));
    world_deinit(&world);

    world_init(&world, 1);
    (void)world_score(&world);
    bl_score_explain(&world.job, &detail);
    assert_int_equal(detail.next_s, 0); /* nothing decays */
    assert_int_equal(detail.end_s, 0);
    leave(&world, 0, 0);
    (void)world_score(&world);
    bl_score_explain(&world.job, &detail);
    assert_int_equal(detail.end_s, NOW + (uint32_t)ceil(7 * DAY * log2(0.5 / 0.3))); /* 0.3 by the formula */
    world.sources[0].law[BL_AFTER] = (struct bl_law){1, 3660 * DAY, true}; /* the longest half-life there is */
    world.entries[0].times = (struct bl_seen_times){NOW, NOW, NOW, 0, 0, BL_SEEN_LISTED};
    world.sources[0].is_final[BL_AFTER] = true;
    (void)world_score(&world);
    bl_score_explain(&world.job, &detail);
    assert_true(fabs(detail.end_s - (NOW + 3660. * DAY * log2(1 / 0.3))) < 2);
    world_deinit(&world);
}

static void test_score_explains(void **state)
{
    struct bl_score_detail detail;
    struct world world;

    (void)state;
    world_init(&world, 4);
    for (size_t i = 0; i < 4; i++) {
        world.sources[i].law[BL_AFTER].weight = (double[]){0.2, 0.4, 0.1, 0.3}[i];
        world.sources[i].tlp = (uint8_t)(i == 2 ? 3 : 1);
    }
    world.entries[2].times.flags = BL_FLAG_SUBTREE;
    (void)world_score(&world);
    bl_score_explain(&world.job, &detail);
    assert_int_equal(detail.n_reasons, 4);
    assert_int_equal(detail.n_shown, 3);
    assert_int_equal(detail.reasons[0], 1);
    assert_int_equal(detail.reasons[1], 3);
    assert_int_equal(detail.reasons[2], 0);
    assert_true(near(detail.shares[0], 0.4));
    assert_int_equal(detail.mark.tlp, 3);
    assert_true(detail.score.is_subtree);
    world.sources[2].law[BL_AFTER].weight = 0;
    (void)world_score(&world);
    bl_score_explain(&world.job, &detail);
    assert_int_equal(detail.n_reasons, 3);
    assert_int_equal(detail.mark.tlp, 1); /* who says nothing marks nothing */
    assert_false(detail.score.is_subtree);
    world_deinit(&world);
}

/* Who may see that a denial stands may see that it went, and nobody else. */
static void test_score_explains_what_decided_before(void **state)
{
    static const struct bl_allow_entry entry = {.rule = BL_RULE_DENY};
    struct bl_allow *allow = bl_allow_new();
    struct bl_score_detail detail;
    struct world world;

    (void)state;
    assert_int_equal(bl_allow_add(allow, &entry, TIP_KIND_IP, "0.0.0.7", 7), 0);
    bl_allow_build(allow);
    world_init(&world, 1);
    (void)world_score(&world);
    world.job.moment[BL_BEFORE].allow = allow;
    bl_score_look(&world.job, &key);
    bl_score_explain(&world.job, &detail);
    assert_int_equal(detail.rule_before, BL_RULE_DENY);
    assert_int_equal(detail.score.rule, BL_RULE_NONE);
    world_deinit(&world);
    bl_allow_destroy(&allow);
}

/* The table of one host, and a hit of each kind. */
static void exempt_host(struct tip_buf *file, struct bl_exempt *exempt, enum bl_role role)
{
    struct bl_exempt_build build;

    bl_exempt_build_init(&build);
    tip_buf_init(file, 1 << 20);
    assert_int_equal(bl_exempt_build_add(&build, role, "list", "0.0.0.7", 7), 0);
    assert_int_equal(bl_exempt_build_finish(&build, file), 0);
    assert_int_equal(bl_exempt_read(exempt, file->data, file->len), 0);
    bl_exempt_build_deinit(&build);
}

static void exempt_check(enum bl_role role, double left)
{
    tip_auto(tip_buf_deinit) struct tip_buf file;
    struct bl_exempt exempt;
    struct bl_score_detail detail;
    struct bl_score before, after;
    struct world world;

    exempt_host(&file, &exempt, role);
    world_init(&world, 1);
    world.entries[0].times.flags = BL_FLAG_SUBTREE;
    (void)world_score(&world);
    world.job.moment[BL_AFTER].exempt = &exempt;
    bl_score_look(&world.job, &key);
    before = bl_score_at(&world.job, BL_BEFORE, NOW);
    after = bl_score_at(&world.job, BL_AFTER, NOW);
    assert_true(before.score == 0.5 && before.rule == BL_RULE_NONE && before.is_subtree);
    assert_true(after.found == 0.5 && near(after.score, 0.5 * left) && after.is_exempt && after.rule == BL_RULE_ALLOW);
    assert_false(after.is_subtree); /* never wider than itself */
    assert_true(bl_score_told(&before) != bl_score_told(&after) && bl_score_told(&after));
    bl_score_explain(&world.job, &detail);
    assert_int_equal(detail.n_shown, 1); /* what it was listed for is said, too */
    assert_true(near(detail.score.families[BL_FAMILY_LIST], 0.5));
    world_deinit(&world);
}

static void test_score_exempts(void **state)
{
    (void)state;
    exempt_check(BL_ROLE_INFRASTRUCTURE, 0);
    exempt_check(BL_ROLE_RESOLVER, 0);
    exempt_check(BL_ROLE_SINKHOLE, 0);
    exempt_check(BL_ROLE_PEER, 0);
    exempt_check(BL_ROLE_TOP_SITE, 0.25);
    exempt_check(BL_ROLE_SCANNER, 0.25);
}

static void test_score_operators_come_after_exemptions(void **state)
{
    static const struct {
        enum bl_rule rule;
        double score;
    } rows[] = {{BL_RULE_DENY, 1}, {BL_RULE_ALLOW, 0}};
    tip_auto(tip_buf_deinit) struct tip_buf file;
    struct bl_exempt exempt;

    (void)state;
    exempt_host(&file, &exempt, BL_ROLE_RESOLVER);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct bl_allow *allow = bl_allow_new();
        const struct bl_allow_entry entry = {.id = 1, .rule = rows[i].rule};
        struct bl_score score;
        struct world world;

        assert_int_equal(bl_allow_add(allow, &entry, TIP_KIND_IP, "0.0.0.7", 7), 0);
        bl_allow_build(allow);
        world_init(&world, 1);
        world.job.moment[BL_AFTER].allow = allow;
        world.job.moment[BL_AFTER].exempt = &exempt;
        score = world_score(&world);
        assert_true(score.score == rows[i].score && score.rule == rows[i].rule && !score.is_exempt);
        world_deinit(&world);
        bl_allow_destroy(&allow);
    }
}

/* What nobody lists is not exempt from anything, and nothing is told of it. */
static void test_score_exempts_nothing_of_nothing(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf file;
    struct bl_exempt exempt;
    struct bl_score score;
    struct world world;

    (void)state;
    exempt_host(&file, &exempt, BL_ROLE_RESOLVER);
    world_init(&world, 0);
    world.job.moment[BL_AFTER].exempt = &exempt;
    score = world_score(&world);
    assert_true(score.score == 0 && score.rule == BL_RULE_NONE && !bl_score_told(&score));
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score_tiers),
        cmocka_unit_test(test_score_tells),
        cmocka_unit_test(test_score_law),
        cmocka_unit_test(test_score_block_needs_two),
        cmocka_unit_test(test_score_block_finds_one_among_many),
        cmocka_unit_test(test_score_own_observations),
        cmocka_unit_test(test_score_is_marked_by_kinds_that_count),
        cmocka_unit_test(test_score_crossings),
        cmocka_unit_test(test_score_explains),
        cmocka_unit_test(test_score_explains_what_decided_before),
        cmocka_unit_test(test_score_exempts),
        cmocka_unit_test(test_score_operators_come_after_exemptions),
        cmocka_unit_test(test_score_exempts_nothing_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
