/*
 * Faults of files and of one socket, put under a program that knows nothing of them: LD_PRELOAD=libtip_shim.so and
 *
 *     TIP_SHIM = RULE [; RULE ...]          RULE = CALL=ACTION,under=DIR[,KEY=VALUE ...]
 *
 *     CALL     pwrite | fdatasync | fallocate | recv | commit
 *              commit: the reading of the first answer to a `commit` that libpq has sent; the commit has happened then
 *     ACTION   eio | enospc | edquot   the call fails so, and does nothing
 *              short                   pwrite writes the first half of what it was given
 *              delay                   the call takes `ms` longer
 *              kill                    SIGKILL instead of the call
 *              tear                    pwrite leaves out its first `bytes` bytes, then SIGKILL
 *              log                     any change below DIR goes to FILE, see below; CALL is pwrite
 *     under    only files below DIR count; for recv and commit: unix sockets below DIR
 *     at       the n-th such call is the first that is met; 1
 *     n        how many from there on; 1, and 0 for all
 *     while    only while this FILE exists; then n is 0 unless it is given
 *     ms, bytes, file    of delay, tear and log
 *
 * An example: TIP_SHIM='fdatasync=eio,under=/tmp/site/broker,at=7;pwrite=delay,under=/tmp/site,n=0,ms=5'. A rule that
 * cannot be read ends the program with 99.
 *
 * The log is for playing a power cut afterwards (tip_powercut.py): u8 what, u64 inode, u64 offset or size, u32 n, n
 * bytes, little-endian. W write, S flushed, A size set, C created under a name, R renamed (two names), U unlinked, D
 * directory flushed. A call is logged when it is over, so what was told after that is behind it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum shim_call { SHIM_PWRITE, SHIM_FDATASYNC, SHIM_FALLOCATE, SHIM_RECV, SHIM_COMMIT, SHIM_CALL_COUNT };

enum shim_action { SHIM_ERROR, SHIM_SHORT, SHIM_DELAY, SHIM_KILL, SHIM_TEAR, SHIM_LOG };

struct shim_rule {
    enum shim_call call;
    enum shim_action action;
    int error;
    const char *under, *while_file;
    long at, n, ms, bytes; /* n: -1 until it is known */
    atomic_long met;
};

enum { SHIM_RULES = 16, SHIM_SOCKETS = 1024 };

static struct shim_rule shim_rules[SHIM_RULES];
static size_t shim_n_rules;
static int shim_log = -1;
static const char *shim_log_under = "";
static pthread_mutex_t shim_log_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool shim_commits[SHIM_SOCKETS]; /* by descriptor: a commit was sent and its answer not yet read */

static const char *const shim_calls[SHIM_CALL_COUNT] = {
    [SHIM_PWRITE] = "pwrite", [SHIM_FDATASYNC] = "fdatasync", [SHIM_FALLOCATE] = "fallocate",
    [SHIM_RECV] = "recv",     [SHIM_COMMIT] = "commit",
};

static const struct {
    const char *name;
    enum shim_action action;
    int error;
} shim_actions[] = {
    {"eio", SHIM_ERROR, EIO}, {"enospc", SHIM_ERROR, ENOSPC}, {"edquot", SHIM_ERROR, EDQUOT}, {"short", SHIM_SHORT, 0},
    {"delay", SHIM_DELAY, 0}, {"kill", SHIM_KILL, 0},         {"tear", SHIM_TEAR, 0},         {"log", SHIM_LOG, 0},
};

/* ---- the rules ---- */

static void shim_refuse(const char *rule)
{
    (void)fprintf(stderr, "libtip_shim: cannot read \"%s\"\n", rule);
    _exit(99);
}

