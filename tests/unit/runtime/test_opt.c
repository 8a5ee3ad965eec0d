#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/addr.h>
#include <tip/opt.h>

/* --- a service's options, with one of everything --- */

enum mode { MODE_SLOW, MODE_FAST };

static const char *const mode_names[] = {"slow", "fast", NULL};

struct job {
    struct tip_opt_at at;
    char *name;
    int64_t every_ms;
    struct tip_opt_list tags;
};

static const struct tip_opt job_rows[] = {
    {.name = "at", .type = TIP_OPT_AT, .offset = offsetof(struct job, at)},
    {.name = "name",
     .type = TIP_OPT_STRING,
     .offset = offsetof(struct job, name),
     .flags = TIP_OPT_REQUIRED,
     .help = "Its name."},
    {.name = "every",
     .type = TIP_OPT_DURATION,
     .offset = offsetof(struct job, every_ms),
     .fallback = "1h",
     .min = 1000,
     .max = 86400e3,
     .help = "How often."},
    {.name = "tags", .type = TIP_OPT_LIST, .offset = offsetof(struct job, tags), .max = 3, .help = "Words."},
};

static const struct tip_opt_table job_table = {.rows = job_rows, .n_rows = 4, .size = sizeof(struct job)};

struct options {
    char *name;
    char *dir;
    char *peer;
    bool is_on;
    int64_t count;
    double share;
    int64_t interval_ms;
    int64_t room_bytes;
    int mode;
    char *token;
    struct tip_opt_list words;
    struct tip_opt_prefixes nets;
    struct tip_opt_records jobs;
};

#define AT(member) .offset = offsetof(struct options, member)

static const struct tip_opt rows[] = {
    {.name = "name", .type = TIP_OPT_STRING, AT(name), .fallback = "plain", .max = 10, .help = "A name."},
    {.name = "dir", .type = TIP_OPT_PATH, AT(dir), .fallback = "sources.d", .help = "A directory."},
    {.name = "peer", .type = TIP_OPT_ENDPOINT, AT(peer), .help = "A peer."},
    {.name = "is_on", .type = TIP_OPT_BOOL, AT(is_on), .help = "A switch."},
    {.name = "count",
     .type = TIP_OPT_INT,
     AT(count),
     .fallback = "7",
     .min = 1,
     .max = 1e6,
     .unit = "items",
     .help = "N."},
    {.name = "share", .type = TIP_OPT_REAL, AT(share), .fallback = "0.5", .min = 0, .max = 1, .help = "Part."},
    {.name = "interval",
     .type = TIP_OPT_DURATION,
     AT(interval_ms),
     .fallback = "15m",
     .min = 1000,
     .max = 86400e3,
     .help = "T."},
    {.name = "room", .type = TIP_OPT_SIZE, AT(room_bytes), .fallback = "4MiB", .help = "Room."},
    {.name = "mode", .type = TIP_OPT_ENUM, AT(mode), .fallback = "fast", .names = mode_names, .help = "How."},
    {.name = "token", .type = TIP_OPT_STRING, AT(token), .flags = TIP_OPT_SECRET, .help = "Secret."},
    {.name = "words", .type = TIP_OPT_LIST, AT(words), .help = "Words."},
    {.name = "nets", .type = TIP_OPT_PREFIXES, AT(nets), .help = "Networks."},
    {.name = "jobs", .type = TIP_OPT_RECORDS, AT(jobs), .record = &job_table, .help = "Jobs."},
};

static const struct tip_opt_table table = {.section = "scheduler",
                                           .rows = rows,
                                           .n_rows = sizeof(rows) / sizeof(rows[0]),
                                           .size = sizeof(struct options),
                                           .help = "What it is for."};

/* --- a directory with a tip.yaml --- */

struct site {
    char dir[64];
    char file[80];
    struct tip_conf *conf;
    struct options options;
};

