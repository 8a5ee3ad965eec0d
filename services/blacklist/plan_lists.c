/* What a plan looks at: the lists, mapped, and indicators that need stand in none of them. */
#include <stdlib.h>
#include <string.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/log.h>

#include "plan_extra.h"

struct bl_kin work_kin(const struct work_kin *kin)
{
    struct bl_kin read = {.group = kin->group, .from = kin->from};

    while (read.n_from < WORK_KIN_MAX && kin->from[read.n_from])
        read.n_from++;
    return read;
}

static int lists_open_one(struct bl_seen_map *map, const struct work_order *order, const struct work_voter *voter,
                          uint64_t version)
{
    const struct work_seen which = {order->dir, voter->name, order->shelf, version, voter->fetched_unix_ms};
    int r = work_seen_open(map, &which);

    if (r && !bl_files_is_lost(r))
        return r;
    if (r)
        tip_error("voter.lost", "source=%s", voter->name); /* it has no say until it is fetched again */
    return 0;
}

static int lists_open_self(struct work_lists *lists, const struct work_order *order)
{
    struct bl_score_source *self = &lists->sources[order->self];
    struct bl_seen_map *coming = &lists->maps[order->n_voters];
    int r = 0;

    self->law[BL_BEFORE] = order->law_before;
    self->law[BL_AFTER] = order->law_after;
    self->is_trusted[BL_AFTER] = order->marks_after.is_trusted;
    self->is_final[BL_AFTER] = order->marks_after.is_final;
    self->is_whole[BL_AFTER] = order->marks_after.is_whole;
    self->kin[BL_AFTER] = work_kin(&order->kin_after);
    if (order->kind != WORK_VERSION)
        return 0;
    r = lists_open_one(coming, order, &order->voters[order->self], order->to);
    self->seen[BL_AFTER] = coming->seen;
    self->has_changed = true;
    return r;
}

static int lists_open(struct work_lists *lists, const struct work_order *order)
{
    int r = 0;

    for (size_t i = 0; !r && i < order->n_voters; i++) {
        const struct work_voter *voter = &order->voters[i];

        r = lists_open_one(&lists->maps[i], order, voter, voter->version);
        lists->sources[i] = (struct bl_score_source){.seen = {lists->maps[i].seen, lists->maps[i].seen},
                                                     .law = {voter->law, voter->law},
                                                     .is_trusted = {voter->marks.is_trusted, voter->marks.is_trusted},
                                                     .is_final = {voter->marks.is_final, voter->marks.is_final},
                                                     .is_whole = {voter->marks.is_whole, voter->marks.is_whole},
                                                     .tlp = (uint8_t)voter->tlp,
                                                     .name = bl_score_name(voter->name),
                                                     .kin = {voter->kin, voter->kin}};
    }
    return !r && order->self < order->n_voters ? lists_open_self(lists, order) : r;
}

int work_lists_open(struct work_lists **listsp, const struct work_order *order)
{
    struct work_lists *lists = tip_new(struct work_lists);
    struct bl_score_moment *moment = lists->job.moment;
    int r;

    lists->n = order->n_voters + 1;
    lists->maps = tip_new_array(lists->n, struct bl_seen_map);
    lists->sources = tip_new_array(lists->n, struct bl_score_source);
    bl_score_job_init(&lists->job, lists->sources, order->n_voters);
    moment[BL_BEFORE] = (struct bl_score_moment){.tau_s = order->tau_s,
                                                 .allow = order->allow,
                                                 .exempt = bl_exempt_of(order->exempt),
                                                 .witnesses = order->witnesses};
    moment[BL_AFTER] = moment[BL_BEFORE];
    if (order->kind == WORK_CLOCK)
        moment[BL_BEFORE].tau_s = (uint32_t)order->from;
    if (order->kind == WORK_ALLOW)
        moment[BL_AFTER].allow = order->allow_to;
    if (order->kind == WORK_EVIDENCE)
        moment[BL_AFTER].witnesses = order->witnesses_to;
    if (order->kind == WORK_EXEMPT)
        moment[BL_AFTER].exempt = bl_exempt_of(order->exempt_to);
    r = lists_open(lists, order);
    if (r)
        work_lists_destroy(&lists);
    *listsp = lists;
    return r;
}

void work_lists_destroy(struct work_lists **listsp)
{
    struct work_lists *lists = tip_take(*listsp);

    if (!lists)
        return;
    for (size_t i = 0; i < lists->n; i++)
        bl_seen_map_close(&lists->maps[i]);
    bl_score_job_deinit(&lists->job);
    free(lists->maps);
    free(lists->sources);
    free(lists);
}

/* ---- indicators by themselves ---- */

void work_extra_init(struct work_extra *extra)
{
    *extra = (struct work_extra){.ip4 = NULL};
    bl_build_init(&extra->build, UINT32_MAX / 2);
}

void work_extra_deinit(struct work_extra *extra)
{
    bl_build_deinit(&extra->build);
    free(extra->ip4);
    free(extra->text);
}

int work_extra_add(struct work_extra *extra, const struct bl_key *key)
{
    const struct bl_text where = {.line = 0};
    struct bl_ip4 *room;

    if (key->value)
        return bl_build_text(&extra->build, (enum tip_kind)key->kind, key->value, key->len, &where) ? -ENOBUFS : 0;
    room = bl_build_room4(&extra->build);
    if (!room)
        return -ENOBUFS;
    *room = (struct bl_ip4){.addr = key->addr};
    bl_build_push4(&extra->build, room->addr);
    return 0;
}

struct bl_key work_extra_key(enum tip_kind kind, const char *value, size_t len)
{
    struct bl_key key = {.value = value, .len = (uint16_t)len, .kind = (uint8_t)kind};
    struct tip_addr addr;

    if (kind == TIP_KIND_IP && !tip_addr_parse(&addr, value, len) && addr.family == 4)
        key = (struct bl_key){.addr = (uint32_t)addr.bytes[0] << 24 | (uint32_t)addr.bytes[1] << 16 |
                                      (uint32_t)addr.bytes[2] << 8 | addr.bytes[3],
                              .kind = TIP_KIND_IP};
    return key;
}

int work_extra_finish(struct work_extra *extra, struct bl_seen *seenp)
{
    int r = bl_build_finish(&extra->build);
    struct bl_set set = bl_build_set(&extra->build);

    if (r)
        return r;
    extra->ip4 = tip_new_array(set.n_ip4, struct bl_seen_ip4);
    extra->text = tip_new_array(set.n_text, struct bl_seen_text);
    for (size_t i = 0; i < set.n_ip4; i++)
        extra->ip4[i].addr = set.ip4[i].addr;
    for (size_t i = 0; i < set.n_text; i++)
        extra->text[i] =
            (struct bl_seen_text){.text = set.text[i].text, .len = set.text[i].len, .kind = set.text[i].kind};
    *seenp = (struct bl_seen){.ip4 = extra->ip4,
                              .text = extra->text,
                              .arena = set.arena,
                              .n_ip4 = set.n_ip4,
                              .n_text = set.n_text,
                              .n_arena = set.n_arena};
    return 0;
}
