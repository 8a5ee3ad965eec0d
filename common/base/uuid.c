#include <tip/uuid.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define UUID_MS_MAX ((INT64_C(1) << 48) - 1)

static void uuid_set_ms(struct tip_uuid *uuid, int64_t unix_ms)
{
    if (unix_ms < 0)
        unix_ms = 0;
    if (unix_ms > UUID_MS_MAX)
        unix_ms = UUID_MS_MAX;
    for (int i = 0; i < 6; i++)
        uuid->bytes[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
}

struct tip_uuid tip_uuid_make(int64_t unix_ms, const uint8_t random[static 10])
{
    struct tip_uuid uuid;

    uuid_set_ms(&uuid, unix_ms);
    memcpy(uuid.bytes + 6, random, 10);
    uuid.bytes[6] = 0x70 | (uuid.bytes[6] & 0x0f);
    uuid.bytes[8] = 0x80 | (uuid.bytes[8] & 0x3f);
    return uuid;
}

/* Adds one to the bits of a byte that are not fixed; true when it wrapped. */
static bool uuid_byte_increment(uint8_t *byte, uint8_t free_bits)
{
    uint8_t value = (uint8_t)((*byte & free_bits) + 1) & free_bits;

    *byte = (uint8_t)((*byte & ~free_bits) | value);
    return !value;
}

static void uuid_increment(struct tip_uuid *uuid)
{
    for (int i = 15; i >= 6; i--) {
        if (!uuid_byte_increment(&uuid->bytes[i], i == 6 ? 0x0f : i == 8 ? 0x3f : 0xff))
            return;
    }
    uuid_set_ms(uuid, tip_uuid_unix_ms(uuid) + 1);
}

struct tip_uuid tip_uuid_gen_next(struct tip_uuid_gen *gen, int64_t unix_ms, const uint8_t random[static 10])
{
    if (unix_ms > tip_uuid_unix_ms(&gen->last))
        gen->last = tip_uuid_make(unix_ms, random);
    else if (!gen->last.bytes[6])
        gen->last = tip_uuid_make(0, random);
    else
        uuid_increment(&gen->last);
    return gen->last;
}

int64_t tip_uuid_unix_ms(const struct tip_uuid *uuid)
{
    int64_t unix_ms = 0;

    for (int i = 0; i < 6; i++)
        unix_ms = unix_ms << 8 | uuid->bytes[i];
    return unix_ms;
}

int tip_uuid_compare(const struct tip_uuid *a, const struct tip_uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static bool uuid_dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void tip_uuid_format(const struct tip_uuid *uuid, char text[static TIP_UUID_TEXT])
{
    for (size_t i = 0; i < sizeof(uuid->bytes); i++)
        text += sprintf(text, uuid_dash_before(i) ? "-%02x" : "%02x", uuid->bytes[i]);
}

static int uuid_hex(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)((at - digits) % 16) : -1;
}

int tip_uuid_parse(struct tip_uuid *uuid, const char *text, size_t len)
{
    struct tip_uuid found;

    if (len != TIP_UUID_TEXT - 1)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(found.bytes); i++, text += 2) {
        int high, low;

        if (uuid_dash_before(i) && *text++ != '-')
            return -EINVAL;
        high = uuid_hex(text[0]);
        low = uuid_hex(text[1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        found.bytes[i] = (uint8_t)(high * 16 + low);
    }
    *uuid = found;
    return 0;
}
