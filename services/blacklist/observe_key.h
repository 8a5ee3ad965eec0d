#pragma once
/*
 * An observation as the bytes that make it this one and no other: all of it but the second and the depth.
 */
#include "core/evidence.h"
#include "observed.h"

/*
 * A key begins with this; then come the names of what led to it, a NUL, the value, and a NUL. The newest of a day
 * stands for that day: an older day is kept beside it, for it may be the one that confirms a list.
 */
struct observe_head {
    uint64_t distinct;
    uint8_t format, kind, what, tlp;
    uint32_t because_len;
    uint32_t day, also; /* day: of UTC; no padding */
};

enum { OBSERVE_KEY_MAX = sizeof(struct observe_head) + OBSERVED_BECAUSE + TIP_INDICATOR_MAX + 2 };

size_t observe_key_len(const struct bl_observation *observation);

/** @param key  room for as many bytes as observe_key_len says */
void observe_key_write(const struct bl_observation *observation, unsigned char *key);

/** Texts point into the key. False when this build cannot count with it. */
tip_nodiscard bool observe_key_read(const unsigned char *key, size_t len, struct bl_observation *observation);

/** Is it of a format that no build reads any more? What a newer build wrote is none of these. */
bool observe_key_is_old(const unsigned char *key, size_t len);

/** One that was read, perhaps of a build before, as this build would write it: keys are compared. */
void observe_key_renew(unsigned char *key);
