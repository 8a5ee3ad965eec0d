#include "core/exclude.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/domain.h>

#include "core/flag.h"
#include "core/parser.h"

struct bl_exclude {
    struct tip_buf nets;  /* struct tip_prefix, sorted when they are applied */
    struct tip_buf names; /* uint32_t: where in the arena, sorted by what it says from right to left */
    struct tip_buf arena;
};

struct exclude_job {
    struct bl_exclude *exclude;
    struct bl_parse *parse;
    const struct bl_text *entry; /* that is cut, or NULL for none */
    struct tip_buf cut;          /* struct bl_text: entries to be cut, with their text still in the arena */
    int result;
};

struct bl_exclude *bl_exclude_new(size_t max)
{
    struct bl_exclude *exclude = tip_new(struct bl_exclude);

    tip_buf_init(&exclude->nets, max * sizeof(struct tip_prefix));
    tip_buf_init(&exclude->names, max * sizeof(uint32_t));
    tip_buf_init(&exclude->arena, UINT32_MAX);
    return exclude;
}

void bl_exclude_destroy(struct bl_exclude *exclude)
{
    tip_buf_deinit(&exclude->nets);
    tip_buf_deinit(&exclude->names);
    tip_buf_deinit(&exclude->arena);
    free(exclude);
}

int bl_exclude_net(struct bl_exclude *exclude, const struct tip_prefix *prefix)
{
    return tip_buf_append(&exclude->nets, prefix, sizeof(*prefix));
}

int bl_exclude_name(struct bl_exclude *exclude, const char *name, size_t len)
{
    uint32_t at = (uint32_t)exclude->arena.len;
    int r = tip_buf_append(&exclude->arena, name, len);

    r = r ? r : tip_buf_append(&exclude->arena, "", 1);
    return r ? r : tip_buf_append(&exclude->names, &at, sizeof(at));
}

/* ---- order ---- */

static int exclude_compare_nets(const void *a, const void *b)
{
    return tip_prefix_compare(a, b);
}

/* From the last byte, with a dot before everything else: what is below a name follows it directly. */
static int exclude_compare_text(const char *a, size_t na, const char *b, size_t nb)
{
    while (na && nb) {
        unsigned char x = (unsigned char)a[--na];
        unsigned char y = (unsigned char)b[--nb];

        if (x != y)
            return (x == '.' ? 0 : x) - (y == '.' ? 0 : y);
    }
    return (na > nb) - (na < nb);
}

static int exclude_compare_names(const void *a, const void *b, void *arena)
{
    const char *x = (const char *)arena + *(const uint32_t *)a;
    const char *y = (const char *)arena + *(const uint32_t *)b;

    return exclude_compare_text(x, strlen(x), y, strlen(y));
}

/* ---- blocks ---- */

