#include "up/prepare.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "up/tree.h"

int prepare_binaries(const struct prepared *prepared)
{
    char path[PROGRAM_PATH_BYTES];

    for (size_t i = 0; i < PROGRAMS; i++) {
        program_path(programs[i].name, path);
        if (access(path, X_OK) == -1) {
            cli_error("%s: %s", path, strerror(errno));
            return CLI_FAILED;
        }
        if (!user_can_reach(&prepared->user, path)) {
            cli_error("user %s cannot reach %s: install somewhere else first (cmake --install DIR --prefix /opt/tip)",
                      prepared->user.name, path);
            return CLI_FAILED;
        }
    }
    return CLI_OK;
}

/* The service keeps its data below up.data unless its section names a place. */
static void prepare_data(struct prepared *prepared, size_t i, const char *settings, const struct options *options)
{
    char key[64], value[PROGRAM_PATH_BYTES], upper[64];
    size_t n = 0;

    snprintf(key, sizeof(key), "%s.data", programs[i].name);
    if (program_setting(settings, key, value, sizeof(value)))
        return;
    snprintf(upper, sizeof(upper), "%s", programs[i].name);
    for (char *at = upper; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    while (prepared->env[n])
        n++;
    snprintf(prepared->env_text[i], PROGRAM_PATH_BYTES, "TIP__%s__DATA=%s/%s", upper, options->up.data,
             programs[i].name);
    prepared->env[n] = prepared->env_text[i];
}

/* Where tip-web will listen, and leave its link. */
static void prepare_page(struct prepared *prepared, const char *settings, const struct options *options)
{
    char listen[96] = "", data[PROGRAM_PATH_BYTES];

    if (!program_setting(settings, "web.data", data, sizeof(data)))
        snprintf(data, sizeof(data), "%s/web", options->up.data);
    snprintf(prepared->link, sizeof(prepared->link), "%.1000s/first-link", data);
    if (program_setting(settings, "web.origin", prepared->page, sizeof(prepared->page)))
        return;
    (void)program_setting(settings, "web.listen", listen, sizeof(listen)); /* its fallback, too */
    snprintf(prepared->page, sizeof(prepared->page), "http://%s", listen);
}

static int prepare_service(struct prepared *prepared, size_t i, const struct options *options)
{
    tip_auto(tip_buf_deinit) struct tip_buf settings, errors;
    char path[PROGRAM_PATH_BYTES], database[PROGRAM_PATH_BYTES];
    const char *const argv[] = {path, "--show-config", "--config", options->config, NULL};
    int r, code = 0;

    tip_buf_init(&settings, PROGRAM_OUTPUT_BYTES);
    tip_buf_init(&errors, PROGRAM_OUTPUT_BYTES);
    program_path(programs[i].name, path);
    r = program_run(argv, &settings, &errors, &code);
    if (r || code) {
        cli_error("tip-%s does not accept the configuration (tip config check says more):", programs[i].name);
        fputs(r ? strerror(-r) : tip_buf_text(&errors), stderr);
        return CLI_FAILED;
    }
    prepare_data(prepared, i, tip_buf_text(&settings), options);
    if (strcmp(programs[i].name, "storage") == 0)
        prepared->private_database =
            !program_setting(tip_buf_text(&settings), "storage.database", database, sizeof(database));
    if (strcmp(programs[i].name, "web") == 0)
        prepare_page(prepared, tip_buf_text(&settings), options);
    return CLI_OK;
}

int prepare_user(struct prepared *prepared)
{
    *prepared = (struct prepared){.env = {NULL}};
    if (user_find(&prepared->user)) {
        cli_error("services do not run as root, and there is neither a user `tip` nor `nobody`");
        return CLI_FAILED;
    }
    return CLI_OK;
}

int prepare_look(struct prepared *prepared, const struct options *options)
{
    int r = prepare_user(prepared);

    if (r == CLI_OK)
        r = prepare_binaries(prepared);
    for (size_t i = 0; i < PROGRAMS && r == CLI_OK; i++)
        r = prepare_service(prepared, i, options);
    if (r == CLI_OK && !user_can_reach(&prepared->user, options->config)) {
        cli_error("user %s cannot read %s: move it (to /etc/tip, perhaps) or open its directory", prepared->user.name,
                  options->config);
        return CLI_FAILED;
    }
    return r;
}

static bool prepare_is_empty(const char *path)
{
    tip_auto(tip_dir_close) DIR *dir = opendir(path);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return false;
    }
    return dir != NULL;
}

int prepare_dir(const struct prepared *prepared, const char *path)
{
    struct stat st;
    int r;

    r = tree_make(path, 0755);
    if (r) {
        cli_error("cannot make %s: %s (up.data, tip.run and bus.keys say where)", path, strerror(-r));
        return CLI_FAILED;
    }
    if (lstat(path, &st) == -1 || !S_ISDIR(st.st_mode)) {
        cli_error("%s is no directory", path);
        return CLI_FAILED;
    }
    if (prepared->user.is_other && st.st_uid != prepared->user.uid && prepare_is_empty(path) &&
        lchown(path, prepared->user.uid, prepared->user.gid) == 0)
        st.st_uid = prepared->user.uid;
    if (st.st_uid == prepared->user.uid && user_can_reach(&prepared->user, path))
        return CLI_OK;
    cli_error("%s is not a directory of user %s, or cannot be reached: chown it, or name another one", path,
              prepared->user.is_other ? prepared->user.name : "running this");
    return CLI_FAILED;
}
