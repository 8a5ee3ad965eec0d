#include "check.h"

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "core/diff.h"
#include "core/part.h"
#include "random.h"
#include "sets.h"

enum { ROUNDS = 300, LINES_MAX = 200 };

/* The naive way: lines as strings, sorted by strcmp, duplicates dropped. */
struct naive {
    char lines[LINES_MAX][40];
    size_t n;
};

static int naive_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void naive_sort(struct naive *naive)
{
    size_t kept = 0;

    qsort(naive->lines, naive->n, sizeof(*naive->lines), naive_compare);
    for (size_t i = 0; i < naive->n; i++) {
        if (!kept || strcmp(naive->lines[kept - 1], naive->lines[i]))
            memmove(naive->lines[kept++], naive->lines[i], sizeof(*naive->lines));
    }
    naive->n = kept;
}

/* Few distinct values of each kind, so that versions overlap and lists repeat themselves. */
static void random_line(uint64_t *random, char text[40])
{
    unsigned x = (unsigned)(test_random(random) % 64);

    switch (test_random(random) % 6) {
    case 0:
        (void)snprintf(text, 40, "2001:4860::%x", x + 1);
        break;
    case 1:
        (void)snprintf(text, 40, "%u.0.0.0/%u", x + 11, 9 + x % 7);
        break;
    case 2:
        (void)snprintf(text, 40, "%c%u.example.com", 'a' + x % 3, x);
        break;
    default:
        (void)snprintf(text, 40, "%u.%u.%u.%u", x % 4 ? 8 : 200, x, x * 3 % 256, x * x % 256);
    }
}

static struct bl_parse *random_list(uint64_t *random, struct naive *naive)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    struct bl_format format;
    struct bl_parse *parse;
    int r = 0;

    tip_buf_init(&body, LINES_MAX * 40);
    naive->n = test_random(random) % LINES_MAX;
    for (size_t i = 0; i < naive->n; i++) {
        random_line(random, naive->lines[i]);
        r |= tip_buf_append_format(&body, "%s\n", naive->lines[i]);
    }
    assert_int_equal(r, 0);
    naive_sort(naive);
    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
    parse = sets_parse(&format, tip_buf_text(&body), body.len, 1 + test_random(random) % 50, &r);
    assert_int_equal(r, 0);
    return parse;
}

static bool naive_holds(const struct naive *naive, const char *value)
{
    return bsearch(value, naive->lines, naive->n, sizeof(*naive->lines), naive_compare) != NULL;
}

static void check_same(const struct bl_set *set, const struct naive *naive)
{
    struct bl_item item;

    assert_int_equal(bl_set_count(set), naive->n);
    for (size_t i = 0; i < bl_set_count(set); i++) {
        bl_set_item(set, i, &item);
        assert_int_equal(strlen(item.value), item.len);
        assert_true(naive_holds(naive, item.value));
        assert_true(!i || bl_set_compare(set, i - 1, set, i) < 0);
    }
}

/* Every index of the list names something that `there` holds and `gone` does not; returns how many. */
static size_t check_list(const struct tip_buf *list, const struct bl_set *set, const struct naive *there,
                         const struct naive *gone)
{
    struct bl_item item;

    for (size_t i = 0; i < bl_diff_count(list); i++) {
        assert_true(!i || bl_diff_at(list, i - 1) < bl_diff_at(list, i));
        bl_set_item(set, bl_diff_at(list, i), &item);
        assert_true(naive_holds(there, item.value) && !naive_holds(gone, item.value));
    }
    return bl_diff_count(list);
}

static size_t naive_minus(const struct naive *a, const struct naive *b)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n; i++)
        n += !naive_holds(b, a->lines[i]);
    return n;
}

static void check_find(const struct bl_set *set, const struct bl_set *other, const struct naive *naive)
{
    struct bl_item item;
    size_t cursor = 0;

    for (size_t i = 0; i < bl_set_count(other); i++) {
        bl_set_item(other, i, &item);
        assert_int_equal(bl_set_find(set, &cursor, other, i), naive_holds(naive, item.value));
        assert_true(cursor <= bl_set_count(set));
    }
}

static void test_set_and_diff_agree_with_the_naive_way(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        static struct naive from, to;
        tip_auto(bl_parse_destroy) struct bl_parse *old = random_list(&random, &from);
        tip_auto(bl_parse_destroy) struct bl_parse *new = random_list(&random, &to);
        struct bl_set a = bl_parse_set(old);
        struct bl_set b = bl_parse_set(new);
        struct bl_diff diff;

        check_same(&a, &from);
        check_same(&b, &to);
        check_find(&a, &b, &from);
        bl_diff_init(&diff);
        assert_int_equal(bl_diff_run(&diff, &a, &b), 0);
        assert_int_equal(check_list(&diff.added, &b, &to, &from), naive_minus(&to, &from));
        assert_int_equal(check_list(&diff.removed, &a, &from, &to), naive_minus(&from, &to));
        assert_int_equal(bl_diff_count(&diff.changed), 0);
        bl_diff_deinit(&diff);
    }
}

