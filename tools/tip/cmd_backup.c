/*
 * The order is what makes a backup: outboxes, database, journal, each as it is a moment after the one before. So
 * whatever an outbox had been acked, and whatever the database had stored, stands in the journal's copy
 * (docs/adr/0010).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/clock.h>
#include <tip/loop.h>
#include <tip/outbox_backup.h>

#include "backup/layout.h"
#include "backup/pipe.h"
#include "commands.h"
#include "journal_verify.h"
#include "up/tree.h"

enum { BACKUP_TRIES = 5 };

struct backup {
    struct cli *cli;
    struct layout layout;
    struct progress progress;
    struct manifest manifest;
    char made[FILES_PATH], partial[FILES_PATH]; /* the place, and where it grows */
    const char *from, *to;                      /* of the directory that is being copied, and its name in the backup */
    struct pipe_end dump;
    uint64_t bytes;
    int64_t began_ms;
};

static int backup_refuse(const char *what, int r)
{
    if (r == -EINTR)
        return CLI_INTERRUPTED;
    cli_error("%s: %s", what,
              r == -ESTALE ? "an older program has it: restart the service, then try again" : strerror(-r));
    return r == -EACCES || r == -EPERM ? CLI_DENIED : CLI_FAILED;
}

/* ---- single files ---- */

static bool backup_path(const struct backup *backup, const char *path, char full[static FILES_PATH])
{
    return layout_join(full, backup->partial, path);
}

/* Makes its directory, too, when it is the first one there. */
static int backup_mkdir(const struct backup *backup, const char *path)
{
    char full[FILES_PATH];

    if (!backup_path(backup, path, full))
        return -ENAMETOOLONG;
    return mkdir(full, 0700) == -1 && errno != EEXIST ? -errno : 0;
}

static int backup_file(struct backup *backup, const char *from, const char *path)
{
    struct manifest_file file = {.bytes = 0};
    char full[FILES_PATH];
    int r;

    if (!manifest_path_valid(path) || !backup_path(backup, path, full))
        return -EINVAL;
    r = files_copy(from, full, &file, &backup->progress);
    if (r)
        return r;
    snprintf(file.path, sizeof(file.path), "%s", path);
    *manifest_add(&backup->manifest, path) = file;
    return 0;
}

static int backup_each(void *ctx, const char *name)
{
    struct backup *backup = ctx;
    char from[FILES_PATH], path[FILES_PATH];
    int r;

    if (!layout_join(from, backup->from, name) || !layout_join(path, backup->to, name))
        return -ENAMETOOLONG;
    r = backup_file(backup, from, path);
    return r == -ENOENT ? 0 : r; /* gone meanwhile: its owner knows how to do without */
}

static int backup_dir(struct backup *backup, const char *from, const char *to)
{
    int r = backup_mkdir(backup, to);

    backup->from = from;
    backup->to = to;
    if (!r)
        r = layout_each(from, backup_each, backup);
    return r ? backup_refuse(from, r) : CLI_OK;
}

/* ---- outboxes, and what lies beside them ---- */

static int backup_outbox_copy(struct backup *backup, const char *dir, const char *path)
{
    char full[FILES_PATH];
    int fd, r;

    if (!backup_path(backup, path, full))
        return -ENAMETOOLONG;
    fd = open(full, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd == -1)
        return -errno;
    r = tip_outbox_copy(dir, fd);
    if (!r && fsync(fd) == -1)
        r = -errno;
    (void)close(fd); /* what matters was synced */
    if (r)
        (void)unlink(full);
    return r ? r : files_look(full, manifest_add(&backup->manifest, path), &backup->progress);
}

static int backup_outbox(struct backup *backup, size_t i)
{
    char dir[FILES_PATH], path[MANIFEST_PATH];
    int r;

    snprintf(path, sizeof(path), "outbox/%s.mdb", programs[i].name);
    if (!layout_join(dir, backup->layout.data[i], "outbox"))
        return backup_refuse(backup->layout.data[i], -ENAMETOOLONG);
    r = backup_outbox_copy(backup, dir, path);
    return r && r != -ENOENT ? backup_refuse(dir, r) : CLI_OK;
}

