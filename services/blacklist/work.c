#include "work.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>

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
    size_t most = 0;

    for (size_t i = 1; i < report->n_counts; i++)
        most = report->counts[i].n > report->counts[most].n ? i : most;
    if (!report->n_counts) {
        work_fail(job, why, bl_guard_sentence(why));
        return;
    }
    work_fail(job, why, "");
    (void)snprintf(job->detail, sizeof(job->detail), "%s (%llu of %llu lines rejected, most as %s)",
                   bl_guard_sentence(why), (unsigned long long)report->n_rejected, (unsigned long long)report->n_lines,
                   report->counts[most].reason);
}

static bool work_read(struct work_parse *job, struct work_reading *reading, const char *unpacked,
                      enum bl_container container)
{
    struct bl_unpack unpack = {
        .from = job->body,
        .to = job->is_test || container == BL_CONTAINER_NONE ? NULL : unpacked,
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

int work_seen_open(struct bl_seen_map *map, const char *dir, const char *name, uint64_t version, int64_t at_unix_ms)
{
    struct bl_seen_update update = {
        .version = version, .now_s = work_seconds(at_unix_ms), .gone_max = BL_SEEN_GONE_MAX};
    tip_auto(bl_map_close) struct bl_map current = {0};
    int r;

    *map = (struct bl_seen_map){0};
    r = version ? bl_seen_map_open(map, dir, name, version) : 0;
    if (!r || !bl_files_is_lost(r))
        return r;
    r = bl_map_open(&current, dir, name, version);
    update.now = current.file.set;
    r = r ? r : bl_files_keep_seen(dir, name, &update);
    return r ? r : bl_seen_map_open(map, dir, name, version);
}

/* Brings it up to the new version. */
static int work_remember(const struct work_parse *job, const struct bl_set *set)
{
    tip_auto(bl_seen_map_close) struct bl_seen_map before = {.at = NULL};
    struct bl_seen_update update = {.now = *set,
                                    .version = job->to,
                                    .now_s = work_seconds(job->now_unix_ms),
                                    .confirmed_s = work_seconds(job->ok_unix_ms),
                                    .gone_max = BL_SEEN_GONE_MAX};
    int r = work_seen_open(&before, job->dir, job->name, job->from, job->ok_unix_ms);

    update.before = before.seen;
    return r ? r : bl_files_keep_seen(job->dir, job->name, &update);
}

/* Compares with the current version, and keeps the new one if it differs and is believed. */
static void work_keep(struct work_parse *job, const struct bl_set *set, const char *body)
{
    tip_auto(bl_map_close) struct bl_map old = {0};
    struct bl_setfile file = {.version = job->to, .body_bytes = job->n_bytes, .set = *set};
    struct bl_change change;
    struct bl_diff diff;
    int r;

    bl_diff_init(&diff);
    r = bl_map_open(&old, job->dir, job->name, job->from);
    if (r == -EBADMSG || r == -ENOENT) {
        work_fail(job, "lost_version", "the file of the current version is damaged or gone");
        return;
    }
    r = r ? r : bl_diff_run(&diff, &old.file.set, set);
    job->n_added = bl_diff_count(&diff.added);
    job->n_removed = bl_diff_count(&diff.removed);
    job->n_changed = bl_diff_count(&diff.changed);
    bl_diff_deinit(&diff);
    if (!r && job->from && !(job->n_added + job->n_removed + job->n_changed)) {
        bl_guard_clear(&job->guard);
        work_fail(job, "unchanged", "another body, the same entries");
        return;
    }
    work_change(job, &old.file.set, set, &change);
    if (!r && job->from && !work_believe(job, &change))
        return;
    r = r ? r : work_remember(job, set);
    r = r ? r : bl_files_keep(job->dir, job->name, &file, body);
    if (r)
        work_fail(job, "io_error", strerror(-r));
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
    else if (!job->is_test)
        work_keep(job, &set, body);
}

void work_retire_run(void *ctx)
{
    struct work_parse *job = ctx;
    struct bl_setfile empty = {.version = job->to};
    int r = work_remember(job, &empty.set);

    r = r ? r : bl_files_keep(job->dir, job->name, &empty, NULL);
    if (r)
        work_fail(job, "io_error", strerror(-r));
}

void work_parse_run(void *ctx)
{
    struct work_parse *job = ctx;
    struct work_reading reading = {.job = job, .parse = bl_parse_new(&job->format)};
    char unpacked[WORK_BODY + 8];
    enum bl_container container = job->container ? job->container : bl_unpack_guess(job->body);
    bool is_packed = container != BL_CONTAINER_NONE;

    (void)snprintf(unpacked, sizeof(unpacked), "%s.raw", job->body);
    if (work_read(job, &reading, unpacked, container))
        work_judge(job, &reading, is_packed ? unpacked : job->body);
    bl_parse_destroy(&reading.parse);
    (void)malloc_trim(0);    /* a long list is large, and the next one far away */
    (void)unlink(job->body); /* renamed already, if it was kept */
    if (is_packed)
        (void)unlink(unpacked);
}

/* ---- plan ---- */

void work_order_deinit(struct work_order *order)
{
    bl_allow_destroy(&order->allow);
    bl_allow_destroy(&order->allow_to);
    bl_allow_destroy(&order->allow_changed);
    free(order->voters);
}

void work_plan_destroy(struct work_plan **planp)
{
    struct work_plan *plan = tip_take(*planp);

    if (!plan)
        return;
    bl_map_close(&plan->from);
    bl_map_close(&plan->to);
    bl_diff_deinit(&plan->diff);
    tip_buf_deinit(&plan->parts);
    tip_buf_deinit(&plan->verdicts);
    tip_buf_deinit(&plan->cuts);
    bl_build_deinit(&plan->affected);
    work_order_deinit(&plan->order);
    free(plan);
}

/* The other lists, mapped for as long as the scores take. */
struct work_voters {
    struct bl_map *maps;
    struct bl_voter *items;
    size_t n;
};

static void work_voters_deinit(struct work_voters *voters)
{
    for (size_t i = 0; i < voters->n; i++)
        bl_map_close(&voters->maps[i]);
    free(voters->maps);
    free(voters->items);
}

static int work_voters_open(struct work_voters *voters, const struct work_order *order)
{
    int r = 0;

    *voters = (struct work_voters){.maps = tip_new_array(order->n_voters, struct bl_map),
                                   .items = tip_new_array(order->n_voters, struct bl_voter),
                                   .n = order->n_voters};
    for (size_t i = 0; i < order->n_voters; i++) {
        r = bl_map_open(&voters->maps[i], order->dir, order->voters[i].name, order->voters[i].version);
        if (r && !bl_files_is_lost(r))
            return r;
        if (r)
            tip_error("voter.lost", "source=%s", order->voters[i].name); /* it has no say until it is fetched again */
        voters->items[i] = (struct bl_voter){
            .set = voters->maps[i].file.set, .weight = order->voters[i].weight, .tlp = (uint8_t)order->voters[i].tlp};
    }
    return 0;
}

static int work_affect_item(struct bl_build *build, enum tip_kind kind, const char *value, size_t len)
{
    const struct bl_text where = {.line = 0};
    struct tip_addr addr;
    struct bl_ip4 *room;

    if (kind != TIP_KIND_IP || tip_addr_parse(&addr, value, len) || addr.family != 4)
        return bl_build_text(build, kind, value, len, &where) ? -ENOBUFS : 0;
    room = bl_build_room4(build);
    if (!room)
        return -ENOBUFS;
    *room = (struct bl_ip4){.addr = (uint32_t)addr.bytes[0] << 24 | (uint32_t)addr.bytes[1] << 16 |
                                    (uint32_t)addr.bytes[2] << 8 | addr.bytes[3]};
    bl_build_push4(build, room->addr);
    return 0;
}

static int work_affect_set(struct bl_build *build, const struct bl_set *set, const struct bl_allow *changed)
{
    struct bl_item item;
    int r = 0;

    for (size_t i = 0; !r && i < bl_set_count(set); i++) {
        if (bl_allow_find_in(changed, set, i).rule == BL_RULE_NONE)
            continue;
        bl_set_item(set, i, &item);
        r = work_affect_item(build, item.kind, item.value, item.len);
    }
    return r;
}

/* What is denied by name; with `changed` only what lies under a changed entry. */
static int work_affect_denied(struct bl_build *build, const struct bl_allow *allow, const struct bl_allow *changed)
{
    struct bl_allow_item item;
    int r = 0;

    for (size_t i = 0; !r && i < bl_allow_count(allow); i++) {
        bl_allow_item(allow, i, &item);
        if (item.entry.rule != BL_RULE_DENY ||
            (changed && bl_allow_find(changed, item.kind, item.value, item.len).rule == BL_RULE_NONE))
            continue;
        r = work_affect_item(build, item.kind, item.value, item.len);
    }
    return r;
}

static int work_affect_end(struct work_plan *plan)
{
    int r = bl_build_finish(&plan->affected);

    plan->to.file.set = bl_build_set(&plan->affected);
    return r;
}

int work_plan_denied(struct work_plan *plan, const struct bl_allow *allow)
{
    int r = work_affect_denied(&plan->affected, allow, NULL);

    return r ? r : work_affect_end(plan);
}

/* What a change of the list can move: what is listed and lies under a changed entry, and what is or was denied by name.
 */
static int work_plan_affected(struct work_plan *plan, const struct work_voters *voters)
{
    const struct bl_allow *changed = plan->order.allow_changed;
    int r = work_affect_denied(&plan->affected, plan->order.allow, changed);

    r = r ? r : work_affect_denied(&plan->affected, plan->order.allow_to, changed);
    for (size_t i = 0; !r && i < voters->n; i++)
        r = work_affect_set(&plan->affected, &voters->items[i].set, changed);
    return r ? r : work_affect_end(plan);
}

static int work_plan_scores(struct work_plan *plan)
{
    tip_auto(work_voters_deinit) struct work_voters voters = {0};
    struct bl_score_job job = {
        .before = plan->from.file.set,
        .after = plan->to.file.set,
        .weight_before = plan->order.weight_before,
        .weight_after = plan->order.weight_after,
        .allow_before = plan->order.allow,
        .allow_after = plan->order.kind == WORK_ALLOW ? plan->order.allow_to : plan->order.allow,
    };
    int r;

    r = work_voters_open(&voters, &plan->order);
    if (!r && plan->order.kind == WORK_ALLOW)
        r = work_plan_affected(plan, &voters);
    if (r)
        return r;
    job.after = plan->to.file.set;
    job.voters = voters.items;
    job.n_voters = voters.n;
    switch (plan->order.kind) {
    case WORK_VERSION:
        return bl_score_diff(&plan->verdicts, &job, &plan->diff);
    case WORK_BASELINE:
        return bl_score_every(&plan->verdicts, &job);
    case WORK_WEIGHT:
    case WORK_ALLOW: /* the list itself weighs nothing here, before and after */
        return bl_score_weight(&plan->verdicts, &job);
    case WORK_KIND_COUNT:
        break;
    }
    return -EINVAL;
}

enum { WORK_VERDICT_OVERHEAD = 64, WORK_REASON_OVERHEAD = 16, WORK_OPERATOR_OVERHEAD = 64 };

/* What a verdict costs at most on the wire. */
static size_t work_verdict_cost(const struct work_plan *plan, const struct bl_verdict *verdict)
{
    const struct bl_set *set = verdict->in_old ? &plan->from.file.set : &plan->to.file.set;
    struct bl_item item;
    size_t cost = WORK_VERDICT_OVERHEAD + strlen(plan->order.name) + WORK_REASON_OVERHEAD;

    cost += verdict->rule == BL_RULE_NONE ? 0 : WORK_OPERATOR_OVERHEAD;
    bl_set_item(set, verdict->index, &item);
    for (size_t i = 0; i < BL_SCORE_REASONS && i < verdict->count; i++)
        cost += strlen(plan->order.voters[verdict->voters[i]].name) + WORK_REASON_OVERHEAD;
    return cost + item.len;
}

int work_plan_cuts(struct work_plan *plan)
{
    size_t bytes = 0;
    size_t entries = 0;
    uint32_t at = 0;
    int r = 0;

    for (; !r && at < bl_score_count(&plan->verdicts); at++) {
        size_t cost = work_verdict_cost(plan, bl_score_at(&plan->verdicts, at));

        if (entries == BL_PART_ENTRIES || bytes + cost > BL_PART_BYTES) {
            r = tip_buf_append(&plan->cuts, &at, sizeof(at));
            bytes = entries = 0;
        }
        bytes += cost;
        entries++;
    }
    return !r && entries ? tip_buf_append(&plan->cuts, &at, sizeof(at)) : r;
}

size_t work_plan_cut(const struct work_plan *plan, size_t i, size_t *endp)
{
    const uint32_t *cuts = (const uint32_t *)(const void *)plan->cuts.data;

    *endp = cuts[i];
    return i ? cuts[i - 1] : 0;
}

static int work_plan_fill(struct work_plan *plan)
{
    const struct work_order *order = &plan->order;
    int r = 0;

    if (order->kind != WORK_ALLOW)
        r = bl_map_open(&plan->to, order->dir, order->name, order->to);
    if (!r && order->kind == WORK_VERSION)
        r = bl_map_open(&plan->from, order->dir, order->name, order->from);
    if (!r && order->kind != WORK_WEIGHT && order->kind != WORK_ALLOW) {
        r = bl_diff_run(&plan->diff, &plan->from.file.set, &plan->to.file.set);
        r = r ? r : bl_part_cut(&plan->parts, &plan->diff, &plan->from.file.set, &plan->to.file.set, &plan->to.body);
    }
    r = r ? r : work_plan_scores(plan);
    return r ? r : work_plan_cuts(plan);
}

struct work_plan *work_plan_new(const struct work_order *order)
{
    struct work_plan *plan = tip_new(struct work_plan);

    plan->order = *order;
    bl_diff_init(&plan->diff);
    bl_build_init(&plan->affected, UINT32_MAX / 2);
    tip_buf_init(&plan->parts, SIZE_MAX / 2);
    tip_buf_init(&plan->verdicts, SIZE_MAX / 2);
    tip_buf_init(&plan->cuts, SIZE_MAX / 2);
    return plan;
}

void work_plan_run(void *ctx)
{
    struct work_plan_job *job = ctx;
    struct work_plan *plan = work_plan_new(&job->order);

    job->error = work_plan_fill(plan);
    if (job->error)
        work_plan_destroy(&plan);
    job->plan = plan;
}
