/*
 * What the rows of a search mean for what was searched: <tip/inherit.h> over cells, and what its own verdict says; or
 * what verdict.lookup has found of it, in the same words.
 */
#include <tip/call.h>

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

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

bool tip_store_is_allowed(const struct tip_store_answer *allow)
{
    const char *rule = allow && allow->n_rows ? tip_store_cell(allow, 0, "rule") : NULL;

    return rule && strcmp(rule, "allow") == 0;
}

/*
 * Whoever takes from what was found, a reference list or the operators, stands among the families as `allow`, with what
 * was taken: so nobody has to know which list takes how much.
 */
double tip_store_left(const struct tip_store_answer *explained)
{
    const char *cell = explained && explained->n_rows ? tip_store_cell(explained, 0, "families") : NULL;
    const char *score = cell ? tip_store_cell(explained, 0, "score") : NULL;
    json_t *families = score ? json_loads(cell, 0, NULL) : NULL;
    double taken = -json_number_value(json_object_get(families, "allow"));
    double told = score ? strtod(score, NULL) : 0;

    json_decref(families);
    return taken > 0 ? told / (told + taken) : 1;
}

static bool store_is_own(const struct tip_inherit_verdict *verdict, enum tip_kind kind, const char *value)
{
    return verdict->kind == kind && strcmp(verdict->value, value) == 0;
}

struct tip_inherited tip_store_inherited(const struct tip_store_answer *searched, double left, enum tip_kind kind,
                                         const char *value)
{
    tip_auto(tip_free) struct tip_inherit_verdict *verdicts =
        tip_new_array(searched->n_rows, struct tip_inherit_verdict);

    struct tip_inherited is;

    for (size_t i = 0; i < searched->n_rows; i++) {
        verdicts[i] = store_verdict(searched, i);
        if (!store_is_own(&verdicts[i], kind, value))
            verdicts[i].score *= left; /* its own has fallen already */
    }
    is = tip_inherit(verdicts, searched->n_rows, kind, value);
    is.share *= is.is_own ? 1 : left;
    return is;
}

double tip_store_share(const struct tip_store_answer *searched, size_t row, double left, enum tip_kind kind,
                       const char *value, double *scorep)
{
    struct tip_inherit_verdict verdict = store_verdict(searched, row);

    *scorep = verdict.score;
    if (verdict.score <= 0)
        return 0;
    return tip_inherit_share(&verdict, kind, value) * (store_is_own(&verdict, kind, value) ? 1 : left);
}

/* Which row is of it: the first one is of the strongest list. */
static size_t store_row_of(const struct tip_store_answer *searched, const struct tip_verdict *verdict)
{
    size_t row = 0;

    for (; row < searched->n_rows; row++) {
        const char *kind = tip_store_cell(searched, row, "kind");
        const char *value = tip_store_cell(searched, row, "value");

        if (kind && value && tip_kind_from_name(kind, strlen(kind)) == verdict->kind && !strcmp(value, verdict->value))
            break;
    }
    return row;
}

struct tip_inherited tip_store_found(const struct tip_store_answer *searched, const struct tip_verdict_found *found,
                                     enum tip_kind kind, const char *value, double *leftp)
{
    const struct tip_verdict *verdict = found->n_verdicts && !found->allowed ? &found->verdicts[0] : NULL;
    struct tip_inherited is = {.from = searched->n_rows};
    struct tip_inherit_verdict from;
    double whole;

    if (found->allowed)
        *leftp = 0;
    if (!verdict || (!found->inherited && verdict->score <= 0)) /* its own may say only that it is exempt */
        return is;
    from = (struct tip_inherit_verdict){.kind = verdict->kind,
                                        .value = verdict->value,
                                        .score = verdict->score,
                                        .is_subtree = verdict->subtree,
                                        .is_whole = verdict->whole};
    whole = tip_inherit_share(&from, kind, value);
    if (found->inherited && whole > 0)
        *leftp = found->share / whole;
    return (struct tip_inherited){.score = found->score,
                                  .share = found->share,
                                  .from = store_row_of(searched, verdict),
                                  .is_own = !found->inherited};
}
