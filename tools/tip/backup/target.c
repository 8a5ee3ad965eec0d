#include "backup/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "up/tree.h"

static int target_refuse(const char *what, int r)
{
    cli_error("%s: %s", what, strerror(-r));
    return r == -EACCES || r == -EPERM ? CLI_DENIED : CLI_FAILED;
}

/* ---- which ---- */

static bool target_is_in(const struct manifest *manifest, const char *prefix)
{
    for (size_t i = 0; i < manifest->n; i++) {
        if (strncmp(manifest->files[i].path, prefix, strlen(prefix)) == 0)
            return true;
    }
    return false;
}

static int target_add(struct targets *targets, const char *what, const char *dir, const char *name)
{
    struct target *target = &targets->items[targets->n];
    char place[FILES_PATH];
    int n = snprintf(place, sizeof(place), "%s%s%s", dir, name ? "/" : "", name ? name : "");

    if (n + 16 > FILES_PATH)
        return target_refuse(dir, -ENAMETOOLONG);
    memcpy(target->place, place, (size_t)n + 1);
    memcpy(target->stage, place, (size_t)n);
    memcpy(target->stage + n, ".restored", sizeof(".restored"));
    target->what = what;
    targets->n++;
    return CLI_OK;
}

static int target_add_outbox(struct targets *targets, const struct manifest *manifest, const char *name,
                             const char *data)
{
    char path[MANIFEST_PATH];
    int r = target_add(targets, name, data, "outbox");

    snprintf(path, sizeof(path), "outbox/%s.mdb", name);
    if (r == CLI_OK) {
        targets->items[targets->n - 1].is_outbox = true;
        targets->items[targets->n - 1].is_empty = !target_is_in(manifest, path);
    }
    return r;
}

/* A directory of the blacklist's. What of an older time is not in the backup must not stay beside what is. */
static int target_add_of_lists(struct targets *targets, const struct manifest *manifest, const char *data,
                               const char *name)
{
    char prefix[MANIFEST_PATH];
    int r = target_add(targets, name, data, name);

    snprintf(prefix, sizeof(prefix), "%s/", name);
    if (r == CLI_OK)
        targets->items[targets->n - 1].is_empty = !target_is_in(manifest, prefix);
    return r;
}

int targets_init(struct targets *targets, const struct layout *layout, const struct manifest *manifest,
                 const struct user *user)
{
    /* versions, and what is exempt; snapshots are in no backup and are taken anew: old ones are of another journal */
    static const char *const of_lists[] = {"sets", "exempt", "snapshots", "allowed"};
    const char *blacklist = layout_data(layout, "blacklist");
    int r;

    *targets = (struct targets){.user = user};
    r = target_add(targets, "journal", layout_data(layout, "broker"), "journal");
    for (size_t i = 0; r == CLI_OK && i < sizeof(of_lists) / sizeof(*of_lists); i++)
        r = target_add_of_lists(targets, manifest, blacklist, of_lists[i]);
    if (r == CLI_OK && layout->options.bus.keys && target_is_in(manifest, "keys/"))
        r = target_add(targets, "keys", layout->options.bus.keys, NULL);
    for (size_t i = 0; r == CLI_OK && i < PROGRAMS; i++) {
        if (strcmp(programs[i].name, "broker") != 0)
            r = target_add_outbox(targets, manifest, programs[i].name, layout->data[i]);
    }
    return r;
}

static bool target_is_occupied(const char *path)
{
    tip_auto(tip_dir_close) DIR *dir = opendir(path);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return true;
    }
    return !dir && errno != ENOENT; /* what cannot be read is not known to be empty */
}

const struct target *targets_occupied(const struct targets *targets)
{
    for (size_t i = 0; i < targets->n; i++) {
        if (target_is_occupied(targets->items[i].place))
            return &targets->items[i];
    }
    return NULL;
}

const struct target *targets_find(const struct targets *targets, const char *what, bool is_outbox)
{
    for (size_t i = 0; i < targets->n; i++) {
        if (targets->items[i].is_outbox == is_outbox && strcmp(targets->items[i].what, what) == 0)
            return &targets->items[i];
    }
    return NULL;
}

