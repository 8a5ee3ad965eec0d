#include "keys/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <czmq.h>

#include <tip/fail.h>

static void keyring_cert_destroy(zcert_t **certp)
{
    zcert_destroy(certp);
}

/* ---- the directory ---- */

int keyring_open(struct keyring *ring, const char *dir, bool is_change)
{
    *ring = (struct keyring){.fd = -1};
    if (strlen(dir) > KEYRING_DIR_MAX)
        return tip_fail(-ENAMETOOLONG);
    strcpy(ring->dir, dir);
    ring->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ring->fd == -1)
        return -errno;
    while (is_change && flock(ring->fd, LOCK_EX) == -1) {
        if (errno != EINTR)
            return tip_fail(-errno);
    }
    return access(dir, R_OK | X_OK | (is_change ? W_OK : 0)) == -1 ? -errno : 0;
}

void keyring_close(struct keyring *ring)
{
    tip_fd_close(&ring->fd);
}

void keyring_path(const struct keyring *ring, const char *name, const char *suffix,
                  char path[static KEYRING_PATH_BYTES])
{
    (void)snprintf(path, KEYRING_PATH_BYTES, "%.*s/%.*s.cert%s", KEYRING_DIR_MAX, ring->dir, KEYMAP_NAME_MAX, name,
                   suffix); /* it fits */
}

