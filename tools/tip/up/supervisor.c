#include "up/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "up/backoff.h"
#include "up/proc.h"

struct sup_child {
    struct sup *sup;
    struct sup_child *next;
    struct sup_spec spec;
    char **args, **env;
    bool is_kept;
    enum sup_state state;
    struct proc *proc;
    struct tip_timer again;
    int64_t started_ms, backoff_ms;
    uint64_t n_restarts;
    char *log_path;
    int log_fd;
    off_t log_bytes;
    void (*on_end)(void *ctx, int code);
    void *ctx;
};

struct sup {
    struct sup_config config;
    struct procs *procs;
    struct sup_child *first;
    bool is_stopping;
    unsigned rank; /* the one that ends now */
    struct tip_timer deadline;
    void (*on_stopped)(void *ctx);
    void *ctx;
};

static const char *const sup_state_names[SUP_STATE_COUNT] = {
    [SUP_RUNNING] = "running", [SUP_BACKING_OFF] = "waiting", [SUP_ENDING] = "ending", [SUP_ENDED] = "ended"};

static void sup_start(struct sup_child *child);
static void sup_step_down(struct sup *sup);

const char *sup_state_name(enum sup_state state)
{
    return sup_state_names[state];
}

/* ---- log files ---- */

static void sup_log_open(struct sup_child *child)
{
    struct stat st;

    child->log_fd = open(child->log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    child->log_bytes = child->log_fd != -1 && fstat(child->log_fd, &st) == 0 ? st.st_size : 0;
}

static void sup_log_turn(struct sup_child *child)
{
    char old[PATH_MAX];

    snprintf(old, sizeof(old), "%s.1", child->log_path);
    (void)rename(child->log_path, old); /* else the file grows on: no reason to stop */
    tip_fd_close(&child->log_fd);
    sup_log_open(child);
}

static void sup_log_line(struct sup_child *child, const char *line)
{
    int n = child->log_fd == -1 ? 0 : dprintf(child->log_fd, "%s\n", line);

    child->log_bytes += n > 0 ? n : 0;
    if (child->log_bytes > SUP_LOG_BYTES)
        sup_log_turn(child);
}

static bool sup_is_error(const char *line)
{
    static const char *const marks[] = {"level=error", " FATAL: ", " PANIC: ", "[emerg]", "[alert]"};

    if (strstr(line, "FATAL:  the database system is ")) /* starting up or shutting down: said to who asks meanwhile */
        return false;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (strstr(line, marks[i]))
            return true;
    }
    return false;
}

static void sup_on_line(void *ctx, const char *line)
{
    struct sup_child *child = ctx;

    sup_log_line(child, line);
    if (sup_is_error(line))
        child->sup->config.on_news(child->sup->config.ctx, child->spec.name, line);
}

/* ---- one program ---- */

static char **sup_list_copy(const char *const *list)
{
    char **copy;
    size_t n = 0;

    while (list && list[n])
        n++;
    copy = tip_new_array(n + 1, char *);
    for (size_t i = 0; i < n; i++)
        copy[i] = tip_strdup(list[i]);
    return copy;
}

static void sup_list_free(char **list)
{
    for (size_t i = 0; list[i]; i++)
        free(list[i]);
    free(list);
}

static void tip_printf(2, 3) sup_news(struct sup_child *child, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sup_log_line(child, text);
    child->sup->config.on_news(child->sup->config.ctx, child->spec.name, text);
}

static void sup_on_again(void *ctx)
{
    struct sup_child *child = ctx;

    child->n_restarts++;
    sup_start(child);
}

static void sup_spec_set(struct sup_child *child, const struct sup_spec *spec)
{
    child->args = sup_list_copy(spec->args);
    child->env = sup_list_copy(spec->env);
    child->spec = *spec;
    child->spec.name = tip_strdup(spec->name);
    child->spec.path = tip_strdup(spec->path);
    child->spec.args = (const char *const *)child->args;
    child->spec.env = (const char *const *)child->env;
}

static void sup_spec_free(struct sup_child *child)
{
    sup_list_free(child->args);
    sup_list_free(child->env);
    free((void *)(uintptr_t)child->spec.name);
    free((void *)(uintptr_t)child->spec.path);
}

static struct sup_child *sup_child_new(struct sup *sup, const struct sup_spec *spec)
{
    struct sup_child *child = tip_new(struct sup_child), **at;

    child->sup = sup;
    sup_spec_set(child, spec);
    if (asprintf(&child->log_path, "%s/%s.log", sup->config.log_dir, spec->name) == -1)
        abort();
    sup_log_open(child);
    tip_timer_init(&child->again, sup->config.loop, sup_on_again, child);
    for (at = &sup->first; *at; at = &(*at)->next)
        ;
    *at = child;
    return child;
}

static void sup_child_free(struct sup_child *child)
{
    tip_timer_deinit(&child->again);
    tip_fd_close(&child->log_fd);
    sup_spec_free(child);
    free(child->log_path);
    free(child);
}

static void sup_back_off(struct sup_child *child, const char *why)
{
    child->backoff_ms = backoff_next(child->backoff_ms, tip_loop_now_ms() - child->started_ms);
    child->state = SUP_BACKING_OFF;
    sup_news(child, "%s has ended with %s; starts again in %.1f s", child->spec.name, why,
             (double)child->backoff_ms / 1000);
    tip_timer_start(&child->again, child->backoff_ms);
}

static int sup_exit_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void sup_once_ended(struct sup_child *child, int code)
{
    void (*on_end)(void *ctx, int code) = child->on_end;

    child->state = SUP_ENDED;
    child->on_end = NULL;
    if (on_end && !child->sup->is_stopping)
        on_end(child->ctx, code);
}

