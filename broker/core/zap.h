#pragma once
/*
 * One question of libzmq, "may this key come in here" (ZeroMQ RFC 27), and the answer. Pure; it reads a snapshot of the
 * keys, so that it may run on a thread of its own.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"

enum { ZAP_ID_BYTES_MAX = 255, ZAP_FRAMES = 7 };

/** What the snapshot holds of a key. */
struct zap_pass {
    uint8_t public_key[ACCESS_KEY_BYTES];
    char user[ACCESS_USER_BYTES];
    unsigned doors; /* bit 1 << door of each that it opens */
};

struct zap_passes {
    struct zap_pass *items; /* in order of public key */
    size_t n;
};

/** A copy of what matters here; to be freed with zap_passes_deinit. */
void zap_passes_init(struct zap_passes *passes, const struct access_table *table);
void zap_passes_deinit(struct zap_passes *passes);

enum zap_verdict {
    ZAP_WELCOME,
    ZAP_MALFORMED, /* not a request of RFC 27, version 1.0 */
    ZAP_DOMAIN,    /* for a socket that is none of ours */
    ZAP_MECHANISM, /* not CURVE */
    ZAP_KEY,       /* a key that is not in the map */
    ZAP_DOOR,      /* one that does not open this door */
    ZAP_VERDICT_COUNT
};

const char *zap_verdict_name(enum zap_verdict verdict);

struct zap_frame {
    const void *data;
    size_t len;
};

struct zap_answer {
    enum zap_verdict verdict;
    enum access_door door;       /* ACCESS_DOOR_COUNT when it is not known */
    const struct zap_pass *pass; /* whose key it is; NULL when it is nobody's */
};

/** @param frames  version, request id, domain, address, routing id, mechanism, key */
void zap_judge(const struct zap_passes *passes, const struct zap_frame *frames, size_t n_frames,
               struct zap_answer *answer);
