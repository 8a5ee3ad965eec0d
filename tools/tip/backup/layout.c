#include "backup/layout.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <tip/alloc.h>

#include "command.h"

bool layout_join(char path[static FILES_PATH], const char *dir, const char *name)
{
    return snprintf(path, FILES_PATH, "%s/%s", dir, name) < FILES_PATH;
}

const char *layout_data(const struct layout *layout, const char *name)
{
    for (size_t i = 0; i < PROGRAMS; i++) {
        if (strcmp(programs[i].name, name) == 0)
            return layout->data[i];
    }
    return "";
}

static int layout_private(struct layout *layout)
{
    char data[PG_PATH_BYTES];

    snprintf(data, sizeof(data), "%s/postgres", layout->options.up.data);
    if (pg_init(&layout->pg, data, layout->options.common.run)) {
        cli_error("storage.database is not set, and there is no PostgreSQL for a private one");
        return CLI_FAILED;
    }
    layout->private_database = true;
    snprintf(layout->env, sizeof(layout->env), "TIP__STORAGE__DATABASE=%s", layout->pg.database);
    return putenv(layout->env) == 0 ? CLI_OK : CLI_FAILED;
}

/* As `tip up` would start it: below up.data unless its section names a place. */
static int layout_program(struct layout *layout, size_t i, const char *settings)
{
    const char *name = programs[i].name;
    char key[64], database[PROGRAM_PATH_BYTES];

    snprintf(key, sizeof(key), "%s.data", name);
    if (!program_setting(settings, key, layout->data[i], PROGRAM_PATH_BYTES))
        snprintf(layout->data[i], PROGRAM_PATH_BYTES, "%s/%s", layout->options.up.data, name);
    if (strcmp(name, "blacklist") == 0)
        (void)program_setting(settings, "blacklist.sources", layout->sources, sizeof(layout->sources)); /* or "" */
    if (strcmp(name, "storage") != 0)
        return CLI_OK;
    (void)program_setting(settings, "storage.consumer", layout->consumer, sizeof(layout->consumer));
    return program_setting(settings, "storage.database", database, sizeof(database)) ? CLI_OK : layout_private(layout);
}

static int layout_ask(struct layout *layout, size_t i)
{
    tip_auto(tip_buf_deinit) struct tip_buf settings;
    char path[PROGRAM_PATH_BYTES];
    const char *const argv[] = {path, "--show-config", "--config", layout->options.config, NULL};
    int r, code = 0;

    tip_buf_init(&settings, PROGRAM_OUTPUT_BYTES);
    program_path(programs[i].name, path);
    r = program_run(argv, &settings, NULL, &code);
    if (r || code) {
        cli_error("tip-%s does not accept the configuration%s%s", programs[i].name, r ? ": " : "",
                  r ? strerror(-r) : "");
        return CLI_FAILED;
    }
    return layout_program(layout, i, tip_buf_text(&settings));
}

int layout_open(struct layout *layout, const char *config)
{
    int r;

    *layout = (struct layout){.private_database = false};
    r = options_load(&layout->options, config);
    for (size_t i = 0; r == CLI_OK && i < PROGRAMS; i++)
        r = layout_ask(layout, i);
    if (r != CLI_OK)
        return r;
    snprintf(layout->config_dir, sizeof(layout->config_dir), "%s", layout->options.config);
    *strrchr(layout->config_dir, '/') = '\0'; /* it is absolute */
    return CLI_OK;
}

void layout_close(struct layout *layout)
{
    if (layout->private_database)
        unsetenv("TIP__STORAGE__DATABASE"); /* it points into layout */
    options_free(&layout->options);
}

/* What is skipped is named: a link to a file is a file to who made it. */
static bool layout_is_file(const char *dir, const char *name)
{
    char path[FILES_PATH], as[MANIFEST_PATH + 8];
    struct stat st;
    bool is_file, is_there;

    snprintf(as, sizeof(as), "keys/%s", name);
    is_there = layout_join(path, dir, name) && lstat(path, &st) == 0;
    is_file = is_there && S_ISREG(st.st_mode) && manifest_path_valid(as);
    if (is_there && !is_file && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        cli_error("%s is not in the backup: it is %s", path,
                  S_ISREG(st.st_mode) ? "not named as such files are" : "no plain file");
    return is_file;
}

int layout_each(const char *dir, int (*each)(void *ctx, const char *name), void *ctx)
{
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, NULL, alphasort), r = 0;

    if (n == -1)
        return errno == ENOENT ? 0 : -errno;
    for (int i = n; i-- > 0;) {
        if (!r && layout_is_file(dir, entries[i]->d_name))
            r = each(ctx, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return r;
}
