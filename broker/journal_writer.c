#include "journal_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "journal_format.h"

enum { RETRY_S = 1, HOLDS_BYTES_MAX = 64 * 1024 };

void journal_segment_name(char name[static JOURNAL_NAME_BYTES], uint64_t segment)
{
    (void)snprintf(name, JOURNAL_NAME_BYTES, "%016" PRIx64 ".seg", segment); /* always fits */
}

static uint64_t journal_clock_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- the thread's work, without the lock ---- */

static void journal_writer_close(struct journal_writer *writer)
{
    if (writer->file >= 0)
        writer->disk->close(writer->disk, writer->file);
    writer->file = -1;
}

/* A segment begins its life under the spare's name and gets its own with its first group. */
static int journal_writer_file(struct journal_writer *writer, const struct journal_group *group)
{
    char name[JOURNAL_NAME_BYTES] = JOURNAL_SPARE_NAME;
    int file;

    if (writer->file >= 0 && writer->file_segment == group->segment)
        return 0;
    journal_writer_close(writer);
    if (!group->header_bytes)
        journal_segment_name(name, group->segment);
    file = writer->disk->open(writer->disk, name, 0);
    if (file < 0)
        return file;
    writer->file = file;
    writer->file_segment = group->segment;
    return 0;
}

static int journal_writer_write(struct journal_writer *writer, const struct journal_group *group)
{
    struct journal_disk *disk = writer->disk;
    int r;

    r = journal_writer_file(writer, group);
    if (!r && group->len)
        r = disk->write(disk, writer->file, group->bytes, group->len, group->offset);
    if (!r && group->footer.len)
        r = disk->write(disk, writer->file, group->footer.data, group->footer.len,
                        journal_footer_offset(group->file_bytes));
    if (r)
        return r;
    r = disk->sync(disk, writer->file);
    return journal_disk_is_full(r) ? -EIO : r; /* after a failed flush nobody knows what is on the medium */
}

static int journal_writer_name(struct journal_writer *writer, const struct journal_group *group)
{
    char name[JOURNAL_NAME_BYTES];
    int r;

    journal_segment_name(name, group->segment);
    r = writer->disk->rename(writer->disk, JOURNAL_SPARE_NAME, name);
    return r ? r : writer->disk->sync_dir(writer->disk);
}

/* One write, one flush; the first group of a segment also gives it its name. */
static int journal_writer_flush(struct journal_writer *writer, struct journal_group *group, struct journal_spare *spare)
{
    uint64_t start_us = journal_clock_us();
    int r = 0;

    if (group->header_bytes && !spare->next) {
        r = journal_spare_make(writer->disk, group->file_bytes);
        spare->next = r == 0;
    }
    if (!r)
        r = journal_writer_write(writer, group);
    if (!r && group->header_bytes) {
        r = journal_writer_name(writer, group);
        spare->next = false;
    }
    if (r || group->footer.len)
        journal_writer_close(writer);
    group->flush_us = journal_clock_us() - start_us;
    return r;
}

/*
 * A retired file is kept for what comes next, when there is a need for it. One that is being read only loses its name:
 * the reader has it open, and must not find another segment in it.
 */
static int journal_writer_recycle(struct journal_writer *writer, const struct journal_retired *retired,
                                  struct journal_spare *spare)
{
    struct journal_disk *disk = writer->disk;
    char name[JOURNAL_NAME_BYTES];
    int r;

    journal_segment_name(name, retired->segment);
    if (!retired->pinned)
        return journal_spare_give(spare, disk, name, retired->bytes);
    r = disk->unlink(disk, name);
    return r ? r : disk->sync_dir(disk);
}

/* ---- one turn, with the lock, which is let go while the disk works ---- */

static void journal_writer_result(struct journal_writer *writer, int r)
{
    if (r && !journal_disk_is_full(r) && !writer->failed)
        writer->failed = r;
}

