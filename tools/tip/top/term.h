#pragma once
/*
 * A terminal that is ours for a while: its other screen, no cursor, keys as they are pressed. Whatever ends us gives it
 * back, and so does being stopped (Ctrl-Z); only kill -9 does not.
 */
#include <stdbool.h>
#include <termios.h>

#include <tip/loop.h>

enum term_key { TERM_NONE, TERM_QUIT, TERM_LEFT, TERM_RIGHT, TERM_UP, TERM_DOWN, TERM_DIGIT };

struct term {
    struct tip_loop *loop;
    bool is_ours;
    bool has_keys; /* standard input is a terminal too */
    struct termios before;
    struct tip_watch keys;
    struct tip_signal hangup, quit, stop, resize;
    /** A key, or (TERM_NONE) the size has changed; digit: 1 to 9. */
    void (*on_key)(void *ctx, enum term_key key, int digit);
    /** The end was asked for from outside, or the terminal is gone. */
    void (*on_end)(void *ctx);
    void *ctx;
};

/** Takes standard output's terminal. @param term  its callbacks and loop are set; it stays where it is */
void term_open(struct term *term);

/** Gives it back. Accepts one that was never opened. */
void term_close(struct term *term);

/** 80 x 24 when it does not say. */
void term_size(int *widthp, int *heightp);
