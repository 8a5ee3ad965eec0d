/* Times, durations, sizes and ids: what parses is written back to something that parses to the same. */
#include "fuzz.h"

#include <tip/clock.h>
#include <tip/size.h>
#include <tip/utf8.h>
#include <tip/uuid.h>

static void fuzz_time(const char *text, size_t len)
{
    char canonical[TIP_CLOCK_TEXT];
    int64_t unix_ms, again;

    if (tip_clock_parse(&unix_ms, text, len))
        return;
    assert(!tip_clock_parse(&again, canonical, tip_clock_format(unix_ms, canonical)) && again == unix_ms);
}

static void fuzz_duration(const char *text, size_t len)
{
    char canonical[TIP_DURATION_TEXT];
    uint64_t ms, again;

    if (tip_duration_parse(&ms, text, len))
        return;
    assert(!tip_duration_parse(&again, canonical, tip_duration_format(ms, canonical)) && again == ms);
}

static void fuzz_size(const char *text, size_t len)
{
    char canonical[TIP_SIZE_TEXT];
    uint64_t bytes, again;

    if (tip_size_parse(&bytes, text, len))
        return;
    assert(!tip_size_parse(&again, canonical, tip_size_format(bytes, canonical)) && again == bytes);
}

static void fuzz_uuid(const char *text, size_t len)
{
    char canonical[TIP_UUID_TEXT];
    struct tip_uuid uuid, again;

    if (tip_uuid_parse(&uuid, text, len))
        return;
    tip_uuid_format(&uuid, canonical);
    assert(!tip_uuid_parse(&again, canonical, strlen(canonical)) && !tip_uuid_compare(&uuid, &again));
}

static void fuzz_utf8(const char *text, size_t len)
{
    char copy[64];
    size_t n = tip_utf8_copy(copy, sizeof(copy), text, len);

    assert(n < sizeof(copy) && strlen(copy) == n && tip_utf8_valid(copy, n));
    if (len < sizeof(copy) && tip_utf8_valid(text, len))
        assert(n == len && !memcmp(copy, text, n));
}

/* Any number of milliseconds, also those outside the calendar, is written as a time that can be read. */
static void fuzz_any_time(const char *text, size_t len)
{
    char canonical[TIP_CLOCK_TEXT];
    int64_t unix_ms, again;

    if (len < sizeof(unix_ms))
        return;
    memcpy(&unix_ms, text, sizeof(unix_ms));
    assert(!tip_clock_parse(&again, canonical, tip_clock_format(unix_ms, canonical)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;

    fuzz_time(text, size);
    fuzz_duration(text, size);
    fuzz_size(text, size);
    fuzz_uuid(text, size);
    fuzz_utf8(text, size);
    fuzz_any_time(text, size);
    return 0;
}