/* The first excluded block that does not come before `prefix`. */
static const struct tip_prefix *exclude_find(const struct bl_exclude *exclude, const struct tip_prefix *prefix)
{
    const struct tip_prefix *nets = (const struct tip_prefix *)(const void *)exclude->nets.data;
    size_t low = 0;
    size_t high = exclude->nets.len / sizeof(*nets);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tip_prefix_compare(&nets[middle], prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < exclude->nets.len / sizeof(*nets) ? &nets[low] : NULL;
}

enum exclude_answer { EXCLUDE_NOTHING, EXCLUDE_PART, EXCLUDE_ALL };

static enum exclude_answer exclude_of_net(const struct bl_exclude *exclude, const struct tip_prefix *prefix)
{
    const struct tip_prefix *found = exclude_find(exclude, prefix);

    if (!found || !tip_prefix_covers(prefix, found))
        return EXCLUDE_NOTHING;
    return tip_prefix_compare(prefix, found) ? EXCLUDE_PART : EXCLUDE_ALL;
}

/* What remains of a block: halves, until they are whole or gone. At most 128 deep. */
static void exclude_cut(struct exclude_job *job, const struct tip_prefix *prefix) // NOLINT(misc-no-recursion)
{
    enum exclude_answer answer = exclude_of_net(job->exclude, prefix);
    struct tip_prefix half;

    if (answer == EXCLUDE_ALL || job->result)
        return;
    if (answer == EXCLUDE_NOTHING) {
        job->result = bl_value_prefix(job->parse, prefix, job->entry->flags, "", 0);
        return;
    }
    half = tip_prefix_of(&prefix->addr, (uint8_t)(prefix->len + 1));
    exclude_cut(job, &half);
    half.addr.bytes[prefix->len / 8] |= (uint8_t)(0x80 >> prefix->len % 8);
    exclude_cut(job, &half);
}

/* ---- names ---- */

static enum exclude_answer exclude_of_name(const struct bl_exclude *exclude, const char *name, size_t len)
{
    const uint32_t *names = (const uint32_t *)(const void *)exclude->names.data;
    const char *arena = (const char *)exclude->arena.data;
    size_t n = exclude->names.len / sizeof(*names);
    size_t low = 0;
    size_t high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *text = arena + names[middle];

        if (exclude_compare_text(text, strlen(text), name, len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == n || !tip_domain_is_under(arena + names[low], name))
        return EXCLUDE_NOTHING;
    return strcmp(arena + names[low], name) ? EXCLUDE_PART : EXCLUDE_ALL;
}

/* ---- a build ---- */

/* Whether an entry stays as it is, or with fewer flags; blocks that are cut are set aside. */
static bool exclude_keeps(struct exclude_job *job, struct bl_text *entry)
{
    const char *value = (const char *)job->parse->build.arena.data + entry->text;
    struct tip_prefix prefix;
    enum exclude_answer answer;

    if (entry->kind == TIP_KIND_DOMAIN) {
        answer = exclude_of_name(job->exclude, value, entry->len);
        if (answer == EXCLUDE_PART)
            entry->flags &= (uint8_t)~BL_FLAG_SUBTREE;
        return answer != EXCLUDE_ALL;
    }
    if (tip_prefix_parse(&prefix, NULL, value, entry->len))
        return true;
    answer = exclude_of_net(job->exclude, &prefix);
    if (answer == EXCLUDE_PART && tip_buf_append(&job->cut, entry, sizeof(*entry)))
        job->result = bl_parse_refuse(job->parse, "too_many_entries");
    return answer == EXCLUDE_NOTHING;
}

static void exclude_texts(struct exclude_job *job)
{
    struct tip_buf *buf = &job->parse->build.text;
    struct bl_text *items = (struct bl_text *)(void *)buf->data;
    size_t n = buf->len / sizeof(*items);
    size_t kept = 0;

    for (size_t i = 0; i < n && !job->result; i++) {
        if (exclude_keeps(job, &items[i]))
            items[kept++] = items[i];
    }
    job->parse->report.n_valid -= n - kept;
    buf->len = kept * sizeof(*items);
}

static void exclude_hosts(struct exclude_job *job)
{
    struct tip_buf *buf = &job->parse->build.ip4;
    struct bl_ip4 *items = (struct bl_ip4 *)(void *)buf->data;
    size_t n = buf->len / sizeof(*items);
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct tip_prefix host = {.addr = tip_addr_from4(items[i].addr), .len = 32};

        if (exclude_of_net(job->exclude, &host) == EXCLUDE_NOTHING)
            items[kept++] = items[i];
    }
    job->parse->report.n_valid -= n - kept;
    buf->len = kept * sizeof(*items);
}

/* The pieces of what was set aside stand where the whole stood. */
static void exclude_pieces(struct exclude_job *job)
{
    const struct bl_text *entries = (const struct bl_text *)(const void *)job->cut.data;
    uint64_t line = job->parse->line;
    uint64_t at = job->parse->at;
    struct tip_prefix prefix;

    for (size_t i = 0; i < job->cut.len / sizeof(*entries) && !job->result; i++) {
        job->entry = &entries[i];
        job->parse->line = entries[i].line;
        job->parse->at = entries[i].at;
        if (!tip_prefix_parse(&prefix, NULL, (const char *)job->parse->build.arena.data + entries[i].text,
                              entries[i].len))
            exclude_cut(job, &prefix);
    }
    job->parse->line = line;
    job->parse->at = at;
}

int bl_exclude_apply(struct bl_exclude *exclude, struct bl_parse *parse)
{
    struct exclude_job job = {.exclude = exclude, .parse = parse};

    if (!exclude->nets.len && !exclude->names.len)
        return 0;
    tip_buf_init(&job.cut, parse->build.text.len + sizeof(struct bl_text));
    if (exclude->nets.len)
        qsort(exclude->nets.data, exclude->nets.len / sizeof(struct tip_prefix), sizeof(struct tip_prefix),
              exclude_compare_nets);
    if (exclude->names.len)
        qsort_r(exclude->names.data, exclude->names.len / sizeof(uint32_t), sizeof(uint32_t), exclude_compare_names,
                exclude->arena.data);
    exclude_hosts(&job);
    exclude_texts(&job);
    exclude_pieces(&job);
    tip_buf_deinit(&job.cut);
    return job.result;
}
