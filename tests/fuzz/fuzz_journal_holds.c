/*
 * The file of durable consumers. The first byte says whether it is taken as it is, or behind a header of ours with the
 * right checksum; what is read can be written, and read again.
 */
#include "fuzz.h"

#include <tip/crc32c.h>

#include "journal_holds.h"
#include "le.h"

enum { HEADER_BYTES = 32, COUNT_AT = 24, CRC_AT = 28 }; /* as in journal_holds.c */

static const struct journal_identity fuzz_identity = {{1}, {2}};

static void fuzz_decode(const uint8_t *bytes, size_t n)
{
    struct journal_holds holds, again;
    struct tip_buf out;

    journal_holds_init(&holds);
    journal_holds_init(&again);
    tip_buf_init(&out, 1 << 20);
    if (!journal_holds_decode(&holds, bytes, n, &fuzz_identity)) {
        assert(holds.n <= JOURNAL_HOLDS_MAX);
        assert(journal_holds_encode(&holds, &out, &fuzz_identity) == 0);
        assert(journal_holds_decode(&again, out.data, out.len, &fuzz_identity) == 0 && again.n == holds.n);
    }
    tip_buf_deinit(&out);
    journal_holds_deinit(&again);
    journal_holds_deinit(&holds);
}

static void fuzz_make_right(const uint8_t *data, size_t size)
{
    struct journal_holds none;
    struct tip_buf file;

    journal_holds_init(&none);
    tip_buf_init(&file, 1 << 20);
    assert(journal_holds_encode(&none, &file, &fuzz_identity) == 0 && file.len == HEADER_BYTES);
    assert(tip_buf_append(&file, data + 1, size - 1) == 0);
    le32_put(file.data + COUNT_AT, data[0]);
    le32_put(file.data + CRC_AT, 0);
    le32_put(file.data + CRC_AT, tip_crc32c(0, file.data, file.len));
    fuzz_decode(file.data, file.len);
    tip_buf_deinit(&file);
    journal_holds_deinit(&none);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1 && size > 1)
        fuzz_make_right(data + 1, size - 1);
    else
        fuzz_decode(data + 1, size - 1);
    return 0;
}
