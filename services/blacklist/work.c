#include "work.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>

#include "core/diff.h"
#include "core/guard.h"
#include "core/parse.h"
#include "io/unpack.h"

/* ---- parse ---- */

struct work_reading {
    struct work_parse *job;
    struct bl_parse *parse;
    char head[BL_GUARD_HEAD];
    size_t n_head;
};

static int work_take(void *ctx, const char *bytes, size_t n)
{
    struct work_reading *reading = ctx;
    size_t room = sizeof(reading->head) - reading->n_head;

    memcpy(reading->head + reading->n_head, bytes, n < room ? n : room);
    reading->n_head += n < room ? n : room;
    return bl_parse_feed(reading->parse, bytes, n);
}

static void work_fail(struct work_parse *job, const char *why, const char *detail)
{
    (void)snprintf(job->why, sizeof(job->why), "%s", why);
    (void)snprintf(job->detail, sizeof(job->detail), "%s", detail);
}

/* The guard's word, with what was rejected most. */
static void work_refuse(struct work_parse *job, const char *why)
{
    const struct bl_report *report = &job->report;
    const char *most = bl_report_most(report);

    if (!most) {
        work_fail(job, why, bl_guard_sentence(why));
        return;
    }
    work_fail(job, why, "");
    (void)snprintf(job->detail, sizeof(job->detail), "%s (%llu of %llu lines rejected, most as %s)",
                   bl_guard_sentence(why), (unsigned long long)report->n_rejected, (unsigned long long)report->n_lines,
                   most);
}

static bool work_read(struct work_parse *job, struct work_reading *reading, const char *unpacked,
                      enum bl_container container)
{
    struct bl_unpack unpack = {
        .from = job->body,
        .to = job->is_test || job->is_diff || container == BL_CONTAINER_NONE ? NULL : unpacked,
        .container = container,
        .member = job->member,
        .bytes_max = (uint64_t)job->max_bytes,
        .take = work_take,
        .ctx = reading,
    };
    int r = bl_unpack(&unpack);

    job->n_bytes = unpack.n_bytes;
    if (r > 0 && r != BL_UNPACK_E_STOPPED)
        work_fail(job, bl_unpack_reason(r, container), bl_unpack_sentence(r));
    else if (r < 0)
        work_fail(job, "io_error", strerror(-r));
    return !*job->why;
}

static void work_change(const struct work_parse *job, const struct bl_set *old, const struct bl_set *set,
                        struct bl_change *change)
{
    *change = (struct bl_change){.n_before = bl_set_count(old),
                                 .n_after = bl_set_count(set),
                                 .n_added = job->n_added,
                                 .n_removed = job->n_removed};
    bl_guard_families(old, &change->n4_before, &change->n6_before);
    bl_guard_families(set, &change->n4_after, &change->n6_after);
}

/* Says why and by what figures. */
static void work_hold_text(struct work_parse *job, const struct bl_change *change, const char *why)
{
    const struct bl_limits limits = bl_guard_limits(&job->guard);

    (void)snprintf(job->hold, sizeof(job->hold), "%s", why);
    (void)snprintf(job->detail, sizeof(job->detail),
                   "%s: of %llu %llu would go and %llu come, at most %u.%u %% and %u.%u %% are believed, and %u.%u %% "
                   "less; %u of %d deliveries agree",
                   bl_guard_sentence(why), (unsigned long long)change->n_before, (unsigned long long)change->n_removed,
                   (unsigned long long)change->n_added, limits.removed / 10, limits.removed % 10, limits.added / 10,
                   limits.added % 10, limits.lost / 10, limits.lost % 10, job->guard.n_agreeing, BL_GUARD_AGREE);
}

/* May it follow on the current version? Brings the guard up to date. */
static bool work_believe(struct work_parse *job, const struct bl_change *change)
{
    const char *why = job->is_guarded ? bl_guard_holds(&job->guard, change) : "";
    int64_t gap_ms = job->changed_unix_ms ? job->now_unix_ms - job->changed_unix_ms : 0;

    if (*why && !bl_guard_hold(&job->guard, change, job->interval_ms, job->now_unix_ms)) {
        work_hold_text(job, change, why);
        return false;
    }
    bl_guard_clear(&job->guard);
    bl_guard_record(&job->guard, change, bl_guard_valid(&job->report), gap_ms);
    return true;
}

/* ---- what the source has said ---- */

static uint32_t work_seconds(int64_t unix_ms)
{
    return unix_ms > 0 ? (uint32_t)(unix_ms / TIP_SECOND_MS) : 1;
}