static void site_write(const struct site *site, const char *name, const char *text)
{
    char path[160];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", site->dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void site_open(struct site *site, const char *yaml)
{
    *site = (struct site){.conf = tip_conf_new()};
    (void)snprintf(site->dir, sizeof(site->dir), "/tmp/tip-opt-XXXXXX");
    assert_non_null(mkdtemp(site->dir));
    (void)snprintf(site->file, sizeof(site->file), "%s/tip.yaml", site->dir);
    site_write(site, "tip.yaml", yaml);
    tip_conf_add(site->conf, &table, &site->options);
}

static void site_close(struct site *site)
{
    char command[120];

    tip_opt_free(&table, &site->options);
    tip_conf_destroy(&site->conf);
    (void)snprintf(command, sizeof(command), "rm -rf %s", site->dir);
    assert_int_equal(system(command), 0);
}

static int site_load(struct site *site, char *const *environ_, const char *const *args)
{
    return tip_conf_load(
        site->conf,
        &(struct tip_conf_input){.file = site->file, .environ = environ_, .args = args, .section = "scheduler"});
}

/* The i-th error without the directory of the site. */
static const char *site_error(const struct site *site, size_t i)
{
    const char *error;

    if (i >= tip_conf_n_errors(site->conf))
        return "(none)";
    error = tip_conf_error(site->conf, i);
    return strncmp(error, site->dir, strlen(site->dir)) == 0 ? error + strlen(site->dir) + 1 : error;
}

/* --- what is taken --- */

static void test_fallbacks(void **state)
{
    struct site site;

    (void)state;
    site_open(&site, "");
    assert_int_equal(site_load(&site, NULL, NULL), 0);
    assert_string_equal(site.options.name, "plain");
    assert_null(site.options.peer);
    assert_int_equal(site.options.count, 7);
    assert_int_equal(site.options.interval_ms, 15 * 60000);
    assert_int_equal(site.options.room_bytes, 4 << 20);
    assert_int_equal(site.options.mode, MODE_FAST);
    assert_string_equal(site.options.dir + strlen(site.dir), "/sources.d");
    assert_string_equal(tip_conf_origin(site.conf, "scheduler.name"), "default");
    site_close(&site);
}

static void test_every_type_from_a_file(void **state)
{
    const struct job *jobs;
    struct site site;

    (void)state;
    site_open(&site, "scheduler:\n"
                     "  name: \"a b\"\n"
                     "  dir: here/there\n"
                     "  peer: tcp://127.0.0.1:5550\n"
                     "  is_on: yes\n"
                     "  count: 1_000\n"
                     "  share: 0.25\n"
                     "  interval: 1h30m\n"
                     "  room: 64KiB\n"
                     "  mode: slow\n"
                     "  token: s3cret\n"
                     "  words: [a, 'b c']\n"
                     "  nets: [192.0.2.0/24, 2001:db8::1]\n"
                     "  jobs:\n"
                     "    - name: one\n"
                     "      every: 10s\n"
                     "      tags: [x]\n"
                     "    - {name: two}\n"
                     "blacklist:\n"
                     "  whatever: [another, program, knows]\n");
    assert_int_equal(site_load(&site, NULL, NULL), 0);
    assert_string_equal(site.options.name, "a b");
    assert_string_equal(site.options.dir + strlen(site.dir), "/here/there");
    assert_string_equal(site.options.peer, "tcp://127.0.0.1:5550");
    assert_true(site.options.is_on);
    assert_int_equal(site.options.count, 1000);
    assert_true(site.options.share == 0.25);
    assert_int_equal(site.options.interval_ms, 5400000);
    assert_int_equal(site.options.room_bytes, 65536);
    assert_int_equal(site.options.mode, MODE_SLOW);
    assert_string_equal(site.options.token, "s3cret");
    assert_int_equal(site.options.words.n, 2);
    assert_string_equal(site.options.words.items[1], "b c");
    assert_int_equal(site.options.nets.n, 2);
    assert_int_equal(site.options.nets.items[0].len, 24);
    assert_int_equal(site.options.nets.items[1].len, 128);
    assert_int_equal(site.options.jobs.n, 2);
    jobs = site.options.jobs.items;
    assert_string_equal(jobs[0].name, "one");
    assert_int_equal(jobs[0].every_ms, 10000);
    assert_int_equal(jobs[0].at.line, 15);
    assert_int_equal(jobs[0].at.column, 7);
    assert_string_equal(jobs[0].at.file, site.file);
    assert_string_equal(jobs[1].name, "two");
    assert_int_equal(jobs[1].every_ms, 3600000);
    assert_int_equal(jobs[1].tags.n, 0);
    assert_int_equal(jobs[1].at.line, 18);
    assert_string_equal(tip_conf_origin(site.conf, "scheduler.interval") + strlen(site.dir), "/tip.yaml:8:13");
    site_close(&site);
}

static void test_later_origins_win(void **state)
{
    char *const variables[] = {(char[]){"TIP__SCHEDULER__COUNT=30"}, (char[]){"TIP__SCHEDULER__WORDS=x, y"},
                               (char[]){"TIP__STORAGE__ANY=1"}, (char[]){"HOME=/"}, NULL};
    const char *const args[] = {"--interval", "5s", "--is-on", "--scheduler.share=0.75", NULL};
    struct site site;

    (void)state;
    site_open(&site, "scheduler: {name: main, count: 10, interval: 1m, words: [m]}\n");
    (void)snprintf(site.file, sizeof(site.file), "%s/conf.d", site.dir);
    assert_int_equal(mkdir(site.file, 0700), 0);
    (void)snprintf(site.file, sizeof(site.file), "%s/tip.yaml", site.dir);
    site_write(&site, "conf.d/20-b.yaml", "scheduler: {name: b}\n");
    site_write(&site, "conf.d/10-a.yaml", "scheduler: {name: a, count: 20}\n");
    site_write(&site, "conf.d/ignored.txt", "scheduler: {name: c}\n");
    assert_int_equal(site_load(&site, variables, args), 0);
    assert_string_equal(site.options.name, "b");
    assert_string_equal(tip_conf_origin(site.conf, "scheduler.name") + strlen(site.dir), "/conf.d/20-b.yaml:1:19");
    assert_int_equal(site.options.count, 30);
    assert_string_equal(tip_conf_origin(site.conf, "scheduler.count"), "environment TIP__SCHEDULER__COUNT");
    assert_int_equal(site.options.words.n, 2);
    assert_string_equal(site.options.words.items[1], "y");
    assert_int_equal(site.options.interval_ms, 5000);
    assert_string_equal(tip_conf_origin(site.conf, "scheduler.interval"), "command line, --interval");
    assert_true(site.options.is_on);
    assert_true(site.options.share == 0.75);
    site_close(&site);
}

static void test_secret_from_its_file(void **state)
{
    tip_auto(tip_free) char *shown = NULL;
    size_t size;
    struct site site;
    FILE *out;

    (void)state;
    site_open(&site, "scheduler: {token_file: token.txt}\n");
    site_write(&site, "token.txt", "from the file\n");
    assert_int_equal(site_load(&site, NULL, NULL), 0);
    assert_string_equal(site.options.token, "from the file");
    out = open_memstream(&shown, &size);
    tip_conf_show(site.conf, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(shown, "scheduler.token\t***\t"));
    assert_null(strstr(shown, "from the file"));
    assert_non_null(strstr(shown, "scheduler.interval\t15m\tdefault\n"));
    site_close(&site);
}

/* --- what is refused --- */

static const struct {
    const char *yaml;
    const char *error;
} refused[] = {
    {"scheduler:\n  intervall: 5s\n", "tip.yaml:2:3: option 'intervall' is not known; did you mean 'interval'?"},
    {"scheduler:\n  zzzzzzzzzz: 5s\n", "tip.yaml:2:3: option 'zzzzzzzzzz' is not known"},
    {"sheduler: {}\n", "tip.yaml:1:1: section 'sheduler' is not known; did you mean 'scheduler'?"},
    {"scheduler:\n  interval: 15\n",
     "tip.yaml:2:13: interval must be a duration such as 250ms, 90s, 15m or 7d, not '15'"},
    {"scheduler:\n  interval: 2d\n", "tip.yaml:2:13: interval must be from 1s to 1d, not 2d"},
    {"scheduler:\n  count: 0\n", "tip.yaml:2:10: count must be from 1 items to 1000000 items, not 0"},
    {"scheduler:\n  count: 0x10\n", "tip.yaml:2:10: count must be a whole number, not '0x10'"},
    {"scheduler:\n  count: 99999999999999999999\n",
     "tip.yaml:2:10: count must be a whole number, not '99999999999999999999'"},
    {"scheduler:\n  share: 1.5\n", "tip.yaml:2:10: share must be from 0 to 1, not 1.5"},
    {"scheduler:\n  share: nan\n", "tip.yaml:2:10: share must be a number, not 'nan'"},
    {"scheduler:\n  room: 4 parsec\n",
     "tip.yaml:2:9: room must be a size such as 65536, 64KiB or 4MiB, not '4 parsec'"},
    {"scheduler:\n  mode: quick\n", "tip.yaml:2:9: mode must be one of slow, fast, not 'quick'"},
    {"scheduler:\n  is_on: 1\n", "tip.yaml:2:10: is_on must be true or false, not '1'"},
    {"scheduler:\n  name: abcdefghijk\n", "tip.yaml:2:9: name is longer than 10 bytes"},
    {"scheduler:\n  peer: udp://x:1\n", "tip.yaml:2:9: peer must start with tcp:// or ipc://, not 'udp://x:1'"},
    {"scheduler:\n  peer: tcp://x:0\n",
     "tip.yaml:2:9: peer needs a host and a port from 1 to 65535, as in tcp://127.0.0.1:5550"},
    {"scheduler:\n  peer: ipc://x\n", "tip.yaml:2:9: peer needs an absolute path, as in ipc:///run/tip/ingest"},
    {"scheduler:\n  name:\n", "tip.yaml:2:8: name has no value"},
    {"scheduler:\n  name: [a]\n", "tip.yaml:2:9: name must be a single value (text)"},
    {"scheduler:\n  words: a\n", "tip.yaml:2:10: words must be a list"},
    {"scheduler:\n  words: [a, [b]]\n", "tip.yaml:2:14: words must be a list of single values"},
    {"scheduler:\n  nets: [192.0.2.1/24]\n", "tip.yaml:2:10: nets '192.0.2.1/24' has bits set behind its length"},
    {"scheduler:\n  nets: [192.0.2.256]\n",
     "tip.yaml:2:10: nets '192.0.2.256' is not an address or network (address_range)"},
    {"scheduler:\n  jobs: [a]\n", "tip.yaml:2:10: jobs must be a list of mappings"},
    {"scheduler:\n  jobs:\n    - every: 5s\n", "tip.yaml:3:7: name is missing"},
    {"scheduler:\n  jobs:\n    - {name: a, evry: 5s}\n",
     "tip.yaml:3:17: option 'evry' is not known; did you mean 'every'?"},
    {"scheduler:\n  jobs: [{name: a, tags: [1, 2, 3, 4]}]\n", "tip.yaml:2:36: tags has more than 3 entries"},
    {"scheduler:\n  name: a\n  name: b\n", "tip.yaml:3:3: name is given twice, first in line 2"},
    {"scheduler: [a]\n", "tip.yaml:1:12: section 'scheduler' must be a mapping of options"},
    {"- a\n", "tip.yaml:1:1: must be a mapping (name: value)"},
    {"scheduler:\n  name: &x a\n", "tip.yaml:2:9: anchors (&) are not allowed here"},
    {"scheduler:\n  name: *x\n", "tip.yaml:2:9: aliases (*) are not allowed here"},
    {"scheduler:\n  name: !!str a\n", "tip.yaml:2:9: tags (!) are not allowed here"},
    {"scheduler:\n  name: \"a\\0b\"\n", "tip.yaml:2:9: a NUL character is not allowed here"},
    {"scheduler: {}\n---\nscheduler: {}\n", "tip.yaml:2:1: a second document is not allowed here"},
    {"scheduler:\n  name: [a\n", "tip.yaml:3:1: not valid YAML: did not find expected ',' or ']', while parsing a flow "
                                 "sequence"},
    {"scheduler:\n\tname: a\n",
     "tip.yaml:2:1: not valid YAML: found character that cannot start any token, while scanning for the next token"},
    {"scheduler:\n  ? [a]\n  : b\n", "tip.yaml:2:5: a name is expected here"},
    {"blacklist: {a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}\n", "tip.yaml:1:30: more than 16 levels deep"},
    {"scheduler:\n  mode: \"\\e[31m\"\n", "tip.yaml:2:9: mode must be one of slow, fast, not '?[31m'"},
    {"scheduler:\n  token_file: nowhere\n", NULL},
    {"\xff\xfe", "tip.yaml:1:1: not valid YAML: invalid leading UTF-8 octet"},
};

static void test_refusals_name_their_place(void **state)
{
    struct site site;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        site_open(&site, refused[i].yaml);
        assert_int_equal(site_load(&site, NULL, NULL), TIP_CONF_E_INVALID);
        if (refused[i].error)
            assert_string_equal(site_error(&site, 0), refused[i].error);
        site_close(&site);
    }
}

