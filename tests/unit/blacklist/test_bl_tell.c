#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <tip/cleanup.h>

#include "core/flag.h"
#include "core/tell.h"
#include "random.h"

enum { DAY = 86400, NOW = 1000 * DAY, ADDRS = 40, LISTS = 6, ROUNDS = 300 };

/* What TIP saw itself of an address. */
struct naive_witness {
    uint32_t traps, smtps; /* how often, each of its own */
    uint32_t trap_s, smtp_s;
};

/* Lists as the naive way sees them: what each says of each address, before and after. */
struct naive {
    struct bl_seen_ip4 entries[2][LISTS][ADDRS];
    struct bl_score_source sources[LISTS];
    struct naive_witness witnesses[2][ADDRS];
    struct bl_seen_ip4 extra[ADDRS];
    enum bl_exempt_effect exempt[2][ADDRS];
};

static struct bl_seen_times naive_times(uint64_t *random)
{
    uint32_t last_s = NOW - (uint32_t)(test_random(random) % (40 * DAY));
    bool is_listed = test_random(random) % 2;

    return (struct bl_seen_times){.first_s = last_s - 30 * DAY,
                                  .since_s = last_s - (uint32_t)(test_random(random) % (20 * DAY)),
                                  .last_s = last_s,
                                  .flags = test_random(random) % 8 ? 0 : BL_FLAG_SPECIAL_USE,
                                  .state = is_listed ? BL_SEEN_LISTED : 0};
}

static void naive_list(uint64_t *random, struct naive *naive, size_t list, enum bl_side side)
{
    struct bl_seen *seen = &naive->sources[list].seen[side];

    *seen = (struct bl_seen){.ip4 = naive->entries[side][list]};
    for (uint32_t addr = 0; addr < ADDRS; addr++) {
        if (test_random(random) % 2)
            naive->entries[side][list][seen->n_ip4++] = (struct bl_seen_ip4){addr, naive_times(random)};
    }
}

static struct bl_law naive_law(uint64_t *random)
{
    return (struct bl_law){.weight = (double)(test_random(random) % 20) / 20,
                           .half_life_s = (int64_t)(test_random(random) % 4) * 3 * DAY,
                           .is_append = test_random(random) % 3 == 0};
}

/* Numbers of sources and, below, of groups. */
static const uint64_t naive_names[LISTS] = {11, 12, 13, 14, 15, 16};

/* Of one of three groups, and made of two sources, a group and a source, or of nothing. */
static struct bl_kin naive_kin(uint64_t *random)
{
    static const uint64_t from[] = {11, 12, 1, 14};

    return (struct bl_kin){.group = test_random(random) % 3,
                           .from = from + test_random(random) % 3,
                           .n_from = test_random(random) % 2 * (1 + test_random(random) % 2)};
}

static bool naive_is_of(const struct bl_kin *kin, const struct bl_score_source *other, enum bl_side side)
{
    for (size_t i = 0; i < kin->n_from; i++) {
        if (kin->from[i] == other->name || kin->from[i] == other->kin[side].group)
            return true;
    }
    return false;
}

static bool naive_confirm(const struct bl_score_source *a, const struct bl_score_source *b, enum bl_side side)
{
    return a->is_trusted[side] && b->is_trusted[side] && a->kin[side].group != b->kin[side].group &&
           !naive_is_of(&a->kin[side], b, side) && !naive_is_of(&b->kin[side], a, side);
}

/* One address in three. */
static void naive_see(uint64_t *random, struct naive *naive, enum bl_side side)
{
    for (uint32_t addr = 0; addr < ADDRS; addr++) {
        struct naive_witness *witness = &naive->witnesses[side][addr];
        uint32_t trap_s = NOW - (uint32_t)(test_random(random) % (30 * DAY));

        *witness = (struct naive_witness){.trap_s = trap_s, .smtp_s = trap_s - (uint32_t)(test_random(random) % DAY)};
        if (test_random(random) % 3 == 0)
            witness->traps = (uint32_t)(test_random(random) % 5), witness->smtps = (uint32_t)(test_random(random) % 3);
    }
}

