#include "check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "observe_key.h"

static const struct bl_observation seen[] = {
    {TIP_KIND_IP, 0, "192.0.2.7", 9, BL_EVIDENCE_TRAP, 86400 * 3 + 5, 77, 0, 0, "drop spam.v4", TIP_TLP_AMBER, false},
    {TIP_KIND_DOMAIN, 0, "a.test", 6, BL_EVIDENCE_SMTP, 86400 * 3, 1, 2, 0, NULL, TIP_TLP_CLEAR, false},
    {TIP_KIND_DOMAIN, 0, "flux.test", 9, BL_EVIDENCE_FLUX, 9, 5, 6, 0, NULL, TIP_TLP_GREEN, false},
};

static unsigned char *key_of(const struct bl_observation *observation, size_t *lenp)
{
    unsigned char *key;

    *lenp = observe_key_len(observation);
    key = tip_alloc(*lenp, 1);
    observe_key_write(observation, key);
    return key;
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        struct bl_observation back;
        size_t len;
        unsigned char *key = key_of(&seen[i], &len);

        assert_true(observe_key_read(key, len, &back));
        assert_string_equal(back.value, seen[i].value);
        assert_int_equal(back.len, seen[i].len);
        assert_int_equal(back.kind, seen[i].kind);
        assert_int_equal(back.what, seen[i].what);
        assert_int_equal(back.distinct, seen[i].distinct);
        assert_int_equal(back.also, seen[i].also);
        assert_int_equal(back.tlp, seen[i].tlp);
        assert_int_equal(back.because_of != NULL, seen[i].because_of != NULL);
        assert_false(observe_key_read(key, len - 1, &back));
        free(key);
    }
}

/* The format before: as it was, but for flux, whose networks were counted as what names are now. */
static void test_of_the_build_before(void **state)
{
    static const bool is_known[] = {true, true, false};

    (void)state;
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        struct bl_observation back;
        size_t len;
        unsigned char *now = key_of(&seen[i], &len), *then = tip_memdup(now, len);

        then[offsetof(struct observe_head, format)]--;
        assert_int_equal(observe_key_read(then, len, &back), is_known[i]);
        assert_int_equal(observe_key_is_old(then, len), !is_known[i]);
        assert_false(observe_key_is_old(now, len));
        observe_key_renew(then);
        assert_memory_equal(then, now, len);
        then[offsetof(struct observe_head, format)] -= 2;
        assert_false(observe_key_read(then, len, &back));
        assert_true(observe_key_is_old(then, len));
        then[offsetof(struct observe_head, format)] += 4; /* of a build to come, and back here */
        assert_false(observe_key_read(then, len, &back) || observe_key_is_old(then, len));
        free(then);
        free(now);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_of_the_build_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