static void shim_parse_head(struct shim_rule *rule, const char *call, const char *action)
{
    bool found = false;

    rule->call = SHIM_CALL_COUNT;
    for (int i = 0; i < SHIM_CALL_COUNT; i++) {
        if (strcmp(call, shim_calls[i]) == 0)
            rule->call = (enum shim_call)i;
    }
    for (size_t i = 0; i < sizeof(shim_actions) / sizeof(shim_actions[0]); i++) {
        if (strcmp(action, shim_actions[i].name) == 0) {
            rule->action = shim_actions[i].action;
            rule->error = shim_actions[i].error;
            found = true;
        }
    }
    if (rule->call == SHIM_CALL_COUNT || !found)
        shim_refuse(call);
}

static void shim_parse_key(struct shim_rule *rule, const char *key, const char *value)
{
    const struct {
        const char *name;
        long *number;
        const char **text;
    } keys[] = {
        {"under", NULL, &rule->under}, {"while", NULL, &rule->while_file},
        {"at", &rule->at, NULL},       {"n", &rule->n, NULL},
        {"ms", &rule->ms, NULL},       {"bytes", &rule->bytes, NULL},
    };

    if (strcmp(key, "file") == 0) {
        shim_log = open(value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        return;
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(key, keys[i].name) != 0)
            continue;
        if (keys[i].number)
            *keys[i].number = strtol(value, NULL, 10);
        else
            *keys[i].text = value;
        return;
    }
    shim_refuse(key);
}

static void shim_parse_rule(char *text)
{
    struct shim_rule *rule = &shim_rules[shim_n_rules];
    char *saved = NULL;

    if (shim_n_rules == SHIM_RULES)
        shim_refuse(text);
    rule->at = 1;
    rule->n = -1;
    for (char *part = strtok_r(text, ",", &saved); part; part = strtok_r(NULL, ",", &saved)) {
        char *value = strchr(part, '=');

        if (!value)
            shim_refuse(part);
        *value++ = '\0';
        if (part == text)
            shim_parse_head(rule, part, value);
        else
            shim_parse_key(rule, part, value);
    }
    if (!rule->under || (rule->action == SHIM_LOG && shim_log == -1))
        shim_refuse("a rule without under=, or a log without file=");
    if (rule->n == -1)
        rule->n = rule->while_file ? 0 : 1;
    if (rule->action == SHIM_LOG)
        shim_log_under = rule->under;
    else
        shim_n_rules++;
}

__attribute__((constructor)) static void shim_start(void)
{
    const char *text = getenv("TIP_SHIM");
    char *saved = NULL;
    char *copy;

    if (!text)
        return;
    copy = strdup(text); /* kept: the rules point into it */
    for (char *rule = strtok_r(copy, ";", &saved); rule; rule = strtok_r(NULL, ";", &saved))
        shim_parse_rule(rule);
}

/* ---- which rule a call meets ---- */

static bool shim_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool shim_path(int fd, char *path, size_t size)
{
    struct sockaddr_un peer;
    socklen_t len = sizeof(peer);
    char link[64];
    ssize_t n;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, size - 1);
    if (n == -1)
        return false;
    path[n] = '\0';
    if (strncmp(path, "socket:", 7) != 0)
        return true;
    memset(&peer, 0, sizeof(peer));
    if (getpeername(fd, (struct sockaddr *)&peer, &len) == -1 || peer.sun_family != AF_UNIX)
        return false;
    (void)snprintf(path, size, "%s", peer.sun_path);
    return true;
}

/* The first rule that this call meets; each rule counts its own. */
static struct shim_rule *shim_meet(enum shim_call call, int fd)
{
    struct shim_rule *met = NULL;
    char path[4096] = "";

    for (size_t i = 0; i < shim_n_rules; i++) {
        struct shim_rule *rule = &shim_rules[i];
        long count;

        if (rule->call != call || (!path[0] && !shim_path(fd, path, sizeof(path))) || !shim_below(path, rule->under))
            continue;
        if (rule->while_file && access(rule->while_file, F_OK) == -1)
            continue;
        count = atomic_fetch_add(&rule->met, 1) + 1;
        if (!met && count >= rule->at && (rule->n == 0 || count < rule->at + rule->n))
            met = rule;
    }
    return met;
}

static void shim_die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

