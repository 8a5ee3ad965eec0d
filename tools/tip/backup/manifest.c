#include "backup/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

static const char *const manifest_dirs[] = {"journal", "outbox", "sets", "exempt", "keys", "config"};

void manifest_deinit(struct manifest *manifest)
{
    free(manifest->files);
    manifest->files = NULL;
    manifest->n = 0;
}

struct manifest_file *manifest_add(struct manifest *manifest, const char *path)
{
    struct manifest_file *file;

    if ((manifest->n & (manifest->n - 1)) == 0) /* full at powers of two */
        manifest->files = tip_realloc(manifest->files, manifest->n ? manifest->n * 2 : 1, sizeof(*manifest->files));
    file = &manifest->files[manifest->n++];
    memset(file, 0, sizeof(*file));
    snprintf(file->path, sizeof(file->path), "%s", path);
    return file;
}

static bool manifest_name_valid(const char *name, size_t n)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    return n > 0 && name[0] != '.' && strspn(name, allowed) >= n;
}

bool manifest_path_valid(const char *path)
{
    const char *slash = strchr(path, '/');
    unsigned depth = 0;
    bool known = false;

    if (!slash || strlen(path) >= MANIFEST_PATH)
        return strcmp(path, "database.dump") == 0;
    for (size_t i = 0; i < sizeof(manifest_dirs) / sizeof(*manifest_dirs); i++)
        known = known || (strlen(manifest_dirs[i]) == (size_t)(slash - path) &&
                          strncmp(path, manifest_dirs[i], (size_t)(slash - path)) == 0);
    for (const char *name = slash + 1; known; name = slash + 1) {
        slash = name + strcspn(name, "/");
        if (!manifest_name_valid(name, (size_t)(slash - name)) || ++depth > 2)
            return false;
        if (!*slash)
            return true;
    }
    return false;
}

json_t *manifest_json(const struct manifest *manifest)
{
    json_t *files = json_array();

    for (size_t i = 0; i < manifest->n; i++)
        json_array_append_new(files,
                              json_pack("{s:s, s:I, s:s}", "path", manifest->files[i].path, "bytes",
                                        (json_int_t)manifest->files[i].bytes, "sha256", manifest->files[i].sha256));
    return json_pack("{s:i, s:s, s:s, s:I, s:{s:s, s:I, s:I, s:I}, s:{s:s, s:I}, s:o}", "format", MANIFEST_FORMAT,
                     "tip", manifest->tip, "made", manifest->made, "schema", (json_int_t)manifest->schema, "journal",
                     "id", manifest->journal, "first_seq", (json_int_t)manifest->first_seq, "last_seq",
                     (json_int_t)manifest->last_seq, "damages", (json_int_t)manifest->n_damages, "stored", "journal",
                     manifest->stored, "next_seq", (json_int_t)manifest->next_seq, "files", files);
}

/* ---- reading ---- */

static int manifest_refuse(char *why, const char *what)
{
    snprintf(why, MANIFEST_WHY, "%s", what);
    return -EBADMSG;
}

static bool manifest_copy(char *to, size_t room, const char *text)
{
    return (size_t)snprintf(to, room, "%s", text) < room;
}

static bool manifest_is_id(const char *text, char to[static TIP_UUID_TEXT + 1])
{
    struct tip_uuid uuid;

    return tip_uuid_parse(&uuid, text, strlen(text)) == 0 && manifest_copy(to, TIP_UUID_TEXT + 1, text);
}

static bool manifest_sha_valid(const char *text)
{
    return strlen(text) == MANIFEST_SHA - 1 && strspn(text, "0123456789abcdef") == MANIFEST_SHA - 1;
}

static bool manifest_read_file(struct manifest *manifest, json_t *entry)
{
    struct manifest_file *file;
    const char *path, *sha;
    json_int_t bytes;

    if (json_unpack(entry, "{s:s, s:I, s:s}", "path", &path, "bytes", &bytes, "sha256", &sha) || bytes < 0 ||
        !manifest_path_valid(path) || !manifest_sha_valid(sha))
        return false;
    file = manifest_add(manifest, path);
    file->bytes = (uint64_t)bytes;
    return manifest_copy(file->sha256, sizeof(file->sha256), sha);
}

static int manifest_read_files(struct manifest *manifest, const json_t *files, char *why)
{
    size_t n = json_array_size(files);

    if (!json_is_array(files) || n == 0 || n > MANIFEST_FILES_MAX)
        return manifest_refuse(why, "it lists no files, or too many");
    for (size_t i = 0; i < n; i++) {
        if (manifest_read_file(manifest, json_array_get(files, i)))
            continue;
        snprintf(why, MANIFEST_WHY, "entry %zu of its files is none", i + 1);
        return -EBADMSG;
    }
    return 0;
}

static int manifest_read_head(struct manifest *manifest, json_t *root, char *why)
{
    json_int_t schema, first, last, damages, next;
    const char *tip, *made, *journal, *stored;

    if (json_unpack(root, "{s:s, s:s, s:I, s:{s:s, s:I, s:I, s:I}, s:{s:s, s:I}}", "tip", &tip, "made", &made, "schema",
                    &schema, "journal", "id", &journal, "first_seq", &first, "last_seq", &last, "damages", &damages,
                    "stored", "journal", &stored, "next_seq", &next))
        return manifest_refuse(why, "something is missing in it");
    if (!manifest_copy(manifest->tip, sizeof(manifest->tip), tip) ||
        !manifest_copy(manifest->made, sizeof(manifest->made), made) || schema < 0 || schema > 9999 || first < 0 ||
        last < 0 || damages < 0 || next < 0 || !manifest_is_id(journal, manifest->journal))
        return manifest_refuse(why, "something in it cannot be");
    if (strcmp(stored, "-") == 0)
        memcpy(manifest->stored, "-", 2);
    else if (!manifest_is_id(stored, manifest->stored))
        return manifest_refuse(why, "something in it cannot be");
    manifest->schema = (unsigned)schema;
    manifest->first_seq = (uint64_t)first;
    manifest->last_seq = (uint64_t)last;
    manifest->n_damages = (uint64_t)damages;
    manifest->next_seq = (uint64_t)next;
    return 0;
}

static int manifest_read_root(struct manifest *manifest, json_t *root, char *why)
{
    const json_t *format = json_object_get(root, "format");
    int r;

    if (!json_is_integer(format))
        return manifest_refuse(why, "it is no manifest of a backup");
    if (json_integer_value(format) != MANIFEST_FORMAT) {
        snprintf(why, MANIFEST_WHY, "its format is %lld, this program knows %d", (long long)json_integer_value(format),
                 MANIFEST_FORMAT);
        return -EPROTONOSUPPORT;
    }
    r = manifest_read_head(manifest, root, why);
    return r ? r : manifest_read_files(manifest, json_object_get(root, "files"), why);
}

int manifest_read(struct manifest *manifest, const void *bytes, size_t n, char *why)
{
    json_error_t error;
    json_t *root;
    int r;

    *manifest = (struct manifest){.n = 0};
    if (n > MANIFEST_BYTES_MAX)
        return manifest_refuse(why, "it is too large");
    root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        snprintf(why, MANIFEST_WHY, "line %d: %s", error.line, error.text);
        return -EBADMSG;
    }
    r = manifest_read_root(manifest, root, why);
    json_decref(root);
    if (r)
        manifest_deinit(manifest);
    return r;
}
