#pragma once
/*
 * UTF-8 from strangers (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * One character.
 *
 * @param pointp  set to its code point; untouched when ill-formed
 * @return bytes of the character at the start of text, 1 to 4, or 0 when it is ill-formed, cut off, or len is 0
 */
size_t tip_utf8_next(const char *text, size_t len, uint32_t *pointp);

/** Is it well-formed and without NUL? */
bool tip_utf8_valid(const char *text, size_t len);

/**
 * Copies text into a buffer of `room` (>= 1) bytes, NUL terminated, cut between characters when it does not fit; NUL
 * and each ill-formed byte become U+FFFD.
 *
 * @return bytes written, without the NUL
 */
size_t tip_utf8_copy(char *to, size_t room, const char *text, size_t len);
