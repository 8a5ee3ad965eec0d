#include <tip/site.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#define SITE_ROOT_DIR "/run/tip-site" /* not /run/tip: that belongs to who runs the services */
#define SITE_ETC      "/etc/tip/tip.yaml"

enum { SITE_DIR_BYTES = 1024 };

/* The directory that TIP_SITE_DIR names, or NULL. */
static const char *site_chosen_dir(void)
{
    const char *chosen = getenv("TIP_SITE_DIR");

    return chosen && chosen[0] == '/' && strlen(chosen) < SITE_DIR_BYTES ? chosen : NULL;
}

/* The directory of this user's pointer file. */
static void site_own_dir(char dir[static SITE_DIR_BYTES])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *chosen = site_chosen_dir();

    if (chosen)
        (void)snprintf(dir, SITE_DIR_BYTES, "%s", chosen);
    else if (geteuid() == 0)
        (void)snprintf(dir, SITE_DIR_BYTES, "%s", SITE_ROOT_DIR);
    else if (runtime && runtime[0] == '/' && strlen(runtime) < SITE_DIR_BYTES - 8)
        (void)snprintf(dir, SITE_DIR_BYTES, "%s/tip", runtime);
    else
        (void)snprintf(dir, SITE_DIR_BYTES, "/tmp/tip-%u", (unsigned)geteuid());
}

/* A directory that others could have made or may write to tells us nothing. */
static int site_dir_check(const char *dir)
{
    struct stat st;

    if (lstat(dir, &st) == -1)
        return -errno;
    if (!S_ISDIR(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return -EPERM;
    return 0;
}

static int site_dir_make(const char *dir)
{
    mode_t mode = geteuid() == 0 ? 0755 : 0700;

    if (mkdir(dir, mode) == -1) {
        if (errno != EEXIST)
            return tip_fail(-errno);
    } else if (chmod(dir, mode) == -1) {
        return tip_fail(-errno);
    }
    return site_dir_check(dir);
}

static int site_write_file(const char *path, const char *config)
{
    tip_auto(tip_file_close) FILE *file = fopen(path, "we");
    bool is_written;

    if (!file)
        return tip_fail(-errno);
    is_written = fprintf(file, "%s\n", config) > 0 && fflush(file) == 0 && fchmod(fileno(file), 0644) == 0;
    return is_written ? 0 : tip_fail(-errno);
}

int tip_site_write(const char *config)
{
    char dir[SITE_DIR_BYTES];
    char path[SITE_DIR_BYTES + 32];
    char next[SITE_DIR_BYTES + 32];
    int r;

    if (config[0] != '/' || strlen(config) >= PATH_MAX || strchr(config, '\n'))
        return tip_fail(-EINVAL);
    site_own_dir(dir);
    r = site_dir_make(dir);
    if (r)
        return tip_fail(r);
    (void)snprintf(path, sizeof(path), "%s/site", dir);
    (void)snprintf(next, sizeof(next), "%s/site.%d", dir, (int)getpid());
    r = site_write_file(next, config);
    if (r)
        return r;
    if (rename(next, path) == -1)
        return tip_fail(-errno);
    return 0;
}

/* The path in a pointer file, or NULL. */
static char *site_read(const char *dir)
{
    char path[SITE_DIR_BYTES + 32];
    char line[PATH_MAX + 1];
    tip_auto(tip_file_close) FILE *file = NULL;

    if (site_dir_check(dir))
        return NULL;
    (void)snprintf(path, sizeof(path), "%s/site", dir);
    file = fopen(path, "re");
    if (!file || !fgets(line, sizeof(line), file))
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    return line[0] == '/' ? tip_strdup(line) : NULL;
}

void tip_site_remove(const char *config)
{
    char dir[SITE_DIR_BYTES];
    char path[SITE_DIR_BYTES + 32];
    tip_auto(tip_free) char *current = NULL;

    site_own_dir(dir);
    current = site_read(dir);
    if (!current || strcmp(current, config) != 0)
        return;
    (void)snprintf(path, sizeof(path), "%s/site", dir);
    (void)unlink(path); /* a pointer to a system that is gone is tolerated by readers */
}

static bool site_take_readable(char *config, char **configp)
{
    if (!config || access(config, R_OK) == -1) {
        free(config);
        return false;
    }
    *configp = config;
    return true;
}

int tip_site_find(const char *option, char **configp)
{
    const char *given = option ? option : getenv("TIP_CONFIG");
    char dir[SITE_DIR_BYTES];

    if (given && *given) {
        *configp = tip_strdup(given);
        return 0;
    }
    site_own_dir(dir);
    if (site_take_readable(tip_strdup("tip.yaml"), configp) || site_take_readable(site_read(dir), configp) ||
        (!site_chosen_dir() && site_take_readable(site_read(SITE_ROOT_DIR), configp)) ||
        site_take_readable(tip_strdup(SITE_ETC), configp))
        return 0;
    return TIP_SITE_E_NONE;
}
