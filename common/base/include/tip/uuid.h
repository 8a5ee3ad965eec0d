#pragma once
/*
 * UUID version 7 (RFC 9562 section 5.7): ids that sort by time. Time and randomness are arguments.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#define TIP_UUID_TEXT 37 /* 36 and NUL */

struct tip_uuid {
    uint8_t bytes[16];
};

/** An id from wall time (0 to 2^48 - 1 ms, else clamped) and ten random bytes. */
struct tip_uuid tip_uuid_make(int64_t unix_ms, const uint8_t random[static 10]);

/** Ids of one process that never go back, whatever the clock does. Zero it to start. */
struct tip_uuid_gen {
    struct tip_uuid last;
};

/** The next id: as tip_uuid_make when time has moved on, else the last id plus one. */
struct tip_uuid tip_uuid_gen_next(struct tip_uuid_gen *gen, int64_t unix_ms, const uint8_t random[static 10]);

/** The wall time inside. */
int64_t tip_uuid_unix_ms(const struct tip_uuid *uuid);

/** As memcmp; by time for version 7. */
int tip_uuid_compare(const struct tip_uuid *a, const struct tip_uuid *b);

/** `018f…-…` in lower case, both ways. Parsing takes exactly 36 characters of any case and version: 0 or -EINVAL. */
void tip_uuid_format(const struct tip_uuid *uuid, char text[static TIP_UUID_TEXT]);
tip_nodiscard int tip_uuid_parse(struct tip_uuid *uuid, const char *text, size_t len);
