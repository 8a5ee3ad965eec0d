#pragma once
/*
 * A growing byte buffer with a cap stated at creation. Reaching the cap is an ordinary error, never an abort: sizes
 * that came from outside live here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

struct tip_buf {
    uint8_t *data; /* NULL while empty; always followed by a NUL that does not count */
    size_t len;
    size_t room; /* allocated, without the NUL */
    size_t cap;  /* most bytes it may ever hold */
};

/** An empty buffer that will hold at most `cap` bytes. Nothing is allocated yet. */
void tip_buf_init(struct tip_buf *buf, size_t cap);

/** Frees what it holds; the buffer may be initialised again. Fits tip_auto. */
void tip_buf_deinit(struct tip_buf *buf);

/** Forgets the content, keeps the room. */
void tip_buf_clear(struct tip_buf *buf);

/**
 * Room for `n` more bytes at the end.
 *
 * @return 0, or -ENOBUFS when the cap would be passed; then nothing has changed.
 */
tip_nodiscard int tip_buf_reserve(struct tip_buf *buf, size_t n);

/** Appends; errors as tip_buf_reserve. */
tip_nodiscard int tip_buf_append(struct tip_buf *buf, const void *bytes, size_t n);
tip_nodiscard int tip_buf_append_text(struct tip_buf *buf, const char *text);
tip_nodiscard int tip_buf_append_format(struct tip_buf *buf, const char *format, ...) tip_printf(2, 3);
tip_nodiscard int tip_buf_append_format_va(struct tip_buf *buf, const char *format, va_list args) tip_printf(2, 0);

/** Gives back the room that is not used. */
void tip_buf_shrink(struct tip_buf *buf);

/** The content without the buffer, which is empty then: free() it. NULL when nothing was ever written. */
tip_nodiscard uint8_t *tip_buf_take(struct tip_buf *buf);

/** The content as a string; "" while empty. Valid until the next change. */
const char *tip_buf_text(const struct tip_buf *buf);

/** Drops the first n (<= len) bytes and moves the rest forward. */
void tip_buf_consume(struct tip_buf *buf, size_t n);