static int backup_outboxes(struct backup *backup)
{
    static const char *const of_lists[] = {"sets", "exempt"}; /* versions, and what reference lists exempt */
    char from[FILES_PATH];
    int r = backup_mkdir(backup, "outbox");

    progress_step(&backup->progress, "outboxes and lists", 0);
    if (r)
        return backup_refuse(backup->partial, r);
    for (size_t i = 0; i < PROGRAMS; i++) {
        r = backup_outbox(backup, i);
        if (r != CLI_OK)
            return r;
    }
    for (size_t i = 0; r == CLI_OK && i < sizeof(of_lists) / sizeof(*of_lists); i++) {
        if (!layout_join(from, layout_data(&backup->layout, "blacklist"), of_lists[i]))
            return backup_refuse("blacklist.data", -ENAMETOOLONG);
        r = backup_dir(backup, from, of_lists[i]);
    }
    return r;
}

static int backup_config(struct backup *backup)
{
    const struct layout *layout = &backup->layout;
    char conf_d[FILES_PATH];
    int r = CLI_OK, e;

    progress_step(&backup->progress, "keys and configuration", 0);
    if (layout->options.bus.keys)
        r = backup_dir(backup, layout->options.bus.keys, "keys");
    e = backup_mkdir(backup, "config");
    if (!e)
        e = backup_file(backup, layout->options.config, "config/tip.yaml");
    if (r == CLI_OK && e)
        r = backup_refuse(layout->options.config, e);
    if (r == CLI_OK && layout_join(conf_d, layout->config_dir, "conf.d"))
        r = backup_dir(backup, conf_d, "config/conf.d");
    if (r == CLI_OK && *layout->sources)
        r = backup_dir(backup, layout->sources, "config/sources.d");
    return r;
}

/* ---- the database ---- */

static int backup_dump_begin(struct backup *backup)
{
    struct manifest *manifest = &backup->manifest;
    char line[PIPE_LINE] = "", end = 0;
    int r = pipe_open(&backup->dump, backup->layout.options.config, "dump");

    if (!r)
        r = pipe_line(&backup->dump, line);
    if (progress_is_interrupted())
        return CLI_INTERRUPTED;
    if (!r && sscanf(line, "tip-dump 1 schema=%9u journal=%36[0-9a-f-] next_seq=%" SCNu64 "%c", &manifest->schema,
                     manifest->stored, &manifest->next_seq, &end) == 3)
        return CLI_OK;
    cli_error("the database cannot be read: tip-storage says why above");
    return CLI_UNREACHABLE;
}

static int backup_dump_end(struct backup *backup)
{
    struct manifest_file file = {.path = "database.dump"};
    char full[FILES_PATH];
    int r, code;

    progress_step(&backup->progress, "database", 0);
    if (!backup_path(backup, file.path, full))
        return backup_refuse(backup->partial, -ENAMETOOLONG);
    r = files_take(backup->dump.fd, full, &file, &backup->progress);
    code = pipe_close(&backup->dump);
    if (progress_is_interrupted())
        return CLI_INTERRUPTED;
    if (r)
        return backup_refuse(full, r);
    if (code) {
        cli_error("pg_dump has failed: it says why above");
        return CLI_FAILED;
    }
    *manifest_add(&backup->manifest, file.path) = file;
    return CLI_OK;
}

/* ---- the journal ---- */

static int backup_segment(void *ctx, const char *name)
{
    struct backup *backup = ctx;
    char from[FILES_PATH], path[MANIFEST_PATH], full[FILES_PATH];
    const char *dot = strrchr(name, '.');
    int r;

    if (!dot || strcmp(dot, ".seg") != 0 || strcmp(name, "next.seg") == 0)
        return 0;
    snprintf(path, sizeof(path), "%s/%.64s", backup->to, name);
    if (!layout_join(from, backup->from, name) || !backup_path(backup, path, full))
        return -ENAMETOOLONG;
    if (access(full, F_OK) == 0)
        return 0;
    r = files_copy_growing(from, full, &backup->progress);
    return r == -ENOENT ? 0 : r; /* trimmed meanwhile */
}

