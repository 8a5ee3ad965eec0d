#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/admin.h>
#include <tip/alloc.h>
#include <tip/log.h>
#include <tip/service.h>

enum { NOBODY = 65534, WAIT_MS = 10000 };

/* --- a service that does nothing, but says what happens to it --- */

struct idle_options {
    int64_t interval_ms;
    char *mood;
};

static const struct tip_opt idle_rows[] = {
    {.name = "interval",
     .type = TIP_OPT_DURATION,
     .offset = offsetof(struct idle_options, interval_ms),
     .fallback = "1s",
     .min = 10,
     .max = 60000,
     .help = "How often."},
    {.name = "mood",
     .type = TIP_OPT_STRING,
     .offset = offsetof(struct idle_options, mood),
     .fallback = "calm",
     .help = "How it feels."},
};

static const struct tip_opt_table idle_table = {
    .section = "scheduler", .rows = idle_rows, .n_rows = 2, .size = sizeof(struct idle_options)};

struct idle {
    struct tip_service *service;
    struct tip_timer drain;
};

static void idle_hook(void *ctx)
{
    tip_info("idle.hook", "which=%s", (const char *)ctx);
}

static void idle_check(const void *options, struct tip_conf *conf)
{
    const struct idle_options *idle = options;

    if (strcmp(idle->mood, "angry") == 0)
        tip_conf_refuse(conf, "scheduler.mood", "nobody wants that");
}

static void idle_drained(void *ctx)
{
    struct idle *idle = ctx;

    tip_info("idle.drained", "");
    tip_service_stopped(idle->service);
}

static int idle_start(struct tip_service *service, const void *options, void **appp)
{
    const struct idle_options *values = options;
    struct idle *idle = tip_new(struct idle);

    *appp = idle;
    idle->service = service;
    tip_timer_init(&idle->drain, tip_service_loop(service), idle_drained, idle);
    tip_service_on_ready(service, idle_hook, (void *)(uintptr_t) "ready");
    tip_service_on_stop(service, idle_hook, (void *)(uintptr_t) "stop");
    tip_info("idle.start", "mood=%s data=%s", values->mood, tip_service_data_dir(service));
    return strcmp(values->mood, "refusing") == 0 ? -EIO : 0;
}

static void idle_stop(void *app)
{
    struct idle *idle = app;

    tip_timer_start(&idle->drain, 50);
}

static void idle_destroy(void **appp)
{
    struct idle *idle = *appp;

    tip_timer_deinit(&idle->drain);
    free(idle);
    *appp = NULL;
    tip_info("idle.destroy", "");
}

static int idle_reload(void *app, const void *options, char *why)
{
    const struct idle_options *values = options;

    (void)app;
    if (strcmp(values->mood, "stubborn") == 0) {
        (void)snprintf(why, TIP_SERVICE_WHY_BYTES, "moods do not change like that");
        return -EINVAL;
    }
    tip_info("idle.reload", "mood=%s", values->mood);
    return 0;
}

static int idle_command(const void *options, const struct tip_bus_options *bus)
{
    const struct idle_options *values = options;

    (void)printf("mood %s, bus %s\n", values->mood, bus->ingest);
    return fflush(stdout) ? 1 : 7;
}

static const struct tip_service_command idle_commands[] = {{"greet", "Says something.", idle_command}};

static const struct tip_service_def idle_def = {
    .name = "scheduler",
    .help = "does nothing.",
    .options = &idle_table,
    .commands = idle_commands,
    .n_commands = 1,
    .check = idle_check,
    .start = idle_start,
    .stop = idle_stop,
    .destroy = idle_destroy,
    .reload = idle_reload,
};

/* --- running it in a child --- */

struct site {
    char dir[40];
    char yaml[60];
    char log[60];
    pid_t pid;
    bool is_fixed; /* without reload */
};

static void site_yaml(const struct site *site, const char *own)
{
    FILE *file = fopen(site->yaml, "w");

    assert_non_null(file);
    (void)fprintf(file, "tip: {run: run}\nbus: {insecure: true}\nscheduler:\n  data: data/x\n%s", own);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(site->yaml, 0644), 0);
}

static int site_open(void **state)
{
    struct site *site = calloc(1, sizeof(*site));

    (void)snprintf(site->dir, sizeof(site->dir), "/tmp/tip-service-XXXXXX");
    assert_non_null(mkdtemp(site->dir));
    (void)snprintf(site->yaml, sizeof(site->yaml), "%s/tip.yaml", site->dir);
    (void)snprintf(site->log, sizeof(site->log), "%s/log", site->dir);
    if (geteuid() == 0)
        assert_int_equal(chown(site->dir, NOBODY, NOBODY), 0);
    site_yaml(site, "");
    *state = site;
    return 0;
}

static int site_close(void **state)
{
    struct site *site = *state;
    char command[80];

    if (site->pid > 0) {
        (void)kill(site->pid, SIGKILL);
        (void)waitpid(site->pid, NULL, 0);
    }
    (void)snprintf(command, sizeof(command), "rm -rf %s", site->dir);
    assert_int_equal(system(command), 0);
    free(site);
    return 0;
}

