#include "check.h"

#include "core/flag.h"
#include "random.h"
#include "seens.h"

enum { T0 = 1700000000, DAY = 86400 };

static const struct bl_seen_times *find(const struct seens *seens, const char *text)
{
    struct tip_indicator indicator;

    assert_int_equal(tip_indicator_parse(&indicator, TIP_KIND_NONE, text, strlen(text)), 0);
    return bl_seen_find(&seens->seen, indicator.kind, indicator.value, indicator.len);
}

static void check(const struct seens *seens, const char *text, const struct bl_seen_times *expected)
{
    const struct bl_seen_times *times = find(seens, text);

    assert_non_null(times);
    assert_memory_equal(times, expected, sizeof(*times));
}

static void test_seen_over_a_life(void **state)
{
    tip_auto(seens_deinit) struct seens seens;

    (void)state;
    seens_init(&seens);
    seens_update(&seens, "9.9.9.9\nbad.example\n10.0.0.1\n", T0, 0, 1000);
    assert_int_equal(seens.seen.born_s, T0);
    check(&seens, "9.9.9.9", &(struct bl_seen_times){T0, T0, T0, 0, 0, BL_SEEN_LISTED | BL_SEEN_STOCK});
    check(&seens, "10.0.0.1",
          &(struct bl_seen_times){T0, T0, T0, 0, BL_FLAG_SPECIAL_USE, BL_SEEN_LISTED | BL_SEEN_STOCK});
    seens_update(&seens, "9.9.9.9\nnew.example\n2001:4860::1\n", T0 + DAY, T0 + 1000, 1000);
    check(&seens, "9.9.9.9", &(struct bl_seen_times){T0, T0, T0 + DAY, 0, 0, BL_SEEN_LISTED | BL_SEEN_STOCK});
    check(&seens, "bad.example", &(struct bl_seen_times){T0, T0, T0 + 1000, 0, 0, BL_SEEN_STOCK});
    check(&seens, "new.example", &(struct bl_seen_times){T0 + DAY, T0 + DAY, T0 + DAY, 0, 0, BL_SEEN_LISTED});
    check(&seens, "2001:4860::1", &(struct bl_seen_times){T0 + DAY, T0 + DAY, T0 + DAY, 0, 0, BL_SEEN_LISTED});
    seens_update(&seens, "bad.example\n", T0 + 2 * DAY, T0 + DAY, 1000);
    check(&seens, "bad.example", &(struct bl_seen_times){T0, T0 + 2 * DAY, T0 + 2 * DAY, 1, 0, BL_SEEN_LISTED});
    check(&seens, "9.9.9.9", &(struct bl_seen_times){T0, T0, T0 + DAY, 0, 0, BL_SEEN_STOCK});
    assert_int_equal(seens.seen.born_s, T0);
    assert_int_equal(seens.seen.version, 3);
    assert_null(find(&seens, "9.9.9.8"));
    assert_null(find(&seens, "bad.exampl"));
}

/* A source that went before its first delivery: what comes after is what stood there, for nobody saw since when. */
static void test_seen_of_what_was_never_fetched(void **state)
{
    const struct bl_seen_update nothing = {.version = 1, .now_s = T0, .is_unborn = true};
    tip_auto(seens_deinit) struct seens seens;
    unsigned char head[BL_SEEN_HEADER];

    (void)state;
    seens_init(&seens);
    assert_int_equal(bl_seen_write(&nothing, seens_put, &seens.bytes, head), 0);
    memcpy(seens.bytes.data, head, sizeof(head));
    assert_int_equal(bl_seen_read(&seens.seen, seens.bytes.data, seens.bytes.len), 0);
    assert_int_equal(seens.seen.born_s, 0);
    seens_update(&seens, "9.9.9.9\n", T0 + DAY, T0, 1000);
    assert_int_equal(seens.seen.born_s, T0 + DAY);
    check(&seens, "9.9.9.9",
          &(struct bl_seen_times){T0 + DAY, T0 + DAY, T0 + DAY, 0, 0, BL_SEEN_LISTED | BL_SEEN_STOCK});
}

static void test_seen_forgets_behind_the_window(void **state)
{
    tip_auto(seens_deinit) struct seens seens;

    (void)state;
    seens_init(&seens);
    seens_update(&seens, "9.9.9.9\na.example\n", T0, 0, 1000);
    seens_update(&seens, "8.8.8.8\n", T0 + DAY, 0, 1000);
    seens_update(&seens, "8.8.8.8\n", T0 + 90 * DAY, 0, 1000);
    assert_non_null(find(&seens, "9.9.9.9"));
    assert_non_null(find(&seens, "a.example"));
    seens_update(&seens, "8.8.8.8\n", T0 + 90 * DAY + 1, 0, 1000);
    assert_null(find(&seens, "9.9.9.9"));
    assert_null(find(&seens, "a.example"));
    seens_update(&seens, "9.9.9.9\n", T0 + 91 * DAY, 0, 1000); /* as new, and of known age */
    check(&seens, "9.9.9.9",
          &(struct bl_seen_times){T0 + 91 * DAY, T0 + 91 * DAY, T0 + 91 * DAY, 0, 0, BL_SEEN_LISTED});
}