/* The small files first: what they say of positions is true of all that is copied after them. */
static int backup_journal_copy(struct backup *backup, const char *dir)
{
    char from[FILES_PATH];
    int r = 0;

    if (backup->manifest.n == 0 || strncmp(backup->manifest.files[backup->manifest.n - 1].path, "journal/", 8) != 0) {
        r = layout_join(from, dir, "journal.id") ? backup_file(backup, from, "journal/journal.id") : -ENAMETOOLONG;
        if (!r)
            r = layout_join(from, dir, "consumers") ? backup_file(backup, from, "journal/consumers") : -ENAMETOOLONG;
        r = r == -ENOENT && backup->manifest.n ? 0 : r;
    }
    backup->from = dir;
    backup->to = "journal";
    return r ? r : layout_each(dir, backup_segment, backup);
}

struct journal_look {
    struct backup *backup;
    char last[JOURNAL_VERIFY_NAME], damaged[JOURNAL_VERIFY_NAME];
};

static void backup_on_damage(void *ctx, const struct journal_verify_damage *damage)
{
    struct journal_look *look = ctx;

    snprintf(look->damaged, sizeof(look->damaged), "%s", damage->file);
}

static void backup_on_segment(void *ctx, const struct journal_verify_segment *segment)
{
    struct journal_look *look = ctx;

    memcpy(look->last, segment->name, sizeof(look->last));
}

static int backup_journal_look(struct backup *backup, struct journal_look *look)
{
    tip_auto(journal_disk_destroy) struct journal_disk *disk = NULL;
    struct journal_verify verify = {.on_damage = backup_on_damage, .on_segment = backup_on_segment, .ctx = look};
    struct manifest *manifest = &backup->manifest;
    struct tip_uuid id;
    char full[FILES_PATH];
    int r = backup_path(backup, "journal", full) ? journal_disk_open_read_only(&disk, full, true) : -ENAMETOOLONG;

    verify.disk = disk;
    if (!r)
        r = journal_verify_run(&verify);
    memcpy(id.bytes, verify.identity.id, sizeof(id.bytes));
    tip_uuid_format(&id, manifest->journal);
    manifest->first_seq = verify.first_seq;
    manifest->last_seq = verify.last_seq;
    manifest->n_damages = verify.n_damages;
    journal_verify_deinit(&verify);
    return r;
}

/* Damage in the segment that was being written may be ours: it is copied again, and another time. */
static int backup_journal_settle(struct backup *backup, const char *dir)
{
    char full[FILES_PATH], path[MANIFEST_PATH];
    int r = 0;

    for (int i = 0; !r && i < BACKUP_TRIES; i++) {
        struct journal_look look = {.backup = backup};

        r = backup_journal_copy(backup, dir);
        if (!r)
            r = backup_journal_look(backup, &look);
        if (r || !*look.damaged || strcmp(look.damaged, look.last) != 0)
            break;
        snprintf(path, sizeof(path), "journal/%s", look.last);
        if (i + 1 < BACKUP_TRIES && backup_path(backup, path, full))
            (void)unlink(full);
    }
    return r;
}

static int backup_segment_note(void *ctx, const char *name)
{
    struct backup *backup = ctx;
    char path[MANIFEST_PATH], full[FILES_PATH];
    const char *dot = strrchr(name, '.');

    if (!dot || strcmp(dot, ".seg") != 0)
        return 0;
    snprintf(path, sizeof(path), "journal/%.64s", name);
    if (!backup_path(backup, path, full))
        return -ENAMETOOLONG;
    return files_look(full, manifest_add(&backup->manifest, path), &backup->progress);
}

/* Retention may have been faster than we: then the database has not stored what the copy does not have. */
static int backup_journal_check(const struct backup *backup)
{
    const struct manifest *manifest = &backup->manifest;

    if (manifest->n_damages)
        cli_error("the journal has %" PRIu64 " damaged places, and so has its copy: tip bus verify",
                  manifest->n_damages);
    if (strcmp(manifest->stored, manifest->journal) != 0 || manifest->first_seq <= manifest->next_seq)
        return CLI_OK;
    cli_error("the journal was trimmed up to %" PRIu64 " while it was copied, and the database wants %" PRIu64
              ": try again, or raise broker.keep_bytes",
              manifest->first_seq, manifest->next_seq);
    return CLI_FAILED;
}