static void test_all_errors_are_listed_up_to_a_bound(void **state)
{
    char yaml[8192] = "scheduler:\n";
    struct site site;
    size_t n;

    (void)state;
    site_open(&site, "scheduler:\n  count: x\n  share: y\nnonsense: {}\n");
    assert_int_equal(site_load(&site, NULL, NULL), TIP_CONF_E_INVALID);
    assert_int_equal(tip_conf_n_errors(site.conf), 3);
    assert_string_equal(site_error(&site, 1), "tip.yaml:3:10: share must be a number, not 'y'");
    assert_string_equal(site_error(&site, 2), "tip.yaml:4:1: section 'nonsense' is not known");
    site_close(&site);

    for (int i = 0; i < 150; i++) {
        n = strlen(yaml);
        (void)snprintf(yaml + n, sizeof(yaml) - n, "  nothing%d: 1\n", i);
    }
    site_open(&site, yaml);
    assert_int_equal(site_load(&site, NULL, NULL), TIP_CONF_E_INVALID);
    assert_int_equal(tip_conf_n_errors(site.conf), 101);
    assert_string_equal(site_error(&site, 100), "more errors are not listed");
    site_close(&site);
}

static void test_bounds_of_a_file(void **state)
{
    char *big = malloc((1 << 20) + 100);
    struct site site;

    (void)state;
    assert_non_null(big);
    memset(big, '#', (1 << 20) + 1);
    big[(1 << 20) + 1] = '\0';
    site_open(&site, big);
    assert_int_equal(site_load(&site, NULL, NULL), TIP_CONF_E_INVALID);
    assert_string_equal(site_error(&site, 0), "tip.yaml: larger than 1 MiB");
    site_close(&site);

    strcpy(big, "blacklist: {a: [");
    memset(big + 16, 'x', 140000);
    for (size_t i = 17; i < 140016; i += 2)
        big[i] = ',';
    strcpy(big + 140016, "]}\n");
    site_open(&site, big);
    assert_int_equal(site_load(&site, NULL, NULL), TIP_CONF_E_INVALID);
    assert_non_null(strstr(site_error(&site, 0), "more than 65536 values in one file"));
    site_close(&site);
    free(big);
}

