#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/loop.h>

#include "backup/adapt.h"
#include "backup/cluster.h"
#include "backup/pipe.h"
#include "commands.h"
#include "up/lock.h"

enum { RESTORE_REPLACE, RESTORE_DRY_RUN, RESTORE_OPTIONS };

static const struct cli_option restore_rows[RESTORE_OPTIONS] = {
    [RESTORE_REPLACE] = {"replace", 0, NULL, "In the place of what is there, which is lost."},
    [RESTORE_DRY_RUN] =
        {"dry-run", 0, NULL,
         "Checks all of it, also beside a system that runs, then says what is in the way; changes nothing."},
};

struct restore {
    struct cli *cli;
    const char *dir;
    struct layout layout;
    struct progress progress;
    struct manifest manifest;
    struct user user;
    struct targets targets;
    struct adapted adapted;
    struct cluster cluster;
    int locks[PROGRAMS], up_lock;
    uint64_t bytes;
    int64_t began_ms;
};

static int restore_refuse(const char *what, int r)
{
    if (r == -EINTR)
        return CLI_INTERRUPTED;
    cli_error("%s: %s", what, strerror(-r));
    return r == -EACCES || r == -EPERM ? CLI_DENIED : CLI_FAILED;
}

/* ---- what is in it, and whether it is whole ---- */

/* Its dump makes functions and whatever else in the database, with the rights of who puts it back. */
static int restore_trust(const struct restore *restore)
{
    struct stat st;

    if (stat(restore->dir, &st) == -1 || !(st.st_mode & (S_IWGRP | S_IWOTH)))
        return CLI_OK; /* what is not there is said when it is read */
    cli_error("%s can be written by others: a backup is run as a program is; chmod go-w first", restore->dir);
    return CLI_DENIED;
}

static int restore_manifest(struct restore *restore)
{
    tip_auto(tip_free) uint8_t *bytes = tip_alloc(MANIFEST_BYTES_MAX + 1, 1);
    tip_auto(tip_file_close) FILE *in = NULL;
    char path[FILES_PATH], why[MANIFEST_WHY];
    size_t n;

    if (!layout_join(path, restore->dir, MANIFEST_NAME))
        return restore_refuse(restore->dir, -ENAMETOOLONG);
    in = fopen(path, "re");
    if (!in) {
        cli_error("%s: %s%s", path, strerror(errno), errno == ENOENT ? ": this is no backup, or half of one" : "");
        return errno == EACCES ? CLI_DENIED : CLI_USAGE;
    }
    n = fread(bytes, 1, MANIFEST_BYTES_MAX + 1, in);
    if (ferror(in))
        return restore_refuse(path, -EIO);
    if (manifest_read(&restore->manifest, bytes, n, why) == 0)
        return CLI_OK;
    cli_error("%s: %s", path, why);
    return CLI_FAILED;
}

static int restore_check_file(struct restore *restore, const struct manifest_file *file)
{
    struct manifest_file found = {.bytes = 0};
    char path[FILES_PATH];
    int r = layout_join(path, restore->dir, file->path) ? files_look(path, &found, &restore->progress) : -ENAMETOOLONG;

    if (r)
        return restore_refuse(path, r);
    if (found.bytes == file->bytes && strcmp(found.sha256, file->sha256) == 0)
        return CLI_OK;
    cli_error("%s is damaged: it is not what was backed up (%s)", path,
              found.bytes == file->bytes ? "its checksum differs" : "its size differs");
    return CLI_FAILED;
}

static int restore_check(struct restore *restore)
{
    const struct manifest *manifest = &restore->manifest;
    int r = CLI_OK;

    for (size_t i = 0; i < manifest->n; i++)
        restore->bytes += manifest->files[i].bytes;
    progress_step(&restore->progress, "checksums", restore->bytes);
    for (size_t i = 0; r == CLI_OK && i < manifest->n; i++)
        r = restore_check_file(restore, &manifest->files[i]);
    return r;
}

/* ---- nobody is at work ---- */

static int restore_lock_take(struct restore *restore, size_t i)
{
    if (flock(restore->locks[i], LOCK_EX | LOCK_NB) == 0)
        return CLI_OK;
    cli_error("tip-%s runs with %s: end it first", programs[i].name, restore->layout.data[i]);
    return CLI_FAILED;
}

