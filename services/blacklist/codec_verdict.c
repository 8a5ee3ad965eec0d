/* Events of a plan: the verdicts. */
#include "codec.h"

/*
 * The strongest lists, the changing one among them; before all of them the operators' word. Returns how many.
 */
static size_t codec_reasons(const struct work_plan *plan, const struct bl_verdict *verdict,
                            struct tip_verdict_reason reasons[static BL_SCORE_REASONS])
{
    struct tip_verdict_reason self = {.source = plan->order.name, .weight = plan->order.weight_after};
    bool is_placed = !verdict->self;
    size_t n = 0;

    if (verdict->rule != BL_RULE_NONE)
        reasons[n++] = (struct tip_verdict_reason){.source = CODEC_OPERATOR, .weight = bl_verdict_score(verdict)};

    for (size_t i = 0; n < BL_SCORE_REASONS && i < BL_SCORE_REASONS && i < verdict->count; i++) {
        const struct work_voter *voter = &plan->order.voters[verdict->voters[i]];

        if (!is_placed && self.weight >= voter->weight) {
            reasons[n++] = self;
            is_placed = true;
        }
        if (n < BL_SCORE_REASONS)
            reasons[n++] = (struct tip_verdict_reason){.source = voter->name, .weight = voter->weight};
    }
    if (!is_placed && n < BL_SCORE_REASONS)
        reasons[n++] = self;
    return n;
}

/* What each family adds; together they are the score. */
static size_t codec_families(const struct bl_verdict *verdict, struct tip_family_share shares[static CODEC_FAMILIES])
{
    static const char *const names[] = {[BL_RULE_ALLOW] = "allow", [BL_RULE_DENY] = "deny"};
    size_t n = 0;

    if (verdict->score > 0)
        shares[n++] = (struct tip_family_share){.family = "list", .share = verdict->score};
    if (verdict->rule != BL_RULE_NONE)
        shares[n++] = (struct tip_family_share){.family = names[verdict->rule],
                                                .share = bl_verdict_score(verdict) - verdict->score};
    return n;
}

static void codec_verdict(const struct work_plan *plan, size_t index, size_t at, struct codec_scratch *scratch)
{
    const struct bl_verdict *verdict = bl_score_at(&plan->verdicts, index);
    struct bl_item *item = &scratch->items[at];

    bl_set_item(verdict->in_old ? &plan->from.file.set : &plan->to.file.set, verdict->index, item);
    scratch->verdicts[at] = (struct tip_verdict){
        .kind = item->kind,
        .value = item->value,
        .value_len = item->len,
        .score = bl_verdict_score(verdict),
        .tier = tip_tier_of(bl_verdict_score(verdict)),
        .n_families = codec_families(verdict, scratch->shares[at]),
        .families = scratch->shares[at],
        .n_reasons = codec_reasons(plan, verdict, scratch->reasons[at]),
        .reasons = scratch->reasons[at],
        .reason_count = verdict->count + (verdict->self ? 1u : 0u) + (verdict->rule != BL_RULE_NONE ? 1u : 0u),
    };
}

enum tip_tlp codec_verdicts(struct tip_event *event, const struct codec_part *part, struct codec_scratch *scratch)
{
    const struct work_plan *plan = part->plan;
    enum tip_tlp tlp = TIP_TLP_NONE;
    size_t end;
    size_t start = work_plan_cut(plan, part->index, &end);

    for (size_t i = start; i < end; i++) {
        const struct bl_verdict *verdict = bl_score_at(&plan->verdicts, i);
        enum tip_tlp other = verdict->rule == BL_RULE_DENY ? TIP_TLP_AMBER : (enum tip_tlp)verdict->tlp;

        codec_verdict(plan, i, i - start, scratch);
        tlp = other > tlp ? other : tlp;
    }
    *event = (struct tip_event){.kind = TIP_EVENT_VERDICT_CHANGES, .kind_name = "", .depth = 1};
    event->verdict_changes = (struct tip_verdict_changes){
        .n_verdicts = end - start,
        .verdicts = scratch->verdicts,
        .cause_source = plan->order.name,
        .stream = part->stream,
        .version = plan->order.to,
        .part = (uint32_t)part->index + 1,
    };
    return tlp;
}
