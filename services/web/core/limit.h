#pragma once
/*
 * How often secrets may be wrong: by address and in all, as buckets that fill again with time. A full table forgets
 * the address that has been quiet for longest. Addresses of IPv6 count by their /64.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/addr.h>

enum { WEB_LIMIT_ADDRESSES = 4096, WEB_LIMIT_EACH = 10, WEB_LIMIT_ALL = 200, WEB_LIMIT_REFILL_MS = 6000 };

struct web_limit;

struct web_limit *web_limit_new(void);
void web_limit_destroy(struct web_limit **limitp);

/**
 * How long an address must wait before it may try again: 0 when it may now.
 *
 * An address has WEB_LIMIT_EACH failures, one more each WEB_LIMIT_REFILL_MS; all together WEB_LIMIT_ALL, refilled as
 * many times faster.
 */
int64_t web_limit_wait_ms(struct web_limit *limit, const struct tip_addr *addr, int64_t now_ms);

/** It was wrong. */
void web_limit_fail(struct web_limit *limit, const struct tip_addr *addr, int64_t now_ms);

/** Addresses it remembers. */
size_t web_limit_count(const struct web_limit *limit);
