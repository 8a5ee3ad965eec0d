#include <tip/buf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_ROOM = 64 };

void tip_buf_init(struct tip_buf *buf, size_t cap)
{
    *buf = (struct tip_buf){.cap = cap};
}

void tip_buf_deinit(struct tip_buf *buf)
{
    free(buf->data);
    *buf = (struct tip_buf){.cap = buf->cap};
}

void tip_buf_clear(struct tip_buf *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = 0;
}

int tip_buf_reserve(struct tip_buf *buf, size_t n)
{
    size_t room;
    uint8_t *data;

    if (n > buf->cap - buf->len)
        return -ENOBUFS;
    if (buf->len + n <= buf->room && buf->data)
        return 0;

    room = buf->room ? buf->room : BUF_FIRST_ROOM;
    while (room < buf->len + n)
        room *= 2;
    if (room > buf->cap)
        room = buf->cap;
    data = realloc(buf->data, room + 1);
    if (!data)
        return -ENOBUFS;
    data[buf->len] = 0;
    buf->data = data;
    buf->room = room;
    return 0;
}

void tip_buf_shrink(struct tip_buf *buf)
{
    uint8_t *data;

    if (buf->len == buf->room || !buf->data)
        return;
    data = realloc(buf->data, buf->len + 1);
    if (!data)
        return; /* it only stays larger */
    buf->data = data;
    buf->room = buf->len;
}

uint8_t *tip_buf_take(struct tip_buf *buf)
{
    uint8_t *data = buf->data;

    *buf = (struct tip_buf){.cap = buf->cap};
    return data;
}

int tip_buf_append(struct tip_buf *buf, const void *bytes, size_t n)
{
    int r;

    r = tip_buf_reserve(buf, n);
    if (r)
        return r;
    if (n)
        memcpy(buf->data + buf->len, bytes, n);
    buf->len += n;
    buf->data[buf->len] = 0;
    return 0;
}

int tip_buf_append_text(struct tip_buf *buf, const char *text)
{
    return tip_buf_append(buf, text, strlen(text));
}

int tip_buf_append_format_va(struct tip_buf *buf, const char *format, va_list args)
{
    va_list again;
    int n;
    int r;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0)
        return -EINVAL;
    r = tip_buf_reserve(buf, (size_t)n);
    if (r)
        return r;
    (void)vsnprintf((char *)buf->data + buf->len, (size_t)n + 1, format, args); /* measured above */
    buf->len += (size_t)n;
    return 0;
}

int tip_buf_append_format(struct tip_buf *buf, const char *format, ...)
{
    va_list args;
    int r;

    va_start(args, format);
    r = tip_buf_append_format_va(buf, format, args);
    va_end(args);
    return r;
}

const char *tip_buf_text(const struct tip_buf *buf)
{
    return buf->data ? (const char *)buf->data : "";
}

void tip_buf_consume(struct tip_buf *buf, size_t n)
{
    if (n == 0)
        return;
    memmove(buf->data, buf->data + n, buf->len - n);
    buf->len -= n;
    buf->data[buf->len] = 0;
}
