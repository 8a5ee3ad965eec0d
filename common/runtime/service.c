#include <tip/service.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include <tip/admin.h>
#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/hash.h>
#include <tip/log.h>
#include <tip/metrics.h>
#include <tip/zsock.h>

#include "health.h"
#include "notify.h"
#include "place.h"
#include "settings.h"

enum { SERVICE_HOOKS_MAX = 16, SERVICE_SOCKET_BYTES = 108, SERVICE_EXIT_USAGE = 2 };

enum {
    M_INFO,
    M_RELOADS,
    M_RELOAD_FAILED,
    M_INSECURE,
    M_WATCHDOG_FOUND,
    M_START_TIME,
    M_MEMORY,
    M_CPU,
    M_COUNT,
};

struct service_hook {
    tip_loop_fn *fn;
    void *ctx;
};

struct tip_service {
    const struct tip_service_def *def;
    const struct settings_args *args;
    struct settings *settings;
    struct tip_loop *loop;
    struct tip_metrics *metrics;
    struct tip_admin *admin;
    struct tip_metric *m[M_COUNT];
    void *app;
    int lock_fd;
    int exit_code;
    bool is_stopping;
    struct tip_signal sigterm, sigint, sighup, sigusr1;
    struct tip_timer drain;
    struct tip_timer watchdog;
    struct service_hook ready[SERVICE_HOOKS_MAX];
    struct service_hook stop[SERVICE_HOOKS_MAX];
    size_t n_ready, n_stop;
};

/* --- what the app may ask for --- */

const char *tip_service_name(const struct tip_service *service)
{
    return service->def->name;
}

struct tip_loop *tip_service_loop(struct tip_service *service)
{
    return service->loop;
}

struct tip_admin *tip_service_admin(struct tip_service *service)
{
    return service->admin;
}

struct tip_metrics *tip_service_metrics(struct tip_service *service)
{
    return service->metrics;
}

const char *tip_service_data_dir(const struct tip_service *service)
{
    return service->settings->own.data;
}

const char *tip_service_run_dir(const struct tip_service *service)
{
    return service->settings->common.run;
}

bool tip_service_is_simulated(const struct tip_service *service)
{
    return service->settings->common.simulated;
}

const void *tip_service_options(const struct tip_service *service)
{
    return service->settings->options;
}

const struct tip_bus_options *tip_service_bus_options(const struct tip_service *service)
{
    return &service->settings->bus;
}

static void service_hook_add(struct service_hook hooks[static SERVICE_HOOKS_MAX], size_t *n, tip_loop_fn *fn, void *ctx)
{
    if (*n == SERVICE_HOOKS_MAX)
        abort();
    hooks[(*n)++] = (struct service_hook){fn, ctx};
}

void tip_service_on_ready(struct tip_service *service, tip_loop_fn *fn, void *ctx)
{
    service_hook_add(service->ready, &service->n_ready, fn, ctx);
}

void tip_service_on_stop(struct tip_service *service, tip_loop_fn *fn, void *ctx)
{
    service_hook_add(service->stop, &service->n_stop, fn, ctx);
}

/* --- the end --- */

void tip_service_stopped(struct tip_service *service)
{
    tip_loop_stop(service->loop);
}

static void service_on_drain_late(void *ctx)
{
    struct tip_service *service = ctx;

    tip_warn("service.drain_late", "after_ms=%d", TIP_SERVICE_DRAIN_MS);
    service->exit_code = 1;
    tip_loop_stop(service->loop);
}

static void service_stop(void *ctx)
{
    struct tip_service *service = ctx;

    if (service->is_stopping)
        return;
    service->is_stopping = true;
    notify_send("STOPPING=1");
    tip_admin_ready(service->admin, "service", false, "draining");
    tip_timer_start(&service->drain, TIP_SERVICE_DRAIN_MS);
    for (size_t i = 0; i < service->n_stop; i++)
        service->stop[i].fn(service->stop[i].ctx);
    service->def->stop(service->app);
}

static void service_on_terminate(void *ctx)
{
    struct tip_service *service = ctx;

    if (service->is_stopping) {
        tip_warn("service.end_at_once", "");
        service->exit_code = 1;
        tip_loop_stop(service->loop);
        return;
    }
    tip_info("service.stop", "");
    service_stop(service);
}

