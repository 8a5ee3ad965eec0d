#include "core/export.h"

#include <stdarg.h>
#include <string.h>

#include <tip/clock.h>

enum { OUT_PIECE = 64 * 1024, OUT_ROOM = 2 * OUT_PIECE };

void bl_out_init(struct bl_out *out, int (*write)(void *ctx, const void *bytes, size_t n), void *ctx)
{
    *out = (struct bl_out){.write = write, .ctx = ctx};
    tip_buf_init(&out->buf, OUT_ROOM);
}

static void out_flush(struct bl_out *out)
{
    if (!out->error && out->buf.len)
        out->error = out->write(out->ctx, out->buf.data, out->buf.len);
    tip_buf_clear(&out->buf);
}

int bl_out_end(struct bl_out *out)
{
    out_flush(out);
    tip_buf_deinit(&out->buf);
    return out->error;
}

/* After each addition, so that there is room for what comes next: nothing that is added at once is longer. */
static void out_check(struct bl_out *out, int r)
{
    if (r && !out->error)
        out->error = r;
    if (out->buf.len >= OUT_PIECE)
        out_flush(out);
}

static void out_bytes(struct bl_out *out, const char *bytes, size_t n)
{
    out_check(out, tip_buf_append(&out->buf, bytes, n));
}

void bl_out_text(struct bl_out *out, const char *text)
{
    out_bytes(out, text, strlen(text));
}

void bl_out_format(struct bl_out *out, const char *format, ...)
{
    va_list args;
    int r;

    va_start(args, format);
    r = tip_buf_append_format_va(&out->buf, format, args);
    va_end(args);
    out_check(out, r);
}

static bool out_is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != 0x7f;
}

void bl_out_json(struct bl_out *out, const char *text)
{
    bl_out_text(out, "\"");
    while (*text) {
        size_t n = 0;

        while (text[n] && out_is_plain(text[n]) && text[n] != '"' && text[n] != '\\')
            n++;
        out_bytes(out, text, n);
        text += n;
        if (*text)
            bl_out_format(out, "\\u%04x", (unsigned)(unsigned char)*text++);
    }
    bl_out_text(out, "\"");
}

void bl_out_line(struct bl_out *out, const char *text)
{
    for (; *text; text++)
        out_bytes(out, out_is_plain(*text) ? text : " ", 1);
}

void bl_out_time(struct bl_out *out, uint32_t unix_s)
{
    char text[TIP_CLOCK_TEXT];

    (void)tip_clock_format((int64_t)unix_s * TIP_SECOND_MS, text); /* its length */
    bl_out_text(out, text);
}

void bl_out_time_ms(struct bl_out *out, uint32_t unix_s)
{
    char text[TIP_CLOCK_TEXT];
    size_t n = tip_clock_format((int64_t)unix_s * TIP_SECOND_MS, text);

    out_bytes(out, text, n - 1);
    bl_out_text(out, ".000Z");
}