/* One address in four, half of them wholly. */
static void naive_exempt(uint64_t *random, struct naive *naive, enum bl_side side)
{
    for (uint32_t addr = 0; addr < ADDRS; addr++)
        naive->exempt[side][addr] = test_random(random) % 4   ? BL_EXEMPT_NOT
                                    : test_random(random) % 2 ? BL_EXEMPT_SOFT
                                                              : BL_EXEMPT_HARD;
}

/* The table of a side; it points into the file. */
static struct bl_exempt naive_table(const struct naive *naive, enum bl_side side, struct tip_buf *file)
{
    static const enum bl_role roles[] = {[BL_EXEMPT_SOFT] = BL_ROLE_SCANNER, [BL_EXEMPT_HARD] = BL_ROLE_RESOLVER};
    struct bl_exempt_build build;
    struct bl_exempt exempt;
    char text[16];

    bl_exempt_build_init(&build);
    tip_buf_init(file, 1 << 20);
    for (uint32_t addr = 0; addr < ADDRS; addr++) {
        size_t len = (size_t)snprintf(text, sizeof(text), "0.0.0.%u", addr);

        if (naive->exempt[side][addr])
            assert_int_equal(bl_exempt_build_add(&build, roles[naive->exempt[side][addr]], "a", text, len), 0);
    }
    assert_int_equal(bl_exempt_build_finish(&build, file), 0);
    assert_int_equal(bl_exempt_read(&exempt, file->data, file->len), 0);
    bl_exempt_build_deinit(&build);
    return exempt;
}

static void naive_fill(uint64_t *random, struct naive *naive)
{
    for (size_t i = 0; i < LISTS; i++) {
        bool is_trusted = test_random(random) % 2;

        struct bl_kin kin = naive_kin(random);

        bool is_final = test_random(random) % 4 == 0;

        naive->sources[i] = (struct bl_score_source){.is_trusted = {is_trusted, is_trusted},
                                                     .is_final = {is_final, is_final},
                                                     .name = naive_names[i],
                                                     .kin = {kin, kin}};
        naive->sources[i].law[BL_AFTER] = naive->sources[i].law[BL_BEFORE] = naive_law(random);
        naive_list(random, naive, i, BL_AFTER);
        memcpy(naive->entries[BL_BEFORE][i], naive->entries[BL_AFTER][i], sizeof(naive->entries[0][i]));
        naive->sources[i].seen[BL_BEFORE] = naive->sources[i].seen[BL_AFTER];
        naive->sources[i].seen[BL_BEFORE].ip4 = naive->entries[BL_BEFORE][i];
    }
    naive_see(random, naive, BL_AFTER);
    memcpy(naive->witnesses[BL_BEFORE], naive->witnesses[BL_AFTER], sizeof(naive->witnesses[0]));
}

static void naive_observe(struct bl_witnesses *to, uint32_t addr, enum bl_evidence_kind what, uint32_t n, uint32_t at_s)
{
    char value[16];
    int len = snprintf(value, sizeof(value), "0.0.0.%u", addr);

    for (uint32_t i = 0; i < n; i++)
        bl_witnesses_add(to, &(struct bl_observation){.kind = TIP_KIND_IP,
                                                      .value = value,
                                                      .len = (size_t)len,
                                                      .what = what,
                                                      .distinct = i,
                                                      .at_s = at_s - i});
}

static struct bl_witnesses *naive_witnesses(const struct naive *naive, enum bl_side side)
{
    struct bl_witnesses *witnesses = bl_witnesses_new();

    for (uint32_t addr = 0; addr < ADDRS; addr++) {
        const struct naive_witness *witness = &naive->witnesses[side][addr];

        naive_observe(witnesses, addr, BL_EVIDENCE_TRAP, witness->traps, witness->trap_s);
        naive_observe(witnesses, addr, BL_EVIDENCE_SMTP, witness->smtps, witness->smtp_s);
    }
    bl_witnesses_build(witnesses);
    return witnesses;
}

/* The addresses that one side has seen at least, as the pool gathers them. */
static struct bl_seen naive_extra(const struct naive *naive, struct bl_seen_ip4 room[static ADDRS])
{
    struct bl_seen seen = {.ip4 = room};