void tip_service_fail(struct tip_service *service, const char *format, ...)
{
    char why[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    tip_error("service.failed", "why=%s", why);
    service->exit_code = 1;
    tip_loop_defer(service->loop, service_stop, service);
}

/* --- configuration --- */

static void service_log_errors(const struct tip_conf *conf)
{
    for (size_t i = 0; i < tip_conf_n_errors(conf); i++)
        tip_error("config.refused", "error=%s", tip_conf_error(conf, i));
}

static void service_print_errors(const struct tip_conf *conf)
{
    for (size_t i = 0; i < tip_conf_n_errors(conf); i++)
        (void)fprintf(stderr, "%s\n", tip_conf_error(conf, i)); /* nowhere else to say it */
}

/* Whether the app took the new options. */
static bool service_reload_accept(struct tip_service *service, const struct settings *fresh)
{
    char why[TIP_SERVICE_WHY_BYTES] = "it cannot change while running";
    const char *fixed;

    if (tip_conf_n_errors(fresh->conf)) {
        service_log_errors(fresh->conf);
        return false;
    }
    fixed = settings_fixed_difference(service->settings, fresh);
    if (fixed) {
        tip_error("config.refused", "error=%s why=%s", fixed, "only a restart can change it");
        return false;
    }
    if (service->def->reload && service->def->reload(service->app, fresh->options, why)) {
        tip_error("config.refused", "error=%s", why);
        return false;
    }
    return true;
}

static void service_on_reload(void *ctx)
{
    struct tip_service *service = ctx;
    struct settings *fresh;
    struct settings *old;
    bool is_accepted;

    if (service->is_stopping)
        return;
    notify_reloading();
    fresh = settings_load(service->def, service->args);
    is_accepted = service_reload_accept(service, fresh);
    old = is_accepted ? service->settings : fresh;
    if (is_accepted) {
        service->settings = fresh;
        tip_log_set_level((enum tip_log_level)fresh->log.level);
        tip_info("config.reloaded", "");
    } else {
        tip_warn("config.kept", "");
    }
    settings_destroy(&old);
    tip_metric_inc(service->m[M_RELOADS]);
    tip_metric_set(service->m[M_RELOAD_FAILED], !is_accepted);
    notify_send("READY=1");
}

static void service_on_debug(void *ctx)
{
    (void)ctx;
    tip_log_toggle_debug();
    tip_info("log.toggled", "debug=%d", tip_log_is_on(TIP_LOG_DEBUG));
}

static void service_on_watchdog(void *ctx)
{
    (void)ctx;
    notify_send("WATCHDOG=1");
}

/* --- metrics of the process --- */

uint64_t tip_service_memory_bytes(void)
{
    tip_auto(tip_file_close) FILE *file = fopen("/proc/self/statm", "re");
    unsigned long total;
    unsigned long resident;

    if (!file || fscanf(file, "%lu %lu", &total, &resident) != 2)
        return 0;
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double service_cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) == -1)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void service_on_metrics(void *ctx)
{
    struct tip_service *service = ctx;

    tip_metric_set(service->m[M_MEMORY], (double)tip_service_memory_bytes());
    tip_metric_set(service->m[M_CPU], service_cpu_seconds());
    tip_metric_set(service->m[M_WATCHDOG_FOUND], (double)tip_zsock_watchdog_found());
    tip_metric_set(service->m[M_INSECURE], tip_bus_options_insecure(&service->settings->bus));
}

