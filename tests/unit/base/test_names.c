#include "check.h"
#include "random.h"

#include <errno.h>

#include <tip/domain.h>
#include <tip/names.h>

static void names_put(struct tip_names *names, const char *name, unsigned scope)
{
    assert_int_equal(tip_names_add(names, name, strlen(name), scope), 0);
}

static void test_names_cover(void **state)
{
    static const struct {
        const char *name, *by;
    } rows[] = {
        {"example.org", "example.org"},
        {"a.example.org", NULL},
        {"org", NULL},
        {"example.net", NULL}, /* below only */
        {"a.example.net", "example.net"},
        {"a.b.example.net", "b.example.net"}, /* the nearest */
        {"b.example.net", "example.net"},
        {"notexample.net", NULL},
        {"both.test", "both.test"},
        {"x.y.z.both.test", "both.test"},
        {"tld", NULL},
        {"anything.tld", "tld"},
        {"a.b.c.d.tld", "tld"},
        {"", NULL},
    };
    tip_auto(tip_names_deinit) struct tip_names names;

    (void)state;
    tip_names_init(&names, 100, 10000);
    assert_null(tip_names_cover(&names, "example.org", 11));
    names_put(&names, "example.org", TIP_NAMES_SELF);
    names_put(&names, "example.net", TIP_NAMES_BELOW);
    names_put(&names, "b.example.net", TIP_NAMES_BELOW);
    names_put(&names, "both.test", TIP_NAMES_SELF);
    names_put(&names, "both.test", TIP_NAMES_BELOW);
    names_put(&names, "tld", TIP_NAMES_BELOW);
    assert_int_equal(tip_names_count(&names), 5);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct tip_name *found = tip_names_cover(&names, rows[i].name, strlen(rows[i].name));

        if (!found != !rows[i].by)
            fail_msg("%s: %s", rows[i].name, found ? "listed" : "not listed");
        if (found)
            assert_memory_equal(tip_names_text(&names, found), rows[i].by, found->len);
        if (found)
            assert_int_equal(found->len, strlen(rows[i].by));
    }
}

static void test_names_caps(void **state)
{
    tip_auto(tip_names_deinit) struct tip_names names;
    char longest[TIP_DOMAIN_MAX + 1];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    tip_names_init(&names, 3, 300);
    assert_int_equal(tip_names_add(&names, "", 0, TIP_NAMES_SELF), TIP_NAMES_E_LENGTH);
    assert_int_equal(tip_names_add(&names, longest, TIP_DOMAIN_MAX + 1, TIP_NAMES_SELF), TIP_NAMES_E_LENGTH);
    assert_int_equal(tip_names_add(&names, longest, TIP_DOMAIN_MAX, TIP_NAMES_SELF), 0);
    assert_int_equal(tip_names_add(&names, longest, 100, TIP_NAMES_SELF), -ENOBUFS); /* bytes */
    names_put(&names, "a.test", TIP_NAMES_SELF);
    names_put(&names, "b.test", TIP_NAMES_SELF);
    assert_int_equal(tip_names_add(&names, "c.test", 6, TIP_NAMES_SELF), -ENOBUFS); /* names */
    names_put(&names, "b.test", TIP_NAMES_BELOW);
    assert_int_equal(tip_names_count(&names), 3);
    assert_null(tip_names_find(&names, "c.test", 6));
    assert_null(tip_names_find(&names, longest, TIP_DOMAIN_MAX + 1));
}

enum { MODEL_NAMES = 4000 };

/* Few labels, so that names meet and lie below each other. */
static void names_random(char name[64], uint64_t *random)
{
    size_t labels = 1 + test_random(random) % 5;
    size_t len = 0;

    for (size_t i = 0; i < labels; i++)
        len += (size_t)sprintf(name + len, "%s%c", i ? "." : "", 'a' + (char)(test_random(random) % 4));
}

/* As tip_names_cover, by looking at every entry. */
static const struct tip_name *names_naive(const struct tip_names *names, const char *name)
{
    const struct tip_name *best = NULL;

    for (size_t i = 0; i < tip_names_count(names); i++) {
        const struct tip_name *item = tip_names_at(names, i);
        char text[64];

        (void)snprintf(text, sizeof(text), "%.*s", item->len, tip_names_text(names, item));
        if (!(item->scope & (strcmp(text, name) ? TIP_NAMES_BELOW : TIP_NAMES_SELF)))
            continue;
        if (tip_domain_is_under(name, text) && (!best || item->len > best->len))
            best = item;
    }
    return best;
}

static void test_names_random(void **state)
{
    uint64_t random = test_seed();
    char name[64];

    (void)state;
    for (int round = 0; round < 20; round++) {
        tip_auto(tip_names_deinit) struct tip_names names;

        tip_names_init(&names, MODEL_NAMES, 64 * MODEL_NAMES);
        for (size_t i = 0; i < 200; i++) {
            names_random(name, &random);
            names_put(&names, name, 1 + (unsigned)(test_random(&random) % 3));
        }
        for (size_t i = 0; i < 500; i++) {
            names_random(name, &random);
            assert_ptr_equal(tip_names_cover(&names, name, strlen(name)), names_naive(&names, name));
        }
    }
}

static void test_names_common(void **state)
{
    tip_auto(tip_names_deinit) struct tip_names a;
    tip_auto(tip_names_deinit) struct tip_names b;
    char name[64];

    (void)state;
    tip_names_init(&a, 10000, 1 << 20);
    tip_names_init(&b, 10000, 1 << 20);
    assert_int_equal(tip_names_common(&a, &b), 0);
    for (int i = 0; i < 6000; i++) {
        (void)sprintf(name, "n%d.test", i);
        names_put(&a, name, TIP_NAMES_SELF);
        if (i % 3 == 0)
            names_put(&b, name, TIP_NAMES_BELOW);
    }
    assert_int_equal(tip_names_count(&a), 6000);
    assert_int_equal(tip_names_common(&a, &b), 2000);
    assert_int_equal(tip_names_common(&b, &a), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_cover),
        cmocka_unit_test(test_names_caps),
        cmocka_unit_test(test_names_random),
        cmocka_unit_test(test_names_common),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