static int keyring_sync(const char *path)
{
    tip_auto(tip_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd == -1 || fsync(fd) == -1 ? tip_fail(-errno) : 0;
}

/* What was written as `next` takes its place. */
static int keyring_install(const struct keyring *ring, const char *next, const char *path, mode_t mode)
{
    int r = chmod(next, mode) == -1 ? tip_fail(-errno) : keyring_sync(next);

    if (r)
        return r;
    if (rename(next, path) == -1 || fsync(ring->fd) == -1)
        return tip_fail(-errno);
    return 0;
}

/* ---- certificates ---- */

bool keyring_public_is_ok(const char *public_key)
{
    uint8_t bytes[32];

    return strlen(public_key) == KEYMAP_KEY_TEXT && zmq_z85_decode(bytes, public_key) != NULL;
}

int keyring_look(const struct keyring *ring, const char *name, struct keyring_cert *cert)
{
    tip_auto(keyring_cert_destroy) zcert_t *loaded = NULL;
    char path[KEYRING_PATH_BYTES], secret[KEYRING_PATH_BYTES];
    const char *audience;

    *cert = (struct keyring_cert){.has_secret = false};
    keyring_path(ring, name, "", path);
    keyring_path(ring, name, "_secret", secret);
    cert->has_public = access(path, F_OK) == 0;
    cert->has_secret = access(secret, F_OK) == 0;
    if (!cert->has_secret && !cert->has_public)
        return KEYRING_E_NONE;
    loaded = zcert_load(path); /* the secret one, when it is there */
    if (!loaded || !keyring_public_is_ok(zcert_public_txt(loaded)))
        return KEYRING_E_BAD;
    strcpy(cert->public_key, zcert_public_txt(loaded));
    audience = zcert_meta(loaded, "audience");
    (void)snprintf(cert->audience, sizeof(cert->audience), "%s", audience ? audience : "");
    return 0;
}

static int keyring_write_public(const struct keyring *ring, const char *name, zcert_t *cert)
{
    char path[KEYRING_PATH_BYTES], next[KEYRING_PATH_BYTES];

    keyring_path(ring, name, "", path);
    keyring_path(ring, name, ".new", next);
    if (zcert_save_public(cert, next) == -1)
        return tip_fail(errno ? -errno : -EIO);
    return keyring_install(ring, next, path, 0644);
}

static int keyring_write_secret(const struct keyring *ring, const char *name, zcert_t *cert)
{
    char path[KEYRING_PATH_BYTES], next[KEYRING_PATH_BYTES];

    keyring_path(ring, name, "_secret", path);
    keyring_path(ring, name, ".new_secret", next);
    if (zcert_save_secret(cert, next) == -1) /* as 0600 from the beginning */
        return tip_fail(errno ? -errno : -EIO);
    return keyring_install(ring, next, path, 0600);
}

static zcert_t *keyring_public_cert(const char *public_key)
{
    uint8_t public_bytes[32], no_secret[32] = {0};

    return zmq_z85_decode(public_bytes, public_key) ? zcert_new_from(public_bytes, no_secret) : NULL;
}

int keyring_make(const struct keyring *ring, const char *name, const char *audience, const char *public_key,
                 struct keyring_cert *cert)
{
    tip_auto(keyring_cert_destroy) zcert_t *made = public_key ? keyring_public_cert(public_key) : zcert_new();
    int r;

    if (!made)
        return tip_fail(-EINVAL);
    zcert_set_meta(made, "name", "%s", name);
    if (audience)
        zcert_set_meta(made, "audience", "%s", audience);
    r = public_key ? 0 : keyring_write_secret(ring, name, made);
    if (r == 0)
        r = keyring_write_public(ring, name, made);
    return r ? r : keyring_look(ring, name, cert);
}

int keyring_complete(const struct keyring *ring, const char *name, struct keyring_cert *cert)
{
    tip_auto(keyring_cert_destroy) zcert_t *loaded = NULL;
    char path[KEYRING_PATH_BYTES];
    int r;

    if (cert->has_public)
        return 0;
    keyring_path(ring, name, "", path);
    loaded = zcert_load(path);
    r = loaded ? keyring_write_public(ring, name, loaded) : tip_fail(-EIO);
    cert->has_public = r == 0;
    return r;
}

static int keyring_gone(int result)
{
    return result == -1 && errno != ENOENT ? tip_fail(-errno) : 0;
}

int keyring_revoke(const struct keyring *ring, const char *name)
{
    char path[KEYRING_PATH_BYTES], other[KEYRING_PATH_BYTES];
    int r;

    keyring_path(ring, name, "", path);
    keyring_path(ring, name, ".revoked", other);
    r = keyring_gone(rename(path, other));
    keyring_path(ring, name, "_secret", path);
    return r ? r : keyring_gone(unlink(path));
}

/* ---- the map ---- */

int keyring_map(const struct keyring *ring, struct keymap **mapp, char why[static KEYMAP_WHY_BYTES])
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    tip_auto(tip_fd_close) int fd = openat(ring->fd, KEYRING_MAP, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;
    int r = 0;

    tip_buf_init(&text, KEYMAP_BYTES_MAX + 4096);
    if (fd == -1 && errno != ENOENT)
        return -errno;
    do {
        r = tip_buf_reserve(&text, 4096);
        n = r == 0 && fd != -1 ? read(fd, text.data + text.len, 4096) : 0;
        text.len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    if (n == -1)
        return tip_fail(-errno);
    return keymap_parse(mapp, tip_buf_text(&text), text.len, why); /* says when it is too long */
}

static int keyring_write_file(const char *path, const struct tip_buf *text)
{
    tip_auto(tip_file_close) FILE *file = fopen(path, "we");

    if (!file || fwrite(text->data, 1, text->len, file) != text->len || fflush(file) != 0)
        return tip_fail(errno ? -errno : -EIO);
    return 0;
}

int keyring_map_write(const struct keyring *ring, const struct tip_buf *text)
{
    char path[KEYRING_PATH_BYTES], next[KEYRING_PATH_BYTES];
    int r;

    (void)snprintf(path, sizeof(path), "%s/" KEYRING_MAP, ring->dir);
    (void)snprintf(next, sizeof(next), "%s/" KEYRING_MAP ".new", ring->dir);
    r = keyring_write_file(next, text);
    return r ? r : keyring_install(ring, next, path, 0644);
}

/* ---- looking it over ---- */

static bool keyring_ends(const char *name, const char *end)
{
    return strlen(name) > strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

static const char *keyring_fault(const struct keyring *ring, const char *name, const struct stat *dir)
{
    const bool is_secret = keyring_ends(name, ".cert_secret");
    struct stat st;

    if (!is_secret && !keyring_ends(name, ".cert") && strcmp(name, KEYRING_MAP) != 0)
        return NULL;
    if (fstatat(ring->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return "cannot be looked at";
    if (is_secret && (st.st_mode & 077))
        return "may be read by others: chmod 600";
    if (st.st_mode & 022)
        return "may be changed by others: chmod go-w";
    return st.st_uid == dir->st_uid ? NULL : "belongs to another user than its directory: chown";
}

bool keyring_find_fault(const struct keyring *ring, char path[static KEYRING_PATH_BYTES], const char **whatp)
{
    tip_auto(tip_dir_close) DIR *dir = opendir(ring->dir);
    const struct dirent *entry;
    struct stat st = {0};

    *whatp = dir && fstat(ring->fd, &st) == 0 ? NULL : "cannot be read";
    if (!*whatp && (st.st_mode & 022))
        *whatp = "may be changed by others: chmod 700";
    (void)snprintf(path, KEYRING_PATH_BYTES, "%s", ring->dir);
    while (!*whatp && (entry = readdir(dir))) {
        *whatp = keyring_fault(ring, entry->d_name, &st);
        (void)snprintf(path, KEYRING_PATH_BYTES, "%.*s/%.70s", KEYRING_DIR_MAX, ring->dir, entry->d_name);
    }
    return *whatp != NULL;
}
