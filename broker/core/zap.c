#include "core/zap.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

enum { AT_VERSION, AT_ID, AT_DOMAIN, AT_ADDRESS, AT_ROUTING_ID, AT_MECHANISM, AT_KEY };

static const char *const zap_verdict_names[ZAP_VERDICT_COUNT] = {
    [ZAP_WELCOME] = "welcome", [ZAP_MALFORMED] = "malformed", [ZAP_DOMAIN] = "domain", [ZAP_MECHANISM] = "mechanism",
    [ZAP_KEY] = "key",         [ZAP_DOOR] = "door",
};

const char *zap_verdict_name(enum zap_verdict verdict)
{
    return zap_verdict_names[verdict];
}

static int zap_pass_compare(const void *a, const void *b)
{
    const struct zap_pass *left = a, *right = b;

    return memcmp(left->public_key, right->public_key, ACCESS_KEY_BYTES);
}

void zap_passes_init(struct zap_passes *passes, const struct access_table *table)
{
    *passes = (struct zap_passes){.items = tip_new_array(table->n + 1, struct zap_pass), .n = table->n};
    for (size_t i = 0; i < table->n; i++) {
        const struct access_key *key = table->items[i];
        struct zap_pass *pass = &passes->items[i];

        memcpy(pass->public_key, key->public_key, sizeof(pass->public_key));
        memcpy(pass->user, key->user, sizeof(pass->user));
        pass->doors = key->doors;
    }
    qsort(passes->items, passes->n, sizeof(*passes->items), zap_pass_compare);
}

void zap_passes_deinit(struct zap_passes *passes)
{
    free(passes->items);
    *passes = (struct zap_passes){0};
}

static bool zap_frame_is(const struct zap_frame *frame, const char *text)
{
    return frame->len == strlen(text) && memcmp(frame->data, text, frame->len) == 0;
}

static enum access_door zap_door(const struct zap_frame *domain)
{
    int door = 0;

    while (door < ACCESS_DOOR_COUNT && !zap_frame_is(domain, access_door_name((enum access_door)door)))
        door++;
    return (enum access_door)door;
}

static const struct zap_pass *zap_find(const struct zap_passes *passes, const void *public_key)
{
    struct zap_pass wanted;

    memcpy(wanted.public_key, public_key, sizeof(wanted.public_key));
    return bsearch(&wanted, passes->items, passes->n, sizeof(*passes->items), zap_pass_compare);
}

static enum zap_verdict zap_verdict(const struct zap_passes *passes, const struct zap_frame *frames,
                                    struct zap_answer *answer)
{
    answer->door = zap_door(&frames[AT_DOMAIN]);
    if (answer->door == ACCESS_DOOR_COUNT)
        return ZAP_DOMAIN;
    if (!zap_frame_is(&frames[AT_MECHANISM], "CURVE"))
        return ZAP_MECHANISM;
    if (frames[AT_KEY].len != ACCESS_KEY_BYTES)
        return ZAP_MALFORMED;
    answer->pass = zap_find(passes, frames[AT_KEY].data);
    if (!answer->pass)
        return ZAP_KEY;
    return answer->pass->doors >> answer->door & 1 ? ZAP_WELCOME : ZAP_DOOR;
}

void zap_judge(const struct zap_passes *passes, const struct zap_frame *frames, size_t n_frames,
               struct zap_answer *answer)
{
    *answer = (struct zap_answer){.verdict = ZAP_MALFORMED, .door = ACCESS_DOOR_COUNT};
    if (n_frames != ZAP_FRAMES || !zap_frame_is(&frames[AT_VERSION], "1.0") || frames[AT_ID].len > ZAP_ID_BYTES_MAX)
        return;
    answer->verdict = zap_verdict(passes, frames, answer);
}
