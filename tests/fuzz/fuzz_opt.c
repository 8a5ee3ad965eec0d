/* A file of options: any bytes are taken or refused with a place, and nothing leaks or is read past its end. */
#include "fuzz.h"

#include <tip/opt.h>

struct part {
    struct tip_opt_at at;
    char *name;
    int64_t every_ms;
    struct tip_opt_list tags;
};

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
    struct tip_opt_list words;
    struct tip_opt_prefixes nets;
    struct tip_opt_records parts;
};

static const char *const modes[] = {"slow", "fast", NULL};

#define PART(member)   .offset = offsetof(struct part, member), .help = ""
#define OPTION(member) .offset = offsetof(struct options, member), .help = ""

static const struct tip_opt part_rows[] = {
    {.name = "at", .type = TIP_OPT_AT, PART(at)},
    {.name = "name", .type = TIP_OPT_STRING, .flags = TIP_OPT_REQUIRED, PART(name)},
    {.name = "every", .type = TIP_OPT_DURATION, .fallback = "1h", .min = 1000, .max = 86400e3, PART(every_ms)},
    {.name = "tags", .type = TIP_OPT_LIST, .max = 3, PART(tags)},
};

static const struct tip_opt_table part_table = {.rows = part_rows, .n_rows = 4, .size = sizeof(struct part)};

static const struct tip_opt rows[] = {
    {.name = "name", .type = TIP_OPT_STRING, .fallback = "x", .max = 20, OPTION(name)},
    {.name = "dir", .type = TIP_OPT_PATH, OPTION(dir)},
    {.name = "peer", .type = TIP_OPT_ENDPOINT, OPTION(peer)},
    {.name = "is_on", .type = TIP_OPT_BOOL, OPTION(is_on)},
    {.name = "count", .type = TIP_OPT_INT, .fallback = "7", .min = 1, .max = 1e6, OPTION(count)},
    {.name = "share", .type = TIP_OPT_REAL, .min = 0, .max = 1, OPTION(share)},
    {.name = "interval", .type = TIP_OPT_DURATION, .fallback = "15m", .min = 1000, .max = 86400e3, OPTION(interval_ms)},
    {.name = "room", .type = TIP_OPT_SIZE, .fallback = "4MiB", OPTION(room_bytes)},
    {.name = "mode", .type = TIP_OPT_ENUM, .fallback = "fast", .names = modes, OPTION(mode)},
    {.name = "words", .type = TIP_OPT_LIST, OPTION(words)},
    {.name = "nets", .type = TIP_OPT_PREFIXES, OPTION(nets)},
    {.name = "parts", .type = TIP_OPT_RECORDS, .max = 5, .record = &part_table, OPTION(parts)},
};

static const struct tip_opt_table table = {
    .rows = rows, .n_rows = sizeof(rows) / sizeof(rows[0]), .size = sizeof(struct options)};

/* What was taken is within its ranges. */
static void check(const struct options *options)
{
    const struct part *parts = options->parts.items;

    assert(strlen(options->name) <= 20);
    assert(options->count >= 1 && options->count <= 1000000);
    assert(options->share >= 0 && options->share <= 1);
    assert(options->interval_ms >= 1000 && options->interval_ms <= 86400000);
    assert(options->room_bytes >= 0 && options->mode >= 0 && options->mode <= 1);
    assert(options->parts.n <= 5);
    for (size_t i = 0; i < options->parts.n; i++)
        assert(parts[i].at.line && parts[i].every_ms >= 1000 && parts[i].tags.n <= 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tip_conf *conf = tip_conf_new();
    struct options options = {0};
    int r;

    r = tip_conf_load_text(conf, "f.yaml", (const char *)data, size, &table, &options);
    assert((r == 0) == (tip_conf_n_errors(conf) == 0));
    for (size_t i = 0; i < tip_conf_n_errors(conf); i++)
        assert(*tip_conf_error(conf, i));
    if (options.name)
        check(&options);
    tip_opt_free(&table, &options);
    tip_conf_destroy(&conf);
    return 0;
}
