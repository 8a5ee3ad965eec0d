#pragma once
/*
 * Small fixed allocations: they abort on exhaustion, since supervised processes restart and there is no path worth
 * testing. A size that came from outside goes through <tip/buf.h>.
 */
#include <stddef.h>

/** A zeroed object of type `type`. Never NULL. */
#define tip_new(type) ((type *)tip_alloc(1, sizeof(type)))

/** `n` zeroed objects of type `type`; n is our own number, never one from the wire. Never NULL. */
#define tip_new_array(n, type) ((type *)tip_alloc((n), sizeof(type)))

void *tip_alloc(size_t n, size_t size);

/** realloc to n * size that aborts on overflow or exhaustion; new bytes are not zeroed. */
void *tip_realloc(void *pointer, size_t n, size_t size);

/** Copies of a string; NULL stays NULL. The caller frees. */
char *tip_strdup(const char *text);
char *tip_strndup(const char *text, size_t n);

/** A copy of n bytes; NULL for n == 0. The caller frees. */
void *tip_memdup(const void *bytes, size_t n);
