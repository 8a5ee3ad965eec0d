#include "core/window.h"

#include <string.h>

void window_init(struct window *window, uint64_t durable)
{
    *window = (struct window){.acked = durable};
}

void window_offer(struct window *window, uint64_t first, uint32_t n, uint64_t bytes, int64_t now_ms)
{
    const struct window_mark *last = window->n ? &window->marks[window->n - 1] : NULL;
    uint64_t offered = last ? last->pub_seq : window->acked, total = last ? last->bytes : window->acked_bytes;
    uint64_t end = first + n - 1, fresh;

    if (n == 0 || end < first || end <= offered || first > offered + 1)
        return;
    fresh = end - offered;
    total += bytes * fresh / n;
    if (window->n < WINDOW_MARKS)
        window->marks[window->n++] = (struct window_mark){end, total, now_ms};
    else
        window->marks[window->n - 1] = (struct window_mark){end, total, window->marks[window->n - 1].at_ms};
}

void window_ack(struct window *window, uint64_t durable)
{
    unsigned gone = 0;

    if (durable > window->acked)
        window->acked = durable;
    while (gone < window->n && window->marks[gone].pub_seq <= window->acked)
        window->acked_bytes = window->marks[gone++].bytes;
    window->n -= gone;
    memmove(window->marks, window->marks + gone, window->n * sizeof(window->marks[0]));
}

struct window_use window_use(const struct window *window)
{
    const struct window_mark *last;

    if (window->n == 0)
        return (struct window_use){0, 0, 0};
    last = &window->marks[window->n - 1];
    return (struct window_use){last->pub_seq - window->acked, last->bytes - window->acked_bytes,
                               window->marks[0].at_ms};
}
