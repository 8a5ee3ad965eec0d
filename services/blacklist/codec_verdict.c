/* Events of a plan: the verdicts. */
#include <stdio.h>
#include <string.h>

#include <tip/clock.h>

#include "codec.h"

/* A list, or a kind of own observations. */
static const char *codec_reason_name(const struct codec_names *names, uint16_t number)
{
    if (number < names->n)
        return names->voters[number].name;
    return bl_family_name((enum bl_family)(number - names->n));
}

/* The operators, or the reference list that has exempted it: `role:list`, as no source is called. */
static const char *codec_word_name(const struct codec_names *names, const struct bl_score *score,
                                   char name[static WORK_EXEMPT_NAME])
{
    if (!score->is_exempt)
        return CODEC_OPERATOR;
    (void)snprintf(name, WORK_EXEMPT_NAME, "%s:%s", bl_role_name(bl_exempt_role(names->exempt, score->exempt)),
                   bl_exempt_name(names->exempt, score->exempt)); /* it fits */
    return name;
}

/* The strongest; before all of them the word that decided. Returns how many. */
static size_t codec_reasons(const struct codec_names *names, const struct bl_score_detail *detail,
                            struct codec_room *room)
{
    struct tip_verdict_reason *reasons = room->reasons;
    size_t n = 0;

    if (detail->score.rule != BL_RULE_NONE)
        reasons[n++] = (struct tip_verdict_reason){.source = codec_word_name(names, &detail->score, room->word),
                                                   .weight = detail->score.score};
    for (size_t i = 0; n < BL_SCORE_REASONS && i < detail->n_shown; i++)
        reasons[n++] = (struct tip_verdict_reason){.source = codec_reason_name(names, detail->reasons[i]),
                                                   .weight = detail->shares[i]};
    return n;
}

/* What each family says by itself; and what the word that decided adds to what was found. */
static size_t codec_families(const struct bl_score *score, struct tip_family_share shares[static CODEC_FAMILIES])
{
    static const char *const names[] = {[BL_RULE_ALLOW] = "allow", [BL_RULE_DENY] = "deny"};
    size_t n = 0;

    for (int i = 0; i < BL_FAMILY_COUNT; i++) {
        if (score->families[i] > 0)
            shares[n++] =
                (struct tip_family_share){.family = bl_family_name((enum bl_family)i), .share = score->families[i]};
    }
    if (score->rule != BL_RULE_NONE)
        shares[n++] = (struct tip_family_share){.family = names[score->rule], .share = score->score - score->found};
    return n;
}

void codec_detail(struct tip_verdict *verdict, const struct bl_score_detail *detail, const struct codec_names *names,
                  struct codec_room *room)
{
    *verdict = (struct tip_verdict){
        .score = detail->score.score,
        .tier = tip_tier_of(detail->score.score),
        .n_families = codec_families(&detail->score, room->shares),
        .families = room->shares,
        .n_reasons = codec_reasons(names, detail, room),
        .reasons = room->reasons,
        .reason_count = (uint32_t)detail->n_reasons + (detail->score.rule != BL_RULE_NONE),
        .next_change_unix_ms = detail->next_s * TIP_SECOND_MS,
        .expires_unix_ms = detail->end_s * TIP_SECOND_MS,
        .subtree = detail->score.is_subtree,
        .whole = detail->score.is_whole,
    };
}

uint64_t codec_n_exempt(const struct tip_event *event)
{
    const struct tip_verdict_changes *changes = &event->verdict_changes;
    uint64_t n = 0;

    for (size_t i = 0; i < changes->n_verdicts; i++)
        n += changes->verdicts[i].n_reasons && strchr(changes->verdicts[i].reasons[0].source, ':');
    return n;
}

/* That a denial was lifted says as much as that it stands. */
static bool codec_was_denied(const struct bl_score_detail *detail)
{
    return detail->score.rule == BL_RULE_DENY || detail->rule_before == BL_RULE_DENY;
}

static void codec_verdict(const struct codec_part *part, size_t at, struct codec_scratch *scratch,
                          const struct bl_score_detail *detail)
{
    const struct work_plan *plan = part->plan;
    const struct codec_names names = {plan->order.voters, plan->order.n_voters,
                                      plan->tell.job->moment[BL_AFTER].exempt};
    struct tip_verdict *verdict = &scratch->verdicts[at];
    struct bl_item *item = &scratch->items[at];

    codec_detail(verdict, detail, &names, &scratch->rooms[at]);
    bl_key_item(&plan->tell.job->last, item);
    verdict->kind = item->kind;
    verdict->value = item->value;
    verdict->value_len = item->len;
}

enum tip_tlp codec_verdicts(struct tip_event *event, const struct codec_part *part, struct codec_scratch *scratch)
{
    const struct work_plan *plan = part->plan;
    struct bl_score_job *job = plan->tell.job;
    struct bl_score_detail detail;
    enum tip_tlp tlp = TIP_TLP_NONE;
    uint32_t depth = 0; /* of a list */
    size_t end;
    size_t start = work_plan_cut(plan, part->index, &end);

    for (size_t i = start; i < end; i++) {
        struct bl_key key = bl_tell_key(&plan->tell, bl_tell_at(&plan->verdicts, i));
        enum tip_tlp other;

        bl_score_look(job, &key);
        bl_score_explain(job, &detail);
        codec_verdict(part, i - start, scratch, &detail);
        other = codec_was_denied(&detail) ? TIP_TLP_AMBER : (enum tip_tlp)detail.mark.tlp;
        tlp = other > tlp ? other : tlp;
        depth = detail.mark.depth > depth ? detail.mark.depth : depth;
    }
    *event = (struct tip_event){.kind = TIP_EVENT_VERDICT_CHANGES, .kind_name = "", .depth = 1 + depth};
    event->verdict_changes = (struct tip_verdict_changes){
        .n_verdicts = end - start,
        .verdicts = scratch->verdicts,
        .cause_source = plan->order.name,
        .stream = part->stream,
        .version = plan->order.to,
        .part = (uint32_t)part->index + 1,
        .scored_unix_ms = job->moment[BL_AFTER].tau_s * TIP_SECOND_MS,
    };
    return tlp;
}
