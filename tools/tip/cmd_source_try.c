#include "cmd_source_try.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <tip/alloc.h>
#include <tip/buf.h>
#include <tip/cleanup.h>

#include "client.h"
#include "source_name.h"

enum { TRY_DEADLINE_MS = 120000 };

static const struct tip_column try_columns[] = {{"name", TIP_COLUMN_TEXT}, {"value", TIP_COLUMN_TEXT}};

static int try_show(struct cli *cli, const struct tip_control_answer *answer)
{
    tip_auto(out_destroy) struct out *out = NULL;
    const char *ok = tip_param_get(answer->values, answer->n_values, "ok"), *bad = NULL;

    if (out_open(&out, &cli->out, try_columns, 2, &bad))
        return cli_bad_field(bad);
    for (size_t i = 0; i < answer->n_values; i++)
        out_row(out, (const char *const[]){answer->values[i].name, answer->values[i].value}, NULL);
    cli_note(cli, "%s", answer->result);
    return ok && strcmp(ok, "true") == 0 ? CLI_OK : CLI_FAILED;
}

static int try_call(const struct cli *cli, struct tip_control_request *request, struct tip_control_answer **answerp)
{
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    client.deadline_ms = TRY_DEADLINE_MS;
    if (r == CLI_OK)
        r = source_control(&client, request, answerp);
    client_close(&client);
    return r;
}

/* ---- test, diff ---- */

static const struct cli_option test_rows[] = {
    {"fetch", 0, NULL, "Asks its server, although it has a sample."},
};

static int source_test_run(struct cli *cli)
{
    struct tip_param how = {.name = "how", .value = cli_flag(cli, 0) ? "fetch" : "auto"};
    struct tip_control_request request = {
        .action = "test", .target = cli->args[0], .reason = "", .params = &how, .n_params = 1};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    int r = try_call(cli, &request, &answer);

    return r ? r : try_show(cli, answer);
}

static int source_diff_run(struct cli *cli)
{
    struct tip_control_request request = {.action = "diff", .target = cli->args[0], .reason = ""};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    int r = try_call(cli, &request, &answer);

    return r ? r : try_show(cli, answer);
}

const struct cli_command source_test = {
    .name = "test",
    .arguments = "NAME",
    .summary =
        "Reads the sample of a list, or without one the list itself, and says what was in it; nothing is published.",
    .options = test_rows,
    .n_options = 1,
    .min_args = 1,
    .max_args = 1,
    .run = source_test_run,
};

const struct cli_command source_diff = {
    .name = "diff",
    .arguments = "NAME",
    .summary = "Fetches a list now and says what would change, and whether the guard would hold it; nothing is "
               "published.",
    .min_args = 1,
    .max_args = 1,
    .run = source_diff_run,
};

/* ---- new ---- */

enum { NEW_NAME, NEW_WRITE, NEW_OPTIONS };

static const struct cli_option new_rows[NEW_OPTIONS] = {
    [NEW_NAME] = {"name", 'n', "NAME", "What the source is to be called [made of the URL]."},
    [NEW_WRITE] =
        {"write", 'w', "FILE",
         "Writes the file there instead of to stdout, and says what to do next; one that exists is left alone."},
};

static const char *new_value(const struct tip_control_answer *answer, const char *name)
{
    const char *value = tip_param_get(answer->values, answer->n_values, name);

    return value ? value : "";
}

/* A line of the preview; what lists hold is foreign. */
static void new_say(const struct cli *cli, const char *label, const char *text)
{
    if (cli->quiet)
        return;
    fprintf(stderr, "%-10s ", label);
    out_safe_line(stderr, text);
}

static void new_say_array(const struct cli *cli, const char *label, const char *json)
{
    json_t *array = json_loads(json, 0, NULL), *item;
    size_t i;

    json_array_foreach(array, i, item)
        new_say(cli, i ? "" : label, json_is_string(item) ? json_string_value(item) : "");
    json_decref(array);
}