static int backup_journal(struct backup *backup)
{
    char dir[FILES_PATH], full[FILES_PATH];
    int r = backup_mkdir(backup, "journal");

    progress_step(&backup->progress, "journal", 0);
    if (!layout_join(dir, layout_data(&backup->layout, "broker"), "journal"))
        return backup_refuse("broker.data", -ENAMETOOLONG);
    if (!r)
        r = backup_journal_settle(backup, dir);
    if (!r)
        r = backup_path(backup, "journal", full) ? layout_each(full, backup_segment_note, backup) : -ENAMETOOLONG;
    return r ? backup_refuse(dir, r) : backup_journal_check(backup);
}

/* ---- whole ---- */

static int backup_manifest_write(const struct backup *backup)
{
    json_t *object = manifest_json(&backup->manifest);
    char full[FILES_PATH];
    int fd, r = 0;

    fd = backup_path(backup, MANIFEST_NAME, full) ? open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (fd == -1 || json_dumpfd(object, fd, JSON_INDENT(1)) == -1 || fsync(fd) == -1)
        r = errno ? -errno : -EIO;
    if (fd != -1)
        (void)close(fd); /* what matters was synced */
    json_decref(object);
    return r;
}

static int backup_sync(const struct backup *backup)
{
    static const char *const dirs[] = {"journal", "outbox", "sets",          "exempt",
                                       "keys",    "config", "config/conf.d", "config/sources.d"};
    char full[FILES_PATH];
    int r = 0;

    for (size_t i = 0; !r && i < sizeof(dirs) / sizeof(*dirs); i++) {
        if (backup_path(backup, dirs[i], full) && access(full, F_OK) == 0)
            r = files_sync_dir(full);
    }
    return r ? r : files_sync_dir(backup->partial);
}

/* Until here nothing has the name of a backup. */
static int backup_finish(struct backup *backup)
{
    char parent[FILES_PATH];
    char *slash;
    int r = backup_manifest_write(backup);

    if (!r)
        r = backup_sync(backup);
    if (!r && progress_is_interrupted())
        r = -EINTR;
    if (!r && rename(backup->partial, backup->made) == -1)
        r = -errno;
    snprintf(parent, sizeof(parent), "%s", backup->made);
    slash = strrchr(parent, '/');
    if (slash)
        *slash = '\0';
    if (!r)
        r = files_sync_dir(!slash ? "." : slash == parent ? "/" : parent);
    return r ? backup_refuse(backup->partial, r) : CLI_OK;
}

static int backup_take(struct backup *backup)
{
    int r = backup_outboxes(backup);

    if (r == CLI_OK)
        r = backup_config(backup);
    if (r == CLI_OK)
        r = backup_dump_begin(backup);
    if (r == CLI_OK)
        r = backup_journal(backup);
    if (r == CLI_OK)
        r = backup_dump_end(backup);
    (void)pipe_close(&backup->dump); /* if something else went wrong */
    return r == CLI_OK ? backup_finish(backup) : r;
}

static int backup_show(const struct backup *backup)
{
    static const struct tip_column columns[] = {{"directory", TIP_COLUMN_TEXT},  {"made", TIP_COLUMN_TIME},
                                                {"files", TIP_COLUMN_INT},       {"bytes", TIP_COLUMN_INT},
                                                {"took_ms", TIP_COLUMN_INT},     {"schema", TIP_COLUMN_INT},
                                                {"journal_id", TIP_COLUMN_TEXT}, {"stored_seq", TIP_COLUMN_INT},
                                                {"last_seq", TIP_COLUMN_INT},    {"damages", TIP_COLUMN_INT}};
    enum { N = sizeof(columns) / sizeof(*columns) };
    const struct manifest *manifest = &backup->manifest;
    tip_auto(out_destroy) struct out *out = NULL;
    char numbers[N][24];
    const char *bad = NULL;
    uint64_t bytes = 0;

    for (size_t i = 0; i < manifest->n; i++)
        bytes += manifest->files[i].bytes;
    if (out_open(&out, &backup->cli->out, columns, N, &bad))
        return cli_bad_field(bad);
    snprintf(numbers[2], sizeof(numbers[2]), "%zu", manifest->n);
    snprintf(numbers[3], sizeof(numbers[3]), "%" PRIu64, bytes);
    snprintf(numbers[4], sizeof(numbers[4]), "%" PRId64, tip_loop_wall_ms() - backup->began_ms);
    snprintf(numbers[5], sizeof(numbers[5]), "%u", manifest->schema);
    snprintf(numbers[7], sizeof(numbers[7]), "%" PRIu64, manifest->next_seq ? manifest->next_seq - 1 : 0);
    snprintf(numbers[8], sizeof(numbers[8]), "%" PRIu64, manifest->last_seq);
    snprintf(numbers[9], sizeof(numbers[9]), "%" PRIu64, manifest->n_damages);
    out_row(out,
            (const char *const[]){backup->made, manifest->made, numbers[2], numbers[3], numbers[4], numbers[5],
                                  manifest->journal, numbers[7], numbers[8], numbers[9]},
            NULL);
    return manifest->n_damages ? CLI_DEGRADED : CLI_OK;
}