static int restore_lock(struct restore *restore, size_t i)
{
    char path[FILES_PATH];

    if (!layout_join(path, restore->layout.data[i], "lock"))
        return restore_refuse(restore->layout.data[i], -ENAMETOOLONG);
    restore->locks[i] = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (restore->locks[i] == -1)
        return errno == ENOENT ? CLI_OK : restore_refuse(path, -errno);
    return restore_lock_take(restore, i);
}

static int restore_locks(struct restore *restore)
{
    const char *data = restore->layout.options.up.data;
    pid_t holder = lock_holder(data);
    int r = CLI_OK;

    if (holder) {
        cli_error("`tip up` (process %ld) runs with %s: end it first", (long)holder, data);
        return CLI_FAILED;
    }
    for (size_t i = 0; r == CLI_OK && i < PROGRAMS; i++)
        r = restore_lock(restore, i);
    return r;
}

/* Where nothing was there was no lock either: a service that starts now must find one, and it is its user's. */
static int restore_lock_new(struct restore *restore, size_t i)
{
    char path[FILES_PATH];

    if (restore->locks[i] != -1)
        return CLI_OK;
    if (!layout_join(path, restore->layout.data[i], "lock"))
        return restore_refuse(restore->layout.data[i], -ENAMETOOLONG);
    restore->locks[i] = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (restore->locks[i] == -1)
        return errno == EEXIST ? restore_lock(restore, i) : restore_refuse(path, -errno);
    if (restore->user.is_other && fchown(restore->locks[i], restore->user.uid, restore->user.gid) == -1)
        return restore_refuse(path, -errno);
    return restore_lock_take(restore, i);
}

/* So that no supervisor begins meanwhile. The file is the services' user's. */
static int restore_lock_up(struct restore *restore)
{
    const char *data = restore->layout.options.up.data;
    char path[FILES_PATH];
    int r;

    if (!restore->layout.private_database && access(data, W_OK) == -1)
        return CLI_OK; /* not a site of `tip up`: the services' own locks are enough */
    r = target_make_dir(&restore->user, data, 0755);
    if (!r)
        r = lock_take(data, &restore->up_lock);
    if (!r && restore->user.is_other && layout_join(path, data, "lock") &&
        lchown(path, restore->user.uid, restore->user.gid) == -1)
        r = -errno;
    return r ? restore_refuse(data, r) : CLI_OK;
}

/* ---- is there a place ---- */

static int restore_vacant(const struct restore *restore)
{
    const struct target *occupied = NULL;

    if (!cli_flag(restore->cli, RESTORE_REPLACE))
        occupied = targets_occupied(&restore->targets);
    if (!occupied)
        return CLI_OK;
    cli_error("%s is not empty: --replace puts the backup in its place", occupied->place);
    return CLI_FAILED;
}

static int restore_places(struct restore *restore)
{
    int r;

    if (user_find(&restore->user)) {
        cli_error("services do not run as root, and there is neither a user `tip` nor `nobody`");
        return CLI_FAILED;
    }
    r = targets_init(&restore->targets, &restore->layout, &restore->manifest, &restore->user);
    return r == CLI_OK ? restore_vacant(restore) : r;
}

/* A service may have begun, and ended, since we looked; from now on none does. */
static int restore_places_hold(struct restore *restore)
{
    int r = CLI_OK;

    for (size_t i = 0; r == CLI_OK && i < PROGRAMS; i++)
        r = restore_lock_new(restore, i);
    return r == CLI_OK ? restore_vacant(restore) : r;
}

/* ---- the files ---- */

static int restore_stage_file(struct restore *restore, const struct manifest_file *file)
{
    struct manifest_file copied = {.bytes = 0};
    char from[FILES_PATH], to[FILES_PATH];
    int r;

    if (!targets_path(&restore->targets, file->path, to))
        return CLI_OK;
    r = layout_join(from, restore->dir, file->path) ? files_copy(from, to, &copied, &restore->progress) : -ENAMETOOLONG;
    if (r)
        return restore_refuse(to, r);
    if (copied.bytes == file->bytes && strcmp(copied.sha256, file->sha256) == 0)
        return CLI_OK;
    cli_error("%s has changed since it was checked", from);
    return CLI_FAILED;
}

