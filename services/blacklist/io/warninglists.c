#include "io/warninglists.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include <tip/cleanup.h>
#include <tip/crc32c.h>
#include <tip/fail.h>

enum {
    LISTS_PATH = 4096,
    LISTS_FILE_MAX = 64 * 1024 * 1024,
    LISTS_TOP_MAX = 10000 /* they are in order of names: of a longer one nobody knows which are the top */
};

/* Names of lists as MISP/misp-warninglists has them. What is special use TIP knows by itself. */
static const struct {
    const char *pattern;
    enum bl_role role;
} lists_roles[] = {
    {"infrastructure", BL_ROLE_INFRASTRUCTURE},
    {"infrastructure-*", BL_ROLE_INFRASTRUCTURE},
    {"resolver", BL_ROLE_RESOLVER},
    {"resolver-*", BL_ROLE_RESOLVER},
    {"sinkhole", BL_ROLE_SINKHOLE},
    {"sinkhole-*", BL_ROLE_SINKHOLE},
    {"top_site", BL_ROLE_TOP_SITE},
    {"top_site-*", BL_ROLE_TOP_SITE},
    {"peer", BL_ROLE_PEER},
    {"peer-*", BL_ROLE_PEER},
    {"scanner", BL_ROLE_SCANNER},
    {"scanner-*", BL_ROLE_SCANNER},
    {"akamai", BL_ROLE_INFRASTRUCTURE},
    {"cloudflare", BL_ROLE_INFRASTRUCTURE},
    {"fastly", BL_ROLE_INFRASTRUCTURE},
    {"stackpath", BL_ROLE_INFRASTRUCTURE},
    {"googlebot", BL_ROLE_INFRASTRUCTURE},
    {"bingbot", BL_ROLE_INFRASTRUCTURE},
    {"google-gmail-sending-ips", BL_ROLE_INFRASTRUCTURE},
    {"microsoft-office365-ip", BL_ROLE_INFRASTRUCTURE},
    {"smtp-sending-ips", BL_ROLE_INFRASTRUCTURE},
    {"smtp-receiving-ips", BL_ROLE_INFRASTRUCTURE},
    {"public-dns-v4", BL_ROLE_RESOLVER},
    {"public-dns-v6", BL_ROLE_RESOLVER},
    {"public-dns-hostname", BL_ROLE_RESOLVER},
    {"sinkholes", BL_ROLE_SINKHOLE},
    {"alexa", BL_ROLE_TOP_SITE},
    {"tranco", BL_ROLE_TOP_SITE},
    {"tranco10k", BL_ROLE_TOP_SITE},
    {"cisco_top1000", BL_ROLE_TOP_SITE},
    {"cisco_top5k", BL_ROLE_TOP_SITE},
    {"cisco_top10k", BL_ROLE_TOP_SITE},
    {"majestic_million", BL_ROLE_TOP_SITE},
    {"moz-top500", BL_ROLE_TOP_SITE},
    {"censys-scanning", BL_ROLE_SCANNER},
    {"shodan-scanning", BL_ROLE_SCANNER},
    {"*-scanning", BL_ROLE_SCANNER},
};

enum bl_role bl_warninglists_role(const char *name)
{
    for (size_t i = 0; i < sizeof(lists_roles) / sizeof(*lists_roles); i++) {
        if (!fnmatch(lists_roles[i].pattern, name, 0))
            return lists_roles[i].role;
    }
    return BL_ROLE_COUNT;
}

/* Types that hold addresses and names; in others (substring, regex) an entry stands for what cannot be listed. */
static bool lists_type_is_read(const char *type)
{
    return !strcmp(type, "cidr") || !strcmp(type, "hostname") || !strcmp(type, "string");
}

/* A directory being read. */
struct lists_reading {
    const char *dir;
    bl_warninglists_take *take;
    void *ctx;
    struct bl_warninglists *counts;
};

static int lists_add(const struct lists_reading *reading, enum bl_role role, const char *name, const json_t *list)
{
    if (role == BL_ROLE_TOP_SITE && json_array_size(list) > LISTS_TOP_MAX) {
        reading->counts->n_passed++;
        return 0;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        int r = BL_REFERENCE_E_UNKNOWN;

        if (json_is_string(entry))
            r = reading->take(reading->ctx, role, name, json_string_value(entry), json_string_length(entry));
        if (r < 0)
            return r;
        reading->counts->n_passed += r == BL_REFERENCE_E_UNKNOWN;
    }
    return 0;
}

/* It has no entries that can be trusted: is it being written? */
static void lists_damaged(const struct lists_reading *reading, const char *path)
{
    struct stat status;
    time_t now = time(NULL);

    reading->counts->n_damaged++;
    if (!stat(path, &status) && status.st_mtim.tv_sec <= now && now - status.st_mtim.tv_sec < BL_WARNINGLISTS_FRESH_S)
        reading->counts->n_fresh++;
}

