#include <tip/size.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Largest first, and powers of 1024 before those of 1000: the order in which formatting tries them. */
static const struct {
    const char *name;
    uint64_t bytes;
} size_units[] = {
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"TB", UINT64_C(1000000000000)},
    {"GB", UINT64_C(1000000000)},
    {"MB", UINT64_C(1000000)},
    {"KB", UINT64_C(1000)},
    {"B", 1},
    {"", 1},
};
#define SIZE_UNIT_COUNT (sizeof(size_units) / sizeof(*size_units))

int tip_size_parse(uint64_t *bytesp, const char *text, size_t len)
{
    uint64_t value = 0;
    size_t at = 0;

    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[at] - '0'), &value))
            return -ERANGE;
    }
    if (!at)
        return -EINVAL;
    if (at + 1 < len && text[at] == ' ')
        at++;
    for (size_t i = 0; i < SIZE_UNIT_COUNT; i++) {
        if (strlen(size_units[i].name) == len - at && !memcmp(size_units[i].name, text + at, len - at))
            return __builtin_mul_overflow(value, size_units[i].bytes, bytesp) ? -ERANGE : 0;
    }
    return -EINVAL;
}

size_t tip_size_format(uint64_t bytes, char text[static TIP_SIZE_TEXT])
{
    size_t i = 0;

    while (bytes < size_units[i].bytes || bytes % size_units[i].bytes) {
        if (++i == SIZE_UNIT_COUNT - 1)
            break;
    }
    if (size_units[i].bytes == 1)
        i = SIZE_UNIT_COUNT - 1;
    return (size_t)snprintf(text, TIP_SIZE_TEXT, "%llu%s", (unsigned long long)(bytes / size_units[i].bytes),
                            size_units[i].name);
}
