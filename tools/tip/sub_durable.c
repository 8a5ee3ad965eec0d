/*
 * Following the journal. The position moves when what was printed is out of our hands: on the disk of a file, read out
 * of a pipe. So a reader that is killed, as we ourselves, finds its events again, and some of them twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sub.h"

enum { SUB_TAKEN_MS = 5 };

/* ---- what becomes of the output ---- */

enum sub_fate { SUB_TAKEN, SUB_WAITING, SUB_GONE };

/* Bytes that nobody has read yet: of a pipe in it, of a socket on their way. */
static bool sub_is_read(mode_t mode)
{
    int n = 0;

    return ioctl(STDOUT_FILENO, S_ISSOCK(mode) ? SIOCOUTQ : FIONREAD, &n) == -1 || n == 0;
}

static enum sub_fate sub_fate(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    struct stat stat;
    bool is_read, is_gone;

    if (ferror(stdout) || fstat(STDOUT_FILENO, &stat) == -1)
        return SUB_GONE;
    if (S_ISREG(stat.st_mode))
        return fdatasync(STDOUT_FILENO) == -1 && errno != EINVAL ? SUB_GONE : SUB_TAKEN;
    if (!S_ISFIFO(stat.st_mode) && !S_ISSOCK(stat.st_mode))
        return SUB_TAKEN;
    is_read = sub_is_read(stat.st_mode);
    is_gone = poll(&out, 1, 0) == 1 && out.revents & (POLLERR | POLLHUP); /* asked after it, for what follows */
    if (is_gone && (!is_read || S_ISSOCK(stat.st_mode)))
        return SUB_GONE; /* a socket drops what was not read, and then nothing is on its way */
    return is_read ? SUB_TAKEN : SUB_WAITING;
}

static void sub_commit(struct sub *sub)
{
    int r;

    sub->position.journal_id = sub->next_journal;
    sub->position.next_seq = sub->next_seq;
    r = position_save(&sub->position);
    if (r) {
        cli_error("%s: %s", sub->position.path, strerror(-r));
        sub->is_over = sub->is_failed = true;
    } else {
        tip_fetch_done(sub->fetch, &sub->next_journal, sub->next_seq);
    }
    if (sub->is_over)
        client_wake(&sub->client);
}

static void sub_settle(void *ctx)
{
    struct sub *sub = ctx;

    switch (sub_fate()) {
    case SUB_TAKEN:
        sub_commit(sub);
        return;
    case SUB_WAITING:
        tip_timer_start(&sub->taken, SUB_TAKEN_MS);
        return;
    case SUB_GONE: /* not remembered: it may not have been read */
        sub->is_over = true;
        client_wake(&sub->client);
        return;
    }
}

/* ---- what comes ---- */

static void sub_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct sub *sub = ctx;

    if (sub->is_over)
        return;
    sub->next_journal = batch->journal_id;
    sub->next_seq = batch->next_seq;
    for (size_t i = 0; i < batch->n_records && !sub->is_over; i++) {
        sub_print(sub, &batch->records[i]);
        if (sub->is_over && i + 1 < batch->n_records)
            sub->next_seq = batch->records[i].stamp.seq + 1;
    }
    fflush(stdout);
    sub_settle(sub);
}

static void sub_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    static const struct {
        const char *word, *sentence;
    } words[] = {[TIP_FETCH_NEW_JOURNAL] = {"new_journal", "the broker has begun a new journal"},
                 [TIP_FETCH_TRIMMED] = {"trimmed", "records were trimmed before they were read"},
                 [TIP_FETCH_DAMAGED] = {"damaged", "records in the journal are damaged"}};
    struct sub *sub = ctx;
    struct siem_gap gap = {.reason = words[why].word,
                           .journal_id = *journal_id,
                           .before_id = sub->position.journal_id,
                           .from_seq = sub->position.next_seq,
                           .next_seq = next_seq,
                           .now_unix_ms = tip_loop_wall_ms()};

    if (why != TIP_FETCH_NEW_JOURNAL && next_seq > gap.from_seq)
        gap.to_seq = next_seq - 1;
    fprintf(stderr, "tip: %s: stood at %" PRIu64 ", goes on at %" PRIu64 "\n", words[why].sentence,
            sub->position.next_seq, next_seq);
    sub_print_gap(sub, &gap);
    sub->next_journal = *journal_id;
    sub->next_seq = next_seq;
    fflush(stdout);
    sub_settle(sub);
}

