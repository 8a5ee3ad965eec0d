#include "core/rates.h"

#include <stdlib.h>

#include <tip/alloc.h>

void rates_note(struct rates *rates, const struct rates_reading *reading)
{
    const struct rates_reading *newest = &rates->ring[(rates->next + RATES_RING - 1) % RATES_RING];

    if (rates->n && (reading->events < rates->last.events || reading->bytes < rates->last.bytes))
        *rates = (struct rates){.n = 0};
    rates->before = rates->n ? rates->last : *reading;
    rates->last = *reading;
    if (rates->n && reading->at_ms - newest->at_ms < RATES_STEP_MS)
        return;
    rates->ring[rates->next] = *reading;
    rates->next = (rates->next + 1) % RATES_RING;
    if (rates->n < RATES_RING)
        rates->n++;
}

static struct rate rates_between(const struct rates_reading *from, const struct rates_reading *to)
{
    double s = (double)(to->at_ms - from->at_ms) / 1000;

    if (s <= 0)
        return (struct rate){0, 0};
    return (struct rate){(double)(to->events - from->events) / s, (double)(to->bytes - from->bytes) / s};
}

struct rate rates_second(const struct rates *rates)
{
    return rates_between(&rates->before, &rates->last);
}

/* The youngest reading that is a minute old; else the oldest there is. */
struct rate rates_minute(const struct rates *rates)
{
    const struct rates_reading *from = NULL;

    for (unsigned i = 1; i <= rates->n; i++) {
        from = &rates->ring[(rates->next + RATES_RING - i) % RATES_RING];
        if (rates->last.at_ms - from->at_ms >= 60000)
            break;
    }
    return from ? rates_between(from, &rates->last) : (struct rate){0, 0};
}

/* ---- by name ---- */

static struct rates_row *rates_table_find(const struct rates_table *table, const char *name)
{
    struct rates_row *row;

    tip_hash_find_text(table->rows, name, row);
    return row;
}

void rates_table_note(struct rates_table *table, const char *name, const struct rates_reading *reading)
{
    char cut[RATES_NAME_MAX + 1] = {0};
    struct rates_row *row;

    memcpy(cut, name, strnlen(name, RATES_NAME_MAX));
    row = rates_table_find(table, cut);
    if (!row) {
        row = tip_new(struct rates_row);
        memcpy(row->name, cut, sizeof(cut));
        tip_hash_add_text(table->rows, name, row);
        if (table->swept_ms)
            rates_note(&row->rates, &(struct rates_reading){table->swept_ms, 0, 0});
    }
    row->is_noted = true;
    rates_note(&row->rates, reading);
}

void rates_table_sweep(struct rates_table *table, int64_t now_ms)
{
    struct rates_row *row, *next;

    table->swept_ms = now_ms;
    tip_hash_each (table->rows, row, next) {
        if (!row->is_noted) {
            tip_hash_remove(table->rows, row);
            free(row);
            continue;
        }
        row->is_noted = false;
    }
}

void rates_table_deinit(struct rates_table *table)
{
    struct rates_row *row, *next;

    tip_hash_each (table->rows, row, next) {
        tip_hash_remove(table->rows, row);
        free(row);
    }
}

const struct rates *rates_table_get(const struct rates_table *table, const char *name)
{
    const struct rates_row *row = rates_table_find(table, name);

    return row ? &row->rates : NULL;
}
