#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <tip/site.h>

#include "commands.h"
#include "keys/keyring.h"
#include "keys/services.h"
#include "lab/web.h"
#include "options.h"
#include "programs.h"
#include "up/postgres.h"
#include "up/user.h"

/* What a check found. */
enum doctor_result { DOCTOR_OK, DOCTOR_WARN, DOCTOR_BAD };

struct doctor {
    struct options options;
    bool has_site;
    char text[768]; /* what was found, and the remedy */
};

static enum doctor_result tip_printf(3, 4)
    doctor_say(struct doctor *doctor, enum doctor_result result, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(doctor->text, sizeof(doctor->text), format, args);
    va_end(args);
    return result;
}

static enum doctor_result doctor_programs(struct doctor *doctor)
{
    char path[PROGRAM_PATH_BYTES];

    for (size_t i = 0; i < PROGRAMS; i++) {
        program_path(programs[i].name, path);
        if (access(path, X_OK) == -1)
            return doctor_say(doctor, DOCTOR_BAD, "%s: %s; install TIP as a whole", path, strerror(errno));
    }
    return doctor_say(doctor, DOCTOR_OK, "all programs are in %s", program_dir());
}

static enum doctor_result doctor_site(struct doctor *doctor)
{
    if (!doctor->has_site)
        return doctor_say(doctor, DOCTOR_WARN, "nothing is configured and nothing runs: `tip lab` shows how it looks");
    return doctor_say(doctor, DOCTOR_OK, "%s", doctor->options.config);
}

static enum doctor_result doctor_insecure(struct doctor *doctor)
{
    if (doctor->has_site && tip_bus_options_insecure(&doctor->options.bus))
        return doctor_say(doctor, DOCTOR_WARN, "bus.insecure: whoever can connect to loopback may publish and read");
    return doctor_say(doctor, DOCTOR_OK, "the bus is not open to other users");
}

/* A program of ours without its key cannot connect. NULL: all are there. */
static const char *doctor_lacks_key(const struct keyring *ring)
{
    struct keyring_cert cert;

    if (keyring_look(ring, KEYRING_BROKER, &cert) || !cert.has_public || !cert.has_secret)
        return KEYRING_BROKER;
    for (const struct service_rights *at = services; at->name; at++) {
        if (keyring_look(ring, at->name, &cert) || !cert.has_secret)
            return at->name;
    }
    return NULL;
}

/* A key that is another one in keys.yaml than in its certificate is let in by nobody. NULL: none. */
static const char *doctor_odd_key(const struct keyring *ring, const struct keymap *map)
{
    struct keyring_cert cert;

    for (size_t i = 0; i < map->n; i++) {
        if (keyring_look(ring, map->keys[i].name, &cert) == 0 && strcmp(cert.public_key, map->keys[i].public_key) != 0)
            return map->keys[i].name;
    }
    return NULL;
}

static enum doctor_result doctor_keyring(struct doctor *doctor, const struct keyring *ring)
{
    tip_auto(keymap_destroy) struct keymap *map = NULL;
    char path[KEYRING_PATH_BYTES], why[KEYMAP_WHY_BYTES] = "cannot be read";
    const char *what;

    if (keyring_find_fault(ring, path, &what))
        return doctor_say(doctor, DOCTOR_BAD, "%s %s", path, what);
    what = doctor_lacks_key(ring);
    if (what)
        return doctor_say(doctor, DOCTOR_BAD, "%s holds no key pair of `%s`: `tip keys init` makes it", ring->dir,
                          what);
    if (keyring_map(ring, &map, why))
        return doctor_say(doctor, DOCTOR_BAD, "%s/" KEYRING_MAP ": %s", ring->dir, why);
    what = doctor_odd_key(ring, map);
    if (what)
        return doctor_say(doctor, DOCTOR_BAD, "%s.cert and " KEYRING_MAP " in %s hold different keys", what, ring->dir);
    if (services_narrow(map, NULL, why, sizeof(why)))
        return doctor_say(doctor, DOCTOR_BAD, KEYRING_MAP " says less than services need (%s): `tip keys update`", why);
    return doctor_say(doctor, DOCTOR_OK, "%zu keys in %s", map->n, ring->dir);
}

static enum doctor_result doctor_keys(struct doctor *doctor)
{
    const char *dir = doctor->has_site ? doctor->options.bus.keys : NULL;
    struct keyring ring;
    enum doctor_result result;
    int r;

    if (!dir)
        return doctor_say(doctor, DOCTOR_OK, "not asked: %s",
                          doctor->has_site ? "the site has none" : "there is no site");
    r = keyring_open(&ring, dir, false);
    if (r == -ENOENT)
        result =
            doctor_say(doctor, DOCTOR_WARN, "%s is not there: `tip keys init` makes it, and so does `tip up`", dir);
    else if (r)
        result = doctor_say(doctor, DOCTOR_WARN, "%s: %s; ask as its owner or as root", dir, strerror(-r));
    else
        result = doctor_keyring(doctor, &ring);
    keyring_close(&ring);
    return result;
}

