/* The tests of one family of <tip/ranges.h>; included once for each after ranges_model.h. */

static size_t M(name)(ADDR n, char *text)
{
    bool high = n > (ADDR)-1 / 2;

    return (size_t)sprintf(text, "%s%lu", high ? "m" : "", (unsigned long)(high ? (ADDR)-1 - n : n));
}

static void M(expect)(struct RANGES set, const char *expected, const char *what)
{
    char text[512] = "";
    size_t len = 0;

    for (size_t i = 0; i < set.n; i++) {
        len += (size_t)sprintf(text + len, "%s", i ? " " : "");
        len += M(name)(set.at[i].lo, text + len);
        if (set.at[i].lo == set.at[i].hi)
            continue;
        text[len++] = '-';
        len += M(name)(set.at[i].hi, text + len);
    }
    if (strcmp(text, expected) != 0)
        fail_msg("%s: '%s', not '%s'", what, text, expected);
}

/* The set is sorted, disjoint, not adjacent, and holds what the model holds. */
static void M(check)(struct RANGES set, const bool cells[MODEL_CELLS])
{
    size_t n = 0;

    for (size_t i = 0; i < set.n; i++) {
        assert_true(set.at[i].lo <= set.at[i].hi);
        assert_true(!i || (set.at[i].lo > set.at[i - 1].hi && set.at[i].lo - set.at[i - 1].hi > 1));
    }
    for (size_t i = 0; i < MODEL_CELLS; i++) {
        if (T(contain)(&set, M(addr)(i), M(addr)(i)) != cells[i])
            fail_msg("cell %zu is %d", i, cells[i]);
        n += cells[i];
    }
    assert_true(T(count)(&set) == n);
}

static void M(test_tables)(void **state)
{
    static const struct {
        const char *a, *b, *both, *common, *less;
    } rows[] = {
        {"", "", "", "", ""},
        {"1", "", "1", "", "1"},
        {"", "1", "1", "", ""},
        {"1", "2", "1-2", "", "1"},
        {"1", "3", "1 3", "", "1"},
        {"1-5", "3", "1-5", "3", "1-2 4-5"},
        {"1-5", "1", "1-5", "1", "2-5"},
        {"1-5", "5", "1-5", "5", "1-4"},
        {"1-5", "0-9", "0-9", "1-5", ""},
        {"1-5 7 9-12", "4-10", "1-12", "4-5 7 9-10", "1-3 11-12"},
        {"1-3 3-9 2 8-20", "100", "1-20 100", "", "1-20"},
        {"9 7 5 3 1", "2 4 6 8", "1-9", "", "1 3 5 7 9"},
        {"0-m0", "", "0-m0", "", "0-m0"},
        {"0-m0", "0-m0", "0-m0", "0-m0", ""},
        {"0-m0", "0 m0", "0-m0", "0 m0", "1-m1"},
        {"0-m0", "5-m5", "0-m0", "5-m5", "0-4 m4-m0"},
        {"m0", "m1", "m1-m0", "", "m0"},
        {"m3-m0 0-2", "m1 1", "0-2 m3-m0", "1 m1", "0 2 m3-m2 m0"},
        {"5-9 5-6 5-12 5", "6", "5-12", "6", "5 7-12"},
    };
    tip_auto(tip_buf_deinit) struct tip_buf out;

    (void)state;
    tip_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct BUILD build_a, build_b;
        struct RANGES a = M(read)(&build_a, rows[i].a);
        struct RANGES b = M(read)(&build_b, rows[i].b);

        assert_int_equal(T(union)(&out, &a, &b), 0);
        M(expect)(T(of)(&out), rows[i].both, rows[i].a);
        assert_int_equal(T(union)(&out, &b, &a), 0);
        M(expect)(T(of)(&out), rows[i].both, rows[i].a);
        assert_int_equal(T(intersect)(&out, &a, &b), 0);
        M(expect)(T(of)(&out), rows[i].common, rows[i].a);
        assert_int_equal(T(intersect)(&out, &b, &a), 0);
        M(expect)(T(of)(&out), rows[i].common, rows[i].a);
        assert_int_equal(T(subtract)(&out, &a, &b), 0);
        M(expect)(T(of)(&out), rows[i].less, rows[i].a);
        assert_int_equal(T(add_set)(&build_a, &b), 0);
        assert_int_equal(T(build_finish)(&build_a, &a), 0);
        M(expect)(a, rows[i].both, rows[i].a);
        T(build_deinit)(&build_a);
        T(build_deinit)(&build_b);
    }
}