/* ---- beginning ---- */

/* A line that was torn by a kill, at the end of the file that we go on with: it comes again whole, on a line of its
 * own.
 */
static void sub_end_torn_line(void)
{
    tip_auto(tip_fd_close) int fd = -1;
    struct stat stat;
    char last;

    if (fstat(STDOUT_FILENO, &stat) == -1 || !S_ISREG(stat.st_mode) || stat.st_size == 0)
        return;
    fd = open("/proc/self/fd/1", O_RDONLY | O_CLOEXEC);
    if (fd != -1 && pread(fd, &last, 1, stat.st_size - 1) == 1 && last != '\n')
        putchar('\n');
}

/* Another `tip sub` ends and a disk has room again; what is no position stays none, however often it is tried. */
static int sub_place_failed(const struct sub *sub, int r)
{
    const char *path = sub->position.path;

    if (r == POSITION_E_BAD) {
        cli_error("%s holds no position: name another file, or move it away and begin with the first event", path);
        return CLI_USAGE;
    }
    cli_error("%s: %s", path, r == POSITION_E_HELD ? "another `tip sub` writes it" : strerror(-r));
    return CLI_FAILED;
}

static int sub_place(struct sub *sub, const char *name, const char *state)
{
    int r = position_place(&sub->position, name);

    if (r == -EINVAL) {
        cli_error("--durable: a name is 1 to 48 of a-z, 0-9, '-' and '_'");
        return CLI_USAGE;
    }
    if (state)
        r = position_at(&sub->position, state);
    if (!r)
        r = position_load(&sub->position);
    return r ? sub_place_failed(sub, r) : CLI_OK;
}

static int sub_follow(struct sub *sub, const char *consumer)
{
    int r = tip_fetch_open(&sub->fetch, sub->client.bus,
                           &(struct tip_fetch_config){.consumer = consumer,
                                                      .prefixes = sub->list,
                                                      .journal_id = sub->position.journal_id,
                                                      .from_seq = sub->position.next_seq,
                                                      .on_batch = sub_on_batch,
                                                      .on_break = sub_on_break,
                                                      .ctx = sub});

    if (r) {
        cli_error("cannot fetch: %s", strerror(-r));
        return CLI_FAILED;
    }
    tip_timer_init(&sub->taken, sub->client.loop, sub_settle, sub);
    reader_init(&sub->reader, sub->client.loop, STDOUT_FILENO, sub_on_gone, sub);
    r = client_wait(&sub->client, sub->timeout_ms);
    if (sub->is_gone && tip_timer_is_running(&sub->taken))
        sub_settle(sub); /* perhaps it read all before it went */
    reader_deinit(&sub->reader);
    tip_timer_deinit(&sub->taken);
    tip_fetch_destroy(&sub->fetch);
    return r;
}

int sub_durable(struct sub *sub, const char *name, const char *state)
{
    char consumer[TIP_NAME_MAX + 1];
    int r = sub_place(sub, name, state);

    if (r == CLI_OK && snprintf(consumer, sizeof(consumer), "%s.%s", client_key(), name) >= (int)sizeof(consumer)) {
        cli_error("--durable: %s.%s is longer than %d", client_key(), name, TIP_NAME_MAX);
        r = CLI_USAGE;
    }
    if (r == CLI_OK)
        sub_end_torn_line();
    if (r == CLI_OK)
        r = sub_follow(sub, consumer);
    position_close(&sub->position);
    return r;
}