const char *targets_path(const struct targets *targets, const char *path, char full[static FILES_PATH])
{
    const char *slash = strchr(path, '/');
    const struct target *target = NULL;
    char what[MANIFEST_PATH];
    bool is_outbox;

    if (!slash)
        return NULL;
    is_outbox = strncmp(path, "outbox/", strlen("outbox/")) == 0;
    snprintf(what, sizeof(what), "%s", is_outbox ? slash + 1 : path);
    what[is_outbox ? strcspn(what, ".") : (size_t)(slash - path)] = '\0';
    target = targets_find(targets, what, is_outbox);
    return target && layout_join(full, target->stage, is_outbox ? "data.mdb" : slash + 1) ? full : NULL;
}

/* ---- made, owned, moved ---- */

int target_make_dir(const struct user *user, const char *path, unsigned mode)
{
    char above[FILES_PATH], *parent;
    int r;

    if (access(path, F_OK) == 0)
        return 0;
    if ((size_t)snprintf(above, sizeof(above), "%s", path) >= sizeof(above))
        return -ENAMETOOLONG;
    parent = dirname(above);
    r = access(parent, F_OK) == 0 ? 0 : target_make_dir(user, parent, 0755);
    if (r)
        return r;
    if (mkdir(path, mode) == -1 || chmod(path, mode) == -1)
        return -errno;
    return user->is_other && lchown(path, user->uid, user->gid) == -1 ? -errno : 0;
}

static int target_above(const struct targets *targets, const char *path)
{
    char above[FILES_PATH];

    snprintf(above, sizeof(above), "%s", path);
    return target_make_dir(targets->user, dirname(above), 0700);
}

int targets_stage(const struct targets *targets)
{
    for (size_t i = 0; i < targets->n; i++) {
        const struct target *target = &targets->items[i];
        int r = target_above(targets, target->place);

        if (!r)
            r = tree_remove(target->stage); /* of an attempt that was cut off */
        if (!r && !target->is_empty && mkdir(target->stage, 0700) == -1)
            r = -errno;
        if (r)
            return target_refuse(target->stage, r);
    }
    return CLI_OK;
}

void targets_unstage(const struct targets *targets)
{
    for (size_t i = 0; i < targets->n; i++)
        (void)!tree_remove(targets->items[i].stage); /* the next attempt tries again, and says so */
}

/* The directory that we made and hold open, not what has its name by now: what is above it is the other user's. */
static DIR *target_own_open(const char *path)
{
    tip_auto(tip_fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    DIR *dir;

    if (fd == -1 || fstat(fd, &st) == -1)
        return NULL;
    if (st.st_uid != geteuid()) {
        errno = EPERM;
        return NULL;
    }
    dir = fdopendir(fd);
    if (dir)
        fd = -1;
    return dir;
}

/* There are only files in it. It is given away itself when nothing is left to do in it. */
static int target_own(const char *path, const struct user *user)
{
    tip_auto(tip_dir_close) DIR *dir = target_own_open(path);
    const struct dirent *entry;

    if (!dir)
        return -errno;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            fchownat(dirfd(dir), entry->d_name, user->uid, user->gid, AT_SYMLINK_NOFOLLOW) == -1)
            return -errno;
    }
    return fchown(dirfd(dir), user->uid, user->gid) == -1 ? -errno : 0;
}

int targets_own(const struct targets *targets)
{
    for (size_t i = 0; targets->user->is_other && i < targets->n; i++) {
        const struct target *target = &targets->items[i];
        int r = target->is_empty ? 0 : target_own(target->stage, targets->user);

        if (r)
            return target_refuse(target->stage, r);
    }
    return CLI_OK;
}

static int target_swap(const struct target *target)
{
    char old[FILES_PATH], above[FILES_PATH];

    snprintf(old, sizeof(old), "%.*s.replaced", FILES_PATH - 16, target->place);
    snprintf(above, sizeof(above), "%s", target->place);
    if (tree_remove(old))
        return -ENOTEMPTY;
    if (rename(target->place, old) == -1 && errno != ENOENT)
        return -errno;
    if (!target->is_empty && rename(target->stage, target->place) == -1)
        return -errno;
    return files_sync_dir(dirname(above)) || tree_remove(old) ? -EIO : 0;
}

int targets_swap(const struct targets *targets)
{
    for (size_t i = 0; i < targets->n; i++) {
        int r = target_swap(&targets->items[i]);

        if (r)
            return target_refuse(targets->items[i].place, r);
    }
    return CLI_OK;
}
