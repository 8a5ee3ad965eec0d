#pragma once
/*
 * Is a weight that was measured again worth telling? All verdicts of a source may follow from it, so what moves by less
 * than BL_WORTH_MOVED, or only because the last fetch is a little longer ago, is kept quiet.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/weight.h"

#define BL_WORTH_MOVED 0.02

/** What was told of a source last. */
struct bl_worth {
    bool is_told;        /* anything at all */
    double weight, rest; /* as measured, and without its freshness */
    bool is_late;        /* it was overdue then */
    int64_t half_life_s;
    bool is_append;
};

/** What will have been told, once this is. */
struct bl_worth bl_worth_of(const struct bl_weight *weight);

/**
 * Moved by 0.02 or more; but freshness alone is news only of a source that is overdue, or was. A half-life is news when
 * it is another one by more than a tenth, or of an append-only list now, or no more.
 */
bool bl_worth_telling(const struct bl_worth *told, const struct bl_weight *weight);
