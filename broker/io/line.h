#pragma once
/*
 * What the kernel knows of a connection, by the descriptor that libzmq has of it. Numbers are used again: a cookie,
 * unique for each socket the kernel ever made, tells whether it is still the same one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINE_ADDRESS_BYTES = 32 };

/** Positive codes of line_cut. */
enum {
    LINE_E_OTHER = 1, /* it has ended by itself */
    LINE_E_BUSY = 2   /* there is no number for one of our own */
};

/** 0 for what is no socket. */
uint64_t line_cookie(int fd);

/** What has arrived. @return false when it is no tcp connection, or the kernel does not say */
bool line_arrived(int fd, uint64_t *bytesp);

/** What was taken off it, at least: what arrives between two questions counts as waiting. */
bool line_taken(int fd, uint64_t *bytesp);

/**
 * What was put on it, at least: bytes that the other side has acknowledged, and those the kernel still holds.
 *
 * @param cookiep  0 for a connection that is asked about first: set then
 * @param ackedp   set to what the other side has acknowledged, where that is known
 * @return UINT64_MAX when it is gone, no tcp connection, or the kernel does not say
 */
uint64_t line_given(int fd, uint64_t *cookiep, uint64_t *ackedp);

/** Whether the kernel takes no more for it, so that what else it is sent waits with us. */
bool line_is_full(int fd);

/**
 * Ends it, and throws away what has arrived. libzmq may close the number and somebody open it again at any moment: one
 * of our own stays what it is meanwhile.
 *
 * @param address  set to its other end, for the log
 * @return 0, LINE_E_OTHER or LINE_E_BUSY
 */
int line_cut(int fd, uint64_t cookie, char address[LINE_ADDRESS_BYTES]);
