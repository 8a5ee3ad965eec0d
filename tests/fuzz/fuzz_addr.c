/* Whatever parses, its canonical text parses to the same; IPv4 agrees with inet_pton; ranges join without a gap. */
#include "fuzz.h"

#include <arpa/inet.h>

#include <tip/addr.h>

static void fuzz_address(const char *text, size_t len)
{
    char canonical[TIP_ADDR_TEXT], copy[64];
    struct tip_addr addr, again;
    uint8_t libc[16];
    int r = tip_addr_parse(&addr, text, len);

    if (len < sizeof(copy) && !memchr(text, '\0', len)) {
        memcpy(copy, text, len);
        copy[len] = '\0';
        assert(!r == (inet_pton(strchr(copy, ':') ? AF_INET6 : AF_INET, copy, libc) == 1));
    }
    if (r)
        return;
    assert(tip_addr_format(&addr, canonical) < TIP_ADDR_TEXT);
    assert(!tip_addr_parse(&again, canonical, strlen(canonical)));
    assert(!tip_addr_compare(&addr, &again));
    assert(tip_addr_special(&addr) < TIP_SPECIAL_COUNT);
}

static void fuzz_prefix(const char *text, size_t len)
{
    char canonical[TIP_PREFIX_TEXT];
    struct tip_prefix prefix, again;
    struct tip_addr last;
    bool masked;

    if (tip_prefix_parse(&prefix, &masked, text, len))
        return;
    assert(tip_prefix_format(&prefix, canonical) < TIP_PREFIX_TEXT);
    assert(!tip_prefix_parse(&again, &masked, canonical, strlen(canonical)));
    assert(!masked && !tip_prefix_compare(&prefix, &again));
    last = tip_prefix_last(&prefix);
    assert(tip_prefix_contains(&prefix, &last));
    assert(tip_prefix_special(&prefix) < TIP_SPECIAL_COUNT);
}

static void fuzz_endpoint(const char *text, size_t len)
{
    char canonical[TIP_ENDPOINT_TEXT];
    struct tip_endpoint endpoint, again;

    if (tip_endpoint_parse(&endpoint, text, len))
        return;
    assert(tip_endpoint_format(&endpoint, canonical) < TIP_ENDPOINT_TEXT);
    assert(!tip_endpoint_parse(&again, canonical, strlen(canonical)));
    assert(!tip_endpoint_compare(&endpoint, &again));
}

/* `low-high`: at most 2 * 128 prefixes, the first starts at low, the last ends at high. */
static void fuzz_range(const char *text, size_t len)
{
    const char *dash = len ? memchr(text, '-', len) : NULL;
    struct tip_addr low, high, last;
    struct tip_range range;
    struct tip_prefix prefix;
    int n = 0;

    if (!dash || tip_addr_parse(&low, text, (size_t)(dash - text)) ||
        tip_addr_parse(&high, dash + 1, (size_t)(text + len - dash - 1)) || tip_range_init(&range, &low, &high))
        return;
    while (tip_range_next(&range, &prefix)) {
        last = tip_prefix_last(&prefix);
        assert(++n <= 256);
    }
    assert(n && (last.family != high.family || !tip_addr_compare(&last, &high)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;

    fuzz_address(text, size);
    fuzz_prefix(text, size);
    fuzz_endpoint(text, size);
    fuzz_range(text, size);
    return 0;
}
