#include <tip/recent.h>

#include <stdlib.h>
#include <string.h>

void tip_recent_add(struct tip_recent *recent, int64_t value)
{
    recent->values[recent->next] = value;
    recent->next = (recent->next + 1) % TIP_RECENT_MAX;
    if (recent->n < TIP_RECENT_MAX)
        recent->n++;
}

static int recent_compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

int64_t tip_recent_quantile(const struct tip_recent *recent, double share)
{
    int64_t sorted[TIP_RECENT_MAX];
    size_t rank;

    if (recent->n == 0)
        return 0;
    memcpy(sorted, recent->values, recent->n * sizeof(*sorted));
    qsort(sorted, recent->n, sizeof(*sorted), recent_compare);
    rank = (size_t)(share * (double)recent->n);
    if ((double)rank < share * (double)recent->n)
        rank++; /* the first rank that covers the share */
    return sorted[rank == 0 ? 0 : rank > recent->n ? recent->n - 1 : rank - 1];
}
