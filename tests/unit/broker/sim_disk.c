#include "sim_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

static struct sim_disk *sim_of(struct journal_disk *disk)
{
    return (struct sim_disk *)disk;
}

static struct sim_entry *sim_entry_find(struct sim_entry *entries, const char *name)
{
    for (int i = 0; i < SIM_FILES; i++) {
        if (entries[i].file >= 0 && strcmp(entries[i].name, name) == 0)
            return &entries[i];
    }
    return NULL;
}

static void sim_entry_set(struct sim_entry *entries, const char *name, int file)
{
    struct sim_entry *entry = sim_entry_find(entries, name);

    for (int i = 0; i < SIM_FILES && !entry; i++) {
        if (entries[i].file < 0)
            entry = &entries[i];
    }
    if (!entry || strlen(name) >= SIM_NAME)
        abort();
    memmove(entry->name, name, strlen(name) + 1);
    entry->file = file;
}

static void sim_apply(struct sim_entry *entries, const struct sim_op *op)
{
    struct sim_entry *from = op->from[0] ? sim_entry_find(entries, op->from) : NULL;

    if (from)
        from->file = -1;
    if (op->to[0])
        sim_entry_set(entries, op->to, op->file);
}

/* Counts a change. False when the power is gone; the change at which it goes is still under way. */
static bool sim_change(struct sim_disk *sim)
{
    if (sim->dead)
        return false;
    sim->n_io++;
    if (sim->cut_at && sim->n_io >= sim->cut_at)
        sim->dead = true;
    return true;
}

static int sim_dir_change(struct sim_disk *sim, const char *from, const char *to, int file)
{
    struct sim_op *op;

    if (!sim_change(sim))
        return -EIO;
    if (sim->n_ops == SIM_OPS)
        abort();
    op = &sim->ops[sim->n_ops++];
    *op = (struct sim_op){.file = file};
    memcpy(op->from, from, strlen(from) + 1);
    memcpy(op->to, to, strlen(to) + 1);
    sim_apply(sim->now, op);
    return sim->dead ? -EIO : 0;
}

static void sim_file_room(struct sim_file *file, size_t size)
{
    size_t room = (size + SIM_SECTOR - 1) / SIM_SECTOR * SIM_SECTOR;

    if (room <= file->room)
        return;
    file->now = tip_realloc(file->now, room, 1);
    file->durable = tip_realloc(file->durable, room, 1);
    file->dirty = tip_realloc(file->dirty, room / SIM_SECTOR, sizeof(*file->dirty));
    memset(file->now + file->room, 0, room - file->room);
    memset(file->durable + file->room, 0, room - file->room);
    memset(file->dirty + file->room / SIM_SECTOR, 0, (room - file->room) / SIM_SECTOR * sizeof(*file->dirty));
    file->room = room;
}

static int sim_open_locked(struct sim_disk *sim, const char *name, int create)
{
    struct sim_entry *entry = sim_entry_find(sim->now, name);
    int r;

    if (sim->dead)
        return -EIO;
    if (sim->open_error)
        return sim->open_error;
    if (entry)
        return entry->file;
    if (!create)
        return -ENOENT;
    if (sim->n_files == SIM_FILES)
        abort();
    r = sim_dir_change(sim, "", name, sim->n_files);
    sim->n_files++; /* the name may survive even if the power went */
    return r ? r : sim->n_files - 1;
}

static int sim_open(struct journal_disk *disk, const char *name, int create)
{
    struct sim_disk *sim = sim_of(disk);
    int r;

    pthread_mutex_lock(&sim->lock);
    r = sim_open_locked(sim, name, create);
    pthread_mutex_unlock(&sim->lock);
    return r;
}

static void sim_close(struct journal_disk *disk, int file)
{
    (void)disk;
    (void)file;
}

static int64_t sim_read(struct journal_disk *disk, int file, void *bytes, size_t n, uint64_t offset)
{
    struct sim_disk *sim = sim_of(disk);
    struct sim_file *content = &sim->files[file];
    int64_t r = -EIO;

    pthread_mutex_lock(&sim->lock);
    if (!sim->dead && content != sim->unreadable) {
        r = offset >= content->size ? 0 : (int64_t)(content->size - offset < n ? content->size - offset : n);
        memcpy(bytes, content->now + (r ? offset : 0), (size_t)r);
    }
    pthread_mutex_unlock(&sim->lock);
    return r;
}