static int restore_stage(struct restore *restore)
{
    const struct manifest *manifest = &restore->manifest;
    int r = targets_stage(&restore->targets);

    progress_step(&restore->progress, "files", 0);
    for (size_t i = 0; r == CLI_OK && i < manifest->n; i++)
        r = restore_stage_file(restore, &manifest->files[i]);
    if (r == CLI_OK)
        r = adapt_all(&restore->targets, manifest, restore->layout.consumer, &restore->adapted);
    return r == CLI_OK ? targets_own(&restore->targets) : r;
}

/* ---- the database ---- */

static int restore_pump(struct restore *restore, int to)
{
    tip_auto(tip_free) uint8_t *block = tip_alloc(1 << 20, 1);
    tip_auto(tip_file_close) FILE *in = NULL;
    char path[FILES_PATH];
    size_t n;

    if (!layout_join(path, restore->dir, "database.dump"))
        return -ENAMETOOLONG;
    in = fopen(path, "re");
    if (!in)
        return -errno;
    while ((n = fread(block, 1, 1 << 20, in)) > 0) {
        for (size_t at = 0; at < n;) {
            ssize_t put = write(to, block + at, n - at);

            if (put == -1 && errno != EINTR)
                return -errno; /* EPIPE: it says itself why it ended */
            at += put > 0 ? (size_t)put : 0;
        }
        (void)!progress_add(&restore->progress, n); /* it is carried through: half a database helps nobody */
    }
    return ferror(in) ? -EIO : 0;
}

static int restore_load(struct restore *restore, bool dry_run)
{
    struct pipe_end load;
    int code, r = pipe_open(&load, restore->layout.options.config, "load");

    progress_step(&restore->progress, "database", 0);
    if (r)
        return restore_refuse("tip-storage", r);
    if (dprintf(load.fd, "tip-load 1 schema=%u journal=%s renamed=%s replace=%d dry_run=%d\n", restore->manifest.schema,
                restore->manifest.journal, dry_run ? restore->manifest.journal : restore->adapted.journal,
                cli_flag(restore->cli, RESTORE_REPLACE), dry_run) > 0 &&
        !dry_run)
        r = restore_pump(restore, load.fd);
    code = pipe_close(&load);
    if (code == 0 && r == 0)
        return CLI_OK;
    cli_error("the database was not restored; tip-storage says why above. Nothing else was changed");
    return CLI_FAILED;
}

static int restore_database(struct restore *restore)
{
    int r = CLI_OK;

    if (restore->layout.private_database)
        r = cluster_start(&restore->cluster, &restore->layout, &restore->user);
    if (r == CLI_OK)
        r = progress_is_interrupted() ? CLI_INTERRUPTED : restore_load(restore, false);
    cluster_stop(&restore->cluster);
    return r;
}

/* ---- all of it ---- */

static int restore_show(const struct restore *restore)
{
    static const struct tip_column columns[] = {{"directory", TIP_COLUMN_TEXT},  {"made", TIP_COLUMN_TIME},
                                                {"result", TIP_COLUMN_TEXT},     {"files", TIP_COLUMN_INT},
                                                {"bytes", TIP_COLUMN_INT},       {"took_ms", TIP_COLUMN_INT},
                                                {"journal_id", TIP_COLUMN_TEXT}, {"stored_seq", TIP_COLUMN_INT},
                                                {"last_seq", TIP_COLUMN_INT},    {"unsent", TIP_COLUMN_INT}};
    enum { N = sizeof(columns) / sizeof(*columns) };
    const struct manifest *manifest = &restore->manifest;
    bool dry_run = cli_flag(restore->cli, RESTORE_DRY_RUN);
    tip_auto(out_destroy) struct out *out = NULL;
    const char *bad = NULL;
    char numbers[N][24];

    if (out_open(&out, &restore->cli->out, columns, N, &bad))
        return cli_bad_field(bad);
    snprintf(numbers[3], sizeof(numbers[3]), "%zu", manifest->n);
    snprintf(numbers[4], sizeof(numbers[4]), "%" PRIu64, restore->bytes);
    snprintf(numbers[5], sizeof(numbers[5]), "%" PRId64, tip_loop_wall_ms() - restore->began_ms);
    snprintf(numbers[7], sizeof(numbers[7]), "%" PRIu64, manifest->next_seq ? manifest->next_seq - 1 : 0);
    snprintf(numbers[8], sizeof(numbers[8]), "%" PRIu64, manifest->last_seq);
    snprintf(numbers[9], sizeof(numbers[9]), "%" PRIu64, restore->adapted.n_kept);
    out_row(out,
            (const char *const[]){restore->dir, manifest->made, dry_run ? "would be restored" : "restored", numbers[3],
                                  numbers[4], numbers[5], dry_run ? manifest->journal : restore->adapted.journal,
                                  numbers[7], numbers[8], numbers[9]},
            NULL);
    return CLI_OK;
}

