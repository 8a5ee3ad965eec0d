/*
 * The weights of block lists for tests: reads commands from stdin, prints every number of every source.
 *
 *     now SECONDS                                    when it is weighed, and the last command
 *     source NAME GROUP CATEGORY INTERVAL_S FROM,…   FROM: names it is derived from, `-` for none
 *     deliver SECONDS NAME FILE                      a version: the list in the file, one entry a line
 *     confirm SECONDS NAME                           the same version again
 *     role NAME FILE                                 a reference list
 *     observe SECONDS VALUE WHAT DEPTH BECAUSE       own evidence: trap, flux, smtp, abandonment; BECAUSE: `-` or a
 * source exposure NUMBER
 *
 * A row: source, number's name, number; tabs between.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/buf.h>

#include "core/parse.h"
#include "core/weight.h"

enum { SOURCES_MAX = 512, FROM_MAX = 8, FILE_MAX = 1 << 28 };

struct test_source {
    char name[65], group[65], from[256];
    const char *derived_from[FROM_MAX];
    size_t n_derived_from;
    enum bl_category category;
    int64_t interval_s;
    struct tip_buf seen;
    uint64_t version;
    uint32_t ok_s;
};

static struct test_source sources[SOURCES_MAX];
static size_t n_sources;
static struct bl_witnesses *witnesses;
static struct bl_reference *reference;
static double exposure;

static void test_die(const char *what, const char *which)
{
    fprintf(stderr, "tip_test_weights: %s: %s\n", what, which);
    exit(2);
}

static struct test_source *test_find(const char *name)
{
    for (size_t i = 0; i < n_sources; i++) {
        if (!strcmp(sources[i].name, name))
            return &sources[i];
    }
    test_die("no such source", name);
    return NULL;
}

static struct bl_seen test_seen(const struct test_source *source)
{
    struct bl_seen seen = {0};

    if (source->seen.len && bl_seen_read(&seen, source->seen.data, source->seen.len))
        test_die("what was seen cannot be read", source->name);
    return seen;
}

static enum bl_category test_category(const char *name)
{
    for (int i = 0; bl_category_names[i]; i++) {
        if (!strcmp(bl_category_names[i], name))
            return (enum bl_category)i;
    }
    test_die("no such category", name);
    return BL_CATEGORY_OTHER;
}

static void test_source(const char *args)
{
    struct test_source *source = &sources[n_sources++];
    char category[32];

    if (sscanf(args, "%64s %64s %31s %" SCNd64 " %255s", source->name, source->group, category, &source->interval_s,
               source->from) != 5)
        test_die("bad source", args);
    source->category = test_category(category);
    tip_buf_init(&source->seen, FILE_MAX);
    for (char *at = strtok(source->from, ","); at && strcmp(at, "-") != 0 && source->n_derived_from < FROM_MAX;
         at = strtok(NULL, ","))
        source->derived_from[source->n_derived_from++] = at;
}

static int test_put(void *ctx, const void *bytes, size_t n)
{
    return tip_buf_append(ctx, bytes, n);
}

static void test_read(const char *path, struct tip_buf *text)
{
    tip_auto(tip_file_close) FILE *in = fopen(path, "re");
    char block[65536];
    size_t n;

    if (!in)
        test_die("cannot open", path);
    while ((n = fread(block, 1, sizeof(block), in))) {
        if (tip_buf_append(text, block, n))
            test_die("too long", path);
    }
}

static void test_update(struct test_source *source, const struct bl_set *set, uint32_t at_s)
{
    struct bl_seen_update update = {.before = test_seen(source),
                                    .now = *set,
                                    .version = ++source->version,
                                    .now_s = at_s,
                                    .confirmed_s = source->ok_s,
                                    .gone_max = BL_SEEN_GONE_MAX};
    unsigned char head[BL_SEEN_HEADER];
    struct tip_buf fresh;

    tip_buf_init(&fresh, FILE_MAX);
    if (bl_seen_write(&update, test_put, &fresh, head))
        test_die("cannot write", source->name);
    memcpy(fresh.data, head, sizeof(head));
    tip_buf_deinit(&source->seen);
    source->seen = fresh;
    source->ok_s = at_s;
}

static void test_deliver(const char *args)
{
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf text;
    struct bl_format format;
    struct bl_set set;
    char name[65], path[4096];
    uint32_t at_s;

    if (sscanf(args, "%" SCNu32 " %64s %4095s", &at_s, name, path) != 3)
        test_die("bad delivery", args);
    tip_buf_init(&text, FILE_MAX);
    test_read(path, &text);
    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
    parse = bl_parse_new(&format);
    if (bl_parse_feed(parse, tip_buf_text(&text), text.len) || bl_parse_end(parse))
        test_die("cannot parse", path);
    set = bl_parse_set(parse);
    test_update(test_find(name), &set, at_s);
}

static void test_confirm(const char *args)
{
    char name[65];
    uint32_t at_s;

    if (sscanf(args, "%" SCNu32 " %64s", &at_s, name) != 2)
        test_die("bad confirmation", args);
    test_find(name)->ok_s = at_s;
}

static void test_role(const char *args)
{
    char name[65], path[4096], line[4096];
    FILE *in;
    int role = 0;

    if (sscanf(args, "%64s %4095s", name, path) != 2)
        test_die("bad role", args);
    while (role < BL_ROLE_COUNT && strcmp(bl_role_name((enum bl_role)role), name) != 0)
        role++;
    in = fopen(path, "re");
    if (role == BL_ROLE_COUNT || !in)
        test_die("no such role or file", args);
    while (fgets(line, sizeof(line), in)) {
        if (bl_reference_add(reference, (enum bl_role)role, line, strcspn(line, "\n")) < 0)
            test_die("full", args);
    }
    (void)fclose(in); /* read only */
}

