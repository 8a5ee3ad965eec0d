/* What was observed as of a change, for those who score and weigh: tables that are made once and shared. */
#include <string.h>

#include "app.h"
#include "observe_key.h"

static void observe_tell_table(void (*tell)(struct bl_witnesses *, const struct bl_observation *),
                               struct bl_witnesses *witnesses, const struct observe_item *item)
{
    struct bl_observation observation;

    if (!observe_key_read(item->key, item->len, &observation))
        return;
    observation.at_s = item->at_s;
    observation.depth = item->depth;
    tell(witnesses, &observation);
}

/* The newest stand last. */
static void observe_changes_of(const struct observe_item *standing, struct bl_witnesses *witnesses, uint64_t from,
                               uint64_t to)
{
    const struct observe_item *item = standing ? ELMT_FROM_HH(standing->hh.tbl, standing->hh.tbl->tail) : NULL;

    for (; item && item->born > from; item = item->hh.prev) {
        if (item->born <= to)
            observe_tell_table(bl_witnesses_add, witnesses, item);
    }
}

/* Of changes behind `from` up to `to`. */
static void observe_changes(const struct observe_list *list, struct bl_witnesses *witnesses, uint64_t from, uint64_t to)
{
    for (int what = 0; what < BL_EVIDENCE_KIND_COUNT; what++)
        observe_changes_of(list->kinds[what].standing, witnesses, from, to);
    for (const struct observe_item *item = list->dead; item; item = item->next) {
        if (item->born > from && item->born <= to && item->died > to)
            observe_tell_table(bl_witnesses_add, witnesses, item);
        if (item->born <= from && item->died > from && item->died <= to)
            observe_tell_table(bl_witnesses_remove, witnesses, item);
    }
}

/* The one that was made of the latest change until then. Those before the change in force are gone: so are their dead.
 */
static const struct observe_table *observe_before(const struct observe_list *list, uint64_t change)
{
    const struct observe_table *best = NULL;

    for (size_t i = 0; i < OBSERVE_TABLES; i++) {
        const struct observe_table *table = &list->tables[i];

        if (table->witnesses && table->change <= change && (!best || table->change > best->change))
            best = table;
    }
    return best;
}

/* Comes first; the one that was not asked for the longest goes. */
static void observe_remember(struct observe_list *list, uint64_t change, struct bl_witnesses *witnesses)
{
    size_t at = 0;

    while (at < OBSERVE_TABLES - 1 && list->tables[at].witnesses && list->tables[at].change != change)
        at++;
    bl_witnesses_destroy(&list->tables[at].witnesses);
    memmove(&list->tables[1], &list->tables[0], at * sizeof(*list->tables));
    list->tables[0] = (struct observe_table){.change = change, .witnesses = witnesses};
}

static struct bl_witnesses *observe_make(const struct observe_list *list, uint64_t change)
{
    const struct observe_table *before = observe_before(list, change);
    struct bl_witnesses *witnesses;

    if (before && before->change == change)
        return bl_witnesses_keep(before->witnesses);
    witnesses = before ? bl_witnesses_from(before->witnesses, TIP_TLP_AMBER) : bl_witnesses_new();
    observe_changes(list, witnesses, before ? before->change : 0, change);
    return witnesses;
}

struct bl_witnesses *observe_at(struct app *app, uint64_t change, enum tip_tlp audience)
{
    struct bl_witnesses *witnesses = observe_make(&app->observe, change);

    observe_remember(&app->observe, change, bl_witnesses_keep(witnesses));
    if (audience < TIP_TLP_AMBER) {
        struct bl_witnesses *all = witnesses;

        witnesses = bl_witnesses_from(all, (uint8_t)audience);
        bl_witnesses_destroy(&all);
    }
    return witnesses;
}

void observe_outdate(struct observe_list *list, uint64_t change)
{
    for (size_t i = 0; i < OBSERVE_TABLES; i++) {
        if (list->tables[i].change < change)
            bl_witnesses_destroy(&list->tables[i].witnesses);
    }
}

uint64_t observe_known(const struct app *app)
{
    uint64_t known = observe_stands(app);

    for (size_t i = 0; i < OBSERVE_TABLES; i++) {
        const struct observe_table *table = &app->observe.tables[i];

        known = table->witnesses && table->change > known ? table->change : known;
    }
    return known;
}
