#include "check.h"

#include <string.h>

#include "random.h"

#include "core/witness.h"
#include "sets.h"

enum { MANY = 600 };

static struct bl_observation seen(const char *value, enum bl_evidence_kind what, uint64_t distinct, uint32_t at_s)
{
    static struct tip_indicator parsed[MANY]; /* values live as long as the test */
    static size_t n;
    struct tip_indicator *indicator = &parsed[n++ % MANY];

    if (tip_indicator_parse(indicator, TIP_KIND_NONE, value, strlen(value)))
        fail_msg("%s is no indicator", value);
    return (struct bl_observation){.kind = indicator->kind,
                                   .value = indicator->value,
                                   .len = indicator->len,
                                   .what = what,
                                   .distinct = distinct,
                                   .at_s = at_s,
                                   .tlp = 1};
}

static const struct bl_witness *find(const struct bl_witnesses *witnesses, const char *value)
{
    const struct bl_observation key = seen(value, BL_EVIDENCE_TRAP, 0, 0);

    return bl_witnesses_find(witnesses, key.kind, key.value, key.len);
}

static struct bl_witnesses *made(const struct bl_observation *items, size_t n)
{
    struct bl_witnesses *witnesses = bl_witnesses_new();

    for (size_t i = 0; i < n; i++)
        bl_witnesses_add(witnesses, &items[i]);
    bl_witnesses_build(witnesses);
    return witnesses;
}

static void test_witness_counts_what_is_independent(void **state)
{
    struct bl_observation items[] = {
        seen("192.0.2.7", BL_EVIDENCE_TRAP, 1, 100),       seen("192.0.2.7", BL_EVIDENCE_TRAP, 1, 300),
        seen("192.0.2.7", BL_EVIDENCE_TRAP, 2, 200),       seen("192.0.2.7", BL_EVIDENCE_FLUX, 1, 50),
        seen("192.0.2.7", BL_EVIDENCE_ABANDONMENT, 9, 60), seen("http://bad.example/x", BL_EVIDENCE_TRAP, 1, 70),
        seen("2001:db8::7", BL_EVIDENCE_SMTP, 1, 80),      seen("bad.example", BL_EVIDENCE_TRAP, 1, 90),
        seen("192.0.2.8", BL_EVIDENCE_ABANDONMENT, 1, 60),
    };
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *witnesses = NULL;
    const struct bl_witness *found;

    (void)state;
    items[2].tlp = 3;
    items[1].depth = 2;
    items[3].depth = 1;
    items[7].depth = BL_EVIDENCE_DEPTH_MAX + 1;
    witnesses = made(items, sizeof(items) / sizeof(*items));
    assert_int_equal(bl_witnesses_count(witnesses), 3);
    found = find(witnesses, "192.0.2.7");
    assert_non_null(found);
    assert_int_equal(found->n[BL_EVIDENCE_TRAP], 2);
    assert_int_equal(found->n[BL_EVIDENCE_FLUX], 1);
    assert_int_equal(found->n[BL_EVIDENCE_ABANDONMENT], 0);
    assert_int_equal(found->last_s[BL_EVIDENCE_TRAP], 300);
    assert_int_equal(found->last_s[BL_EVIDENCE_FLUX], 50);
    assert_int_equal(found->tlp[BL_EVIDENCE_TRAP], 3);
    assert_int_equal(found->depth[BL_EVIDENCE_TRAP], 2);
    assert_int_equal(found->tlp[BL_EVIDENCE_FLUX], 1);
    assert_int_equal(found->depth[BL_EVIDENCE_FLUX], 1);
    assert_non_null(find(witnesses, "http://bad.example/x"));
    assert_int_equal(find(witnesses, "2001:db8::7")->n[BL_EVIDENCE_SMTP], 1);
    assert_null(find(witnesses, "192.0.2.8")); /* it left while it was slowed: nothing */
    assert_null(find(witnesses, "bad.example"));
    assert_null(find(witnesses, "192.0.2.6"));
    assert_null(bl_witnesses_find(NULL, TIP_KIND_IP, "192.0.2.7", 9));
    assert_int_equal(bl_witnesses_count(NULL), 0);
}

