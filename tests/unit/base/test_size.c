#include "check.h"

#include <errno.h>

#include <tip/size.h>

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        int code;
        uint64_t bytes;
        const char *canonical;
    } rows[] = {
        {"0", 0, 0, "0"},
        {"1", 0, 1, "1"},
        {"4097", 0, 4097, "4097"},
        {"4096B", 0, 4096, "4KiB"},
        {"64MiB", 0, 67108864, "64MiB"},
        {"8 GiB", 0, UINT64_C(8589934592), "8GiB"},
        {"1024MiB", 0, UINT64_C(1073741824), "1GiB"},
        {"100KB", 0, 100000, "100KB"},
        {"2TB", 0, UINT64_C(2000000000000), "1953125000KiB"},
        {"3TiB", 0, UINT64_C(3298534883328), "3TiB"},
        {"18446744073709551615", 0, UINT64_MAX, "18446744073709551615"},
        {"18446744073709551616", -ERANGE, 0, NULL},
        {"16777216TiB", -ERANGE, 0, NULL},
        {"", -EINVAL, 0, NULL},
        {"MiB", -EINVAL, 0, NULL},
        {"-1", -EINVAL, 0, NULL},
        {"1 ", -EINVAL, 0, NULL},
        {" 1", -EINVAL, 0, NULL},
        {"1  MiB", -EINVAL, 0, NULL},
        {"1mib", -EINVAL, 0, NULL},
        {"1M", -EINVAL, 0, NULL},
        {"1.5GiB", -EINVAL, 0, NULL},
        {"1GiBx", -EINVAL, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[TIP_SIZE_TEXT];
        size_t n;
        uint64_t bytes = 0;
        int r = tip_size_parse(&bytes, rows[i].text, strlen(rows[i].text));

        if (r != rows[i].code || (!r && bytes != rows[i].bytes))
            fail_msg("%s: %d %llu", rows[i].text, r, (unsigned long long)bytes);
        if (r)
            continue;
        n = tip_size_format(bytes, text);
        assert_int_equal(n, strlen(text));
        assert_string_equal(text, rows[i].canonical);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
