/* What the rows of a search mean for what was searched: <tip/inherit.h> over cells, and what its own verdict says. */
#include <tip/call.h>

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <tip/alloc.h>

#define STORE_SOFTENED 0.25 /* BL_EXEMPT_SOFTENED of the blacklist */

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

/* A role that is added to core/exempt.c of the blacklist as a soft one is to be added here. No source is called so: a
 * name of a source has no colon. */
double tip_reason_left(const char *source)
{
    if (!source || !strchr(source, ':'))
        return 1;
    return strncmp(source, "top_site:", 9) && strncmp(source, "scanner:", 8) ? 0 : STORE_SOFTENED;
}

double tip_store_left(const struct tip_store_answer *explained)
{
    const char *cell = explained && explained->n_rows ? tip_store_cell(explained, 0, "reasons") : NULL;
    json_t *reasons = cell ? json_loads(cell, 0, NULL) : NULL;
    const json_t *first = json_array_get(reasons, 0);
    const char *source = json_string_value(json_object_get(first, "source"));
    const char *family = json_string_value(json_object_get(first, "family"));
    double left = tip_reason_left(source);

    if (left == 1 && family && strcmp(family, "allow") == 0)
        left = 0;
    json_decref(reasons);
    return left;
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
