#include "check.h"

#include <tip/domain.h>

#include "core/question.h"

static const uint8_t key[16] = "0123456789abcdef";

static void read_question(struct store_question *question, const char *text)
{
    assert_int_equal(store_question_read(question, key, TIP_KIND_NONE, text, strlen(text)), 0);
}

static void test_question_about_a_name(void **state)
{
    struct store_question question;

    (void)state;
    read_question(&question, "Mail.Shop.Example.test.");
    assert_string_equal(question.indicator.value, "mail.shop.example.test");
    assert_int_equal(question.ikey, tip_ikey(key, TIP_KIND_DOMAIN, "mail.shop.example.test", 22));
    assert_int_equal(question.n_names, 2);
    assert_string_equal(question.names[0], "shop.example.test");
    assert_string_equal(question.names[1], "example.test");
    assert_int_equal(question.name_ikeys[1], tip_ikey(key, TIP_KIND_DOMAIN, "example.test", 12));
    assert_string_equal(question.below, "tset.elpmaxe.pohs.liam.");
    assert_int_equal(question.net.addr.family, 0);
}

static void test_question_about_a_url(void **state)
{
    struct store_question question;

    (void)state;
    read_question(&question, "http://shop.example.test/a?b");
    assert_int_equal(question.indicator.kind, TIP_KIND_URL);
    assert_int_equal(question.n_names, 2);
    assert_string_equal(question.host, "shop.example.test");
    assert_string_equal(question.names[0], "shop.example.test");
    assert_string_equal(question.names[1], "example.test");
    assert_string_equal(question.below, "");
    read_question(&question, "http://192.0.2.7:8080/");
    assert_int_equal(question.n_names, 0);
    assert_int_equal(question.net.addr.family, 4);
    assert_int_equal(question.net.len, 32);
}

static void test_question_about_an_address(void **state)
{
    struct store_question question;

    (void)state;
    read_question(&question, "192.0.2.7");
    assert_int_equal(question.net.len, 32);
    assert_string_equal(question.host, "");
    read_question(&question, "2001:db8::/32");
    assert_int_equal(question.indicator.kind, TIP_KIND_NET);
    assert_int_equal(question.net.addr.family, 6);
    assert_int_equal(question.net.len, 32);
    read_question(&question, "[2001:db8::1]:443");
    assert_int_equal(question.indicator.kind, TIP_KIND_ENDPOINT);
    assert_int_equal(question.net.len, 128);
}

static void test_question_refuses_what_is_none(void **state)
{
    struct store_question question;

    (void)state;
    assert_int_not_equal(store_question_read(&question, key, TIP_KIND_NONE, "", 0), 0);
    assert_int_not_equal(store_question_read(&question, key, TIP_KIND_IP, "example.test", 12), 0);
    assert_int_not_equal(store_question_read(&question, key, TIP_KIND_NONE, "192.0.2.300", 11), 0);
}

static void test_question_longest_name(void **state)
{
    struct store_question question;
    char text[TIP_DOMAIN_MAX + 1];

    (void)state;
    for (size_t i = 0; i < TIP_DOMAIN_MAX; i++)
        text[i] = i % 2 ? '.' : 'a';
    text[TIP_DOMAIN_MAX] = '\0';
    read_question(&question, text);
    assert_int_equal(question.n_names, 125);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_question_about_a_name),     cmocka_unit_test(test_question_about_a_url),
        cmocka_unit_test(test_question_about_an_address), cmocka_unit_test(test_question_refuses_what_is_none),
        cmocka_unit_test(test_question_longest_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
