/* Which snapshots there are, in memory and after a start. */
#include "snapshot_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/log.h>

bool snapshot_shelf_add(struct snapshot_shelf *shelf, const struct snapshot_meta *meta, struct snapshot_meta *gonep)
{
    bool is_full = shelf->n == TIP_SNAPSHOT_KEPT;

    if (is_full)
        *gonep = shelf->items[TIP_SNAPSHOT_KEPT - 1];
    else
        shelf->n++;
    memmove(shelf->items + 1, shelf->items, (shelf->n - 1) * sizeof(*shelf->items));
    shelf->items[0] = *meta;
    return is_full;
}

const struct snapshot_meta *snapshot_shelf_find(const struct snapshot_shelf *shelf, const struct tip_id *id)
{
    for (size_t i = 0; i < shelf->n; i++) {
        if (tip_id_equal(&shelf->items[i].id, id))
            return &shelf->items[i];
    }
    return NULL;
}

/* In the order of time; the oldest may fall off. */
static bool shelf_insert(struct snapshot_shelf *shelf, const struct snapshot_meta *meta, struct snapshot_meta *gonep)
{
    size_t at = 0;
    bool is_full = shelf->n == TIP_SNAPSHOT_KEPT;

    while (at < shelf->n && shelf->items[at].taken_unix_ms >= meta->taken_unix_ms)
        at++;
    *gonep = is_full ? shelf->items[TIP_SNAPSHOT_KEPT - 1] : *meta;
    if (at == TIP_SNAPSHOT_KEPT) {
        *gonep = *meta;
        return true;
    }
    if (!is_full)
        shelf->n++;
    memmove(shelf->items + at + 1, shelf->items + at, (shelf->n - 1 - at) * sizeof(*shelf->items));
    shelf->items[at] = *meta;
    return is_full;
}

static int shelf_read_meta(const char *path, struct snapshot_meta *meta)
{
    tip_auto(tip_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t bytes[SNAPSHOT_META_BYTES + 1];
    ssize_t n = fd == -1 ? -1 : read(fd, bytes, sizeof(bytes));

    return n < 0 ? SNAPSHOT_E_DAMAGED : snapshot_meta_read(meta, bytes, (size_t)n);
}

/* Whether a meta file speaks of itself, and of a file of the right size. */
static bool shelf_is_whole(const struct snapshot_place *place, const char *path, struct snapshot_meta *meta)
{
    char named[SNAPSHOT_PATH];
    struct stat st;

    if (shelf_read_meta(path, meta))
        return false;
    snapshot_path(place, meta, "meta", named);
    if (strcmp(named, path) != 0)
        return false;
    snapshot_path(place, meta, "snap", named);
    return stat(named, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == meta->size;
}

static bool shelf_has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), len = strlen(suffix);

    return n > len && strcmp(name + n - len, suffix) == 0;
}

static void shelf_visit_meta(struct snapshot_shelf *shelves, const struct snapshot_place *place, const char *name)
{
    struct snapshot_meta meta, gone;
    char path[SNAPSHOT_PATH];

    (void)snprintf(path, sizeof(path), "%s/%s", place->dir, name); /* a cut path is not there */
    if (!shelf_is_whole(place, path, &meta)) {
        tip_warn("snapshot.damaged", "file=%s", name);
        (void)unlink(path);
    } else if (shelf_insert(&shelves[meta.tlp], &meta, &gone)) {
        snapshot_remove(place, &gone);
    }
}

/* Events without a meta file, and what was being written. */
static bool shelf_is_orphan(const struct snapshot_place *place, const char *name)
{
    char path[SNAPSHOT_PATH];
    size_t n = strlen(name);

    if (!shelf_has_suffix(name, ".snap"))
        return !shelf_has_suffix(name, ".meta");
    (void)snprintf(path, sizeof(path), "%s/%.*smeta", place->dir, (int)(n - strlen("snap")), name);
    return access(path, F_OK) == -1;
}

/* Two passes over the directory: what is whole, then what belongs to nothing. */
static int shelf_walk(const struct snapshot_place *place, struct snapshot_shelf *shelves)
{
    tip_auto(tip_dir_close) DIR *dir = opendir(place->dir);
    size_t n = strlen(place->stream);
    char path[SNAPSHOT_PATH];
    struct dirent *entry;

    if (!dir)
        return -errno;
    while ((entry = readdir(dir))) {
        if (strncmp(entry->d_name, place->stream, n) != 0 || entry->d_name[n] != '.')
            continue; /* another stream's */
        if (shelves && shelf_has_suffix(entry->d_name, ".meta")) {
            shelf_visit_meta(shelves, place, entry->d_name);
        } else if (!shelves && shelf_is_orphan(place, entry->d_name)) {
            (void)snprintf(path, sizeof(path), "%s/%s", place->dir, entry->d_name);
            (void)unlink(path); /* what stays is removed at the next start */
        }
    }
    return 0;
}

int snapshot_shelves_load(struct snapshot_shelf shelves[static TIP_TLP_COUNT], const struct snapshot_place *place)
{
    int r;

    memset(shelves, 0, TIP_TLP_COUNT * sizeof(*shelves));
    r = shelf_walk(place, shelves);
    return r ? r : shelf_walk(place, NULL);
}