    for (uint32_t addr = 0; addr < ADDRS; addr++) {
        const struct naive_witness *was = &naive->witnesses[BL_BEFORE][addr], *is = &naive->witnesses[BL_AFTER][addr];

        if (was->traps + was->smtps + is->traps + is->smtps)
            room[seen.n_ip4++].addr = addr;
    }
    return seen;
}

static double naive_share(const struct bl_law *law, const struct bl_seen_times *times, uint32_t tau_s)
{
    bool is_listed = times->state & BL_SEEN_LISTED;
    bool ages = law->half_life_s && (law->is_append || !is_listed);
    double age_s = (double)tau_s - (law->is_append ? times->since_s : times->last_s);
    double p = law->weight;

    if (times->flags || (!is_listed && !law->half_life_s))
        return 0;
    if (ages && age_s > 0)
        p *= pow(0.5, age_s / (double)law->half_life_s);
    return p < 0.001 ? 0 : p;
}

static double naive_seen(double first, uint32_t n, double age_s, double half_life_s)
{
    double p = fmin(0.95, 1 - pow(1 - first, n)) * pow(0.5, fmax(age_s, 0) / half_life_s);

    return p < 0.001 ? 0 : p;
}

/* What two kinds of own observations add to the lists. */
static double naive_with(const struct naive_witness *witness, double doubt, uint32_t tau_s, bool families[static 3])
{
    double trap = naive_seen(0.5, witness->traps, (double)tau_s - witness->trap_s, 3 * DAY);
    double smtp = naive_seen(0.3, witness->smtps, (double)tau_s - witness->smtp_s, DAY);

    families[0] = 1 - doubt >= 0.05 - 1e-9;
    families[1] = trap >= 0.05 - 1e-9;
    families[2] = smtp >= 0.05 - 1e-9;
    return doubt * (1 - trap) * (1 - smtp);
}

/* The score by the definition, and a number for what a reader can tell apart. */
static double naive_score_of(const struct naive *naive, uint32_t addr, enum bl_side side, uint32_t tau_s,
                             bool families[static 3])
{
    double doubt = 1, p[LISTS] = {0};
    bool independent = false;

    for (size_t i = 0; i < LISTS; i++) {
        const struct bl_seen *seen = &naive->sources[i].seen[side];

        for (size_t k = 0; k < seen->n_ip4; k++) {
            if (seen->ip4[k].addr == addr)
                p[i] = naive_share(&naive->sources[i].law[side], &seen->ip4[k].times, tau_s);
        }
        doubt *= 1 - p[i];
        independent |= naive->sources[i].is_final[side] && p[i] >= 0.9 - 1e-9;
        for (size_t k = 0; k < i; k++)
            independent |= p[i] >= 0.05 - 1e-9 && p[k] >= 0.05 - 1e-9 &&
                           naive_confirm(&naive->sources[i], &naive->sources[k], side);
    }
    doubt = naive_with(&naive->witnesses[side][addr], doubt, tau_s, families);
    independent |= families[0] + families[1] + families[2] >= 2;
    return 1 - doubt > BL_EVIDENCE_SLOW_MOST && !independent ? BL_EVIDENCE_SLOW_MOST : 1 - doubt;
}

static double naive_score(const struct naive *naive, uint32_t addr, enum bl_side side, uint32_t tau_s)
{
    static const double left[] = {[BL_EXEMPT_NOT] = 1, [BL_EXEMPT_SOFT] = 0.25, [BL_EXEMPT_HARD] = 0};
    bool families[3];

    return left[naive->exempt[side][addr]] * naive_score_of(naive, addr, side, tau_s, families);
}

static int naive_step(const struct naive *naive, uint32_t addr, enum bl_side side, uint32_t tau_s)
{
    bool families[3];
    double score = naive_score_of(naive, addr, side, tau_s, families);
    int tier = bl_score_tier(score);

    if (naive->exempt[side][addr])
        return tier > 0;
    return tier ? ((tier * 100 + (int)(score * 20 + 0.5 + 1e-9)) * 8 + families[0] * 4 + families[1] * 2 + families[2])
                : 0;
}

