#include "check.h"

#include <stdio.h>

#include <tip/alloc.h>
#include <tip/hash.h>

struct item {
    char name[16];
    uint32_t number;
    UT_hash_handle hh;
};

static int item_compare(const struct item *a, const struct item *b)
{
    return a->number < b->number ? -1 : a->number > b->number;
}

static struct item *items_new(struct item **table, uint32_t n)
{
    struct item *items = tip_new_array(n, struct item);

    for (uint32_t i = 0; i < n; i++) {
        struct item *item = &items[i];

        snprintf(item->name, sizeof(item->name), "name-%u", i);
        item->number = n - i;
        tip_hash_add_text(*table, name, item);
    }
    return items;
}

static void test_hash_by_text(void **state)
{
    struct item *table = NULL, *found, *next;
    struct item *items = items_new(&table, 5000);
    uint32_t n = 0;

    (void)state;
    assert_int_equal(tip_hash_count(table), 5000);
    tip_hash_find_text(table, "name-4321", found);
    assert_ptr_equal(found, &items[4321]);
    tip_hash_find_bytes(table, "name-17x", 7, found);
    assert_ptr_equal(found, &items[17]);
    tip_hash_find_text(table, "name-5000", found);
    assert_null(found);
    tip_hash_each (table, found, next)
        assert_ptr_equal(found, &items[n++]); /* insertion order */
    tip_hash_sort(table, item_compare);
    assert_ptr_equal(table, &items[4999]);
    tip_hash_each (table, found, next)
        tip_hash_remove(table, found);
    assert_null(table);
    free(items);
}

static void test_hash_by_member(void **state)
{
    struct item a = {.number = 7}, b = {.number = 8}, *table = NULL, *found, *item;
    uint32_t key = 8;

    (void)state;
    item = &a;
    tip_hash_add_key(table, number, item);
    item = &b;
    tip_hash_add_key(table, number, item);
    tip_hash_find_key(table, &key, found);
    assert_ptr_equal(found, &b);
    tip_hash_clear(table);
    assert_null(table);
}

static void test_hash_depends_on_its_key(void **state)
{
    static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, zero[16];
    uint8_t input[15];

    (void)state;
    for (int i = 0; i < 15; i++)
        input[i] = (uint8_t)i;
    tip_hash_seed(key);
    assert_true(tip_hash(input, sizeof(input)) == 0xa129ca6149be45e5u); /* the paper's test vector */
    tip_hash_seed(zero);
    assert_true(tip_hash(input, sizeof(input)) != 0xa129ca6149be45e5u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_by_text),
        cmocka_unit_test(test_hash_by_member),
        cmocka_unit_test(test_hash_depends_on_its_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