enum account { AS_NOBODY, AS_IS };

/* Starts the service with further words; its output goes to the log. */
static pid_t site_start(const struct site *site, enum account account, const char *first, const char *second)
{
    char *argv[] = {(char[]){"tip-scheduler"}, NULL, NULL, NULL, NULL, NULL};
    struct tip_service_def def = idle_def;
    int argc = 1;
    pid_t pid;
    int fd;

    if (first)
        argv[argc++] = tip_strdup(first);
    if (second)
        argv[argc++] = tip_strdup(second);
    argv[argc++] = tip_strdup("--config");
    argv[argc++] = tip_strdup(site->yaml);
    pid = fork();
    if (pid != 0) {
        for (int i = 1; i < argc; i++)
            free(argv[i]);
        return pid;
    }
    fd = open(site->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd == -1 || dup2(fd, 1) == -1 || dup2(fd, 2) == -1)
        _exit(99);
    if (account == AS_NOBODY && geteuid() == 0 &&
        (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)))
        _exit(99);
    if (argc == 0)
        _exit(99);
    if (site->is_fixed)
        def.reload = NULL;
    fd = tip_service_main(&def, argc, argv);
    for (int i = 1; i < argc; i++)
        free(argv[i]);
    _exit(fd);
}

static const char *site_log(const struct site *site)
{
    static char text[1 << 16];
    FILE *file = fopen(site->log, "r");
    size_t n = 0;

    if (file) {
        n = fread(text, 1, sizeof(text) - 1, file);
        (void)fclose(file);
    }
    text[n] = '\0';
    return text;
}

static void site_wait(const struct site *site, const char *what)
{
    for (int ms = 0; ms < WAIT_MS; ms += 20) {
        if (strstr(site_log(site), what))
            return;
        usleep(20000);
    }
    fail_msg("not in the log: %s\n%s", what, site_log(site));
}

static int site_end(pid_t pid)
{
    int status = 0;

    for (int ms = 0; ms < WAIT_MS; ms += 20) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        usleep(20000);
    }
    fail_msg("still running");
    return -1;
}

static int site_run(const struct site *site, enum account account, const char *first, const char *second)
{
    return site_end(site_start(site, account, first, second));
}

/* --- tests --- */

static void test_life_of_a_service(void **state)
{
    struct site *site = *state;
    char path[80];
    struct stat st;

    site->pid = site_start(site, AS_NOBODY, "--mood", "glad");
    site_wait(site, "event=service.ready");
    assert_non_null(strstr(site_log(site), "event=idle.start mood=glad data="));
    assert_non_null(strstr(site_log(site), "event=idle.hook which=ready"));
    (void)snprintf(path, sizeof(path), "%s/data/x", site->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    (void)snprintf(path, sizeof(path), "%s/run/scheduler.sock", site->dir);
    assert_int_equal(stat(path, &st), 0);
    (void)snprintf(path, sizeof(path), "%s/run", site->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);

    assert_int_equal(site_run(site, AS_NOBODY, NULL, NULL), 1); /* a second one */
    assert_int_equal(site_run(site, AS_NOBODY, "--health", NULL), 0);
    assert_non_null(strstr(site_log(site), "\"ready\":true"));
    assert_non_null(strstr(site_log(site), "another process uses this data directory"));

    assert_int_equal(kill(site->pid, SIGTERM), 0);
    assert_int_equal(site_end(site->pid), 0);
    site->pid = 0;
    assert_non_null(strstr(site_log(site), "event=idle.hook which=stop"));
    assert_non_null(strstr(site_log(site), "event=idle.drained"));
    assert_non_null(strstr(site_log(site), "event=idle.destroy"));
    assert_non_null(strstr(site_log(site), "event=service.end code=0"));
}

static void test_reload_is_all_or_nothing(void **state)
{
    struct site *site = *state;

    site->pid = site_start(site, AS_NOBODY, NULL, NULL);
    site_wait(site, "event=service.ready");
    site_yaml(site, "  mood: cheerful\n");
    assert_int_equal(kill(site->pid, SIGHUP), 0);
    site_wait(site, "event=config.reloaded");
    assert_non_null(strstr(site_log(site), "event=idle.reload mood=cheerful"));
    site_yaml(site, "  intervall: 5s\n  interval: 1h\n");
    assert_int_equal(kill(site->pid, SIGHUP), 0);
    site_wait(site, "event=config.kept");
    assert_non_null(strstr(site_log(site), "tip.yaml:5:3: option 'intervall' is not known"));
    assert_non_null(strstr(site_log(site), "tip.yaml:6:13: interval must be from 10ms to 1m, not 1h"));
    site_yaml(site, "  mood: stubborn\n");
    assert_int_equal(kill(site->pid, SIGHUP), 0);
    site_wait(site, "moods do not change like that");
    site_yaml(site, "  admin: 127.0.0.1:9550\n");
    assert_int_equal(kill(site->pid, SIGHUP), 0);
    site_wait(site, "error=scheduler.admin why=\"only a restart can change it\"");
    assert_int_equal(kill(site->pid, SIGUSR1), 0);
    site_wait(site, "event=log.toggled debug=1");
    assert_int_equal(kill(site->pid, SIGINT), 0);
    assert_int_equal(site_end(site->pid), 0);
    site->pid = 0;
}

static void test_who_cannot_reload_says_so(void **state)
{
    struct site *site = *state;

    site->is_fixed = true;
    site->pid = site_start(site, AS_NOBODY, NULL, NULL);
    site_wait(site, "event=service.ready");
    assert_int_equal(kill(site->pid, SIGHUP), 0);
    site_wait(site, "event=config.reloaded"); /* nothing is new */
    site_yaml(site, "  mood: cheerful\n");
    assert_int_equal(kill(site->pid, SIGHUP), 0);
    site_wait(site, "error=scheduler.mood why=\"only a restart can change it\"");
    site_wait(site, "event=config.kept");
    assert_int_equal(kill(site->pid, SIGTERM), 0);
    assert_int_equal(site_end(site->pid), 0);
    site->pid = 0;
}

static void test_notifies_systemd(void **state)
{
    struct site *site = *state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const struct timeval wait = {.tv_sec = 5};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char text[100];
    ssize_t n;

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", site->dir);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(chmod(at.sun_path, 0777), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", at.sun_path, 1), 0);
    site->pid = site_start(site, AS_NOBODY, NULL, NULL);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    n = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    assert_string_equal(text, "READY=1");
    assert_int_equal(kill(site->pid, SIGTERM), 0);
    n = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    assert_string_equal(text, "STOPPING=1");
    assert_int_equal(site_end(site->pid), 0);
    site->pid = 0;
    close(fd);
}