static void sup_on_end(void *ctx, int status)
{
    struct sup_child *child = ctx;
    char why[PROC_STATUS_TEXT];

    child->proc = NULL;
    proc_status_text(status, why);
    if (!child->is_kept) {
        sup_once_ended(child, sup_exit_code(status));
    } else if (child->state == SUP_ENDING || child->sup->is_stopping) {
        child->state = SUP_ENDED;
    } else {
        sup_back_off(child, why);
    }
    if (child->sup->is_stopping)
        sup_step_down(child->sup);
}

static void sup_start(struct sup_child *child)
{
    const struct proc_spec spec = {
        .path = child->spec.path,
        .args = child->spec.args,
        .env = child->spec.env,
        .death_signal = child->spec.death_signal,
        .on_line = sup_on_line,
        .on_end = sup_on_end,
        .ctx = child,
    };
    int r;

    child->started_ms = tip_loop_now_ms();
    r = proc_start(child->sup->procs, &spec, &child->proc);
    if (r) {
        sup_back_off(child, strerror(-r));
        return;
    }
    child->state = SUP_RUNNING;
    sup_log_line(child, "-- started --");
}

/* ---- all of them ---- */

static void sup_on_deadline(void *ctx)
{
    struct sup *sup = ctx;

    for (struct sup_child *child = sup->first; child; child = child->next) {
        if (child->proc && child->spec.rank == sup->rank) {
            sup_news(child, "%s does not end: killed", child->spec.name);
            proc_signal(child->proc, SIGKILL);
        }
    }
}

struct sup *sup_new(const struct sup_config *config)
{
    struct sup *sup = tip_new(struct sup);

    sup->config = *config;
    sup->procs = procs_new(config->loop);
    tip_timer_init(&sup->deadline, config->loop, sup_on_deadline, sup);
    return sup;
}

void sup_destroy(struct sup **supp)
{
    struct sup *sup = *supp;
    struct sup_child *child;

    if (!sup)
        return;
    procs_destroy(&sup->procs);
    while ((child = sup->first)) {
        sup->first = child->next;
        sup_child_free(child);
    }
    tip_timer_deinit(&sup->deadline);
    free(sup);
    *supp = NULL;
}

void sup_keep(struct sup *sup, const struct sup_spec *spec)
{
    struct sup_child *child;

    if (sup->is_stopping)
        return;
    child = sup_child_new(sup, spec);
    child->is_kept = true;
    sup_start(child);
}

/* The entry of an earlier run of the same program is used again. */
static struct sup_child *sup_once_find(struct sup *sup, const char *name)
{
    for (struct sup_child *child = sup->first; child; child = child->next) {
        if (!child->is_kept && child->state == SUP_ENDED && strcmp(child->spec.name, name) == 0)
            return child;
    }
    return NULL;
}

static void sup_once_failed(void *ctx)
{
    sup_once_ended(ctx, 127);
}

void sup_once(struct sup *sup, const struct sup_spec *spec, void (*on_end)(void *ctx, int code), void *ctx)
{
    struct sup_child *child;

    if (sup->is_stopping)
        return;
    child = sup_once_find(sup, spec->name);
    if (child) {
        sup_spec_free(child);
        sup_spec_set(child, spec);
    } else {
        child = sup_child_new(sup, spec);
    }
    child->on_end = on_end;
    child->ctx = ctx;
    sup_start(child);
    if (child->state == SUP_BACKING_OFF) { /* it could not even be started */
        tip_timer_stop(&child->again);
        tip_loop_defer(sup->config.loop, sup_once_failed, child);
    }
}

static bool sup_rank_end(struct sup *sup, unsigned rank)
{
    bool is_busy = false;

    for (struct sup_child *child = sup->first; child; child = child->next) {
        if (child->spec.rank != rank)
            continue;
        tip_timer_stop(&child->again);
        if (child->proc && child->state != SUP_ENDING)
            proc_signal(child->proc, child->spec.stop_signal ? child->spec.stop_signal : SIGTERM);
        child->state = child->proc ? SUP_ENDING : SUP_ENDED;
        is_busy = is_busy || child->proc;
    }
    return is_busy;
}

/* Ends ranks until one has to be waited for. */
static void sup_step_down(struct sup *sup)
{
    unsigned before = sup->rank;

    while (sup->rank < SUP_RANKS && !sup_rank_end(sup, sup->rank))
        sup->rank++;
    if (sup->rank == SUP_RANKS) {
        tip_timer_stop(&sup->deadline);
        tip_loop_defer(sup->config.loop, sup->on_stopped, sup->ctx);
    } else if (sup->rank != before || !tip_timer_is_running(&sup->deadline)) {
        tip_timer_start(&sup->deadline, SUP_DRAIN_MS);
    }
}

void sup_stop(struct sup *sup, void (*on_stopped)(void *ctx), void *ctx)
{
    if (sup->is_stopping)
        return;
    sup->is_stopping = true;
    sup->on_stopped = on_stopped;
    sup->ctx = ctx;
    sup_step_down(sup);
}

void sup_reload(struct sup *sup)
{
    for (struct sup_child *child = sup->first; child; child = child->next) {
        if (child->is_kept && child->proc && child->spec.reloads)
            proc_signal(child->proc, SIGHUP);
    }
}

size_t sup_count(const struct sup *sup)
{
    size_t n = 0;

    for (const struct sup_child *child = sup->first; child; child = child->next)
        n += child->is_kept;
    return n;
}

struct sup_info sup_info(const struct sup *sup, size_t i)
{
    const struct sup_child *child = sup->first;

    for (; child; child = child->next) {
        if (child->is_kept && i-- == 0)
            break;
    }
    return (struct sup_info){child->spec.name, child->state, child->proc ? proc_pid(child->proc) : 0,
                             child->n_restarts};
}
