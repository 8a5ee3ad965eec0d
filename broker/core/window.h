#pragma once
/*
 * What a publisher has sent and nobody has acked, as the broker sees it: how much, and since when the oldest of it.
 * Also what the broker could not take (a full disk) counts: it was offered. Pure.
 */
#include <stdint.h>

enum { WINDOW_MARKS = 16 };

/** Everything up to pub_seq had been offered, `bytes` of it in all, and its first event came at at_ms or later. */
struct window_mark {
    uint64_t pub_seq, bytes;
    int64_t at_ms;
};

struct window {
    uint64_t acked, acked_bytes;
    unsigned n;
    struct window_mark marks[WINDOW_MARKS]; /* oldest first, those with something unacked */
};

/** A session begins: all up to `durable` is acked. */
void window_init(struct window *window, uint64_t durable);

/** Events `first` … `first + n - 1` came; what was offered before does not count again. */
void window_offer(struct window *window, uint64_t first, uint32_t n, uint64_t bytes, int64_t now_ms);

void window_ack(struct window *window, uint64_t durable);

struct window_use {
    uint64_t events;
    uint64_t bytes;   /* at most: the part of one DATA that is acked still counts */
    int64_t since_ms; /* when the oldest unacked event came; up to the merging of marks too early. 0: none */
};

struct window_use window_use(const struct window *window);
