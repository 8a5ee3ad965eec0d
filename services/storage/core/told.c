#include "core/told.h"

#include <stdlib.h>
#include <string.h>

static int told_by_history(const void *a, const void *b)
{
    const struct store_told *left = a, *right = b;
    int r = store_key_compare(&left->verdict->key, &right->verdict->key);

    return r ? r : (left->order > right->order) - (left->order < right->order);
}

static int told_by_round(const void *a, const void *b)
{
    const struct store_told *left = a, *right = b;

    if (left->round != right->round)
        return left->round < right->round ? -1 : 1;
    return store_key_compare(&left->verdict->key, &right->verdict->key);
}

static int told_step(double score)
{
    return (int)(score * 20 + 0.5 + 1e-9);
}

/* A withdrawal says nothing but that: why the rest is zero does not matter. */
static bool told_says_the_same(const struct store_verdict *a, const struct store_verdict *b)
{
    if (!a->tier && !b->tier)
        return true;
    return a->tier == b->tier && told_step(a->score) == told_step(b->score) && a->tlp == b->tlp &&
           a->subtree == b->subtree && a->whole == b->whole && !strcmp(a->names, b->names);
}

/* Of one commit the last word counts. */
static size_t told_commits(struct store_told *told, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        const struct store_verdict *before = kept ? told[kept - 1].verdict : NULL, *next = told[i].verdict;
        bool replaces =
            before && store_key_compare(&before->key, &next->key) == 0 && before->told_unix_us == next->told_unix_us;

        kept -= replaces;
        told[kept++] = told[i];
    }
    return kept;
}

size_t store_told_fold(struct store_told *told, const struct store_verdict *rows, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        told[i] = (struct store_told){.verdict = &rows[i],
                                      .next_change_unix_ms = rows[i].next_change_unix_ms,
                                      .expires_unix_ms = rows[i].expires_unix_ms,
                                      .order = (uint32_t)i};
    qsort(told, n, sizeof(*told), told_by_history);
    n = told_commits(told, n);
    for (size_t i = 0; i < n; i++) {
        struct store_told *before = kept ? &told[kept - 1] : NULL;
        bool same = before && store_key_compare(&before->verdict->key, &told[i].verdict->key) == 0;
        uint32_t round = same ? before->round + 1 : 0;

        if (same && told_says_the_same(before->verdict, told[i].verdict)) {
            before->next_change_unix_ms = told[i].next_change_unix_ms;
            before->expires_unix_ms = told[i].expires_unix_ms;
            continue;
        }
        told[kept] = told[i];
        told[kept++].round = round;
    }
    qsort(told, kept, sizeof(*told), told_by_round);
    return kept;
}

size_t store_told_run(const struct store_told *told, size_t n)
{
    size_t run = 0;

    while (run < n && told[run].round == told[0].round)
        run++;
    return run;
}