/* Who asks whether a backup is good hears it whatever is in the way; and all of that. */
static int restore_look_dry(struct restore *restore)
{
    int r = restore_check(restore), way, places;

    progress_end(&restore->progress);
    if (r != CLI_OK)
        return r;
    cli_note(restore->cli, "%s is whole: %zu files, %" PRIu64 " bytes, made %s", restore->dir, restore->manifest.n,
             restore->bytes, restore->manifest.made);
    way = restore_locks(restore);
    places = restore_places(restore);
    return way == CLI_OK ? places : way;
}

/* Gigabytes are not read to say at last that they cannot go anywhere. */
static int restore_look_first(struct restore *restore)
{
    int r = restore_locks(restore);

    if (r == CLI_OK)
        r = restore_places(restore);
    return r == CLI_OK ? restore_check(restore) : r;
}

static int restore_look(struct restore *restore)
{
    int r = restore_trust(restore);

    if (r == CLI_OK)
        r = restore_manifest(restore);
    if (r == CLI_OK)
        r = layout_open(&restore->layout, restore->cli->config);
    if (r != CLI_OK)
        return r;
    return cli_flag(restore->cli, RESTORE_DRY_RUN) ? restore_look_dry(restore) : restore_look_first(restore);
}

static int restore_dry(struct restore *restore)
{
    if (!restore->layout.private_database)
        return restore_load(restore, true);
    cli_note(restore->cli, "the private PostgreSQL does not run, and was not asked");
    return CLI_OK;
}

static int restore_do(struct restore *restore)
{
    int r = restore_lock_up(restore);

    if (r == CLI_OK)
        r = restore_stage(restore);
    if (r == CLI_OK)
        r = restore_places_hold(restore);
    if (r == CLI_OK)
        r = restore_database(restore);
    if (r == CLI_OK)
        r = targets_swap(&restore->targets);
    else
        targets_unstage(&restore->targets);
    return r;
}

static void restore_deinit(struct restore *restore)
{
    for (size_t i = 0; i < PROGRAMS; i++)
        tip_fd_close(&restore->locks[i]);
    tip_fd_close(&restore->up_lock);
    layout_close(&restore->layout);
    manifest_deinit(&restore->manifest);
}

static int restore_run(struct cli *cli)
{
    struct restore restore = {.cli = cli, .dir = cli->args[0], .up_lock = -1, .began_ms = tip_loop_wall_ms()};
    int r;

    for (size_t i = 0; i < PROGRAMS; i++)
        restore.locks[i] = -1;
    progress_begin(&restore.progress, !cli->quiet && isatty(STDERR_FILENO));
    r = restore_look(&restore);
    if (r == CLI_OK)
        r = cli_flag(cli, RESTORE_DRY_RUN) ? restore_dry(&restore) : restore_do(&restore);
    progress_end(&restore.progress);
    if (r == CLI_OK)
        r = restore_show(&restore);
    restore_deinit(&restore);
    return r;
}

const struct cli_command cmd_restore = {
    .name = "restore",
    .arguments = "DIR",
    .summary = "Puts a backup in its place: the whole system as it was.",
    .details =
        "Needs the configuration (--config; the backup has a copy in config/), and that nothing of the system runs. "
        "All\n"
        "checksums are looked at first; the database comes next, and is brought up to this program's schema; then the\n"
        "files take their places. The journal goes on under a new id, so that nobody takes what comes for what was "
        "lost:\n"
        "consumers outside are told NEW_JOURNAL, storage asks every owner for its state once. As root all files "
        "become\n"
        "the user's that `tip up` runs as.",
    .options = restore_rows,
    .n_options = RESTORE_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = restore_run,
};