static int sim_write_locked(struct sim_disk *sim, struct sim_file *file, const void *bytes, size_t n, uint64_t offset)
{
    if (sim->write_error && !sim->dead)
        return sim->write_error;
    if (sim->room_error && !sim->dead && offset + n > file->size)
        return sim->room_error;
    if (!sim_change(sim))
        return -EIO;
    sim_file_room(file, offset + n);
    memcpy(file->now + offset, bytes, n);
    if (file->size < offset + n)
        file->size = offset + n;
    for (uint64_t sector = offset / SIM_SECTOR; sector * SIM_SECTOR < offset + n; sector++)
        file->dirty[sector] = true;
    return sim->dead ? -EIO : 0;
}

static int sim_write(struct journal_disk *disk, int file, const void *bytes, size_t n, uint64_t offset)
{
    struct sim_disk *sim = sim_of(disk);
    int r;

    pthread_mutex_lock(&sim->lock);
    r = sim_write_locked(sim, &sim->files[file], bytes, n, offset);
    pthread_mutex_unlock(&sim->lock);
    return r;
}

static void sim_file_flush(struct sim_file *file)
{
    for (size_t sector = 0; sector < file->room / SIM_SECTOR; sector++) {
        if (file->dirty[sector])
            memcpy(file->durable + sector * SIM_SECTOR, file->now + sector * SIM_SECTOR, SIM_SECTOR);
        file->dirty[sector] = false;
    }
    file->durable_size = file->size;
}

static int sim_sync_locked(struct sim_disk *sim, int file)
{
    if (!sim_change(sim) || sim->dead)
        return -EIO;
    if (sim->fail_sync_at && ++sim->n_syncs == sim->fail_sync_at)
        return -EIO;
    if (!sim->lie_sync)
        sim_file_flush(&sim->files[file]);
    return 0;
}

static int sim_sync(struct journal_disk *disk, int file)
{
    struct sim_disk *sim = sim_of(disk);
    int r;

    pthread_mutex_lock(&sim->lock);
    r = sim_sync_locked(sim, file);
    pthread_mutex_unlock(&sim->lock);
    return r;
}

static int sim_allocate_locked(struct sim_disk *sim, struct sim_file *file, uint64_t n)
{
    if (sim->write_error && !sim->dead && n > file->size)
        return sim->write_error;
    if (sim->room_error && !sim->dead && n > file->size)
        return sim->room_error;
    if (!sim_change(sim))
        return -EIO;
    sim_file_room(file, n);
    file->size = n;
    return sim->dead ? -EIO : 0;
}

static int sim_allocate(struct journal_disk *disk, int file, uint64_t n)
{
    struct sim_disk *sim = sim_of(disk);
    int r;

    pthread_mutex_lock(&sim->lock);
    r = sim_allocate_locked(sim, &sim->files[file], n);
    pthread_mutex_unlock(&sim->lock);
    return r;
}

static int64_t sim_size(struct journal_disk *disk, int file)
{
    struct sim_disk *sim = sim_of(disk);
    int64_t size;

    pthread_mutex_lock(&sim->lock);
    size = (int64_t)sim->files[file].size;
    pthread_mutex_unlock(&sim->lock);
    return size;
}

static int sim_rename(struct journal_disk *disk, const char *from, const char *to)
{
    struct sim_disk *sim = sim_of(disk);
    struct sim_entry *entry;
    int r;

    pthread_mutex_lock(&sim->lock);
    entry = sim_entry_find(sim->now, from);
    r = entry ? sim_dir_change(sim, from, to, entry->file) : -ENOENT;
    pthread_mutex_unlock(&sim->lock);
    return r;
}

static int sim_unlink(struct journal_disk *disk, const char *name)
{
    struct sim_disk *sim = sim_of(disk);
    int r;

    pthread_mutex_lock(&sim->lock);
    r = sim_entry_find(sim->now, name) ? sim_dir_change(sim, name, "", -1) : -ENOENT;
    pthread_mutex_unlock(&sim->lock);
    return r;
}

static int sim_sync_dir(struct journal_disk *disk)
{
    struct sim_disk *sim = sim_of(disk);
    int r = -EIO;

    pthread_mutex_lock(&sim->lock);
    if (sim_change(sim) && !sim->dead) {
        for (int i = 0; i < sim->n_ops && !sim->lie_sync_dir; i++)
            sim_apply(sim->durable, &sim->ops[i]);
        sim->n_ops = sim->lie_sync_dir ? sim->n_ops : 0;
        r = 0;
    }
    pthread_mutex_unlock(&sim->lock);
    return r;
}