/* Each address once at most, exactly those that moved, in order of tiers, each with what it is. */
static void check_told(const struct naive *naive, struct bl_tell *tell, const uint32_t tau_s[2], bool may_repeat)
{
    struct bl_score_detail detail;
    bool told[ADDRS] = {0};
    uint8_t rank = 0;

    for (size_t i = 0; i < bl_tell_count(tell->verdicts); i++) {
        const struct bl_verdict *verdict = bl_tell_at(tell->verdicts, i);
        struct bl_key key = bl_tell_key(tell, verdict);

        assert_false(told[key.addr]);
        told[key.addr] = true;
        assert_true(verdict->rank >= rank);
        rank = verdict->rank;
        bl_score_look(tell->job, &key);
        bl_score_explain(tell->job, &detail);
        assert_true(fabs(detail.score.score - naive_score(naive, key.addr, BL_AFTER, tau_s[BL_AFTER])) < 1e-9);
    }
    for (uint32_t addr = 0; addr < ADDRS; addr++) {
        bool has_moved =
            naive_step(naive, addr, BL_BEFORE, tau_s[BL_BEFORE]) != naive_step(naive, addr, BL_AFTER, tau_s[BL_AFTER]);

        assert_true(told[addr] == has_moved || (told[addr] && may_repeat));
    }
}

/* The first second at which time moves anything, by trying. */
static void check_next(const struct naive *naive, const struct bl_tell *tell, uint32_t tau_s, uint32_t until_s)
{
    uint32_t at_s = tell->is_found ? tell->next_s : until_s;
    bool moves = false;

    for (uint32_t addr = 0; addr < ADDRS; addr++) {
        assert_int_equal(naive_step(naive, addr, BL_AFTER, tau_s), naive_step(naive, addr, BL_AFTER, at_s - 1));
        moves |= naive_step(naive, addr, BL_AFTER, tau_s) != naive_step(naive, addr, BL_AFTER, at_s);
    }
    assert_int_equal(moves, tell->is_found);
}

enum happening { VERSION, LAW, KIN, EVIDENCE, EXEMPT, CLOCK, HAPPENINGS };

/* What happens to the AFTER side. */
static void random_change(uint64_t *random, struct naive *naive, enum happening what, size_t one)
{
    struct bl_score_source *source = &naive->sources[one];

    switch (what) {
    case VERSION:
        naive_list(random, naive, one, BL_AFTER);
        source->has_changed = true;
        break;
    case LAW:
        source->law[BL_AFTER] = naive_law(random);
        source->is_trusted[BL_AFTER] ^= true;
        source->is_final[BL_AFTER] = test_random(random) % 4 == 0;
        break;
    case KIN:
        source->law[BL_AFTER] = naive_law(random);
        source->kin[BL_AFTER] = naive_kin(random);
        break;
    case EVIDENCE:
        naive_see(random, naive, BL_AFTER);
        break;
    case EXEMPT:
        naive_exempt(random, naive, BL_AFTER);
        break;
    case CLOCK:
    case HAPPENINGS:
        break;
    }
}

static int random_tell(struct bl_tell *tell, enum happening what, size_t one)
{
    switch (what) {
    case VERSION:
        return bl_tell_version(tell, one);
    case LAW:
    case KIN:
        return bl_tell_law(tell, one, what == KIN);
    case EVIDENCE:
        return bl_tell_extra(tell);
    case EXEMPT:
        return bl_tell_exempt(tell);
    case CLOCK:
    case HAPPENINGS:
        break;
    }
    return bl_tell_clock(tell);
}