int work_seen_open(struct bl_seen_map *map, const struct work_seen *which)
{
    struct bl_seen_update update = {
        .version = which->version, .now_s = work_seconds(which->at_unix_ms), .gone_max = BL_SEEN_GONE_MAX};
    tip_auto(bl_map_close) struct bl_map current = {0};
    int r;

    *map = (struct bl_seen_map){.file = NULL};
    r = which->version ? bl_shelf_open(which->shelf, map, which->dir, which->name, which->version) : 0;
    if (!r || !bl_files_is_lost(r))
        return r;
    r = bl_map_open(&current, which->dir, which->name, which->version);
    if (!r) /* verdicts on what had left stay told until something else moves them: a baseline names what is listed */
        tip_error("seen.lost", "source=%s version=%" PRIu64 " effect=\"what left the list is forgotten\"", which->name,
                  which->version);
    update.now = current.file.set;
    r = r ? r : bl_files_keep_seen(which->dir, which->name, &update);
    return r ? r : bl_seen_map_open(map, which->dir, which->name, which->version);
}

/* Up to the version in force. */
static struct work_seen work_seen_of(const struct work_parse *job)
{
    return (struct work_seen){job->dir, job->name, job->shelf, job->from, job->ok_unix_ms};
}

/* Brings it up to the new version. */
static int work_remember(const struct work_parse *job, const struct bl_set *set)
{
    const struct work_seen which = work_seen_of(job);
    tip_auto(bl_seen_map_close) struct bl_seen_map before = {.file = NULL};
    struct bl_seen_update update = {.now = *set,
                                    .version = job->to,
                                    .now_s = work_seconds(job->now_unix_ms),
                                    .confirmed_s = work_seconds(job->ok_unix_ms),
                                    .gone_max = BL_SEEN_GONE_MAX};
    int r = work_seen_open(&before, &which);

    update.before = before.seen;
    return r ? r : bl_files_keep_seen(job->dir, job->name, &update);
}

/* The version in force beside the delivery. What is false has said why. */
static bool work_compare(struct work_parse *job, const struct bl_set *set, struct bl_map *old, struct bl_diff *diff)
{
    int r = bl_map_open(old, job->dir, job->name, job->from);

    if (r == -EBADMSG || r == -ENOENT) {
        work_fail(job, "lost_version", "the file of the current version is damaged or gone");
        return false;
    }
    r = r ? r : bl_diff_run(diff, &old->file.set, set);
    job->n_added = bl_diff_count(&diff->added);
    job->n_removed = bl_diff_count(&diff->removed);
    job->n_changed = bl_diff_count(&diff->changed);
    if (r)
        work_fail(job, "io_error", strerror(-r));
    return !r;
}

static bool work_is_same(const struct work_parse *job)
{
    return job->from && !(job->n_added + job->n_removed + job->n_changed);
}

/* Of the same entries: does the list say other times, or none any more? */
static bool work_is_restated(const struct work_parse *job, const struct bl_set *set)
{
    const struct work_seen which = work_seen_of(job);
    tip_auto(bl_seen_map_close) struct bl_seen_map before = {.file = NULL};
    struct bl_seen_update update = {.now = *set, .now_s = work_seconds(job->now_unix_ms)};

    if ((!set->n_stated && !job->has_new_rules) || work_seen_open(&before, &which))
        return false;
    update.before = before.seen;
    return bl_seen_is_restated(&update);
}

/* Compares with the current version, and keeps the new one if it differs and is believed. */
static void work_keep(struct work_parse *job, const struct bl_set *set, const char *body)
{
    tip_auto(bl_map_close) struct bl_map old = {0};
    tip_auto(bl_diff_deinit) struct bl_diff diff;
    struct bl_setfile file = {.version = job->to, .body_bytes = job->n_bytes, .set = *set};
    struct bl_change change;
    int r;

    bl_diff_init(&diff);
    if (!work_compare(job, set, &old, &diff))
        return;
    bl_diff_deinit(&diff); /* what follows may need the memory */
    if (work_is_same(job)) {
        bl_guard_clear(&job->guard);
        if (!work_is_restated(job, set)) {
            work_fail(job, "unchanged", "another body, the same entries");
            return;
        }
    }
    work_change(job, &old.file.set, set, &change);
    if (job->from && !work_is_same(job) && !work_believe(job, &change))
        return;
    r = work_remember(job, set);
    r = r ? r : bl_files_keep(job->dir, job->name, &file, body);
    if (r)
        work_fail(job, "io_error", strerror(-r));
}

static void work_sample(struct work_samples *samples, enum work_side side, const struct bl_set *set,
                        const struct tip_buf *list)
{
    struct bl_item item;

    for (size_t i = 0; i < bl_diff_count(list) && i < WORK_SAMPLES; i++) {
        bl_set_item(set, bl_diff_at(list, i), &item);
        (void)snprintf(samples->text[side][samples->n[side]++], WORK_SAMPLE_TEXT, "%s", item.value); /* cut */
    }
}

