/* A ZAP request from anybody: any number of frames of any size. Nobody comes in but with the one key. */
#include <assert.h>
#include <string.h>

#include <fuzz.h>

#include "core/zap.h"

enum { FRAMES = ZAP_FRAMES + 2 };

static struct access_table table;
static struct zap_passes passes;

static void make_table(void)
{
    struct access_key *key = access_key_new();

    memcpy(key->name, "soc", 4);
    memset(key->public_key, 'k', sizeof(key->public_key));
    key->roles = 1U << ACCESS_CONSUMER;
    key->audience = ACCESS_GREEN;
    assert(access_table_add(&table, key) == 0);
    zap_passes_init(&passes, &table);
}

/* Each frame: a byte of length, then so many bytes. */
static size_t cut(const uint8_t *data, size_t size, struct zap_frame *frames)
{
    size_t n = 0, at = 0;

    while (n < FRAMES && at < size) {
        size_t len = data[at++];

        if (len > size - at)
            len = size - at;
        frames[n++] = (struct zap_frame){data + at, len};
        at += len;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zap_frame frames[FRAMES];
    struct zap_answer answer;
    size_t n;

    if (!passes.items)
        make_table();
    n = cut(data, size, frames);
    zap_judge(&passes, frames, n, &answer);
    assert(answer.verdict < ZAP_VERDICT_COUNT && answer.door <= ACCESS_DOOR_COUNT);
    assert(zap_verdict_name(answer.verdict));
    if (answer.verdict != ZAP_WELCOME)
        return 0;
    assert(n == ZAP_FRAMES && frames[6].len == ACCESS_KEY_BYTES);
    assert(memcmp(frames[6].data, table.items[0]->public_key, ACCESS_KEY_BYTES) == 0);
    assert(answer.door != ACCESS_INGEST && answer.door != ACCESS_FEED_AMBER && answer.door < ACCESS_DOOR_COUNT);
    return 0;
}