static void M(test_lookup)(void **state)
{
    static const struct {
        const char *set, *range;
        size_t find;
        bool contain;
    } rows[] = {
        {"", "0", 0, false},        {"3-5 9", "0", 0, false},   {"3-5 9", "3", 0, true},   {"3-5 9", "5", 0, true},
        {"3-5 9", "6", 1, false},   {"3-5 9", "9", 1, true},    {"3-5 9", "10", 2, false}, {"3-5 9", "3-5", 0, true},
        {"3-5 9", "3-6", 0, false}, {"3-5 9", "2-4", 0, false}, {"0-m0", "0-m0", 0, true}, {"5 m0", "m0", 1, true},
        {"5 m1", "m0", 2, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct BUILD build, asked;
        struct RANGES set = M(read)(&build, rows[i].set);
        struct RANGES range = M(read)(&asked, rows[i].range);

        assert_int_equal(T(find)(&set, range.at[0].lo), rows[i].find);
        if (T(contain)(&set, range.at[0].lo, range.at[0].hi) != rows[i].contain)
            fail_msg("%s in %s", rows[i].range, rows[i].set);
        T(build_deinit)(&build);
        T(build_deinit)(&asked);
    }
}

static void M(test_random)(void **state)
{
    uint64_t random = test_seed();
    tip_auto(tip_buf_deinit) struct tip_buf out;
    bool of_a[MODEL_CELLS], of_b[MODEL_CELLS], both[MODEL_CELLS], common[MODEL_CELLS], less[MODEL_CELLS];

    (void)state;
    tip_buf_init(&out, 1 << 20);
    for (int round = 0; round < 2000; round++) {
        struct BUILD build_a, build_b;
        struct RANGES a = M(random)(&build_a, of_a, &random);
        struct RANGES b = M(random)(&build_b, of_b, &random);

        for (size_t i = 0; i < MODEL_CELLS; i++) {
            both[i] = of_a[i] || of_b[i];
            common[i] = of_a[i] && of_b[i];
            less[i] = of_a[i] && !of_b[i];
        }
        M(check)(a, of_a);
        assert_int_equal(T(union)(&out, &a, &b), 0);
        M(check)(T(of)(&out), both);
        assert_int_equal(T(intersect)(&out, &a, &b), 0);
        M(check)(T(of)(&out), common);
        assert_int_equal(T(subtract)(&out, &a, &b), 0);
        M(check)(T(of)(&out), less);
        T(build_deinit)(&build_a);
        T(build_deinit)(&build_b);
    }
}

/* The cap is one of ranges, not of lines; what joins does not count. */
static void M(test_cap)(void **state)
{
    struct BUILD build;
    struct RANGES set;
    int r = 0;

    (void)state;
    T(build_init)(&build, 100);
    assert_int_equal(T(add)(&build, 2, 1), TIP_RANGES_E_ORDER);
    for (ADDR i = 0; i < 100000; i++)
        assert_int_equal(T(add)(&build, (i * 7919 % 100) * 2, (i * 7919 % 100) * 2), 0);
    assert_int_equal(T(build_finish)(&build, &set), 0);
    assert_int_equal(set.n, 100);
    assert_int_equal(T(add)(&build, 1, 1), 0);
    assert_int_equal(T(build_finish)(&build, &set), 0);
    assert_int_equal(set.n, 99);
    assert_int_equal(T(add)(&build, 1000, 1000), 0);
    assert_int_equal(T(build_finish)(&build, &set), 0);
    assert_int_equal(T(add)(&build, 2000, 2000), 0);
    assert_int_equal(T(build_finish)(&build, &set), -ENOBUFS);
    for (ADDR i = 0; !r && i < 1000; i++)
        r = T(add)(&build, 3000 + 2 * i, 3000 + 2 * i);
    assert_int_equal(r, -ENOBUFS);
    T(build_deinit)(&build);
}

/* Large arrays settle before they grow, in any order: three million lines that are one range in the end, and a few. */
static void M(test_settles)(void **state)
{
    enum { N = 3000000 };
    uint64_t random = test_seed();
    struct BUILD build;
    struct RANGES set;

    (void)state;
    T(build_init)(&build, 1 << 20);
    for (size_t i = 0; i < N; i++) {
        ADDR cell = (ADDR)(i * 1000003 % N);

        assert_int_equal(T(add)(&build, cell, cell), 0);
        if (i % (N / 10) == 0)
            assert_int_equal(T(add)(&build, 2 * N + i, 2 * N + i + test_random(&random) % 100), 0);
    }
    assert_int_equal(T(build_finish)(&build, &set), 0);
    assert_int_equal(set.n, 11);
    assert_true(set.at[0].lo == 0 && set.at[0].hi == N - 1);
    T(build_deinit)(&build);
}

/* The prefixes of a set join to the same set. */
static void M(test_cuts)(void **state)
{
    uint64_t random = test_seed();
    bool cells[MODEL_CELLS];

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct BUILD build, again;
        struct RANGES set = M(random)(&build, cells, &random), joined;
        struct CUT cut = {.set = set};
        struct tip_prefix prefix;

        T(build_init)(&again, 10000);
        while (T(cut_next)(&cut, &prefix)) {
            struct tip_addr last = tip_prefix_last(&prefix);

            assert_int_equal(T(add)(&again, TO(&prefix.addr), TO(&last)), 0);
        }
        assert_int_equal(T(build_finish)(&again, &joined), 0);
        M(check)(joined, cells);
        T(build_deinit)(&build);
        T(build_deinit)(&again);
    }
}