static void service_metrics(struct tip_service *service)
{
    char labels[96];
    const struct tip_metric_row rows[M_COUNT] = {
        [M_INFO] = {TIP_METRIC_GAUGE, "tip_info", labels, "Which program this is; always 1."},
        [M_RELOADS] = {TIP_METRIC_COUNTER, "tip_config_reloads_total", "", "Reloads asked for with SIGHUP."},
        [M_RELOAD_FAILED] = {TIP_METRIC_GAUGE, "tip_config_reload_failed", "",
                             "1 while the last reload was refused and older options are in force."},
        [M_INSECURE] = {TIP_METRIC_GAUGE, "tip_insecure", "", "1 while the bus is plain tcp without keys."},
        [M_WATCHDOG_FOUND] = {TIP_METRIC_COUNTER, "tip_zmq_watchdog_found_total", "",
                              "Lost edges of ZeroMQ descriptors; anything but 0 is a bug."},
        [M_START_TIME] = {TIP_METRIC_GAUGE, "process_start_time_seconds", "", "Start of the process, unix time."},
        [M_MEMORY] = {TIP_METRIC_GAUGE, "process_resident_memory_bytes", "", "Resident memory."},
        [M_CPU] = {TIP_METRIC_COUNTER, "process_cpu_seconds_total", "", "User and system time."},
    };

    (void)snprintf(labels, sizeof(labels), "service=\"%s\",version=\"%s\"", service->def->name, TIP_VERSION);
    service->metrics = tip_metrics_new();
    tip_metrics_add(service->metrics, rows, M_COUNT, service->m);
    tip_metric_set(service->m[M_INFO], 1);
    tip_metric_set(service->m[M_START_TIME], (double)tip_loop_wall_ms() / 1000);
    tip_metrics_on_read(service->metrics, service_on_metrics, service);
}

/* --- the start --- */

static int service_lock(struct tip_service *service)
{
    const char *dir = service->settings->own.data;
    long pid = 0;
    int r;

    r = place_lock(dir, &service->lock_fd, &pid);
    if (r == PLACE_E_LOCKED)
        tip_error("service.refused", "why=%s data=%s pid=%ld", "another process uses this data directory", dir, pid);
    else if (r)
        tip_error("service.refused", "why=%s data=%s error=%s", "cannot lock the data directory", dir, strerror(-r));
    return r;
}

static int service_places(struct tip_service *service)
{
    const char *data = service->settings->own.data;
    const char *run = service->settings->common.run;
    int r;

    r = place_make_private(data);
    if (r) {
        tip_error("service.refused", "why=%s path=%s error=%s", "cannot use the data directory", data, strerror(-r));
        return r;
    }
    r = place_make(run, 0755);
    if (r) {
        tip_error("service.refused", "why=%s path=%s error=%s", "cannot make the run directory", run, strerror(-r));
        return r;
    }
    return service_lock(service);
}

static int service_open_admin(struct tip_service *service)
{
    char path[SERVICE_SOCKET_BYTES];
    const struct tip_admin_options options = {
        .service = service->def->name,
        .socket = path,
        .listen = service->settings->own.admin,
        .metrics = service->metrics,
    };
    int n;
    int r;

    n = snprintf(path, sizeof(path), "%s/%s.sock", service->settings->common.run, service->def->name);
    r = n < SERVICE_SOCKET_BYTES ? tip_admin_open(&service->admin, service->loop, &options) : -ENAMETOOLONG;
    if (r) {
        tip_error("service.refused", "why=%s socket=%s admin=%s error=%s", "cannot open the admin address", path,
                  service->settings->own.admin, strerror(-r));
        return r;
    }
    tip_admin_ready(service->admin, "service", false, "starting");
    return 0;
}

static void service_signals(struct tip_service *service)
{
    int64_t watchdog_ms = notify_watchdog_ms();

    tip_signal_init(&service->sigterm, service->loop, SIGTERM, service_on_terminate, service);
    tip_signal_init(&service->sigint, service->loop, SIGINT, service_on_terminate, service);
    tip_signal_init(&service->sighup, service->loop, SIGHUP, service_on_reload, service);
    tip_signal_init(&service->sigusr1, service->loop, SIGUSR1, service_on_debug, service);
    tip_timer_init(&service->drain, service->loop, service_on_drain_late, service);
    tip_timer_init(&service->watchdog, service->loop, service_on_watchdog, service);
    if (watchdog_ms > 0)
        tip_timer_every(&service->watchdog, watchdog_ms);
}

static void service_deinit(struct tip_service *service)
{
    if (service->app)
        service->def->destroy(&service->app);
    tip_signal_deinit(&service->sigterm);
    tip_signal_deinit(&service->sigint);
    tip_signal_deinit(&service->sighup);
    tip_signal_deinit(&service->sigusr1);
    tip_timer_deinit(&service->drain);
    tip_timer_deinit(&service->watchdog);
    tip_admin_destroy(&service->admin);
    tip_metrics_destroy(&service->metrics);
    tip_loop_destroy(&service->loop);
    tip_fd_close(&service->lock_fd);
}

