#include "journal_spare.h"

#include <errno.h>

#include <tip/alloc.h>

enum { SPARE_WIPE_BYTES = 1 << 20 };

static int spare_make(struct journal_disk *disk, const char *name, uint64_t bytes)
{
    int file, r;

    file = disk->open(disk, name, 1);
    if (file < 0)
        return file;
    r = disk->allocate(disk, file, bytes);
    if (!r)
        r = disk->sync(disk, file);
    disk->close(disk, file);
    return r ? r : disk->sync_dir(disk);
}

static int spare_remove(struct journal_disk *disk, const char *name)
{
    int r;

    r = disk->unlink(disk, name);
    return r ? r : disk->sync_dir(disk);
}

/* The new name must be on the medium before there is new content. */
static int spare_rename(struct journal_disk *disk, const char *from, const char *to)
{
    int r;

    r = disk->rename(disk, from, to);
    return r ? r : disk->sync_dir(disk);
}

int journal_spare_make(struct journal_disk *disk, uint64_t bytes)
{
    return spare_make(disk, JOURNAL_SPARE_NAME, bytes);
}

/* Whether there is a file of that name and of the right size: one that was cut while it was allocated is not. */
static int spare_fits(const struct journal_spare *spare, struct journal_disk *disk, const char *name, bool *fitsp)
{
    int64_t size;
    int file;

    file = disk->open(disk, name, 0);
    if (file < 0)
        return file;
    size = disk->size(disk, file);
    disk->close(disk, file);
    *fitsp = size >= 0 && (uint64_t)size == spare->segment_bytes;
    return size < 0 ? (int)size : 0;
}

/* It may hold the first group of a segment that never got its name; the next one has the same number. */
static int spare_wipe(struct journal_disk *disk, const char *name, uint64_t bytes)
{
    tip_auto(tip_free) uint8_t *zeros = tip_alloc(SPARE_WIPE_BYTES, 1);
    int file, r = 0;

    file = disk->open(disk, name, 0);
    if (file < 0)
        return file;
    for (uint64_t at = 0; !r && at < bytes; at += SPARE_WIPE_BYTES)
        r = disk->write(disk, file, zeros, bytes - at < SPARE_WIPE_BYTES ? bytes - at : SPARE_WIPE_BYTES, at);
    if (!r)
        r = disk->sync(disk, file);
    disk->close(disk, file);
    return r;
}

static int spare_begin_reserve(struct journal_spare *spare, struct journal_disk *disk)
{
    int r;

    r = spare_fits(spare, disk, JOURNAL_RESERVE_NAME, &spare->reserve);
    if (r || spare->reserve)
        return r;
    return spare_remove(disk, JOURNAL_RESERVE_NAME);
}

/* The blocks are kept where they are needed: on a full disk somebody else would take them. */
static int spare_begin_next(struct journal_spare *spare, struct journal_disk *disk)
{
    bool fits;
    int r;

    r = spare_fits(spare, disk, JOURNAL_SPARE_NAME, &fits);
    if (r)
        return r;
    if (!fits || spare->reserve)
        return spare_remove(disk, JOURNAL_SPARE_NAME);
    r = spare_wipe(disk, JOURNAL_SPARE_NAME, spare->segment_bytes);
    if (!r)
        r = spare_rename(disk, JOURNAL_SPARE_NAME, JOURNAL_RESERVE_NAME);
    spare->reserve = r == 0;
    return r;
}

int journal_spare_begin(struct journal_spare *spare, struct journal_disk *disk)
{
    const bool found_next = spare->next;
    int r = 0;

    spare->next = false;
    if (spare->reserve)
        r = spare_begin_reserve(spare, disk);
    if (!r && found_next)
        r = spare_begin_next(spare, disk);
    return r;
}

int journal_spare_take(struct journal_spare *spare, struct journal_disk *disk, uint64_t bytes)
{
    int r;

    if (spare->next && bytes == spare->segment_bytes)
        return 0;
    if (spare->next || !spare->reserve || bytes != spare->segment_bytes)
        return journal_spare_make(disk, bytes);
    r = spare_rename(disk, JOURNAL_RESERVE_NAME, JOURNAL_SPARE_NAME);
    spare->reserve = r != 0;
    spare->next = r == 0;
    return r;
}

int journal_spare_give(struct journal_spare *spare, struct journal_disk *disk, const char *name, uint64_t bytes)
{
    bool *placep = spare->reserve ? &spare->next : &spare->reserve;
    int r;

    if (*placep || bytes != spare->segment_bytes)
        return spare_remove(disk, name);
    r = spare_rename(disk, name, spare->reserve ? JOURNAL_SPARE_NAME : JOURNAL_RESERVE_NAME);
    *placep = r == 0;
    return r;
}

int journal_spare_keep(struct journal_spare *spare, struct journal_disk *disk)
{
    int r;

    if (spare->reserve)
        return 0;
    r = spare_make(disk, JOURNAL_RESERVE_NAME, spare->segment_bytes);
    spare->reserve = r == 0;
    if (journal_disk_is_full(r))
        (void)spare_remove(disk, JOURNAL_RESERVE_NAME); /* with what there was room for; it may not even be there */
    return r;
}
