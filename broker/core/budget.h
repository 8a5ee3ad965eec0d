#pragma once
/* Bytes a second for each of a few names. A second's worth is there at once; what is read too much is waited for. */
#include <stddef.h>
#include <stdint.h>

struct budget {
    char name[65];
    int64_t left; /* bytes; below 0: a debt */
    int64_t at_ms;
};

struct budgets {
    struct budget *items;
    size_t n;
    int64_t per_s; /* at most 2^31 */
};

void budgets_init(struct budgets *budgets, int64_t per_s);
void budgets_deinit(struct budgets *budgets);

/** How long `name` must wait before it may read on: 0 for not at all. */
int64_t budgets_wait_ms(struct budgets *budgets, const char *name, int64_t now_ms);

void budgets_spend(struct budgets *budgets, const char *name, uint64_t bytes, int64_t now_ms);
