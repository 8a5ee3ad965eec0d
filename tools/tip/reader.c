#include "reader.h"

#include <poll.h>
#include <sys/stat.h>

/* To be readable is what the loop makes of an error; the end that we write to is nothing else, but for a socket. */
static void reader_on_event(void *ctx, unsigned what)
{
    struct reader *reader = ctx;
    struct pollfd out = {.fd = reader->watch.fd};

    (void)what;
    tip_watch_set(&reader->watch, 0); /* nobody reads what a socket brings: it would be told for ever */
    if (poll(&out, 1, 0) == 1 && out.revents & (POLLERR | POLLHUP))
        reader->on_gone(reader->ctx);
}

void reader_init(struct reader *reader, struct tip_loop *loop, int fd, tip_loop_fn *on_gone, void *ctx)
{
    struct stat stat;

    *reader = (struct reader){.on_gone = on_gone, .ctx = ctx};
    tip_watch_init(&reader->watch, loop, fd, reader_on_event, reader);
    if (fstat(fd, &stat) == 0 && (S_ISFIFO(stat.st_mode) || S_ISSOCK(stat.st_mode)))
        tip_watch_set(&reader->watch, TIP_WATCH_READ);
}

void reader_deinit(struct reader *reader)
{
    tip_watch_deinit(&reader->watch);
}