static void test_witness_is_found_by_an_entry_of_a_set(void **state)
{
    const struct bl_observation items[] = {seen("192.0.2.7", BL_EVIDENCE_TRAP, 1, 100),
                                           seen("bad.example", BL_EVIDENCE_FLUX, 1, 100)};
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *witnesses = made(items, 2);
    static const char body[] = "192.0.2.6\n192.0.2.7\nbad.example\nfine.example\n";
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;
    struct bl_set set;
    size_t n = 0;
    int r;

    (void)state;
    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
    parse = sets_parse(&format, body, sizeof(body) - 1, 4096, &r);
    assert_int_equal(r, 0);
    set = bl_parse_set(parse);
    for (size_t i = 0; i < bl_set_count(&set); i++) {
        const struct bl_witness *found = bl_witnesses_find_in(witnesses, &set, i);
        struct bl_item item;

        bl_set_item(&set, i, &item);
        assert_ptr_equal(found, find(witnesses, item.value));
        n += found != NULL;
    }
    assert_int_equal(n, 2);
}

/* What anybody would count with a loop in a loop. */
static void check_counted(const struct bl_witnesses *witnesses, const struct bl_observation *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct bl_witness *found = bl_witnesses_find(witnesses, items[i].kind, items[i].value, items[i].len);
        uint32_t last_s = 0;
        unsigned count = 0;

        for (size_t j = 0; j < n; j++) {
            bool is_first = true;

            if (items[j].what != items[i].what || strcmp(items[j].value, items[i].value) != 0)
                continue;
            last_s = items[j].at_s > last_s ? items[j].at_s : last_s;
            for (size_t k = 0; k < j; k++)
                is_first &= items[k].what != items[j].what || items[k].distinct != items[j].distinct ||
                            strcmp(items[k].value, items[j].value) != 0;
            count += is_first;
        }
        if (items[i].what == BL_EVIDENCE_ABANDONMENT) {
            assert_true(!found || !found->n[BL_EVIDENCE_ABANDONMENT]);
            continue;
        }
        assert_non_null(found);
        assert_int_equal(found->n[items[i].what], count);
        assert_int_equal(found->last_s[items[i].what], last_s);
    }
}

static int count_one(void *ctx, const struct bl_witnesses_item *item)
{
    size_t *np = ctx;

    (void)item;
    ++*np;
    return 0;
}

static void check_order(const struct bl_witnesses *witnesses)
{
    for (size_t i = 0; i < bl_witnesses_count(witnesses); i++) {
        const struct bl_witnesses_item item = bl_witnesses_at(witnesses, i);

        assert_ptr_equal(bl_witnesses_find(witnesses, item.kind, item.value, item.len), item.witness);
    }
}

static void test_witness_of_any_order_and_repetition(void **state)
{
    static const char *const values[] = {"192.0.2.1", "192.0.2.2",   "10.0.0.1",     "2001:db8::1",
                                         "a.example", "b.a.example", "192.0.2.0/24", "http://a.example/"};
    static struct bl_observation items[MANY];
    uint64_t seed = test_seed();
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *one = NULL;
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *other = NULL;
    size_t n = MANY / 2, moved = 0;

    (void)state;
    for (size_t i = 0; i < n; i++)
        items[i] = seen(values[test_random(&seed) % 8], (enum bl_evidence_kind)(test_random(&seed) % 4),
                        test_random(&seed) % 5, (uint32_t)(test_random(&seed) % 1000));
    one = made(items, n);
    check_counted(one, items, n);
    check_order(one);
    for (size_t i = 0; i < n; i++)
        items[n + i] = items[i];
    for (size_t i = 2 * n - 1; i > 0; i--) {
        size_t j = test_random(&seed) % (i + 1);
        struct bl_observation kept = items[i];

        items[i] = items[j];
        items[j] = kept;
    }
    other = made(items, 2 * n);
    assert_int_equal(bl_witnesses_differ(one, other, count_one, &moved), 0);
    assert_int_equal(moved, 0);
}