static void test_observe(const char *args)
{
    static const char *const names[BL_EVIDENCE_KIND_COUNT] = {"trap", "flux", "smtp", "abandonment"};
    struct bl_observation observation = {.what = BL_EVIDENCE_TRAP};
    char value[2049], what[32], because[65];
    struct tip_indicator indicator;

    if (sscanf(args, "%" SCNu32 " %2048s %31s %" SCNu32 " %64s", &observation.at_s, value, what, &observation.depth,
               because) != 5 ||
        tip_indicator_parse(&indicator, TIP_KIND_NONE, value, strlen(value)))
        test_die("bad observation", args);
    while (observation.what < BL_EVIDENCE_KIND_COUNT && strcmp(names[observation.what], what) != 0)
        observation.what++;
    observation.kind = indicator.kind;
    observation.value = indicator.value;
    observation.len = indicator.len;
    observation.because_of = strcmp(because, "-") ? because : NULL;
    bl_witnesses_add(witnesses, &observation);
}

static void test_print(const struct test_source *source, const struct bl_weight *w)
{
    const struct {
        const char *name;
        double value;
    } rows[] = {
        {"weight", w->weight},
        {"trust", w->trust},
        {"trust_low", w->trust_low},
        {"trust_high", w->trust_high},
        {"independence", w->independence},
        {"lead", w->lead},
        {"freshness", w->freshness},
        {"n_entries", w->n_entries},
        {"n_confirmed", w->n_confirmed},
        {"penalties", w->penalties},
        {"n_scored", w->n_scored},
        {"n_exclusive", w->n_exclusive},
        {"n_copied", w->n_copied},
        {"n_shared", w->n_shared},
        {"lead_sum", w->lead_sum},
        {"half_life_s", (double)w->survival.half_life_s},
        {"basis", w->survival.basis},
        {"n_known", (double)w->survival.n_known},
        {"n_removed", (double)w->survival.n_removed},
        {"n_held_60d", (double)w->survival.n_held_60d},
        {"n_removed_60d", (double)w->survival.n_removed_60d},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        printf("%s\t%s\t%.17g\n", source->name, rows[i].name, rows[i].value);
    for (int i = 0; i < BL_ROLE_COUNT; i++)
        printf("%s\thits_%s\t%.17g\n", source->name, bl_role_name((enum bl_role)i), w->hits[i]);
    printf("%s\tcopied_from\t%s\n", source->name, w->copied_from < n_sources ? sources[w->copied_from].name : "-");
}

static void test_print_overlaps(const struct bl_overlaps *overlaps)
{
    for (size_t i = 0; i < n_sources; i++) {
        for (size_t j = 0; j < n_sources; j++) {
            struct bl_overlap overlap;

            if (i == j)
                continue;
            overlap = bl_overlaps_get(overlaps, i, j);
            printf("%s\tshared:%s\t%.17g\n", sources[i].name, sources[j].name, overlap.n_shared);
            printf("%s\tfirst:%s\t%.17g\n", sources[i].name, sources[j].name, overlap.n_first);
            printf("%s\tlate:%s\t%.17g\n", sources[i].name, sources[j].name, overlap.n_late);
        }
    }
}

static void test_now(uint32_t now_s)
{
    tip_auto(bl_overlaps_destroy) struct bl_overlaps *overlaps = bl_overlaps_new(n_sources);
    tip_auto(tip_free) struct bl_weigh_source *made = tip_new_array(n_sources, struct bl_weigh_source);
    tip_auto(tip_free) struct bl_weight *weights = tip_new_array(n_sources, struct bl_weight);
    struct bl_weigh_job job = {.sources = made,
                               .n_sources = n_sources,
                               .reference = reference,
                               .witnesses = witnesses,
                               .exposure = exposure,
                               .now_s = now_s,
                               .overlaps = overlaps};

    bl_witnesses_build(witnesses);
    for (size_t i = 0; i < n_sources; i++)
        made[i] = (struct bl_weigh_source){.name = sources[i].name,
                                           .group = sources[i].group,
                                           .derived_from = sources[i].derived_from,
                                           .n_derived_from = sources[i].n_derived_from,
                                           .category = sources[i].category,
                                           .seen = test_seen(&sources[i]),
                                           .ok_s = sources[i].ok_s,
                                           .interval_s = sources[i].interval_s};
    if (bl_reference_finish(reference) || bl_weigh(&job, weights))
        test_die("too much", "of everything");
    for (size_t i = 0; i < n_sources; i++)
        test_print(&sources[i], &weights[i]);
    test_print_overlaps(overlaps);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(const char *args);
    } commands[] = {{"source ", test_source},
                    {"deliver ", test_deliver},
                    {"confirm ", test_confirm},
                    {"role ", test_role},
                    {"observe ", test_observe}};
    char line[8192];

    reference = bl_reference_new();
    witnesses = bl_witnesses_new();
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
            size_t n = strlen(commands[i].name);

            if (!strncmp(line, commands[i].name, n))
                commands[i].run(line + n);
        }
        if (!strncmp(line, "exposure ", 9))
            exposure = strtod(line + 9, NULL);
        if (!strncmp(line, "now ", 4))
            test_now((uint32_t)strtoul(line + 4, NULL, 10));
    }
    for (size_t i = 0; i < n_sources; i++)
        tip_buf_deinit(&sources[i].seen);
    bl_reference_destroy(&reference);
    bl_witnesses_destroy(&witnesses);
    return 0;
}