static void shim_sleep(long ms)
{
    struct timespec rest = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&rest, &rest) == -1 && errno == EINTR)
        ;
}

/* What all calls have in common: the error to return, or 0 to go on. */
static int shim_common(const struct shim_rule *rule)
{
    if (!rule)
        return 0;
    if (rule->action == SHIM_DELAY)
        shim_sleep(rule->ms);
    if (rule->action == SHIM_KILL)
        shim_die();
    return rule->action == SHIM_ERROR ? rule->error : 0;
}

/* ---- the log ---- */

static bool shim_logs(int fd)
{
    char path[4096];

    return shim_log != -1 && fd != AT_FDCWD && shim_path(fd, path, sizeof(path)) && shim_below(path, shim_log_under);
}

static void shim_log_put(char what, uint64_t inode, uint64_t at, const void *bytes, size_t n)
{
    uint8_t head[21] = {(uint8_t)what};
    struct iovec parts[2] = {{head, sizeof(head)}, {NULL, n}};

    memcpy(head + 1, &inode, 8);
    memcpy(head + 9, &at, 8);
    memcpy(head + 17, &(uint32_t){(uint32_t)n}, 4);
    memcpy(&parts[1].iov_base, &bytes, sizeof(bytes)); /* writev does not change it */
    if (writev(shim_log, parts, 2) != (ssize_t)(sizeof(head) + n))
        shim_die(); /* a log with holes proves nothing */
}

static void shim_log_file(char what, int fd, uint64_t at, const void *bytes, size_t n)
{
    struct stat st;

    if (!shim_logs(fd) || fstat(fd, &st) == -1)
        return;
    pthread_mutex_lock(&shim_log_lock);
    shim_log_put(S_ISDIR(st.st_mode) ? 'D' : what, st.st_ino, at, bytes, n);
    pthread_mutex_unlock(&shim_log_lock);
}

static void shim_log_names(char what, uint64_t inode, const char *from, const char *to)
{
    char names[512];
    size_t n = 0;

    n = (size_t)snprintf(names, sizeof(names), "%s%c%s", from, '\0', to);
    pthread_mutex_lock(&shim_log_lock);
    shim_log_put(what, inode, 0, names, n);
    pthread_mutex_unlock(&shim_log_lock);
}

/* ---- the calls ---- */

#define SHIM_REAL(type, name) \
    static type real;         \
    if (!real)                \
    *(void **)&real = dlsym(RTLD_NEXT, name)

typedef ssize_t (*shim_pwrite_fn)(int, const void *, size_t, off_t);
typedef int (*shim_sync_fn)(int);
typedef int (*shim_fallocate_fn)(int, off_t, off_t);
typedef int (*shim_truncate_fn)(int, off_t);
typedef int (*shim_openat_fn)(int, const char *, int, ...);
typedef int (*shim_renameat_fn)(int, const char *, int, const char *);
typedef int (*shim_unlinkat_fn)(int, const char *, int);
typedef ssize_t (*shim_recv_fn)(int, void *, size_t, int);
typedef ssize_t (*shim_send_fn)(int, const void *, size_t, int);

static ssize_t shim_pwrite_torn(shim_pwrite_fn real, int fd, const uint8_t *bytes, size_t n, off_t offset, size_t skip)
{
    if (skip < n)
        (void)!real(fd, bytes + skip, n - skip, offset + (off_t)skip);
    shim_die();
    return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    SHIM_REAL(shim_pwrite_fn, "pwrite");
    const struct shim_rule *rule = shim_meet(SHIM_PWRITE, fd);
    int error = shim_common(rule);
    ssize_t done;

    if (error) {
        errno = error;
        return -1;
    }
    if (rule && rule->action == SHIM_TEAR)
        return shim_pwrite_torn(real, fd, bytes, n, offset, (size_t)rule->bytes);
    if (rule && rule->action == SHIM_SHORT && n > 1)
        n /= 2;
    done = real(fd, bytes, n, offset);
    if (done > 0)
        shim_log_file('W', fd, (uint64_t)offset, bytes, (size_t)done);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
    return pwrite(fd, bytes, n, offset);
}