/* The first ones as the list has them: the set is in another order. */
static void work_first(struct work_samples *samples, const struct bl_set *set)
{
    uint32_t lines[WORK_SAMPLES];
    size_t *np = &samples->n[WORK_ADDED];
    struct bl_item item;

    for (size_t i = 0; i < bl_set_count(set); i++) {
        size_t at;

        bl_set_item(set, i, &item);
        for (at = *np; at && lines[at - 1] > item.line; at--)
            continue;
        if (at == WORK_SAMPLES)
            continue;
        *np += *np < WORK_SAMPLES;
        memmove(&lines[at + 1], &lines[at], (*np - at - 1) * sizeof(*lines));
        memmove(samples->text[WORK_ADDED][at + 1], samples->text[WORK_ADDED][at], (*np - at - 1) * WORK_SAMPLE_TEXT);
        lines[at] = item.line;
        (void)snprintf(samples->text[WORK_ADDED][at], WORK_SAMPLE_TEXT, "%s", item.value); /* cut */
    }
}

/* As work_keep, but only looks: the guard that it asks is the job's own copy. */
static void work_preview(struct work_parse *job, const struct bl_set *set)
{
    tip_auto(bl_map_close) struct bl_map old = {0};
    tip_auto(bl_diff_deinit) struct bl_diff diff;
    struct bl_change change;

    bl_diff_init(&diff);
    if (!work_compare(job, set, &old, &diff))
        return;
    work_sample(&job->samples, WORK_ADDED, set, &diff.added);
    work_sample(&job->samples, WORK_CHANGED, set, &diff.changed);
    work_sample(&job->samples, WORK_REMOVED, &old.file.set, &diff.removed);
    work_change(job, &old.file.set, set, &change);
    if (job->from && !work_is_same(job))
        (void)work_believe(job, &change); /* job->hold says what it thinks */
}

static void work_judge(struct work_parse *job, struct work_reading *reading, const char *body)
{
    struct bl_delivery delivery = {.head = reading->head,
                                   .n_head = reading->n_head,
                                   .n_bytes = job->n_bytes,
                                   .can_be_empty = job->can_be_empty,
                                   .reads_markup = job->format.kind == BL_KIND_EXTRACT};
    struct bl_set set = {0};
    const char *why;
    int r = bl_parse_end(reading->parse);

    if (r < 0) {
        work_fail(job, "io_error", strerror(-r));
        return;
    }
    if (!r)
        set = bl_parse_set(reading->parse);
    job->report = *bl_parse_report(reading->parse);
    job->n_entries = bl_set_count(&set);
    delivery.parse_why = bl_parse_why(reading->parse);
    delivery.report = &job->report;
    delivery.n_entries = job->n_entries;
    why = bl_guard_why(&delivery);
    if (!*why && job->is_guarded && bl_guard_few_valid(&job->guard, &job->report))
        why = "few_valid";
    if (*why)
        work_refuse(job, why);
    else if (job->is_diff)
        work_preview(job, &set);
    else if (job->is_test)
        work_first(&job->samples, &set);
    else
        work_keep(job, &set, body);
}

/* As if it had never been fetched. */
static int work_forget(const struct work_parse *job)
{
    const struct bl_seen_update nothing = {
        .version = job->to, .now_s = work_seconds(job->now_unix_ms), .is_unborn = true};

    return bl_files_keep_seen(job->dir, job->name, &nothing);
}

void work_retire_run(void *ctx)
{
    struct work_parse *job = ctx;
    struct bl_setfile empty = {.version = job->to};
    int r = job->from ? work_remember(job, &empty.set) : 0;

    if (!job->from || bl_files_is_lost(r)) /* what cannot be read any more is forgotten: it ends all the same */
        r = work_forget(job);
    r = r ? r : bl_files_keep(job->dir, job->name, &empty, NULL);
    if (r)
        work_fail(job, "io_error", strerror(-r));
}

void work_parse_run(void *ctx)
{
    struct work_parse *job = ctx;
    struct work_reading reading = {.job = job};
    char unpacked[WORK_BODY + 8];
    enum bl_container container = job->container ? job->container : bl_unpack_guess(job->body);
    bool is_packed = container != BL_CONTAINER_NONE;

    job->format.now_s = job->now_unix_ms ? work_seconds(job->now_unix_ms) : 0;
    reading.parse = bl_parse_new(&job->format);
    (void)snprintf(unpacked, sizeof(unpacked), "%s.raw", job->body);
    if (work_read(job, &reading, unpacked, container))
        work_judge(job, &reading, is_packed ? unpacked : job->body);
    bl_parse_destroy(&reading.parse);
    (void)malloc_trim(0);    /* a long list is large, and the next one far away */
    (void)unlink(job->body); /* renamed already, if it was kept */
    if (is_packed)
        (void)unlink(unpacked);
}
