#include "position.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

#include <tip/fail.h>

#include "up/tree.h"

enum { POSITION_SUFFIX_BYTES = 8 }; /* ".lock", ".new" */

int position_at(struct position *position, const char *path)
{
    *position = (struct position){.next_seq = 0};
    if (!*path || strlen(path) + POSITION_SUFFIX_BYTES >= sizeof(position->path))
        return -ENAMETOOLONG;
    snprintf(position->path, sizeof(position->path), "%s", path);
    return 0;
}

int position_place(struct position *position, const char *name)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char dir[768], path[1024];
    int n, r;

    if (!*name || strlen(name) > 48 || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
        return -EINVAL;
    if (state && *state == '/')
        n = snprintf(dir, sizeof(dir), "%s/tip", state);
    else
        n = snprintf(dir, sizeof(dir), "%s/.local/state/tip", home ? home : "");
    if (n >= (int)sizeof(dir))
        return tip_fail(-ENAMETOOLONG);
    snprintf(path, sizeof(path), "%s/sub-%s.json", dir, name);
    r = position_at(position, path);
    return r ? r : tree_make(dir, 0700);
}

static int position_id(const char *hex, struct tip_id *id)
{
    unsigned byte;

    for (size_t i = 0; i < sizeof(id->bytes); i++) {
        if (strlen(hex) != 2 * sizeof(id->bytes) || sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return POSITION_E_BAD;
        id->bytes[i] = (uint8_t)byte;
    }
    return 0;
}

/* The lock goes with the process, however it ends. Its file stays: who removed it could remove another's. */
static int position_lock(struct position *position)
{
    char path[sizeof(position->path) + POSITION_SUFFIX_BYTES];
    int fd;

    snprintf(path, sizeof(path), "%s.lock", position->path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd == -1)
        return tip_fail(-errno);
    if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        int r = errno == EWOULDBLOCK ? POSITION_E_HELD : -errno;

        close(fd);
        return r;
    }
    position->lock = fd;
    return 0;
}

void position_close(struct position *position)
{
    if (position->lock)
        close(position->lock);
    position->lock = 0;
}

int position_load(struct position *position)
{
    json_t *file;
    int r = position_lock(position);

    if (r)
        return r;
    if (access(position->path, R_OK) == -1)
        return errno == ENOENT ? 0 : tip_fail(-errno);
    file = json_load_file(position->path, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_string(json_object_get(file, "journal_id")) || !json_is_integer(json_object_get(file, "next_seq")) ||
        json_integer_value(json_object_get(file, "next_seq")) < 0) {
        json_decref(file);
        return POSITION_E_BAD;
    }
    r = position_id(json_string_value(json_object_get(file, "journal_id")), &position->journal_id);
    position->next_seq = (uint64_t)json_integer_value(json_object_get(file, "next_seq"));
    json_decref(file);
    return r;
}

/* The new file and then its name: after a power cut it is the one or the other. */
static int position_sync_dir(const char *path)
{
    char copy[sizeof(((struct position *)NULL)->path)];
    tip_auto(tip_fd_close) int fd = -1;

    snprintf(copy, sizeof(copy), "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd == -1 || (fsync(fd) == -1 && errno != EINVAL) ? tip_fail(-errno) : 0;
}

static int position_write(const char *path, const char *text, size_t n)
{
    tip_auto(tip_fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t written;

    if (fd == -1)
        return tip_fail(-errno);
    written = write(fd, text, n);
    if (written != (ssize_t)n)
        return tip_fail(written == -1 ? -errno : -ENOSPC);
    return fsync(fd) == -1 ? tip_fail(-errno) : 0;
}

int position_save(const struct position *position)
{
    char text[128], hex[2 * sizeof(position->journal_id.bytes) + 1];
    char next[sizeof(position->path) + POSITION_SUFFIX_BYTES];
    int n, r;

    for (size_t i = 0; i < sizeof(position->journal_id.bytes); i++)
        snprintf(hex + 2 * i, 3, "%02x", position->journal_id.bytes[i]);
    n = snprintf(text, sizeof(text), "{\"journal_id\": \"%s\", \"next_seq\": %" PRIu64 "}\n", hex, position->next_seq);
    snprintf(next, sizeof(next), "%s.new", position->path);
    r = position_write(next, text, (size_t)n);
    if (r)
        return r;
    if (rename(next, position->path) == -1)
        return tip_fail(-errno);
    return position_sync_dir(position->path);
}