/* One that is made of another says what one says that is made of nothing. */
static void check_equal(const struct bl_witnesses *one, const struct bl_witnesses *other)
{
    size_t moved = 0;

    assert_int_equal(bl_witnesses_differ(one, other, count_one, &moved), 0);
    assert_int_equal(moved, 0);
    assert_int_equal(bl_witnesses_count(one), bl_witnesses_count(other));
    for (size_t i = 0; i < bl_witnesses_count(one); i++) {
        const struct bl_observation *left, *right;
        size_t n_left, n_right;

        left = bl_witnesses_of(one, i, &n_left);
        right = bl_witnesses_of(other, i, &n_right);
        assert_int_equal(n_left, n_right);
        assert_memory_equal(bl_witnesses_at(one, i).witness, bl_witnesses_at(other, i).witness,
                            sizeof(struct bl_witness));
        for (size_t j = 0; j < n_left; j++) {
            assert_string_equal(left[j].value, right[j].value);
            assert_string_equal(left[j].because_of ? left[j].because_of : "",
                                right[j].because_of ? right[j].because_of : "");
            assert_true(left[j].distinct == right[j].distinct && left[j].at_s == right[j].at_s);
        }
    }
}

static void test_witness_tables_made_of_others(void **state)
{
    static const char *const values[] = {"192.0.2.1", "192.0.2.2",   "10.0.0.1",     "2001:db8::1",
                                         "a.example", "b.a.example", "192.0.2.0/24", "http://a.example/"};
    static struct bl_observation items[MANY / 2];
    static bool is_in[MANY / 2];
    static int touched[MANY / 2];
    uint64_t seed = test_seed();
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *last = bl_witnesses_new();

    (void)state;
    for (size_t i = 0; i < MANY / 2; i++) {
        items[i] = seen(values[test_random(&seed) % 8], (enum bl_evidence_kind)(test_random(&seed) % 3),
                        test_random(&seed) % 5, (uint32_t)i);
        items[i].also = (uint32_t)(test_random(&seed) % 3);
        items[i].tlp = (uint8_t)(1 + test_random(&seed) % 3);
        items[i].because_of = test_random(&seed) % 2 ? "one two" : NULL;
    }
    for (int turn = 1; turn < 200; turn++) {
        struct bl_witnesses *next = bl_witnesses_from(last, 3), *made_of_nothing, *green, *green_of_nothing;

        for (int n = (int)(test_random(&seed) % 8); n > 0; n--) {
            size_t i = test_random(&seed) % (MANY / 2);

            if (touched[i] == turn)
                continue;
            touched[i] = turn;
            (is_in[i] ? bl_witnesses_remove : bl_witnesses_add)(next, &items[i]);
            is_in[i] = !is_in[i];
            if (is_in[i] || test_random(&seed) % 4)
                continue;
            bl_witnesses_add(next, &items[i]); /* it goes and comes again, at once */
            is_in[i] = true;
        }
        bl_witnesses_destroy(&last);
        last = next;
        if (test_random(&seed) % 3)
            continue; /* it is not built before another one is made of it */
        made_of_nothing = bl_witnesses_new();
        green_of_nothing = bl_witnesses_new();
        for (size_t i = 0; i < MANY / 2; i++) {
            if (is_in[i])
                bl_witnesses_add(made_of_nothing, &items[i]);
            if (is_in[i] && items[i].tlp <= 2)
                bl_witnesses_add(green_of_nothing, &items[i]);
        }
        green = bl_witnesses_from(last, 2);
        bl_witnesses_build(green); /* builds the other one, too */
        bl_witnesses_build(made_of_nothing);
        bl_witnesses_build(green_of_nothing);
        check_equal(last, made_of_nothing);
        check_equal(green, green_of_nothing);
        bl_witnesses_destroy(&made_of_nothing);
        bl_witnesses_destroy(&green_of_nothing);
        bl_witnesses_destroy(&green);
    }
}