static int lists_take(const struct lists_reading *reading, enum bl_role role, const char *name, const char *path,
                      const json_t *object)
{
    const json_t *list = json_object_get(object, "list");
    const char *type = json_string_value(json_object_get(object, "type"));

    if (!json_is_array(list) || !type) {
        lists_damaged(reading, path);
        return 0;
    }
    if (!lists_type_is_read(type)) {
        reading->counts->n_passed++;
        return 0;
    }
    reading->counts->n_files++;
    return lists_add(reading, role, name, list);
}

static int lists_load(const struct lists_reading *reading, enum bl_role role, const char *name, const char *path)
{
    tip_auto(tip_file_close) FILE *file = fopen(path, "re");
    json_t *object;
    int r;

    if (!file && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        return -errno;
    object = file ? json_loadf(file, 0, NULL) : NULL;
    r = lists_take(reading, role, name, path, object);
    json_decref(object);
    return r;
}

/* What an editor has left behind (NAME.json~) is no directory with a list in it. */
static int lists_read(const struct lists_reading *reading, enum bl_role role, const char *name, const char *path)
{
    struct stat status;
    int error = stat(path, &status) == -1 ? errno : 0;

    if (error && error != ENOENT && error != ENOTDIR) {
        lists_damaged(reading, path);
        return 0;
    }
    if (error || !S_ISREG(status.st_mode) || status.st_size > LISTS_FILE_MAX) {
        reading->counts->n_passed++;
        return 0;
    }
    return lists_load(reading, role, name, path);
}

/* `NAME.json`, or the directory NAME with its list.json. */
static bool lists_path(const char *dir, const char *file, char name[static NAME_MAX + 1], char path[static LISTS_PATH])
{
    size_t n = strlen(file);
    bool is_file = n > 5 && !strcmp(file + n - 5, ".json");

    (void)snprintf(name, NAME_MAX + 1, "%.*s", (int)(is_file ? n - 5 : n), file);
    return snprintf(path, LISTS_PATH, "%s/%s%s", dir, file, is_file ? "" : "/list.json") < LISTS_PATH;
}

static int lists_entry(const struct lists_reading *reading, const char *file)
{
    char name[NAME_MAX + 1];
    char path[LISTS_PATH];
    bool is_path = lists_path(reading->dir, file, name, path);
    enum bl_role role = bl_warninglists_role(name);

    if (*file == '.')
        return 0;
    if (role == BL_ROLE_COUNT || !is_path) {
        reading->counts->n_passed++;
        return 0;
    }
    return lists_read(reading, role, name, path);
}

int bl_warninglists_each(const char *dir, bl_warninglists_take *take, void *ctx, struct bl_warninglists *counts)
{
    const struct lists_reading reading = {.dir = dir, .take = take, .ctx = ctx, .counts = counts};
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, NULL, alphasort);
    int r = n < 0 ? -errno : 0;

    for (int i = 0; i < n; i++) {
        r = r ? r : lists_entry(&reading, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return r ? tip_fail(r) : 0;
}

static int lists_take_reference(void *ctx, enum bl_role role, const char *list, const char *text, size_t len)
{
    (void)list;
    return bl_reference_add(ctx, role, text, len);
}

int bl_warninglists_load(struct bl_reference *reference, const char *dir, struct bl_warninglists *counts)
{
    return bl_warninglists_each(dir, lists_take_reference, reference, counts);
}

/* ---- has anything been written? ---- */

static uint64_t lists_stamp_of(const char *dir, const char *file)
{
    char name[NAME_MAX + 1];
    char path[LISTS_PATH];
    struct stat status;
    struct {
        int64_t changed_s, changed_ns, size;
        uint64_t inode;
        char name[NAME_MAX + 1];
    } seen = {.size = 0};

    if (*file == '.' || !lists_path(dir, file, name, path) || stat(path, &status) == -1)
        return 0;
    seen.changed_s = status.st_ctim.tv_sec;
    seen.changed_ns = status.st_ctim.tv_nsec;
    seen.size = status.st_size;
    seen.inode = status.st_ino;
    strcpy(seen.name, name);
    return (uint64_t)tip_crc32c(0, &seen, sizeof(seen)) << 32 | tip_crc32c(1, &seen, sizeof(seen));
}

/* A sum: in any order. */
uint64_t bl_warninglists_stamp(const char *dir)
{
    tip_auto(tip_dir_close) DIR *listing = opendir(dir);
    const struct dirent *entry;
    uint64_t stamp = tip_crc32c(0, dir, strlen(dir));

    while (listing && (entry = readdir(listing)))
        stamp += lists_stamp_of(dir, entry->d_name);
    return stamp ? stamp : 1;
}