static void service_ready(struct tip_service *service)
{
    tip_admin_ready(service->admin, "service", true, "running");
    for (size_t i = 0; i < service->n_ready; i++)
        service->ready[i].fn(service->ready[i].ctx);
    notify_send("READY=1");
    tip_info("service.ready", "version=%s data=%s pid=%d", TIP_VERSION, service->settings->own.data, (int)getpid());
}

static int service_start(struct tip_service *service)
{
    int r;

    r = service_places(service);
    if (r)
        return r;
    service->loop = tip_loop_new();
    service_metrics(service);
    service_signals(service);
    r = service_open_admin(service);
    if (r)
        return r;
    r = service->def->start(service, service->settings->options, &service->app);
    if (r) {
        tip_error("service.refused", "why=%s error=%s", "it could not start", strerror(r < 0 ? -r : EINVAL));
        return r;
    }
    service_ready(service);
    return 0;
}

static int service_run(struct tip_service *service)
{
    int r;

    service->lock_fd = -1;
    r = service_start(service);
    if (!r)
        r = tip_loop_run(service->loop);
    service_deinit(service);
    if (r)
        return EXIT_FAILURE;
    tip_info("service.end", "code=%d", service->exit_code);
    return service->exit_code;
}

/* --- main --- */

static void service_seed(void)
{
    uint8_t key[16];

    if (sodium_init() == -1)
        abort();
    randombytes_buf(key, sizeof(key));
    tip_hash_seed(key);
}

static int service_main_run(const struct tip_service_def *def, const struct settings_args *args,
                            struct settings **settingsp)
{
    struct tip_service service = {.def = def, .args = args, .settings = tip_take(*settingsp)};
    int code;

    if (geteuid() == 0) {
        tip_error("service.refused", "why=%s", "it does not run as root: use an account of its own");
        code = EXIT_FAILURE;
    } else {
        code = service_run(&service);
    }
    settings_destroy(&service.settings);
    return code;
}

static int service_main_command(const struct tip_service_def *def, const struct settings_args *args,
                                const struct settings *settings)
{
    for (size_t i = 0; i < def->n_commands; i++)
        if (strcmp(def->commands[i].name, args->command) == 0)
            return def->commands[i].run(settings->options, &settings->bus);
    (void)fprintf(stderr, "tip-%s: '%s' is not a command; see --help\n", def->name, args->command);
    return SERVICE_EXIT_USAGE;
}

static int service_main_configured(const struct tip_service_def *def, const struct settings_args *args)
{
    tip_auto(settings_destroy) struct settings *settings = settings_load(def, args);

    if (args->check_config) {
        service_print_errors(settings->conf);
        return tip_conf_n_errors(settings->conf) ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    if (tip_conf_n_errors(settings->conf)) {
        service_log_errors(settings->conf);
        return EXIT_FAILURE;
    }
    if (args->show_config) {
        tip_conf_show(settings->conf, stdout);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (args->health)
        return health_tell(settings->common.run, def->name);
    tip_log_set_level((enum tip_log_level)settings->log.level);
    service_seed();
    if (args->command)
        return service_main_command(def, args, settings);
    return service_main_run(def, args, &settings);
}

/* What needs no configuration. Returns -1 when that is not what was asked for. */
static int service_main_print(const struct tip_service_def *def, const struct settings_args *args)
{
    if (args->config_missing) {
        (void)fprintf(stderr, "tip-%s: --config needs a file\n", def->name);
        return SERVICE_EXIT_USAGE;
    }
    if (args->help)
        settings_print_help(def, stdout);
    else if (args->print_options)
        settings_print_markdown(def, stdout);
    else if (args->version)
        (void)printf("tip-%s %s\n", def->name, TIP_VERSION);
    else
        return -1;
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int tip_service_main(const struct tip_service_def *def, int argc, char **argv)
{
    tip_auto(settings_args_deinit) struct settings_args args;
    int code;

    settings_args_init(&args, argc, argv);
    umask(0027);
    tip_log_init(def->name);
    code = service_main_print(def, &args);
    return code >= 0 ? code : service_main_configured(def, &args);
}
