#include "io/warninglists.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include <tip/cleanup.h>
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
    return type && (!strcmp(type, "cidr") || !strcmp(type, "hostname") || !strcmp(type, "string"));
}

static int lists_add(struct bl_reference *reference, enum bl_role role, const json_t *list,
                     struct bl_warninglists *counts)
{
    if (role == BL_ROLE_TOP_SITE && json_array_size(list) > LISTS_TOP_MAX) {
        counts->n_passed++;
        return 0;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        int r = BL_REFERENCE_E_UNKNOWN;

        if (json_is_string(entry))
            r = bl_reference_add(reference, role, json_string_value(entry), json_string_length(entry));
        if (r < 0)
            return r;
        counts->n_passed += r == BL_REFERENCE_E_UNKNOWN;
    }
    return 0;
}

static int lists_read(struct bl_reference *reference, enum bl_role role, const char *path,
                      struct bl_warninglists *counts)
{
    struct stat status;
    json_t *object;
    json_t *list;
    int r = 0;

    if (stat(path, &status) == -1 || !S_ISREG(status.st_mode) || status.st_size > LISTS_FILE_MAX) {
        counts->n_damaged++;
        return 0;
    }
    object = json_load_file(path, 0, NULL);
    list = json_object_get(object, "list");
    if (json_is_array(list) && lists_type_is_read(json_string_value(json_object_get(object, "type")))) {
        counts->n_files++;
        r = lists_add(reference, role, list, counts);
    } else {
        counts->n_damaged++;
    }
    json_decref(object);
    return r;
}

/* `NAME.json`, or the directory NAME with its list.json. */
static int lists_entry(struct bl_reference *reference, const char *dir, const char *file,
                       struct bl_warninglists *counts)
{
    size_t n = strlen(file);
    bool is_file = n > 5 && !strcmp(file + n - 5, ".json");
    char name[256];
    char path[LISTS_PATH];
    enum bl_role role;

    (void)snprintf(name, sizeof(name), "%.*s", (int)(is_file ? n - 5 : n), file);
    role = bl_warninglists_role(name);
    if (*file == '.')
        return 0;
    if (role == BL_ROLE_COUNT ||
        snprintf(path, sizeof(path), "%s/%s%s", dir, file, is_file ? "" : "/list.json") >= (int)sizeof(path)) {
        counts->n_passed++;
        return 0;
    }
    return lists_read(reference, role, path, counts);
}

int bl_warninglists_load(struct bl_reference *reference, const char *dir, struct bl_warninglists *counts)
{
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, NULL, alphasort);
    int r = n < 0 ? -errno : 0;

    for (int i = 0; i < n; i++) {
        r = r ? r : lists_entry(reference, dir, entries[i]->d_name, counts);
        free(entries[i]);
    }
    free(entries);
    return r ? tip_fail(r) : 0;
}
