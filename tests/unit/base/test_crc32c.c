#include "check.h"
#include "random.h"

#include <tip/crc32c.h>

static uint32_t crc32c_by_bits(uint32_t crc, const uint8_t *at, size_t n)
{
    crc = ~crc;
    while (n--) {
        crc ^= *at++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* RFC 3720 appendix B.4 */
static void test_crc32c_of_the_rfc(void **state)
{
    uint8_t bytes[32] = {0};

    (void)state;
    assert_int_equal(tip_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(tip_crc32c_portable(0, "123456789", 9), 0xe3069283);
    assert_int_equal(tip_crc32c(0, bytes, sizeof(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(tip_crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(tip_crc32c(0, bytes, sizeof(bytes)), 0x46dd794e);
    assert_int_equal(tip_crc32c(17, "", 0), 17);
}

static void test_crc32c_three_ways(void **state)
{
    uint64_t random = test_seed();
    uint8_t bytes[300];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)test_random(&random);
    for (int round = 0; round < 5000; round++) {
        size_t from = test_random(&random) % 16, n = test_random(&random) % (sizeof(bytes) - from);
        size_t cut = n ? test_random(&random) % n : 0;
        uint32_t seed = (uint32_t)test_random(&random);
        uint32_t expected = crc32c_by_bits(seed, bytes + from, n);

        assert_int_equal(tip_crc32c(seed, bytes + from, n), expected);
        assert_int_equal(tip_crc32c_portable(seed, bytes + from, n), expected);
        assert_int_equal(tip_crc32c(tip_crc32c(seed, bytes + from, cut), bytes + from + cut, n - cut), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c_of_the_rfc),
        cmocka_unit_test(test_crc32c_three_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