static void test_witness_tables_are_shared(void **state)
{
    const struct bl_observation items[] = {seen("192.0.2.9", BL_EVIDENCE_TRAP, 1, 100)};
    struct bl_witnesses *one = made(items, 1), *same = bl_witnesses_keep(one), *next = bl_witnesses_from(one, 3);

    (void)state;
    bl_witnesses_destroy(&one);
    assert_null(one);
    assert_int_equal(bl_witnesses_count(same), 1);
    bl_witnesses_destroy(&same);
    bl_witnesses_build(next);
    assert_non_null(find(next, "192.0.2.9"));
    for (int i = 0; i < 100000; i++) { /* none of them built: neither building nor giving up recurses */
        one = bl_witnesses_from(next, 3);
        bl_witnesses_destroy(&next);
        next = one;
    }
    bl_witnesses_destroy(&next);
}

struct names {
    char text[256];
    int stop;
};

static int take_name(void *ctx, const struct bl_witnesses_item *item)
{
    struct names *names = ctx;

    strcat(names->text, item->value);
    strcat(names->text, " ");
    return names->stop;
}

static void test_witness_tables_differ_where_they_do(void **state)
{
    const struct bl_observation items[] = {
        seen("192.0.2.9", BL_EVIDENCE_TRAP, 1, 100), seen("192.0.2.10", BL_EVIDENCE_TRAP, 1, 100),
        seen("a.example", BL_EVIDENCE_TRAP, 1, 100), seen("b.example", BL_EVIDENCE_TRAP, 1, 100),
        seen("192.0.2.9", BL_EVIDENCE_TRAP, 1, 101), seen("c.example", BL_EVIDENCE_TRAP, 1, 100),
    };
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *before = made(items, 4);
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *after = made(items + 1, 5);
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *empty = made(items, 0);
    struct names names = {.text = ""};
    size_t n = 0;

    (void)state;
    assert_int_equal(bl_witnesses_differ(before, after, take_name, &names), 0);
    assert_string_equal(names.text, "192.0.2.9 c.example ");
    assert_int_equal(bl_witnesses_differ(NULL, before, count_one, &n), 0);
    assert_int_equal(bl_witnesses_differ(before, empty, count_one, &n), 0);
    assert_int_equal(n, 8);
    names = (struct names){.stop = -5};
    assert_int_equal(bl_witnesses_differ(after, NULL, take_name, &names), -5);
    assert_string_equal(names.text, "192.0.2.9 ");
}

static void test_witness_observations_stand_side_by_side(void **state)
{
    struct bl_observation items[] = {seen("192.0.2.7", BL_EVIDENCE_TRAP, 1, 100),
                                     seen("a.example", BL_EVIDENCE_TRAP, 1, 1),
                                     seen("192.0.2.7", BL_EVIDENCE_FLUX, 1, 300)};
    tip_auto(bl_witnesses_destroy) struct bl_witnesses *witnesses = NULL;
    const struct bl_observation *found;
    size_t n;

    (void)state;
    items[2].because_of = "one two";
    witnesses = made(items, 3);
    found = bl_witnesses_of(witnesses, 0, &n);
    assert_int_equal(n, 2);
    assert_string_equal(found[0].value, "192.0.2.7");
    assert_string_equal(found[1].value, "192.0.2.7");
    assert_null(found[0].because_of);
    assert_string_equal(found[1].because_of, "one two");
    found = bl_witnesses_of(witnesses, 1, &n);
    assert_int_equal(n, 1);
    assert_string_equal(found[0].value, "a.example");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_witness_counts_what_is_independent),
        cmocka_unit_test(test_witness_is_found_by_an_entry_of_a_set),
        cmocka_unit_test(test_witness_of_any_order_and_repetition),
        cmocka_unit_test(test_witness_tables_made_of_others),
        cmocka_unit_test(test_witness_tables_are_shared),
        cmocka_unit_test(test_witness_tables_differ_where_they_do),
        cmocka_unit_test(test_witness_observations_stand_side_by_side),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
