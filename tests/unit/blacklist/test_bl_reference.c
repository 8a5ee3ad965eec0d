#include "check.h"

#include <tip/addr.h>

#include "core/flag.h"
#include "core/reference.h"

static void add(struct bl_reference *reference, enum bl_role role, const char *text)
{
    assert_int_equal(bl_reference_add(reference, role, text, strlen(text)), 0);
}

static struct bl_reference *make(void)
{
    struct bl_reference *reference = bl_reference_new();

    add(reference, BL_ROLE_INFRASTRUCTURE, "104.16.0.0/13");
    add(reference, BL_ROLE_INFRASTRUCTURE, "2606:4700::/32");
    add(reference, BL_ROLE_INFRASTRUCTURE, ".gmail.com");
    add(reference, BL_ROLE_RESOLVER, "8.8.8.8");
    add(reference, BL_ROLE_RESOLVER, "104.17.0.1");
    add(reference, BL_ROLE_TOP_SITE, ".google.com");
    add(reference, BL_ROLE_SCANNER, "162.142.125.0/24");
    assert_int_equal(bl_reference_finish(reference), 0);
    return reference;
}

static unsigned roles(const struct bl_reference *reference, enum tip_kind kind, const char *value)
{
    return bl_reference_roles(reference, kind, value, strlen(value), 0);
}

enum { INFRA = 1 << BL_ROLE_INFRASTRUCTURE, DNS = 1 << BL_ROLE_RESOLVER, TOP = 1 << BL_ROLE_TOP_SITE };

static void test_reference_hits(void **state)
{
    static const struct {
        enum tip_kind kind;
        const char *value;
        unsigned roles;
    } rows[] = {
        {TIP_KIND_IP, "104.17.0.1", INFRA | DNS},
        {TIP_KIND_IP, "104.24.0.0", 0},
        {TIP_KIND_IP, "2606:4700::1111", INFRA},
        {TIP_KIND_IP, "2606:4701::1111", 0},
        {TIP_KIND_NET, "8.8.8.0/24", DNS}, /* it would take the resolver with it */
        {TIP_KIND_NET, "8.8.9.0/24", 0},
        {TIP_KIND_NET, "104.0.0.0/8", INFRA | DNS},
        {TIP_KIND_ENDPOINT, "8.8.8.8:53", DNS},
        {TIP_KIND_ENDPOINT, "[2606:4700::1]:443", INFRA},
        {TIP_KIND_DOMAIN, "smtp.gmail.com", INFRA},
        {TIP_KIND_DOMAIN, "gmail.com", INFRA},
        {TIP_KIND_DOMAIN, "notgmail.com", 0},
        {TIP_KIND_DOMAIN, "google.com", TOP},
        {TIP_KIND_DOMAIN, "sites.google.com", 0}, /* the exact name only */
        {TIP_KIND_URL, "http://8.8.8.8/", 0},
        {TIP_KIND_IP, "162.142.125.7", 1 << BL_ROLE_SCANNER},
    };
    tip_auto(bl_reference_destroy) struct bl_reference *reference = make();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(roles(reference, rows[i].kind, rows[i].value), rows[i].roles);
    assert_int_equal(bl_reference_roles(reference, TIP_KIND_DOMAIN, "co.uk", 5, BL_FLAG_PUBLIC_SUFFIX),
                     1 << BL_ROLE_SUFFIX);
}

static void test_reference_walks_as_it_is_asked(void **state)
{
    static const uint32_t hosts[] = {0,          0x08080807, 0x08080808, 0x08080809, 0x680fffff, 0x68100000,
                                     0x68110001, 0x6817ffff, 0x68180000, 0xa28e7d00, 0xffffffff};
    tip_auto(bl_reference_destroy) struct bl_reference *reference = make();
    struct bl_reference_walk walk = {{0}};
    char text[TIP_ADDR_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        struct tip_addr addr = tip_addr_from4(hosts[i]);

        (void)tip_addr_format(&addr, text); /* its length */
        assert_int_equal(bl_reference_next4(reference, &walk, hosts[i], BL_FLAG_SPECIAL_USE),
                         roles(reference, TIP_KIND_IP, text) | 1 << BL_ROLE_SPECIAL);
    }
}

static void test_reference_refuses_what_it_cannot_read(void **state)
{
    tip_auto(bl_reference_destroy) struct bl_reference *reference = bl_reference_new();

    (void)state;
    assert_int_equal(bl_reference_add(reference, BL_ROLE_SINKHOLE, "not a name", 10), BL_REFERENCE_E_UNKNOWN);
    assert_int_equal(bl_reference_count(reference, BL_ROLE_SINKHOLE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_hits),
        cmocka_unit_test(test_reference_walks_as_it_is_asked),
        cmocka_unit_test(test_reference_refuses_what_it_cannot_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
