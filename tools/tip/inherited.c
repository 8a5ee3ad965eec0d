#include "inherited.h"

#include <stdio.h>
#include <string.h>

bool inherited_is_allowed(const struct tip_store_answer *allow)
{
    const char *rule = allow && allow->n_rows ? tip_store_cell(allow, 0, "rule") : NULL;

    return rule && strcmp(rule, "allow") == 0;
}

static const char *inherited_cell(const struct tip_store_answer *searched, size_t row, const char *column)
{
    const char *cell = tip_store_cell(searched, row, column);

    return cell ? cell : "-";
}

bool inherited_text(const struct tip_store_answer *searched, const struct tip_store_answer *allow,
                    const struct tip_inherited *is, char text[static INHERITED_TEXT])
{
    const char *tier = tip_tier_name(tip_tier_of(is->score));

    if (inherited_is_allowed(allow))
        (void)snprintf(text, INHERITED_TEXT, "allowed: it inherits nothing");
    else if (is->from >= searched->n_rows)
        return false;
    else if (is->is_own)
        (void)snprintf(text, INHERITED_TEXT, "%.2f by its own verdict -> %s", is->score, tier);
    else
        (void)snprintf(text, INHERITED_TEXT,
                       "inherits %.2f from %s (list %s), %.3g of its %.2f -> %s, unless a reference list exempts it: "
                       "tip verdict knows",
                       is->score, inherited_cell(searched, is->from, "value"),
                       inherited_cell(searched, is->from, "source"), is->share, is->score / is->share, tier);
    return true;
}