static void new_say_readings(const struct cli *cli, const char *json)
{
    json_t *array = json_loads(json, 0, NULL), *item;
    char line[256];
    size_t i;

    json_array_foreach(array, i, item)
    {
        const char *reading = json_string_value(json_object_get(item, "reading"));

        (void)snprintf(line, sizeof(line), "%-40s %lld entries, %lld rejects in a sample", reading ? reading : "",
                       (long long)json_integer_value(json_object_get(item, "accepted")),
                       (long long)json_integer_value(json_object_get(item, "rejected")));
        new_say(cli, i ? "" : "readings", line);
    }
    json_decref(array);
}

static void new_say_rejects(const struct cli *cli, const struct tip_control_answer *answer)
{
    bool is_first = true;

    for (size_t i = 0; i < answer->n_values; i++) {
        if (strncmp(answer->values[i].name, "reject.", 7) != 0)
            continue;
        new_say(cli, is_first ? "rejects" : "", answer->values[i].value);
        is_first = false;
    }
}

/* What is in it, and how else it could be read: on stderr, for the file goes to stdout. */
static void new_preview(const struct cli *cli, const struct tip_control_answer *answer)
{
    char line[256];

    if (*new_value(answer, "file"))
        new_say(cli, "result", answer->result); /* else it is the error */
    (void)snprintf(line, sizeof(line),
                   "%s entries (%s special-use or public suffixes), %s rejected; %s lines, %s bytes",
                   new_value(answer, "entries"), new_value(answer, "special"), new_value(answer, "rejected_lines"),
                   new_value(answer, "lines"), new_value(answer, "bytes"));
    if (*new_value(answer, "entries"))
        new_say(cli, "counts", line);
    new_say_array(cli, "first", new_value(answer, "first"));
    new_say_rejects(cli, answer);
    new_say_readings(cli, new_value(answer, "readings"));
}

static int new_write_all(int fd, const char *text)
{
    size_t n = strlen(text);

    while (n) {
        ssize_t done = write(fd, text, n);

        if (done == -1)
            return -errno;
        text += done;
        n -= (size_t)done;
    }
    return fsync(fd) ? -errno : 0;
}

/* What is left to be done: the collector reads its files when it is told to, and calls them by their names. */
static void new_say_next(const struct cli *cli, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t len = strlen(name), n = len > 5 && strcmp(name + len - 5, ".yaml") == 0 ? len - 5 : len;
    char reload[SOURCE_RELOAD_BYTES] = "SIGHUP to tip-blacklist";
    struct options options;

    if (cli->quiet)
        return;
    if (options_load(&options, cli->config) == CLI_OK)
        source_reload_text(&options, reload);
    options_free(&options);
    fprintf(stderr,
            "next: read it, and fill in what stands behind #; it belongs into the directory blacklist.sources\n"
            "      load it with %s\n"
            "      then: tip source run -w %.*s\n",
            reload, (int)n, name);
}

/* Looked at before a publisher is asked for anything. */
static int new_look(const char *path)
{
    tip_auto(tip_free) char *dir = tip_strdup(path);
    char *slash = strrchr(dir, '/');

    if (access(path, F_OK) == 0) {
        cli_error("%s is there already: name another file", path);
        return CLI_FAILED;
    }
    if (slash)
        slash[slash == dir] = '\0';
    if (access(slash ? dir : ".", W_OK) == 0)
        return CLI_OK;
    cli_error("cannot write %s: %s", path, strerror(errno));
    return CLI_FAILED;
}

