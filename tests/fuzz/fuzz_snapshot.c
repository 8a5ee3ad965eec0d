/*
 * What a reader makes of a snapshot: the first byte chooses meta file, events (the second one says where they are
 * split), or a page as an answer.
 */
#include "fuzz.h"

#include "../../common/runtime/snapshot_file.h"

struct fuzz_sum {
    uint64_t bytes, n;
};

static int fuzz_event(void *ctx, const uint8_t *event, size_t n)
{
    struct fuzz_sum *sum = ctx;

    assert(n <= TIP_EVENT_BYTES_MAX);
    sum->bytes += n ? (uint64_t)event[n - 1] + n : 0;
    sum->n++;
    return 0;
}

static int fuzz_cut(const uint8_t *data, size_t size, size_t split, struct fuzz_sum *sum)
{
    struct snapshot_cut cut;
    int r;

    snapshot_cut_init(&cut);
    r = snapshot_cut_feed(&cut, data, split, fuzz_event, sum);
    if (!r)
        r = snapshot_cut_feed(&cut, data + split, size - split, fuzz_event, sum);
    if (!r)
        r = snapshot_cut_end(&cut);
    snapshot_cut_deinit(&cut);
    return r;
}

/* Wherever pages cut it, the events are the same. */
static void fuzz_events(const uint8_t *data, size_t size)
{
    struct fuzz_sum whole = {0}, parts = {0};
    size_t split;

    if (size < 2)
        return;
    split = (size_t)data[0] * (size - 1) / 255;
    assert(fuzz_cut(data + 1, size - 1, 0, &whole) == fuzz_cut(data + 1, size - 1, split, &parts));
    assert(whole.bytes == parts.bytes && whole.n == parts.n);
}

static void fuzz_meta(const uint8_t *data, size_t size)
{
    uint8_t bytes[SNAPSHOT_META_BYTES];
    struct snapshot_meta meta;

    if (snapshot_meta_read(&meta, data, size))
        return;
    snapshot_meta_write(&meta, bytes);
    assert(memcmp(bytes, data, sizeof(bytes)) == 0);
}

static void fuzz_page(const uint8_t *data, size_t size)
{
    tip_auto(tip_call_free) struct tip_snapshot_page *page = NULL;
    struct snapshot_spool spool;

    if (tip_snapshot_page_decode(data, size, &page))
        return;
    assert(snapshot_spool_init(&spool, NULL, page) == 0);
    assert(snapshot_spool_add(&spool, page) == (page->page ? SNAPSHOT_E_DAMAGED : 0));
    (void)snapshot_spool_check(&spool);
    snapshot_spool_deinit(&spool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const bodies[])(const uint8_t *data, size_t size) = {fuzz_meta, fuzz_events, fuzz_page};

    if (size > 0)
        bodies[data[0] % 3](data + 1, size - 1);
    return 0;
}