static int shim_sync(shim_sync_fn real, int fd)
{
    int error = shim_common(shim_meet(SHIM_FDATASYNC, fd));
    int r;

    if (error) {
        errno = error;
        return -1;
    }
    r = real(fd);
    if (r == 0)
        shim_log_file('S', fd, 0, "", 0);
    return r;
}

int fdatasync(int fd)
{
    SHIM_REAL(shim_sync_fn, "fdatasync");

    return shim_sync(real, fd);
}

int fsync(int fd)
{
    SHIM_REAL(shim_sync_fn, "fsync");

    return shim_sync(real, fd);
}

int posix_fallocate(int fd, off_t offset, off_t n)
{
    SHIM_REAL(shim_fallocate_fn, "posix_fallocate");
    int error = shim_common(shim_meet(SHIM_FALLOCATE, fd));
    int r = error ? error : real(fd, offset, n);

    if (!r)
        shim_log_file('A', fd, (uint64_t)(offset + n), "", 0);
    return r;
}

int posix_fallocate64(int fd, off64_t offset, off64_t n)
{
    return posix_fallocate(fd, offset, n);
}

int ftruncate(int fd, off_t n)
{
    SHIM_REAL(shim_truncate_fn, "ftruncate");
    int r = real(fd, n);

    if (!r)
        shim_log_file('A', fd, (uint64_t)n, "", 0);
    return r;
}

int ftruncate64(int fd, off64_t n)
{
    return ftruncate(fd, n);
}

int openat(int dir, const char *name, int flags, ...)
{
    SHIM_REAL(shim_openat_fn, "openat");
    bool made = (flags & O_CREAT) && shim_logs(dir) && faccessat(dir, name, F_OK, 0) == -1;
    mode_t mode = 0;
    struct stat st;
    va_list rest;
    int fd;

    if (flags & (O_CREAT | O_TMPFILE)) {
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    fd = real(dir, name, flags, mode);
    if (made && fd != -1 && fstat(fd, &st) == 0)
        shim_log_names('C', st.st_ino, "", name);
    return fd;
}

int openat64(int dir, const char *name, int flags, ...)
{
    mode_t mode = 0;
    va_list rest;

    if (flags & (O_CREAT | O_TMPFILE)) {
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return openat(dir, name, flags, mode);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    SHIM_REAL(shim_renameat_fn, "renameat");
    int r = real(from_dir, from, to_dir, to);

    if (!r && shim_logs(from_dir))
        shim_log_names('R', 0, from, to);
    return r;
}

int unlinkat(int dir, const char *name, int flags)
{
    SHIM_REAL(shim_unlinkat_fn, "unlinkat");
    int r = real(dir, name, flags);

    if (!r && shim_logs(dir))
        shim_log_names('U', 0, name, "");
    return r;
}

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    static const char commit[] = "Q\0\0\0\013commit"; /* with its NUL: the simple query */
    SHIM_REAL(shim_send_fn, "send");

    if (fd < SHIM_SOCKETS && n >= sizeof(commit) &&
        memcmp((const char *)bytes + n - sizeof(commit), commit, sizeof(commit)) == 0)
        shim_commits[fd] = true;
    return real(fd, bytes, n, flags);
}

ssize_t recv(int fd, void *bytes, size_t n, int flags)
{
    SHIM_REAL(shim_recv_fn, "recv");
    bool commit = fd < SHIM_SOCKETS && shim_commits[fd];
    int error;
    char first;

    if (commit && real(fd, &first, 1, MSG_PEEK) == 1) { /* the answer is there: it has happened */
        shim_commits[fd] = false;
        (void)shim_common(shim_meet(SHIM_COMMIT, fd));
    }
    error = shim_n_rules ? shim_common(shim_meet(SHIM_RECV, fd)) : 0;
    if (error) {
        errno = error;
        return -1;
    }
    return real(fd, bytes, n, flags);
}
