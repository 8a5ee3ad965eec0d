#include "core/chain.h"

static bool chain_same_id(const struct tip_uuid *a, const struct tip_uuid *b)
{
    return tip_uuid_compare(a, b) == 0;
}

static enum store_step chain_miss(struct store_chain *chain)
{
    if (chain->needs_baseline)
        return STORE_STEP_WAITING;
    chain->needs_baseline = true;
    return STORE_STEP_BREAK;
}

static void chain_forget_baseline(struct store_chain *chain)
{
    chain->baseline_id = (struct tip_uuid){{0}};
    chain->baseline_stream = (struct tip_uuid){{0}};
    chain->baseline_version = 0;
    chain->baseline_part = chain->baseline_parts = 0;
}

static void chain_forget_delta(struct store_chain *chain)
{
    chain->updating_to = 0;
    chain->updating_part = chain->updating_parts = 0;
}

/* The rows are exactly what the delta starts from, and this is its next part. */
static bool chain_delta_fits(const struct store_chain *chain, const struct store_part *part)
{
    if (part->from != chain->version)
        return false;
    if (!chain->updating_to)
        return part->part == 1;
    return part->to == chain->updating_to && part->n_parts == chain->updating_parts &&
           part->part == chain->updating_part + 1;
}

static bool chain_delta_repeats(const struct store_chain *chain, const struct store_part *part)
{
    if (part->to <= chain->version)
        return true;
    return part->from == chain->version && part->to == chain->updating_to && part->n_parts == chain->updating_parts &&
           part->part <= chain->updating_part;
}

static enum store_step chain_delta(struct store_chain *chain, const struct store_part *part)
{
    if (!chain->exact || !chain_same_id(&chain->stream, &part->stream))
        return chain_miss(chain);
    if (chain_delta_repeats(chain, part))
        return STORE_STEP_REPEATED;
    if (!chain_delta_fits(chain, part))
        return chain_miss(chain);

    /* A baseline that was under way repeated the version this delta starts from; its other parts come too late. */
    chain_forget_baseline(chain);
    chain->updating_to = part->to;
    chain->updating_part = part->part;
    chain->updating_parts = part->n_parts;
    if (part->part == part->n_parts) {
        chain->version = part->to;
        chain_forget_delta(chain);
    }
    return STORE_STEP_APPLY;
}

static void chain_baseline_begin(struct store_chain *chain, const struct store_part *part)
{
    bool repeats = chain->exact && !chain->updating_to && part->to == chain->version &&
                   chain_same_id(&part->stream, &chain->stream);

    chain->exact = repeats;
    chain_forget_delta(chain);
    chain->baseline_id = part->baseline_id;
    chain->baseline_stream = part->stream;
    chain->baseline_version = part->to;
    chain->baseline_part = 0;
    chain->baseline_parts = part->n_parts;
    chain->mark++;
}

static bool chain_baseline_goes_on(const struct store_chain *chain, const struct store_part *part)
{
    return part->part == chain->baseline_part + 1 && part->n_parts == chain->baseline_parts &&
           part->to == chain->baseline_version && chain_same_id(&part->stream, &chain->baseline_stream);
}

static enum store_step chain_baseline(struct store_chain *chain, const struct store_part *part)
{
    bool under_way = chain->baseline_part && chain_same_id(&part->baseline_id, &chain->baseline_id);

    if (chain_same_id(&part->baseline_id, &chain->closed_id))
        return STORE_STEP_REPEATED;
    if (under_way && part->part <= chain->baseline_part)
        return STORE_STEP_REPEATED;
    if (!under_way && part->part == 1)
        chain_baseline_begin(chain, part);
    else if (!under_way || !chain_baseline_goes_on(chain, part))
        return chain_miss(chain);

    chain->baseline_part = part->part;
    if (part->part < part->n_parts)
        return STORE_STEP_APPLY;
    chain->stream = part->stream;
    chain->version = part->to;
    chain->exact = true;
    chain->closed_id = part->baseline_id;
    chain->needs_baseline = false;
    chain_forget_baseline(chain);
    return STORE_STEP_CLOSE;
}

enum store_step store_chain_step(struct store_chain *chain, const struct store_part *part)
{
    return part->is_baseline ? chain_baseline(chain, part) : chain_delta(chain, part);
}

const char *store_step_name(enum store_step step)
{
    static const char *const names[STORE_STEP_COUNT] = {
        [STORE_STEP_APPLY] = "apply",     [STORE_STEP_CLOSE] = "close", [STORE_STEP_REPEATED] = "repeated",
        [STORE_STEP_WAITING] = "waiting", [STORE_STEP_BREAK] = "break",
    };

    return step < STORE_STEP_COUNT ? names[step] : "";
}