static enum doctor_result doctor_run_dir(struct doctor *doctor)
{
    if (!doctor->has_site)
        return doctor_say(doctor, DOCTOR_OK, "not asked: there is no site");
    if (access(doctor->options.common.run, X_OK) == -1)
        return doctor_say(doctor, DOCTOR_WARN, "%s: %s; `tip up` makes it", doctor->options.common.run,
                          strerror(errno));
    return doctor_say(doctor, DOCTOR_OK, "%s", doctor->options.common.run);
}

static enum doctor_result doctor_postgres(struct doctor *doctor)
{
    struct pg pg;

    if (pg_init(&pg, "/tmp", "/tmp"))
        return doctor_say(
            doctor, DOCTOR_WARN,
            "no PostgreSQL below /usr/lib/postgresql: apt-get install postgresql, or set storage.database");
    return doctor_say(doctor, DOCTOR_OK, "%s", pg.bin);
}

static enum doctor_result doctor_nginx(struct doctor *doctor)
{
    const char *program = lab_web_program();

    if (!program)
        return doctor_say(doctor, DOCTOR_WARN, "no nginx: `tip lab` needs it: apt-get install nginx-light");
    return doctor_say(doctor, DOCTOR_OK, "%s", program);
}

static enum doctor_result doctor_files(struct doctor *doctor)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1024)
        return doctor_say(doctor, DOCTOR_WARN, "%llu open files at most: ulimit -n 1024",
                          (unsigned long long)limit.rlim_cur);
    return doctor_say(doctor, DOCTOR_OK, "%llu open files at most", (unsigned long long)limit.rlim_cur);
}

static enum doctor_result doctor_space(struct doctor *doctor)
{
    struct statvfs fs;
    const char *dir = doctor->has_site && access(doctor->options.up.data, F_OK) == 0 ? doctor->options.up.data : "/tmp";
    double free_gib;

    if (statvfs(dir, &fs) == -1)
        return doctor_say(doctor, DOCTOR_WARN, "%s: %s", dir, strerror(errno));
    free_gib = (double)fs.f_bavail * (double)fs.f_frsize / (1 << 30);
    if (free_gib < 1)
        return doctor_say(doctor, DOCTOR_BAD, "%.1f GiB free in %s: journal and database need room", free_gib, dir);
    return doctor_say(doctor, DOCTOR_OK, "%.1f GiB free in %s", free_gib, dir);
}

static enum doctor_result doctor_user(struct doctor *doctor)
{
    struct user user;

    if (user_find(&user))
        return doctor_say(doctor, DOCTOR_BAD, "services do not run as root: adduser --system tip");
    if (user.is_other)
        return doctor_say(doctor, DOCTOR_OK, "services will run as %s", user.name);
    return doctor_say(doctor, DOCTOR_OK, "services will run as you (uid %u)", (unsigned)user.uid);
}

static const struct {
    const char *name;
    enum doctor_result (*look)(struct doctor *doctor);
} doctor_checks[] = {
    {"programs", doctor_programs},     {"configuration", doctor_site},
    {"insecure", doctor_insecure},     {"keys", doctor_keys},
    {"run directory", doctor_run_dir}, {"postgresql", doctor_postgres},
    {"nginx", doctor_nginx},           {"user", doctor_user},
    {"open files", doctor_files},      {"space", doctor_space},
};

static int doctor_look(struct cli *cli, struct doctor *doctor)
{
    static const struct tip_column columns[] = {
        {"check", TIP_COLUMN_TEXT}, {"result", TIP_COLUMN_TEXT}, {"text", TIP_COLUMN_TEXT}};
    static const char *const words[] = {"ok", "warn", "bad"};
    static const enum out_style colours[] = {OUT_GREEN, OUT_YELLOW, OUT_RED};
    tip_auto(out_destroy) struct out *out = NULL;
    enum doctor_result worst = DOCTOR_OK, result;
    const char *bad = NULL;

    if (out_open(&out, &cli->out, columns, 3, &bad))
        return cli_bad_field(bad);
    for (size_t i = 0; i < sizeof(doctor_checks) / sizeof(doctor_checks[0]); i++) {
        result = doctor_checks[i].look(doctor);
        out_row(out, (const char *const[]){doctor_checks[i].name, words[result], doctor->text},
                (const enum out_style[]){OUT_PLAIN, colours[result], OUT_PLAIN});
        worst = result > worst ? result : worst;
    }
    return worst == DOCTOR_BAD ? CLI_DEGRADED : CLI_OK;
}

static int doctor_run(struct cli *cli)
{
    struct doctor doctor = {.has_site = false};
    char *config = NULL;
    int r;

    if (tip_site_find(cli->config, &config) == 0) {
        doctor.has_site = options_load(&doctor.options, config) == CLI_OK;
        free(config);
    }
    r = doctor_look(cli, &doctor);
    if (doctor.options.conf)
        options_free(&doctor.options);
    return r;
}

const struct cli_command cmd_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "Looks whether this machine has what TIP needs, and says the remedy.",
    .run = doctor_run,
};