/* Never over a file that is there: source files are the user's. */
static int new_write(const struct cli *cli, const char *path, const char *text)
{
    tip_auto(tip_fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int r = fd == -1 ? -errno : new_write_all(fd, text);

    if (r) {
        cli_error("cannot write %s: %s", path, strerror(-r));
        if (fd != -1)
            (void)unlink(path); /* half of one would keep the collector from starting */
        return CLI_FAILED;
    }
    cli_note(cli, "written: %s", path);
    new_say_next(cli, path);
    return CLI_OK;
}

/* The lines of the file as one text; "" when there is none. */
static void new_file(const struct tip_control_answer *answer, struct tip_buf *text)
{
    json_t *array = json_loads(new_value(answer, "file"), 0, NULL), *line;
    size_t i;
    int r = 0;

    json_array_foreach(array, i, line) r =
        r ? r : tip_buf_append_format(text, "%s\n", json_is_string(line) ? json_string_value(line) : "");
    json_decref(array);
    if (r)
        tip_buf_clear(text);
}

/* Values that are JSON stay JSON. */
static void new_json(struct cli *cli, const struct tip_control_answer *answer, const char *file)
{
    json_t *object = json_object(), *rejects = json_array();

    for (size_t i = 0; i < answer->n_values; i++) {
        const struct tip_param *value = &answer->values[i];
        json_t *parsed = strpbrk(value->value, "[{") == value->value ? json_loads(value->value, 0, NULL) : NULL;
        char *end;
        long long number = strtoll(value->value, &end, 10);

        if (!parsed && *value->value && !*end && strcmp(value->name, "name") != 0)
            parsed = json_integer(number);
        if (!parsed && strcmp(value->name, "ok") == 0)
            parsed = json_boolean(strcmp(value->value, "true") == 0);
        parsed = parsed ? parsed : json_string(value->value);
        if (strncmp(value->name, "reject.", 7) == 0)
            json_array_append_new(rejects, parsed);
        else
            json_object_set_new(object, value->name, parsed);
    }
    json_object_set_new(object, "rejects", rejects);
    json_object_set_new(object, "file", *file ? json_string(file) : json_null());
    out_object(&cli->out, object);
    json_decref(object);
}

/* The result is `reason: detail`: people get the detail. What has no counts was never read. */
static void new_failed(const struct tip_control_answer *answer)
{
    const char *reason = new_value(answer, "reason"), *detail = answer->result;
    const size_t n = strlen(reason);

    if (n && strncmp(detail, reason, n) == 0 && strncmp(detail + n, ": ", 2) == 0)
        detail += n + 2;
    if (!*new_value(answer, "bytes"))
        cli_error("it cannot be fetched: %s%s", detail,
                  strstr(detail, "not a public address") ? "; blacklist.new_allow_private names addresses of yours"
                                                         : "");
    else
        cli_error("%s%s", *reason ? "no kind of list reads it: " : "", *reason ? answer->result : detail);
}

static int new_show(struct cli *cli, const struct tip_control_answer *answer)
{
    const char *path = cli_text(cli, NEW_WRITE, NULL);
    bool is_json = cli->out.mode == OUT_JSON || cli->out.mode == OUT_NDJSON;
    tip_auto(tip_buf_deinit) struct tip_buf file;

    tip_buf_init(&file, TIP_CALL_BYTES_MAX);
    new_file(answer, &file);
    if (is_json)
        new_json(cli, answer, tip_buf_text(&file));
    else
        new_preview(cli, answer);
    if (!file.len) {
        new_failed(answer);
        return CLI_FAILED;
    }
    if (path)
        return new_write(cli, path, tip_buf_text(&file));
    if (!is_json)
        fputs(tip_buf_text(&file), stdout); /* ASCII: the collector has escaped what is not */
    return CLI_OK;
}

static int source_new_run(struct cli *cli)
{
    struct tip_param name = {.name = "name", .value = cli_text(cli, NEW_NAME, "")};
    struct tip_control_request request = {
        .action = "new", .target = cli->args[0], .reason = "", .params = &name, .n_params = *name.value ? 1 : 0};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    const char *path = cli_text(cli, NEW_WRITE, NULL);
    int r = path ? new_look(path) : CLI_OK;

    if (r == CLI_OK)
        r = try_call(cli, &request, &answer);
    return r ? r : new_show(cli, answer);
}

const struct cli_command source_new = {
    .name = "new",
    .arguments = "URL",
    .summary = "Fetches a list once, guesses how it is written, and prints the file of a source for it.",
    .details = "The collector fetches it as it fetches every list: from public addresses (and those of "
               "blacklist.new_allow_private), and no publisher more often than it wants. The file goes to stdout, with "
               "comments on what is to be filled in; what was read goes to stderr. Nothing is changed: put the file "
               "into the directory blacklist.sources (or let --write do it), send `tip up` a SIGHUP, then `tip source "
               "test NAME` and `tip source run -w NAME`.",
    .options = new_rows,
    .n_options = NEW_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = source_new_run,
};