static void test_environment_and_command_line_are_checked_too(void **state)
{
    char *const variables[] = {(char[]){"TIP__SCHEDULER__COUNT=many"}, (char[]){"TIP__SCHEDLER__COUNT=1"},
                               (char[]){"TIP__SCHEDULER__CONT=1"}, (char[]){"TIP__SCHEDULER"}, NULL};
    const char *const args[] = {"--intervall", "5s", "--token=x", "stray", "--count", NULL};
    static const char *const errors[] = {
        "environment TIP__SCHEDULER__COUNT: count must be a whole number, not 'many'",
        "environment TIP__SCHEDLER__COUNT: section 'schedler' is not known; did you mean 'scheduler'?",
        "environment TIP__SCHEDULER__CONT: option 'cont' is not known; did you mean 'count'?",
        "command line, --intervall: option 'intervall' is not known; did you mean 'interval'?",
        "command line, --token: others can read a command line; use --token_file",
        "command line: 'stray' is not an option",
        "command line, --count: count has no value",
    };
    struct site site;

    (void)state;
    site_open(&site, "");
    assert_int_equal(site_load(&site, variables, args), TIP_CONF_E_INVALID);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        assert_string_equal(site_error(&site, i), errors[i]);
    assert_int_equal(tip_conf_n_errors(site.conf), sizeof(errors) / sizeof(errors[0]));
    site_close(&site);
}