static int backup_place(struct backup *backup, const char *dir)
{
    size_t n = strlen(dir);

    while (n > 1 && dir[n - 1] == '/')
        n--;
    if (n + 16 > FILES_PATH) {
        cli_error("%s: %s", dir, strerror(ENAMETOOLONG));
        return CLI_USAGE;
    }
    snprintf(backup->made, sizeof(backup->made), "%.*s", (int)n, dir);
    snprintf(backup->partial, sizeof(backup->partial), "%.*s.partial", (int)n, dir);
    if (access(backup->made, F_OK) == 0) {
        cli_error("%s is there already: name a new directory", backup->made);
        return CLI_USAGE;
    }
    return CLI_OK;
}

static int backup_begin(struct backup *backup)
{
    if (mkdir(backup->partial, 0700) == -1) {
        const char *slash = strrchr(backup->made, '/');
        int r = errno;

        if (r == ENOENT && slash)
            cli_error("the directory %.*s is not there: mkdir -m 700 it first, as the user that runs TIP",
                      (int)(slash - backup->made), backup->made);
        else
            cli_error("%s: %s%s", backup->partial, strerror(r),
                      r == EEXIST ? "; it is of a backup that was cut off, or of one at work: remove it" : "");
        return r == EACCES ? CLI_DENIED : CLI_FAILED;
    }
    snprintf(backup->manifest.tip, sizeof(backup->manifest.tip), "%s", TIP_VERSION);
    (void)tip_clock_format(backup->began_ms, backup->manifest.made); /* it fits */
    return CLI_OK;
}

static int backup_run(struct cli *cli)
{
    struct backup backup = {.cli = cli, .began_ms = tip_loop_wall_ms(), .dump.fd = -1};
    int r = backup_place(&backup, cli->args[0]);

    if (r != CLI_OK)
        return r;
    r = layout_open(&backup.layout, cli->config);
    progress_begin(&backup.progress, !cli->quiet && isatty(STDERR_FILENO)); /* before there is anything to remove */
    if (r == CLI_OK)
        r = backup_begin(&backup);
    if (r == CLI_OK) {
        r = backup_take(&backup);
        progress_end(&backup.progress);
        if (r != CLI_OK && tree_remove(backup.partial))
            cli_error("could not remove all of %s", backup.partial);
    }
    if (r == CLI_OK)
        r = backup_show(&backup);
    layout_close(&backup.layout);
    manifest_deinit(&backup.manifest);
    return r;
}

const struct cli_command cmd_backup = {
    .name = "backup",
    .arguments = "DIR",
    .summary = "Copies the whole system, while it works, into a new directory.",
    .details =
        "Outboxes (allow and deny list, what is held, tokens of the page), lists, keys and configuration, then the\n"
        "database at one moment (pg_dump), then the journal, so that nothing that was acked or stored is missing in "
        "it.\n"
        "DIR appears when it is whole, with mode 0700: it holds secrets. Run it as the user of the services, or as "
        "root,\n"
        "on the machine where they run. Exit code 3: the journal is damaged, and so is its copy.",
    .min_args = 1,
    .max_args = 1,
    .run = backup_run,
};