static void random_round(uint64_t *random, enum happening what)
{
    static struct naive naive;
    tip_auto(tip_buf_deinit) struct tip_buf verdicts;
    struct bl_witnesses *witnesses[BL_SIDE_COUNT];
    struct bl_exempt exempt[BL_SIDE_COUNT];
    struct tip_buf tables[BL_SIDE_COUNT];
    size_t one = test_random(random) % LISTS;
    uint32_t tau_s[2] = {NOW - 20 * DAY, NOW - 20 * DAY};
    struct bl_score_job job;
    struct bl_tell tell = {.job = &job, .verdicts = &verdicts};

    tip_buf_init(&verdicts, 1 << 20);
    naive_fill(random, &naive);
    naive_exempt(random, &naive, BL_AFTER);
    memcpy(naive.exempt[BL_BEFORE], naive.exempt[BL_AFTER], sizeof(naive.exempt[0]));
    random_change(random, &naive, what, one);
    if (what == CLOCK)
        tau_s[BL_AFTER] += (uint32_t)(test_random(random) % (30 * DAY));
    bl_score_job_init(&job, naive.sources, LISTS);
    for (int side = 0; side < BL_SIDE_COUNT; side++) {
        witnesses[side] = naive_witnesses(&naive, (enum bl_side)side);
        exempt[side] = naive_table(&naive, (enum bl_side)side, &tables[side]);
        job.moment[side] =
            (struct bl_score_moment){.tau_s = tau_s[side], .witnesses = witnesses[side], .exempt = &exempt[side]};
    }
    tell.extra = naive_extra(&naive, naive.extra);
    tell.next_s = tau_s[BL_AFTER] + 4 * DAY;
    assert_int_equal(random_tell(&tell, what, one), 0);
    bl_tell_sort(&verdicts);
    check_told(&naive, &tell, tau_s, what == KIN);
    if (what == CLOCK)
        check_next(&naive, &tell, tau_s[BL_AFTER], tau_s[BL_AFTER] + 4 * DAY);
    bl_score_job_deinit(&job);
    for (int side = 0; side < BL_SIDE_COUNT; side++) {
        bl_witnesses_destroy(&witnesses[side]);
        tip_buf_deinit(&tables[side]);
    }
}

static void test_tell_agrees_with_the_naive_way(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (int round = 0; round < ROUNDS; round++)
        random_round(&random, (enum happening)(round % HAPPENINGS));
}

/* What a reader holds of each address after what it was told. */
static void follow(struct bl_tell *tell, double held[static ADDRS])
{
    struct bl_score_detail detail;

    for (size_t i = 0; i < bl_tell_count(tell->verdicts); i++) {
        struct bl_key key = bl_tell_key(tell, bl_tell_at(tell->verdicts, i));

        bl_score_look(tell->job, &key);
        bl_score_explain(tell->job, &detail);
        held[key.addr] = detail.score.score;
    }
    tip_buf_clear(tell->verdicts);
}

/* From when to when, in so many steps; none is left out that a crossing asks for. */
static void walk(struct naive *naive, uint32_t span_s, uint32_t n_steps, double held[static ADDRS])
{
    tip_auto(tip_buf_deinit) struct tip_buf verdicts;
    struct bl_score_job job;
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *witnesses = naive_witnesses(naive, BL_AFTER);
    struct bl_tell tell = {.job = &job, .verdicts = &verdicts, .extra = naive_extra(naive, naive->extra)};

    tip_buf_init(&verdicts, 1 << 20);
    bl_score_job_init(&job, naive->sources, LISTS);
    job.moment[BL_BEFORE].witnesses = job.moment[BL_AFTER].witnesses = witnesses;
    for (uint32_t i = 0; i < n_steps; i++) {
        job.moment[BL_BEFORE].tau_s = i ? NOW + span_s / n_steps * i : 0; /* the first one: nothing was counted yet */
        job.moment[BL_AFTER].tau_s = NOW + span_s / n_steps * (i + 1);
        tell.next_s = job.moment[BL_AFTER].tau_s + DAY;
        assert_int_equal(bl_tell_clock(&tell), 0);
        follow(&tell, held);
    }
    bl_score_job_deinit(&job);
}

/* What was told when only what is listed counted. */
static void uncounted(struct naive *naive, double held[static ADDRS])
{
    struct bl_score_job job;

    bl_score_job_init(&job, naive->sources, LISTS);
    for (uint32_t addr = 0; addr < ADDRS; addr++) {
        bl_score_look(&job, &(struct bl_key){.addr = addr, .kind = TIP_KIND_IP});
        held[addr] = bl_score_at(&job, BL_AFTER, 0).score;
    }
    bl_score_job_deinit(&job);
}