/* "Not set" of a number is no number that anybody could write. */
static void test_a_number_may_be_unset(void **state)
{
    static const struct tip_opt weight_rows[] = {{.name = "weight",
                                                  .type = TIP_OPT_REAL,
                                                  .fallback = "-1",
                                                  .min = 0,
                                                  .max = 1,
                                                  .flags = TIP_OPT_UNSET,
                                                  .help = "W."}};
    static const struct tip_opt_table weight_table = {.rows = weight_rows, .n_rows = 1, .size = sizeof(double)};
    static const char *const files[] = {"weight: -1\n", "weight: 1.6\n"};
    static const char *const errors[] = {"w.yaml:1:9: weight must be from 0 to 1, not -1",
                                         "w.yaml:1:9: weight must be from 0 to 1, not 1.6"};
    struct tip_conf *conf = tip_conf_new();
    double weight = 0;
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    (void)state;
    assert_int_equal(tip_conf_load_text(conf, "w.yaml", "{}\n", 3, &weight_table, &weight), 0);
    assert_true(weight == -1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(tip_conf_load_text(conf, "w.yaml", files[i], strlen(files[i]), &weight_table, &weight),
                         TIP_CONF_E_INVALID);
        assert_string_equal(tip_conf_error(conf, i), errors[i]);
    }
    tip_conf_destroy(&conf);
    tip_opt_print_help(&weight_table, file);
    fclose(file);
    assert_non_null(strstr(text, "real number, 0 to 1; none"));
    free(text);
}