static void journal_writer_turn_retired(struct journal_writer *writer)
{
    struct journal_retired *retired = writer->retired;
    size_t n = writer->n_retired;
    struct journal_spare spare = writer->spare;
    int r = 0;

    writer->retired = NULL;
    writer->n_retired = 0;
    pthread_mutex_unlock(&writer->lock);
    for (size_t i = 0; !r && i < n; i++)
        r = journal_writer_recycle(writer, &retired[i], &spare);
    free(retired);
    pthread_mutex_lock(&writer->lock);
    writer->spare = spare;
    journal_writer_result(writer, r);
}

static void journal_writer_signal(struct journal_writer *writer)
{
    uint64_t one = 1;

    if (write(writer->wake, &one, sizeof(one)) != sizeof(one))
        abort(); /* an eventfd refuses only after 2^64 - 1 */
}

static void journal_writer_turn_group(struct journal_writer *writer)
{
    struct journal_group *group = writer->group;
    struct journal_spare spare = writer->spare;
    int r;

    pthread_mutex_unlock(&writer->lock);
    r = journal_writer_flush(writer, group, &spare);
    pthread_mutex_lock(&writer->lock);
    writer->spare = spare;
    writer->no_space = journal_disk_is_full(r);
    journal_writer_result(writer, r);
    if (writer->no_space)
        return;
    writer->group = NULL;
    writer->done = r ? NULL : group;
    journal_writer_signal(writer);
}

static void journal_writer_turn_holds(struct journal_writer *writer)
{
    tip_auto(tip_buf_deinit) struct tip_buf content = writer->holds;
    int r;

    tip_buf_init(&writer->holds, HOLDS_BYTES_MAX);
    pthread_mutex_unlock(&writer->lock);
    r = journal_disk_replace(writer->disk, JOURNAL_HOLDS_NAME, content.data, content.len);
    pthread_mutex_lock(&writer->lock);
    journal_writer_result(writer, r); /* without space the older file stays: it only holds more */
}

static bool journal_writer_wants_spare(const struct journal_writer *writer)
{
    return (!writer->spare.next || !writer->spare.reserve) && !writer->spare_full;
}

static void journal_writer_turn_spare(struct journal_writer *writer)
{
    struct journal_spare spare = writer->spare;
    int r = 0;

    pthread_mutex_unlock(&writer->lock);
    if (!spare.next) {
        r = journal_spare_make(writer->disk, spare.segment_bytes);
        spare.next = r == 0;
    }
    if (!r)
        r = journal_spare_keep(&spare, writer->disk);
    pthread_mutex_lock(&writer->lock);
    writer->spare = spare;
    writer->spare_full = journal_disk_is_full(r);
    journal_writer_result(writer, r);
}

/* What there is to do, the most urgent part last but one: retiring is what makes room for a group. */
static void journal_writer_turn(struct journal_writer *writer)
{
    if (writer->n_retired && !writer->failed)
        journal_writer_turn_retired(writer);
    if (writer->group && !writer->failed)
        journal_writer_turn_group(writer);
    if (journal_writer_wants_spare(writer) && !writer->failed)
        journal_writer_turn_spare(writer);
    if (writer->holds.len && !writer->failed)
        journal_writer_turn_holds(writer);
    if (writer->failed) {
        writer->group = NULL;
        journal_writer_signal(writer);
    }
}

static bool journal_writer_has_work(const struct journal_writer *writer)
{
    if (writer->failed)
        return false;
    return writer->group || writer->n_retired || writer->holds.len || journal_writer_wants_spare(writer);
}