static void test_what_needs_no_start(void **state)
{
    struct site *site = *state;

    assert_int_equal(site_run(site, AS_IS, "--version", NULL), 0);
    assert_non_null(strstr(site_log(site), "tip-scheduler " TIP_VERSION "\n"));
    assert_int_equal(site_run(site, AS_IS, "--help", NULL), 0);
    assert_non_null(strstr(site_log(site), "  --interval  (duration, 10ms to 1m; 1s)\n      How often.\n"));
    assert_int_equal(site_run(site, AS_IS, "--print-options", NULL), 0);
    assert_non_null(strstr(site_log(site), "| `data` | path | `/var/lib/tip/scheduler` |"));
    assert_int_equal(site_run(site, AS_IS, "--check-config", NULL), 0);
    assert_int_equal(site_run(site, AS_IS, "--show-config", "--mood=odd"), 0);
    assert_non_null(strstr(site_log(site), "scheduler.mood\todd\tcommand line, --mood\n"));
    assert_int_equal(site_run(site, AS_IS, "greet", "--mood=odd"), 7);
    assert_non_null(strstr(site_log(site), "mood odd, bus tcp://127.0.0.1:5550\n"));
    assert_int_equal(site_run(site, AS_IS, "sing", NULL), 2);
    assert_int_equal(site_run(site, AS_IS, "--health", NULL), 1);
    assert_non_null(strstr(site_log(site), "nobody answers at /"));
    site_yaml(site, "  mood: angry\n");
    assert_int_equal(site_run(site, AS_IS, "--check-config", NULL), 1);
    assert_non_null(strstr(site_log(site), "tip.yaml:5:9: nobody wants that\n"));
}

static void test_refusals(void **state)
{
    struct site *site = *state;

    if (geteuid() == 0) {
        assert_int_equal(site_run(site, AS_IS, NULL, NULL), 1);
        assert_non_null(strstr(site_log(site), "it does not run as root"));
    }
    assert_int_equal(site_run(site, AS_NOBODY, "--mood=refusing", NULL), 1);
    assert_non_null(strstr(site_log(site), "event=service.refused why=\"it could not start\""));
    assert_non_null(strstr(site_log(site), "event=idle.destroy"));
    assert_int_equal(site_run(site, AS_NOBODY, "--insecure=false", NULL), 1);
    assert_non_null(strstr(site_log(site), "tcp://127.0.0.1:5550 is plain tcp, which needs"));
    assert_int_equal(site_run(site, AS_NOBODY, "--ingest=tcp://192.0.2.1:5550", NULL), 1);
    assert_non_null(strstr(site_log(site), "is plain tcp and not on loopback"));
    assert_int_equal(site_run(site, AS_NOBODY, "--admin=192.0.2.1:80", NULL), 1);
    assert_non_null(strstr(site_log(site), "cannot open the admin address"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life_of_a_service, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_reload_is_all_or_nothing, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_who_cannot_reload_says_so, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_notifies_systemd, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_what_needs_no_start, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_refusals, site_open, site_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
