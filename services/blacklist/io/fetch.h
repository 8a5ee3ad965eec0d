#pragma once
/*
 * One transfer of a list into a file: conditional, capped, hashed. There is a file only once there is something to
 * keep: a body of up to BL_FETCH_HELD bytes is held in memory until it is known whether it is the one of last time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/http.h>

#include "options.h"

enum { BL_ETAG_MAX = 512, BL_HASH_BYTES = 32, BL_FETCH_HELD = 512 * 1024 };

/** What the server said of the body that became the current version. */
struct bl_validators {
    char etag[BL_ETAG_MAX + 1];
    char last_modified[BL_ETAG_MAX + 1];
    uint8_t hash[BL_HASH_BYTES]; /* SHA-256 of the body as it came */
    bool known;                  /* false: ask for the whole body */
};

/** How it ended; valid during the callback. */
struct bl_fetched {
    char reason[32];        /* "": a body came; "not_modified"; else why it failed: "http_503", "timeout", … */
    const char *detail;     /* a sentence */
    int64_t retry_after_ms; /* 0: not said */
    struct bl_validators validators;
    uint64_t n_bytes;
};

struct bl_fetch;

struct bl_fetch_order {
    const struct bl_spec *spec; /* copied as far as needed */
    const char *user_agent;
    const char *path; /* where the body goes */
    struct bl_validators validators;
    void (*on_end)(void *ctx, const struct bl_fetched *fetched); /* once, from the loop, unless destroyed */
    void *ctx;
};

/** @return 0 or -ENOMEM */
tip_nodiscard int bl_fetch_open(struct bl_fetch **fetchp, struct tip_http *http, const struct bl_fetch_order *order);

/** Cancels what runs, removes the file unless it was a success. Allowed in on_end. */
void bl_fetch_destroy(struct bl_fetch **fetchp);