static void test_missing_file_is_an_error(void **state)
{
    struct site site;

    (void)state;
    site_open(&site, "");
    assert_int_equal(unlink(site.file), 0);
    assert_int_equal(site_load(&site, NULL, NULL), TIP_CONF_E_INVALID);
    assert_string_equal(site_error(&site, 0), "tip.yaml: No such file or directory");
    site_close(&site);
}

/* --- files of their own, and errors of the caller's --- */

static void test_file_of_its_own(void **state)
{
    struct tip_conf *conf = tip_conf_new();
    struct job job = {0};
    const char good[] = "name: drop\nevery: 1h\ntags: [a, b]\n";
    const char bad[] = "every: 1\nx: 1\n";

    (void)state;
    assert_int_equal(tip_conf_load_text(conf, "drop.yaml", good, strlen(good), &job_table, &job), 0);
    assert_string_equal(job.name, "drop");
    assert_int_equal(job.tags.n, 2);
    tip_conf_refuse_at(conf, &job.at, "%s is not what it says", job.name);
    assert_string_equal(tip_conf_error(conf, 0), "drop.yaml:1:1: drop is not what it says");
    tip_opt_free(&job_table, &job);
    assert_int_equal(tip_conf_load_text(conf, "bad.yaml", bad, strlen(bad), &job_table, &job), TIP_CONF_E_INVALID);
    assert_string_equal(tip_conf_error(conf, 1),
                        "bad.yaml:1:8: every must be a duration such as 250ms, 90s, 15m or 7d, not '1'");
    assert_string_equal(tip_conf_error(conf, 2), "bad.yaml:2:1: option 'x' is not known");
    assert_string_equal(tip_conf_error(conf, 3), "bad.yaml:1:1: name is missing");
    tip_opt_free(&job_table, &job);
    assert_int_equal(tip_conf_load_file(conf, "/nonexistent/x.yaml", &job_table, &job), TIP_CONF_E_INVALID);
    assert_string_equal(tip_conf_error(conf, 4), "/nonexistent/x.yaml: No such file or directory");
    tip_conf_destroy(&conf);
}

static void test_refuse_names_the_place_of_an_option(void **state)
{
    struct site site;

    (void)state;
    site_open(&site, "scheduler:\n  count: 3\n");
    assert_int_equal(site_load(&site, NULL, NULL), 0);
    tip_conf_refuse(site.conf, "scheduler.count", "does not go with mode %s", "fast");
    tip_conf_refuse(site.conf, "scheduler.mode", "does not go with count");
    assert_string_equal(site_error(&site, 0), "tip.yaml:2:10: does not go with mode fast");
    assert_string_equal(site_error(&site, 1), "scheduler.mode: does not go with count");
    site_close(&site);
}

static void test_markdown_has_every_row(void **state)
{
    tip_auto(tip_free) char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    tip_opt_print_markdown(&table, out);
    tip_opt_print_help(&table, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "## scheduler\n\nWhat it is for.\n\n| option | type | default | meaning |\n"));
    assert_non_null(strstr(text, "| `interval` | duration, 1s to 1d | `15m` | T. |\n"));
    assert_non_null(strstr(text, "| `jobs[].name` | text | `required` | Its name. |\n"));
    assert_non_null(strstr(text, "  --token_file  (text; none)\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fallbacks),
        cmocka_unit_test(test_every_type_from_a_file),
        cmocka_unit_test(test_later_origins_win),
        cmocka_unit_test(test_secret_from_its_file),
        cmocka_unit_test(test_refusals_name_their_place),
        cmocka_unit_test(test_all_errors_are_listed_up_to_a_bound),
        cmocka_unit_test(test_bounds_of_a_file),
        cmocka_unit_test(test_environment_and_command_line_are_checked_too),
        cmocka_unit_test(test_a_number_may_be_unset),
        cmocka_unit_test(test_missing_file_is_an_error),
        cmocka_unit_test(test_file_of_its_own),
        cmocka_unit_test(test_refuse_names_the_place_of_an_option),
        cmocka_unit_test(test_markdown_has_every_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