static void test_tell_time_in_one_step_is_time_in_many(void **state)
{
    static struct naive naive;
    uint64_t random = test_seed();

    (void)state;
    for (int round = 0; round < 30; round++) {
        double once[ADDRS], often[ADDRS];

        naive_fill(&random, &naive);
        uncounted(&naive, once);
        uncounted(&naive, often);
        walk(&naive, 16 * DAY, 1, once);
        walk(&naive, 16 * DAY, 64, often);
        for (uint32_t addr = 0; addr < ADDRS; addr++) {
            double is = naive_score(&naive, addr, BL_AFTER, NOW + 16 * DAY);

            assert_int_equal(bl_score_tier(once[addr]), bl_score_tier(is));
            assert_int_equal(bl_score_tier(often[addr]), bl_score_tier(is));
            assert_true(!bl_score_tier(is) || (fabs(once[addr] - is) < 0.05 && fabs(often[addr] - is) < 0.05));
        }
    }
}

static void test_tell_order_of_lists_does_not_matter(void **state)
{
    static struct naive naive;
    static struct bl_score_source back[LISTS];
    uint64_t random = test_seed();

    (void)state;
    for (int round = 0; round < 100; round++) {
        struct bl_score_job forth, turned;

        naive_fill(&random, &naive);
        for (size_t i = 0; i < LISTS; i++)
            back[i] = naive.sources[LISTS - 1 - i];
        bl_score_job_init(&forth, naive.sources, LISTS);
        bl_score_job_init(&turned, back, LISTS);
        for (uint32_t addr = 0; addr < ADDRS; addr++) {
            const struct bl_key key = {.addr = addr, .kind = TIP_KIND_IP};
            struct bl_score a, b;

            bl_score_look(&forth, &key);
            bl_score_look(&turned, &key);
            a = bl_score_at(&forth, BL_AFTER, NOW);
            b = bl_score_at(&turned, BL_AFTER, NOW);
            assert_true(fabs(a.score - b.score) < 1e-12 && bl_score_tier(a.score) == bl_score_tier(b.score));
        }
        bl_score_job_deinit(&forth);
        bl_score_job_deinit(&turned);
    }
}

/* Names and addresses of the sixth version: behind all IPv4 hosts, by kind and bytes. */
static void test_tell_names_side_by_side(void **state)
{
    static const char arena[] = "a.example\0b.example\0c.example";
    static const struct bl_seen_times listed = {NOW, NOW, NOW, 0, 0, BL_SEEN_LISTED};
    static const struct bl_seen_times gone = {NOW, NOW, NOW, 0, 0, 0};
    const struct bl_seen_text one[] = {{0, 9, TIP_KIND_DOMAIN, 0, listed}, {20, 9, TIP_KIND_DOMAIN, 0, gone}};
    const struct bl_seen_text two[] = {{10, 9, TIP_KIND_DOMAIN, 0, listed}, {20, 9, TIP_KIND_DOMAIN, 0, listed}};
    const struct bl_seen_ip4 host[] = {{9, listed}};
    struct bl_seen first = {.text = one, .n_text = 2, .arena = arena, .n_arena = sizeof(arena)};
    struct bl_seen second = {
        .ip4 = host, .n_ip4 = 1, .text = two, .n_text = 2, .arena = arena, .n_arena = sizeof(arena)};
    struct bl_score_source sources[] = {
        {.seen = {first, first}, .law = {{0.5, DAY, false}, {0.5, DAY, false}}},
        {.seen = {second, second}, .law = {{0.4, DAY, false}, {0.4, DAY, false}}},
    };
    tip_auto(tip_buf_deinit) struct tip_buf verdicts;
    struct bl_score_job job;
    struct bl_tell tell = {.job = &job, .verdicts = &verdicts, .what = BL_TOLD_EVERY};
    struct bl_key key;

    (void)state;
    tip_buf_init(&verdicts, 1 << 20);
    bl_score_job_init(&job, sources, 2);
    job.moment[BL_BEFORE].tau_s = NOW;
    job.moment[BL_AFTER].tau_s = NOW + DAY;
    assert_int_equal(bl_tell_clock(&tell), 0);
    assert_int_equal(bl_tell_count(&verdicts), 1); /* the only one that fades */
    key = bl_tell_key(&tell, bl_tell_at(&verdicts, 0));
    assert_string_equal(key.value, "c.example");
    bl_score_look(&job, &key);
    assert_true(fabs(bl_score_at(&job, BL_AFTER, NOW + DAY).score - (1 - 0.75 * 0.6)) < 1e-12);
    tip_buf_clear(&verdicts);
    tell.is_first = true;
    assert_int_equal(bl_tell_list(&tell, 1), 0);
    assert_int_equal(bl_tell_count(&verdicts), 2); /* the third belongs to the first list, which remembers it */
    bl_score_job_deinit(&job);
}