/* A million addresses in an order that no shortcut likes: the radix sort against qsort. */
static int number_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void test_set_sorts_many_addresses(void **state)
{
    enum { MANY = 50000 };
    tip_auto(tip_free) uint32_t *numbers = tip_new_array(MANY, uint32_t);
    tip_auto(tip_buf_deinit) struct tip_buf body;
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    uint64_t random = test_seed();
    struct bl_format format;
    struct bl_set set;
    char text[16];
    size_t n = 0;
    int r = 0;

    (void)state;
    tip_buf_init(&body, MANY * 17);
    for (size_t i = 0; i < MANY; i++) {
        numbers[i] = (uint32_t)test_random(&random);
        (void)bl_ip4_format(numbers[i], text);
        r |= tip_buf_append_format(&body, "%s\n", text);
    }
    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_IP4);
    parse = sets_parse(&format, tip_buf_text(&body), body.len, 65536, &r);
    assert_int_equal(r, 0);
    set = bl_parse_set(parse);
    qsort(numbers, MANY, sizeof(*numbers), number_compare);
    for (size_t i = 0; i < MANY; i++) {
        if (i && numbers[i] == numbers[i - 1])
            continue;
        assert_true(n < set.n_ip4);
        assert_int_equal(set.ip4[n].addr, numbers[i]);
        n++;
    }
    assert_int_equal(n, set.n_ip4);
}

static void test_diff_tells_changed_flags(void **state)
{
    struct bl_ip4 before[] = {{1, 1, 0, 0}, {2, 2, 0, 2}};
    struct bl_ip4 after[] = {{1, 9, 5, 0}, {2, 8, 6, 0}, {3, 7, 7, 0}};
    struct bl_set from = {.ip4 = before, .n_ip4 = 2};
    struct bl_set to = {.ip4 = after, .n_ip4 = 3};
    struct bl_diff diff;

    (void)state;
    bl_diff_init(&diff);
    assert_int_equal(bl_diff_run(&diff, &from, &to), 0);
    assert_int_equal(bl_diff_count(&diff.changed), 1);
    assert_int_equal(bl_diff_at(&diff.changed, 0), 1);
    assert_int_equal(bl_diff_count(&diff.added), 1);
    assert_int_equal(bl_diff_at(&diff.added, 0), 2);
    assert_int_equal(bl_diff_count(&diff.removed), 0);
    bl_diff_deinit(&diff);
}

static void test_diff_first_line_wins_and_flags_add_up(void **state)
{
    static const char body[] = "a.example\n*.a.example\n192.0.2.9/24\n192.0.2.0/24\n";
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf text;
    struct bl_format format;
    struct bl_set set;
    int r;

    (void)state;
    tip_buf_init(&text, 1000);
    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
    parse = sets_parse(&format, body, sizeof(body) - 1, 1000, &r);
    assert_int_equal(r, 0);
    set = bl_parse_set(parse);
    sets_text(&set, true, &text);
    assert_string_equal(tip_buf_text(&text), "net 192.0.2.0/24 S H @3, domain a.example * @1");
}

/* Parts cover every list without gap or overlap, keep their bounds, and are the same each time. */
static void test_part_cut_covers_everything(void **state)
{
    enum { ENTRIES = 4321 };
    tip_auto(tip_free) struct bl_ip4 *entries = tip_new_array(ENTRIES, struct bl_ip4);
    tip_auto(tip_buf_deinit) struct tip_buf parts;
    struct bl_set none = {0};
    struct bl_set set = {.ip4 = entries, .n_ip4 = ENTRIES};
    struct bl_body body = {0};
    struct bl_diff diff;
    uint32_t next = 0;

    (void)state;
    for (uint32_t i = 0; i < ENTRIES; i++)
        entries[i].addr = i * 7;
    bl_diff_init(&diff);
    tip_buf_init(&parts, 1 << 20);
    assert_int_equal(bl_diff_run(&diff, &none, &set), 0);
    assert_int_equal(bl_part_cut(&parts, &diff, &none, &set, &body), 0);
    assert_int_equal(bl_part_count(&parts), 5);
    for (size_t i = 0; i < bl_part_count(&parts); i++) {
        const struct bl_part *part = bl_part_at(&parts, i);

        assert_int_equal(part->added_from, next);
        assert_true(part->added_to > next && part->added_to - next <= BL_PART_ENTRIES);
        next = part->added_to;
        assert_int_equal(part->removed_to - part->removed_from + part->changed_to - part->changed_from, 0);
    }
    assert_int_equal(next, ENTRIES);
    bl_diff_deinit(&diff);
}

static void test_part_of_nothing_is_one_empty_part(void **state)
{
    tip_auto(tip_buf_deinit) struct tip_buf parts;
    struct bl_set none = {0};
    struct bl_body body = {0};
    struct bl_diff diff;

    (void)state;
    bl_diff_init(&diff);
    tip_buf_init(&parts, 1 << 20);
    assert_int_equal(bl_part_cut(&parts, &diff, &none, &none, &body), 0);
    assert_int_equal(bl_part_count(&parts), 1);
    bl_diff_deinit(&diff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_diff_agree_with_the_naive_way),
        cmocka_unit_test(test_set_sorts_many_addresses),
        cmocka_unit_test(test_diff_tells_changed_flags),
        cmocka_unit_test(test_diff_first_line_wins_and_flags_add_up),
        cmocka_unit_test(test_part_cut_covers_everything),
        cmocka_unit_test(test_part_of_nothing_is_one_empty_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
