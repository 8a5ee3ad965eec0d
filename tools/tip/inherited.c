#include "inherited.h"

#include <stdio.h>

#include "client.h"
#include "command.h"

void inherited_of_rows(struct inherited *inherited, const struct tip_indicator *indicator,
                       const struct tip_store_answer *own)
{
    inherited->is_sure = false;
    inherited->is_allowed = tip_store_is_allowed(inherited->allow);
    inherited->left = inherited->is_allowed ? 0 : tip_store_left(own);
    inherited->is = tip_store_inherited(inherited->searched, inherited->left, indicator->kind, indicator->value);
}

/* Silent, and not for long: people look at what storage knows all the same. */
static int inherited_lookup(struct client *client, const struct tip_indicator *indicator,
                            struct tip_verdict_answer **answerp)
{
    struct tip_lookup_item item = {indicator->kind, indicator->value};
    const struct tip_verdict_lookup lookup = {.n_items = 1, .items = &item};
    uint64_t deadline_ms = client->deadline_ms;
    enum tip_tlp door = TIP_TLP_NONE;
    char *outer = client->why;
    char why[CLIENT_WHY_BYTES];
    int r;

    client->why = why;
    client->deadline_ms = INHERITED_DEADLINE_MS;
    r = client_door(client, &door);
    if (r == CLI_OK)
        r = client_lookup(client, door, &lookup, answerp);
    client->why = outer;
    client->deadline_ms = deadline_ms;
    return r;
}

/* Operators deny what no list names, and rows end at a limit: then no row is of the verdict. */
void inherited_by_word(struct inherited *inherited, const struct tip_indicator *indicator,
                       const struct tip_verdict_found *found)
{
    const struct tip_verdict *verdict = found->n_verdicts ? found->verdicts : NULL;

    inherited->is_sure = true;
    inherited->is_allowed = found->allowed;
    inherited->is = tip_store_found(inherited->searched, found, indicator->kind, indicator->value, &inherited->left);
    if (!verdict || !found->inherited || found->allowed)
        return;
    (void)snprintf(inherited->value, sizeof(inherited->value), "%s", verdict->value);
    (void)snprintf(inherited->source, sizeof(inherited->source), "%s",
                   verdict->n_reasons ? verdict->reasons[0].source : "");
}

void inherited_ask(struct inherited *inherited, struct client *client, const struct tip_indicator *indicator,
                   const struct tip_store_answer *own)
{
    tip_auto(tip_call_free) struct tip_verdict_answer *answer = NULL;

    inherited_of_rows(inherited, indicator, own);
    if (inherited_lookup(client, indicator, &answer) != CLI_OK || answer->n_found != 1 || *answer->found[0].unreadable)
        return;
    inherited_by_word(inherited, indicator, &answer->found[0]);
}

bool inherited_is(const struct inherited *inherited)
{
    return inherited->searched && !inherited->is_allowed && !inherited->is.is_own && inherited->is.share > 0 &&
           (inherited->is.from < inherited->searched->n_rows || *inherited->value);
}

/* The row first: it is of the strongest list. */
static const char *inherited_cell(const struct inherited *inherited, const char *column, const char *word)
{
    const char *cell = NULL;

    if (inherited->is.from < inherited->searched->n_rows)
        cell = tip_store_cell(inherited->searched, inherited->is.from, column);
    if (cell)
        return cell;
    return *word ? word : NULL;
}

const char *inherited_value(const struct inherited *inherited)
{
    return inherited_cell(inherited, "value", inherited->value);
}

const char *inherited_source(const struct inherited *inherited)
{
    return inherited_cell(inherited, "source", inherited->source);
}

static void inherited_say(const struct inherited *inherited, char text[static INHERITED_TEXT])
{
    const struct tip_inherited *is = &inherited->is;
    const char *tier = tip_tier_name(tip_tier_of(is->score)), *unless = "";
    const char *value = inherited_value(inherited), *source = inherited_source(inherited);

    value = value ? value : "-";
    source = source ? source : "-";
    if (!inherited->is_sure)
        unless = ", unless a reference list exempts it: tip verdict knows";
    if (is->is_own)
        (void)snprintf(text, INHERITED_TEXT, "%.2f by its own verdict -> %s", is->score, tier);
    else if (is->share > 0)
        (void)snprintf(text, INHERITED_TEXT, "inherits %.2f from %s (list %s), %.3g of its %.2f -> %s%s", is->score,
                       value, source, is->share, is->score / is->share, tier, unless);
    else
        (void)snprintf(text, INHERITED_TEXT, "exempt: it inherits nothing from %s (list %s)", value, source);
}

bool inherited_text(const struct inherited *inherited, char text[static INHERITED_TEXT])
{
    if (inherited->is_allowed)
        (void)snprintf(text, INHERITED_TEXT, "allowed: it inherits nothing");
    else if (inherited->searched &&
             (inherited->is.from < inherited->searched->n_rows || *inherited->value || inherited->is.is_own))
        inherited_say(inherited, text);
    else
        return false;
    return true;
}