static int sim_list(struct journal_disk *disk, void (*each)(void *ctx, const char *name), void *ctx)
{
    struct sim_disk *sim = sim_of(disk);

    for (int i = 0; i < SIM_FILES; i++) {
        if (sim->now[i].file >= 0)
            each(ctx, sim->now[i].name);
    }
    return 0;
}

static void sim_destroy(struct journal_disk **diskp)
{
    *diskp = NULL; /* a disk outlives its journals */
}

struct sim_disk *sim_disk_new(void)
{
    struct sim_disk *sim = tip_new(struct sim_disk);

    sim->disk = (struct journal_disk){
        .open = sim_open,
        .close = sim_close,
        .read = sim_read,
        .write = sim_write,
        .sync = sim_sync,
        .allocate = sim_allocate,
        .size = sim_size,
        .rename = sim_rename,
        .unlink = sim_unlink,
        .sync_dir = sim_sync_dir,
        .list = sim_list,
        .destroy = sim_destroy,
    };
    pthread_mutex_init(&sim->lock, NULL);
    for (int i = 0; i < SIM_FILES; i++)
        sim->now[i].file = sim->durable[i].file = -1;
    return sim;
}

void sim_disk_free(struct sim_disk **simp)
{
    struct sim_disk *sim = *simp;

    if (!sim)
        return;
    for (int i = 0; i < sim->n_files; i++) {
        free(sim->files[i].now);
        free(sim->files[i].durable);
        free(sim->files[i].dirty);
    }
    pthread_mutex_destroy(&sim->lock);
    free(sim);
    *simp = NULL;
}

/* Numbers of files that no name leads to any more are used again, so that long histories fit. */
static void sim_compact(struct sim_disk *sim)
{
    for (int i = 0; i < SIM_FILES; i++)
        sim->durable[i] = sim->now[i];
    while (sim->n_files > 0) {
        bool used = false;

        for (int i = 0; i < SIM_FILES; i++)
            used = used || sim->now[i].file == sim->n_files - 1;
        if (used)
            return;
        sim->n_files--;
        free(sim->files[sim->n_files].now);
        free(sim->files[sim->n_files].durable);
        free(sim->files[sim->n_files].dirty);
        sim->files[sim->n_files] = (struct sim_file){0};
    }
}

void sim_disk_crash(struct sim_disk *sim, bool (*keep)(void *ctx, int file, size_t sector), void *ctx,
                    unsigned keep_ops)
{
    for (int i = 0; i < sim->n_ops && i < (int)keep_ops; i++)
        sim_apply(sim->durable, &sim->ops[i]);
    memcpy(sim->now, sim->durable, sizeof(sim->now));
    sim->n_ops = 0;
    for (int i = 0; i < sim->n_files; i++) {
        struct sim_file *file = &sim->files[i];

        for (size_t sector = 0; sector < file->room / SIM_SECTOR; sector++) {
            if (file->dirty[sector] && keep(ctx, i, sector))
                memcpy(file->durable + sector * SIM_SECTOR, file->now + sector * SIM_SECTOR, SIM_SECTOR);
            file->dirty[sector] = false;
        }
        if (file->room)
            memcpy(file->now, file->durable, file->room);
        if (file->size != file->durable_size && keep(ctx, i, SIZE_MAX))
            file->durable_size = file->size;
        file->size = file->durable_size;
    }
    sim->dead = false;
    sim->cut_at = 0;
    sim->n_io = 0;
    sim_compact(sim);
}

struct sim_file *sim_disk_file(struct sim_disk *sim, const char *name)
{
    struct sim_entry *entry = sim_entry_find(sim->now, name);

    return entry ? &sim->files[entry->file] : NULL;
}

struct sim_disk *sim_disk_copy(const struct sim_disk *sim)
{
    struct sim_disk *copy = sim_disk_new();

    memcpy(copy->now, sim->now, sizeof(copy->now));
    memcpy(copy->durable, sim->now, sizeof(copy->durable));
    copy->n_files = sim->n_files;
    for (int i = 0; i < sim->n_files; i++) {
        sim_file_room(&copy->files[i], sim->files[i].room);
        if (sim->files[i].room)
            memcpy(copy->files[i].now, sim->files[i].now, sim->files[i].room);
        copy->files[i].size = sim->files[i].size;
        for (size_t sector = 0; sector < copy->files[i].room / SIM_SECTOR; sector++)
            copy->files[i].dirty[sector] = true;
        sim_file_flush(&copy->files[i]);
    }
    return copy;
}