static void test_seen_is_bounded(void **state)
{
    tip_auto(seens_deinit) struct seens seens;
    char list[64];

    (void)state;
    seens_init(&seens);
    for (unsigned day = 0; day < 20; day++) {
        (void)snprintf(list, sizeof(list), "9.9.%u.1\n9.9.%u.2\n9.9.%u.3\n", day, day, day);
        seens_update(&seens, list, T0 + day * DAY, 0, 10);
    }
    assert_int_equal(bl_seen_count(&seens.seen), 3 + 9); /* three whole days that left fit into ten */
    assert_non_null(find(&seens, "9.9.16.1"));
    assert_null(find(&seens, "9.9.15.1"));
}

static void test_seen_survives_a_clock_that_goes_back(void **state)
{
    tip_auto(seens_deinit) struct seens seens;

    (void)state;
    seens_init(&seens);
    seens_update(&seens, "9.9.9.9\n8.8.8.8\n", T0, 0, 1000);
    seens_update(&seens, "8.8.8.8\n", T0 - DAY, T0, 1000);
    assert_int_equal(find(&seens, "9.9.9.9")->last_s, T0 - DAY);
    assert_int_equal(find(&seens, "8.8.8.8")->last_s, T0);
}

static void test_seen_finds_damage(void **state)
{
    tip_auto(seens_deinit) struct seens seens;
    struct bl_seen seen;

    (void)state;
    seens_init(&seens);
    seens_update(&seens, "9.9.9.9\na.example\nb.example\n", T0, 0, 1000);
    for (size_t i = 0; i < seens.bytes.len; i++) {
        seens.bytes.data[i] ^= 0x10;
        assert_int_equal(bl_seen_read(&seen, seens.bytes.data, seens.bytes.len), BL_SEEN_E_DAMAGED);
        seens.bytes.data[i] ^= 0x10;
        assert_int_equal(bl_seen_read(&seen, seens.bytes.data, i), BL_SEEN_E_DAMAGED);
    }
    assert_int_equal(bl_seen_read(&seen, seens.bytes.data, seens.bytes.len), 0);
}

/* A model of 64 entries beside it: hosts and names, coming and going for a year. */
struct model {
    struct bl_seen_times times;
    bool is_known;
};

static void model_text(unsigned i, char text[static 32])
{
    if (i % 2)
        (void)snprintf(text, 32, "9.9.9.%u", i);
    else
        (void)snprintf(text, 32, "h%u.example", i);
}

static void model_step(struct model *one, bool is_listed, uint32_t now_s, uint32_t confirmed_s, bool is_first)
{
    struct bl_seen_times *times = &one->times;
    bool was = one->is_known && times->state & BL_SEEN_LISTED;

    if (one->is_known && !was && now_s - times->last_s > BL_SEEN_WINDOW_S)
        one->is_known = false;

    if (is_listed && !one->is_known)
        *times = (struct bl_seen_times){now_s, now_s, now_s, 0, 0, is_first ? BL_SEEN_STOCK : 0};
    if (is_listed && one->is_known && !was) {
        times->since_s = now_s;
        times->n_returned++;
        times->state = 0;
    }
    if (!is_listed && was && confirmed_s > times->last_s)
        times->last_s = confirmed_s;
    if (is_listed) {
        times->last_s = now_s;
        times->state |= BL_SEEN_LISTED;
        one->is_known = true;
    } else {
        times->state &= BL_SEEN_STOCK;
        one->is_known = one->is_known && now_s - times->last_s <= BL_SEEN_WINDOW_S;
    }
}

static void test_seen_is_what_a_model_says(void **state)
{
    tip_auto(seens_deinit) struct seens seens;
    struct model models[64] = {{{0}, false}};
    uint64_t random = test_seed();
    uint32_t now_s = T0, confirmed_s = 0;

    (void)state;
    seens_init(&seens);
    for (int step = 0; step < 200; step++) {
        tip_auto(tip_buf_deinit) struct tip_buf list;
        uint64_t part = test_random(&random) % 100;
        size_t n_known = 0;
        char text[32];

        tip_buf_init(&list, 10000);
        for (unsigned i = 0; i < 64; i++) {
            bool is_listed = test_random(&random) % 100 < part;

            model_text(i, text);
            if (is_listed)
                assert_int_equal(tip_buf_append_format(&list, "%s\n", text), 0);
            model_step(&models[i], is_listed, now_s, confirmed_s, !step);
            n_known += models[i].is_known;
        }
        seens_update(&seens, tip_buf_text(&list), now_s, confirmed_s, 1000);
        assert_int_equal(bl_seen_count(&seens.seen), n_known);
        for (unsigned i = 0; i < 64; i++) {
            model_text(i, text);
            if (models[i].is_known)
                check(&seens, text, &models[i].times);
        }
        confirmed_s = now_s + (uint32_t)(test_random(&random) % 3600);
        now_s = confirmed_s + (uint32_t)(test_random(&random) % (test_random(&random) % 8 ? 4 * DAY : 95 * DAY));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seen_over_a_life),
        cmocka_unit_test(test_seen_of_what_was_never_fetched),
        cmocka_unit_test(test_seen_forgets_behind_the_window),
        cmocka_unit_test(test_seen_is_bounded),
        cmocka_unit_test(test_seen_survives_a_clock_that_goes_back),
        cmocka_unit_test(test_seen_finds_damage),
        cmocka_unit_test(test_seen_is_what_a_model_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
