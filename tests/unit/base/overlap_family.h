/* The tests of one family of <tip/overlap.h>; included once for each after ranges_model.h. */

enum { M(SETS) = 12 };

struct M(world) {
    struct BUILD builds[M(SETS)];
    struct RANGES sets[M(SETS)];
    bool cells[M(SETS)][MODEL_CELLS];
};

/* What the cells say, one by one. */
static void M(recount)(const struct M(world) * world, const struct OVERLAP *overlap, size_t n)
{
    size_t histogram[M(SETS) + 1] = {0};
    size_t exclusive[M(SETS)] = {0};
    size_t pairs[M(SETS)][M(SETS)] = {0};

    for (size_t cell = 0; cell < MODEL_CELLS; cell++) {
        size_t held = 0, one = 0;

        for (size_t i = 0; i < n; i++) {
            held += world->cells[i][cell];
            one = world->cells[i][cell] ? i : one;
            for (size_t j = 0; j < n; j++)
                pairs[i][j] += world->cells[i][cell] && world->cells[j][cell];
        }
        histogram[held] += held > 0;
        exclusive[one] += held == 1;
    }
    for (size_t i = 0; i < n; i++) {
        assert_true(overlap->exclusive[i] == exclusive[i] && overlap->volume[i] == pairs[i][i]);
        for (size_t j = 0; j < n; j++)
            assert_true(O(pair)(overlap, i, j) == pairs[i][j]);
    }
    for (size_t k = 0; k <= n; k++)
        assert_true(overlap->histogram[k] == histogram[k]);
}

static void M(same)(struct RANGES a, struct RANGES b)
{
    assert_int_equal(a.n, b.n);
    for (size_t i = 0; i < a.n; i++)
        assert_true(a.at[i].lo == b.at[i].lo && a.at[i].hi == b.at[i].hi);
}

static void M(test_random)(void **state)
{
    static struct M(world) world;
    uint64_t random = test_seed();
    tip_auto(tip_buf_deinit) struct tip_buf joined;

    (void)state;
    tip_buf_init(&joined, MODEL_CELLS * sizeof(struct RANGE));
    for (int round = 0; round < 500; round++) {
        size_t n = test_random(&random) % (M(SETS) + 1);
        struct OVERLAP *overlap = NULL;
        struct BUILD all;
        struct RANGES sorted;

        for (size_t i = 0; i < n; i++)
            world.sets[i] = M(random)(&world.builds[i], world.cells[i], &random);
        assert_int_equal(O(open)(&overlap, world.sets, n, &joined), 0);
        T(build_init)(&all, MODEL_CELLS);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(T(add_set)(&all, &world.sets[i]), 0);
        assert_int_equal(T(build_finish)(&all, &sorted), 0);
        M(same)(T(of)(&joined), sorted);
        T(build_deinit)(&all);
        M(recount)(&world, overlap, n);
        O(destroy)(&overlap);
        assert_null(overlap);
        for (size_t i = 0; i < n; i++)
            T(build_deinit)(&world.builds[i]);
    }
}

static void M(test_example)(void **state)
{
    static const char *const texts[] = {"1-10", "5-20 m0", "", "10-12 m3-m0"};
    struct BUILD builds[4];
    struct RANGES sets[4];
    struct OVERLAP *overlap = NULL;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        sets[i] = M(read)(&builds[i], texts[i]);
    assert_int_equal(O(open)(&overlap, sets, 4, NULL), 0);
    assert_true(overlap->total == 24);
    assert_true(overlap->volume[0] == 10 && overlap->volume[1] == 17 && overlap->volume[2] == 0);
    assert_true(O(pair)(overlap, 0, 1) == 6 && O(pair)(overlap, 3, 1) == 4 && O(pair)(overlap, 0, 3) == 1);
    assert_true(O(pair)(overlap, 2, 3) == 0 && O(pair)(overlap, 3, 3) == 7);
    assert_true(overlap->exclusive[0] == 4 && overlap->exclusive[1] == 8 && overlap->exclusive[3] == 3);
    assert_true(overlap->histogram[1] == 15 && overlap->histogram[2] == 8 && overlap->histogram[3] == 1);
    O(destroy)(&overlap);
    for (size_t i = 0; i < 4; i++)
        T(build_deinit)(&builds[i]);
}

/* Everything, three times: numbers end at the largest one, and the walk ends at the last address. */
static void M(test_everything)(void **state)
{
    static const struct RANGE all = {0, (ADDR)-1};
    struct RANGES sets[3] = {{&all, 1}, {&all, 1}, {&all, 1}};
    tip_auto(tip_buf_deinit) struct tip_buf joined;
    tip_auto(tip_buf_deinit) struct tip_buf full;
    struct BUILD build;
    struct OVERLAP *overlap = NULL;

    (void)state;
    tip_buf_init(&joined, sizeof(all));
    assert_int_equal(O(open)(&overlap, sets, 3, &joined), 0);
    M(same)(T(of)(&joined), sets[0]);
    assert_true(overlap->total == T(count)(&sets[0]) && overlap->total > (ADDR)-1 - 1);
    assert_true(overlap->histogram[3] == overlap->total && overlap->exclusive[0] == 0);
    assert_true(O(pair)(overlap, 2, 0) == overlap->total);
    O(destroy)(&overlap);
    assert_int_equal(O(open)(&overlap, sets, TIP_OVERLAP_SETS_MAX + 1, NULL), -ENOBUFS);
    assert_null(overlap);
    tip_buf_init(&full, 2 * sizeof(all));
    sets[0] = M(read)(&build, "1 3 5");
    assert_int_equal(O(open)(&overlap, sets, 1, &full), -ENOBUFS);
    assert_null(overlap);
    T(build_deinit)(&build);
}
