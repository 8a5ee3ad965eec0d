#pragma once
/*
 * Whoever reads what we print. A pipe and a socket tell that nobody does any more, also while nothing is printed; of a
 * file or a terminal there is nothing to tell.
 */
#include <tip/loop.h>

struct reader {
    struct tip_watch watch;
    tip_loop_fn *on_gone;
    void *ctx;
};

/**
 * Says once that the reader has gone; at once if it has already. On a socket whose other end talks to us only a write
 * tells from then on.
 *
 * @param fd  borrowed: standard output
 */
void reader_init(struct reader *reader, struct tip_loop *loop, int fd, tip_loop_fn *on_gone, void *ctx);

/** Accepts a zeroed one. */
void reader_deinit(struct reader *reader);
