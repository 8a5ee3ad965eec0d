/*
 * Sets for tests of one family, from text and at random beside a naive model; included once for each family with
 * M(name), T(name), ADDR, RANGE, RANGES, BUILD defined. No #pragma once: twice is the point.
 *
 * Text: `1-3 7 m2-m0`, where mN is N below the highest address. The model is MODEL_CELLS flags: the lowest half of them
 * are the lowest addresses, the others the highest.
 */

static ADDR M(number)(const char *text, char **endp)
{
    bool high = *text == 'm';
    ADDR n = strtoul(text + high, endp, 10);

    return high ? (ADDR)-1 - n : n;
}

static struct RANGES M(read)(struct BUILD *build, const char *text)
{
    struct RANGES set;
    char *at = (char *)(uintptr_t)text;

    T(build_init)(build, 1000);
    while (*at) {
        ADDR lo = M(number)(at, &at);
        ADDR hi = *at == '-' ? M(number)(at + 1, &at) : lo;

        assert_int_equal(T(add)(build, lo, hi), 0);
        at += *at == ' ';
    }
    assert_int_equal(T(build_finish)(build, &set), 0);
    return set;
}

static ADDR M(addr)(size_t cell)
{
    return cell < MODEL_CELLS / 2 ? (ADDR)cell : (ADDR)-1 - (ADDR)(MODEL_CELLS - 1 - cell);
}

/* A random set and its cells. */
static struct RANGES M(random)(struct BUILD *build, bool cells[MODEL_CELLS], uint64_t *random)
{
    size_t n = test_random(random) % 40;
    struct RANGES set;

    memset(cells, 0, MODEL_CELLS);
    T(build_init)(build, MODEL_CELLS);
    for (size_t i = 0; i < n; i++) {
        size_t half = test_random(random) % 2 * (MODEL_CELLS / 2);
        size_t lo = test_random(random) % (MODEL_CELLS / 2);
        size_t hi = lo + test_random(random) % (i % 8 ? 3 : 30);

        hi = hi < MODEL_CELLS / 2 ? hi : MODEL_CELLS / 2 - 1;
        assert_int_equal(T(add)(build, M(addr)(half + lo), M(addr)(half + hi)), 0);
        memset(cells + half + lo, 1, hi - lo + 1);
    }
    assert_int_equal(T(build_finish)(build, &set), 0);
    return set;
}
