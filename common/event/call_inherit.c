/* What the rows of a search mean for what was searched: <tip/inherit.h> over cells. */
#include <tip/call.h>

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

const char *tip_store_cell(const struct tip_store_answer *answer, size_t row, const char *column)
{
    for (size_t i = 0; i < answer->n_columns; i++) {
        if (strcmp(answer->columns[i].name, column) == 0)
            return answer->cells[row * answer->n_columns + i];
    }
    return NULL;
}

static bool store_is_true(const struct tip_store_answer *answer, size_t row, const char *column)
{
    const char *cell = tip_store_cell(answer, row, column);

    return cell && strcmp(cell, "true") == 0;
}

/* The verdict of a row; score 0, which nobody inherits: it has none. */
static struct tip_inherit_verdict store_verdict(const struct tip_store_answer *searched, size_t row)
{
    const char *kind = tip_store_cell(searched, row, "kind");
    const char *value = tip_store_cell(searched, row, "value");
    const char *score = tip_store_cell(searched, row, "score");

    if (!kind || !value || !score)
        return (struct tip_inherit_verdict){.kind = TIP_KIND_NONE, .value = ""};
    return (struct tip_inherit_verdict){.kind = tip_kind_from_name(kind, strlen(kind)),
                                        .value = value,
                                        .score = strtod(score, NULL),
                                        .is_subtree = store_is_true(searched, row, "subtree"),
                                        .is_whole = store_is_true(searched, row, "whole")};
}

struct tip_inherited tip_store_inherited(const struct tip_store_answer *searched, enum tip_kind kind, const char *value)
{
    tip_auto(tip_free) struct tip_inherit_verdict *verdicts =
        tip_new_array(searched->n_rows, struct tip_inherit_verdict);

    for (size_t i = 0; i < searched->n_rows; i++)
        verdicts[i] = store_verdict(searched, i);
    return tip_inherit(verdicts, searched->n_rows, kind, value);
}

double tip_store_share(const struct tip_store_answer *searched, size_t row, enum tip_kind kind, const char *value,
                       double *scorep)
{
    struct tip_inherit_verdict verdict = store_verdict(searched, row);

    *scorep = verdict.score;
    return verdict.score > 0 ? tip_inherit_share(&verdict, kind, value) : 0;
}
