#include "core/budget.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

enum { BUDGET_LONG_MS = 600000 /* any debt is paid by then, and the product stays in its type */ };

void budgets_init(struct budgets *budgets, int64_t per_s)
{
    *budgets = (struct budgets){.per_s = per_s};
}

void budgets_deinit(struct budgets *budgets)
{
    free(budgets->items);
    *budgets = (struct budgets){0};
}

/* What has been earned since. Fractions of a byte are not kept: at 64 KiB/s a millisecond is 65 bytes. */
static void budget_earn(struct budget *budget, int64_t per_s, int64_t now_ms)
{
    int64_t passed_ms = now_ms - budget->at_ms;

    if (passed_ms < BUDGET_LONG_MS)
        budget->left += passed_ms * per_s / 1000;
    if (passed_ms >= BUDGET_LONG_MS || budget->left > per_s)
        budget->left = per_s;
    budget->at_ms = now_ms;
}

static struct budget *budgets_get(struct budgets *budgets, const char *name, int64_t now_ms)
{
    struct budget *budget;

    for (size_t i = 0; i < budgets->n; i++) {
        budget = &budgets->items[i];
        if (strcmp(budget->name, name) != 0)
            continue;
        budget_earn(budget, budgets->per_s, now_ms);
        return budget;
    }
    budgets->items = tip_realloc(budgets->items, budgets->n + 1, sizeof(*budgets->items));
    budget = &budgets->items[budgets->n++];
    *budget = (struct budget){.left = budgets->per_s, .at_ms = now_ms};
    memcpy(budget->name, name, strnlen(name, sizeof(budget->name) - 1));
    return budget;
}

int64_t budgets_wait_ms(struct budgets *budgets, const char *name, int64_t now_ms)
{
    const struct budget *budget = budgets_get(budgets, name, now_ms);

    return budget->left > 0 ? 0 : -budget->left * 1000 / budgets->per_s + 1;
}

void budgets_spend(struct budgets *budgets, const char *name, uint64_t bytes, int64_t now_ms)
{
    budgets_get(budgets, name, now_ms)->left -= (int64_t)bytes;
}
