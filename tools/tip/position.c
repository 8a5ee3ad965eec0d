#include "position.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "up/tree.h"

static int position_path(struct position *position, const char *name)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char dir[768];
    int n;

    if (!*name || strlen(name) > 48 || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
        return -EINVAL;
    if (state && *state == '/')
        n = snprintf(dir, sizeof(dir), "%s/tip", state);
    else
        n = snprintf(dir, sizeof(dir), "%s/.local/state/tip", home ? home : "");
    if (n >= (int)sizeof(dir))
        return tip_fail(-ENAMETOOLONG);
    snprintf(position->path, sizeof(position->path), "%s/sub-%s.json", dir, name);
    return tree_make(dir, 0700);
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

int position_load(struct position *position, const char *name)
{
    json_t *file;
    int r;

    *position = (struct position){.next_seq = 0};
    r = position_path(position, name);
    if (r)
        return r;
    if (access(position->path, F_OK) == -1)
        return errno == ENOENT ? 0 : tip_fail(-errno);
    file = json_load_file(position->path, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_string(json_object_get(file, "journal_id")) || !json_is_integer(json_object_get(file, "next_seq"))) {
        json_decref(file);
        return POSITION_E_BAD;
    }
    r = position_id(json_string_value(json_object_get(file, "journal_id")), &position->journal_id);
    position->next_seq = (uint64_t)json_integer_value(json_object_get(file, "next_seq"));
    json_decref(file);
    return r;
}

int position_save(const struct position *position)
{
    char text[128], hex[2 * sizeof(position->journal_id.bytes) + 1];
    int n;

    for (size_t i = 0; i < sizeof(position->journal_id.bytes); i++)
        snprintf(hex + 2 * i, 3, "%02x", position->journal_id.bytes[i]);
    n = snprintf(text, sizeof(text), "{\"journal_id\": \"%s\", \"next_seq\": %" PRIu64 "}\n", hex, position->next_seq);
    return tree_write(position->path, text, (size_t)n);
}