/* The same share, but now it means all below: who only heard of the name has to hear of that. And likewise of a source
 * whose networks come to mean each address in them. */
static void test_tell_what_it_means(void **state)
{
    static const char arena[] = "a.example";
    static const struct bl_seen_times alone = {NOW, NOW, NOW, 0, 0, BL_SEEN_LISTED};
    static const struct bl_seen_times tree = {NOW, NOW, NOW, 0, BL_FLAG_SUBTREE, BL_SEEN_LISTED};
    struct bl_seen_text was = {0, 9, TIP_KIND_DOMAIN, 0, alone}, is = {0, 9, TIP_KIND_DOMAIN, 0, tree};
    const struct bl_seen before = {.text = &was, .n_text = 1, .arena = arena, .n_arena = sizeof(arena)};
    const struct bl_seen after = {.text = &is, .n_text = 1, .arena = arena, .n_arena = sizeof(arena)};
    struct bl_score_source source = {
        .seen = {before, after}, .law = {{0.5, DAY, false}, {0.5, DAY, false}}, .has_changed = true};
    tip_auto(tip_buf_deinit) struct tip_buf verdicts;
    struct bl_score_job job;
    struct bl_tell tell = {.job = &job, .verdicts = &verdicts};

    (void)state;
    tip_buf_init(&verdicts, 1 << 20);
    bl_score_job_init(&job, &source, 1);
    assert_int_equal(bl_tell_version(&tell, 0), 0);
    assert_int_equal(bl_tell_count(&verdicts), 1);
    tip_buf_clear(&verdicts);
    is.times = alone;
    assert_int_equal(bl_tell_version(&tell, 0), 0);
    assert_int_equal(bl_tell_count(&verdicts), 0);
    is.kind = was.kind = TIP_KIND_NET;
    source.is_whole[BL_AFTER] = true;
    assert_int_equal(bl_tell_law(&tell, 0, false), 0);
    assert_int_equal(bl_tell_count(&verdicts), 1);
    bl_score_job_deinit(&job);
}

/* Nothing has moved, but from now on it falls faster: the next crossing is found at once. */
static void test_tell_another_half_life_is_another_crossing(void **state)
{
    struct bl_seen_ip4 entry = {7, {NOW, NOW, NOW, 0, 0, 0}};
    const struct bl_seen seen = {.ip4 = &entry, .n_ip4 = 1};
    struct bl_score_source source = {.seen = {seen, seen}, .law = {{0.5, 400 * DAY, false}, {0.5, DAY / 24, false}}};
    tip_auto(tip_buf_deinit) struct tip_buf verdicts;
    struct bl_score_job job;
    struct bl_tell tell = {.job = &job, .verdicts = &verdicts, .next_s = NOW + DAY / 24};

    (void)state;
    tip_buf_init(&verdicts, 1 << 20);
    bl_score_job_init(&job, &source, 1);
    job.moment[BL_BEFORE].tau_s = job.moment[BL_AFTER].tau_s = NOW; /* it has left just now: the share is the same */
    assert_int_equal(bl_tell_law(&tell, 0, false), 0);
    assert_true(tell.is_found);
    assert_true(tell.next_s < NOW + DAY / 24);
    bl_score_job_deinit(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tell_agrees_with_the_naive_way),
        cmocka_unit_test(test_tell_time_in_one_step_is_time_in_many),
        cmocka_unit_test(test_tell_order_of_lists_does_not_matter),
        cmocka_unit_test(test_tell_names_side_by_side),
        cmocka_unit_test(test_tell_what_it_means),
        cmocka_unit_test(test_tell_another_half_life_is_another_crossing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