/* With the lock: until something changes, or for a second when the disk was full. */
static void journal_writer_wait(struct journal_writer *writer)
{
    struct timespec until;

    if (!writer->no_space && !writer->spare_full) {
        pthread_cond_wait(&writer->changed, &writer->lock);
        return;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail */
    until.tv_sec += RETRY_S;
    (void)pthread_cond_timedwait(&writer->changed, &writer->lock, &until); /* either way it is time to try */
    writer->spare_full = false;
}

static void *journal_writer_main(void *arg)
{
    struct journal_writer *writer = arg;
    bool work;

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        work = journal_writer_has_work(writer);
        if (work)
            journal_writer_turn(writer);
        if (writer->stop && (!(writer->group || writer->holds.len) || writer->no_space || writer->failed))
            break;
        if (!work || writer->no_space)
            journal_writer_wait(writer);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* ---- the owner's side ---- */

static int journal_writer_start(struct journal_writer *writer)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    r = pthread_create(&writer->thread, NULL, journal_writer_main, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    writer->threaded = r == 0;
    return -r;
}

int journal_writer_open(struct journal_writer *writer, struct journal_disk *disk, const struct journal_spare *spare,
                        bool threaded)
{
    pthread_condattr_t attributes;

    *writer = (struct journal_writer){.disk = disk, .spare = *spare, .file = -1};
    tip_buf_init(&writer->holds, HOLDS_BYTES_MAX);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    writer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (writer->wake == -1)
        return tip_fail(-errno);
    return threaded ? journal_writer_start(writer) : 0;
}

void journal_writer_deinit(struct journal_writer *writer)
{
    if (writer->threaded) {
        pthread_mutex_lock(&writer->lock);
        writer->stop = true;
        pthread_cond_signal(&writer->changed);
        pthread_mutex_unlock(&writer->lock);
        pthread_join(writer->thread, NULL);
    }
    journal_writer_close(writer);
    tip_fd_close(&writer->wake);
    free(writer->retired);
    tip_buf_deinit(&writer->holds);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
}

/* With the lock: something was given to do. */
static void journal_writer_changed(struct journal_writer *writer)
{
    if (writer->threaded) {
        pthread_cond_signal(&writer->changed);
        return;
    }
    journal_writer_turn(writer);
}

bool journal_writer_submit(struct journal_writer *writer, struct journal_group *group)
{
    bool idle;

    pthread_mutex_lock(&writer->lock);
    idle = !writer->group && !writer->done && !writer->failed;
    if (idle) {
        writer->group = group;
        journal_writer_changed(writer);
    }
    pthread_mutex_unlock(&writer->lock);
    return idle;
}

struct journal_group *journal_writer_collect(struct journal_writer *writer, int *failedp)
{
    struct journal_group *group;
    uint64_t count;

    if (read(writer->wake, &count, sizeof(count)) == -1 && errno != EAGAIN)
        abort(); /* an eventfd does not fail */
    pthread_mutex_lock(&writer->lock);
    group = writer->done;
    writer->done = NULL;
    *failedp = writer->failed;
    pthread_mutex_unlock(&writer->lock);
    return group;
}

void journal_writer_retire(struct journal_writer *writer, const struct journal_retired *retired)
{
    pthread_mutex_lock(&writer->lock);
    writer->retired = tip_realloc(writer->retired, writer->n_retired + 1, sizeof(*writer->retired));
    writer->retired[writer->n_retired++] = *retired;
    journal_writer_changed(writer);
    pthread_mutex_unlock(&writer->lock);
}

void journal_writer_save_holds(struct journal_writer *writer, const struct tip_buf *content)
{
    pthread_mutex_lock(&writer->lock);
    tip_buf_clear(&writer->holds);
    if (tip_buf_append(&writer->holds, content->data, content->len))
        abort(); /* 256 consumers fit */
    journal_writer_changed(writer);
    pthread_mutex_unlock(&writer->lock);
}

bool journal_writer_kick(struct journal_writer *writer)
{
    bool waits;

    pthread_mutex_lock(&writer->lock);
    writer->spare_full = false;
    if (!writer->threaded && journal_writer_has_work(writer))
        journal_writer_turn(writer);
    waits = writer->no_space;
    pthread_mutex_unlock(&writer->lock);
    return waits;
}
