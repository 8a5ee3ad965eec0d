/*
 * A journal whose newest segment is anything: it opens, what it serves is in order, it can be appended to. The first
 * byte says whether checksums are made right, so that the code behind them is reached too.
 */
#include "fuzz.h"

#include <stdlib.h>

#include <tip/crc32c.h>

#include "journal_fixture.h"
#include "le.h"

static uint32_t fuzz_crc(uint32_t salt, const uint8_t *bytes, size_t n, size_t crc_at)
{
    return tip_crc32c(tip_crc32c(salt, bytes, crc_at), bytes + crc_at + 4, n - crc_at - 4);
}

static void fuzz_make_right(uint8_t *bytes, size_t size, uint32_t salt)
{
    size_t at, n;

    if (size < JOURNAL_HEADER_BYTES)
        return;
    at = le32_get(bytes + 8);
    if (at >= JOURNAL_HEADER_BYTES && at <= size)
        le32_put(bytes + 12, fuzz_crc(salt, bytes, at, 12));
    else
        at = JOURNAL_HEADER_BYTES;
    for (; at + JOURNAL_FRAME_BYTES <= size; at += n) {
        n = le32_get(bytes + at) > JOURNAL_PAYLOAD_MAX ? SIZE_MAX : journal_record_bytes(le32_get(bytes + at));
        if (n > size - at)
            return;
        le32_put(bytes + at + 4, fuzz_crc(salt, bytes + at, n, 4));
    }
}

/* The fixture's journal, with a segment of the input's. */
static void fuzz_plant(struct fixture *fix, const uint8_t *data, size_t size, bool right)
{
    struct journal_identity identity;
    struct journal_disk *disk = &fix->sim->disk;
    uint8_t *bytes = calloc(1, FIX_SEGMENT);
    int file;

    assert(fixture_open(fix) == 0);
    fixture_close(fix);
    memset(&identity, 0x5a, sizeof(identity));
    if (size > FIX_SEGMENT)
        size = FIX_SEGMENT;
    if (size)
        memcpy(bytes, data, size);
    if (right)
        fuzz_make_right(bytes, size, journal_salt(&identity, 1));
    file = disk->open(disk, "0000000000000001.seg", 1);
    assert(file >= 0 && disk->write(disk, file, bytes, FIX_SEGMENT, 0) == 0);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fixture fix;

    if (size == 0)
        return 0;
    fixture_init(&fix);
    fuzz_plant(&fix, data + 1, size - 1, data[0] & 1);
    if (fixture_open(&fix) == 0) {
        struct journal_status status;
        uint64_t n;
        int end;

        journal_status(fix.journal, &status);
        n = fixture_count(&fix, status.first_seq, NULL, &end);
        assert(n <= status.head_seq + 1 - status.first_seq);
        (void)fixture_put(&fix, 0, 100); /* may be full */
        (void)fixture_flush(&fix);
    }
    fixture_deinit(&fix);
    return 0;
}
