#include "journal_spare.h"

#include <errno.h>

bool journal_disk_is_full(int r)
{
    return r == -ENOSPC || r == -EDQUOT;
}

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

/* One that was cut while it was allocated has another size. */
static int spare_look(struct journal_spare *spare, struct journal_disk *disk)
{
    int64_t size;
    int file;

    file = disk->open(disk, JOURNAL_RESERVE_NAME, 0);
    if (file < 0)
        return file;
    size = disk->size(disk, file);
    disk->close(disk, file);
    if (size < 0)
        return (int)size;
    spare->reserve = (uint64_t)size == spare->segment_bytes;
    return spare->reserve ? 0 : spare_remove(disk, JOURNAL_RESERVE_NAME);
}

int journal_spare_begin(struct journal_spare *spare, struct journal_disk *disk, bool found_next, bool found_reserve)
{
    int r = 0;

    spare->next = spare->reserve = false;
    if (found_next)
        r = spare_remove(disk, JOURNAL_SPARE_NAME);
    if (!r && found_reserve)
        r = spare_look(spare, disk);
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
    if (!journal_disk_is_full(r))
        return r;
    r = spare_remove(disk, JOURNAL_RESERVE_NAME); /* with what there was room for */
    return r == -ENOENT ? 0 : r;
}
