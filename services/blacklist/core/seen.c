#include "core/seen.h"

#include <string.h>

#include <tip/addr.h>
#include <tip/crc32c.h>

#include "core/blocks.h"

static const char seen_magic[8] = "TIPSEEN1";

_Static_assert(sizeof(struct bl_seen_times) == 16 && sizeof(struct bl_seen_ip4) == 20 &&
                   sizeof(struct bl_seen_text) == 24,
               "the layout is the file's");

struct seen_header {
    char magic[8];
    uint32_t crc, zero;
    uint64_t version, n_ip4, n_text, n_arena;
    uint32_t born_s, updated_s;
    uint64_t zero2;
};

_Static_assert(sizeof(struct seen_header) == BL_SEEN_HEADER, "the layout is the file's");

enum { SEEN_DAY_S = 24 * 60 * 60, SEEN_DAYS = BL_SEEN_WINDOW_S / SEEN_DAY_S + 1, SEEN_CRC_FROM = 12 };

struct seen_out {
    const struct bl_seen_update *update;
    uint32_t keep_from_s; /* what left earlier is forgotten */
    struct bl_blocks blocks;
};

/* ---- what becomes of an entry ---- */

static uint32_t seen_max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* It has just left, or is still gone. */
static struct bl_seen_times seen_gone(const struct bl_seen_update *update, const struct bl_seen_times *before)
{
    struct bl_seen_times times = *before;

    if (times.state & BL_SEEN_LISTED)
        times.last_s = seen_max(times.last_s, update->confirmed_s);
    if (times.last_s > update->now_s) /* the clock went back */
        times.last_s = update->now_s;
    times.state &= (uint8_t)~BL_SEEN_LISTED;
    return times;
}

static struct bl_seen_times seen_listed(const struct bl_seen_update *update, const struct bl_seen_times *before,
                                        unsigned flags)
{
    struct bl_seen_times times = {.first_s = update->now_s, .since_s = update->now_s};

    if (before && !(before->state & BL_SEEN_LISTED) && update->now_s > before->last_s &&
        update->now_s - before->last_s > BL_SEEN_WINDOW_S)
        return (struct bl_seen_times){update->now_s, update->now_s, update->now_s, 0, (uint8_t)flags, BL_SEEN_LISTED};
    if (before)
        times = *before;
    else if (!update->before.born_s)
        times.state = BL_SEEN_STOCK;
    if (before && !(before->state & BL_SEEN_LISTED)) {
        times.since_s = update->now_s;
        times.state = 0;
        times.n_returned += times.n_returned < UINT16_MAX;
    }
    times.last_s = seen_max(times.last_s, update->now_s);
    times.flags = (uint8_t)flags;
    times.state |= BL_SEEN_LISTED;
    return times;
}

/* Of what it says no time now, what it said before holds, while it says times at all. */
static void seen_state(const struct bl_set *now, uint32_t line, struct bl_seen_times *times)
{
    uint32_t at_s = bl_stated_at(now->stated, now->n_stated, line);

    if (at_s) {
        times->since_s = at_s;
        times->state |= BL_SEEN_STATED;
    } else if (!now->n_stated && times->state & BL_SEEN_STATED) {
        times->since_s = times->first_s;
        times->state &= (uint8_t)~BL_SEEN_STATED;
    }
}

static bool seen_kept(const struct seen_out *out, const struct bl_seen_times *times)
{
    return (times->state & BL_SEEN_LISTED) || times->last_s >= out->keep_from_s;
}

/* ---- the walk: entries before and now, side by side ---- */

/* Of one step: which side has the entry. */
struct seen_step {
    bool is_before, is_now;
    size_t before, now;
    struct bl_seen_times times;
};

struct seen_walk {
    const struct bl_seen_update *update;
    size_t i, j;
};

/* Of an entry that is listed now: from where in the list. */
struct seen_mark {
    unsigned flags;
    uint32_t line;
};

static void seen_step_times(const struct seen_walk *walk, struct seen_step *step, const struct bl_seen_times *before,
                            struct seen_mark mark)
{
    if (!step->is_now) {
        step->times = seen_gone(walk->update, before);
        return;
    }
    step->times = seen_listed(walk->update, step->is_before ? before : NULL, mark.flags);
    seen_state(&walk->update->now, mark.line, &step->times);
}

static void seen_step_sides(struct seen_walk *walk, struct seen_step *step, int order)
{
    *step = (struct seen_step){.is_before = order <= 0, .is_now = order >= 0, .before = walk->i, .now = walk->j};
    walk->i += step->is_before;
    walk->j += step->is_now;
}

static bool seen_next4(struct seen_walk *walk, struct seen_step *step)
{
    const struct bl_seen *before = &walk->update->before;
    const struct bl_set *now = &walk->update->now;
    struct seen_mark mark = {0};
    int order;

    if (walk->i == before->n_ip4 && walk->j == now->n_ip4)
        return false;
    if (walk->i == before->n_ip4 || walk->j == now->n_ip4)
        order = walk->i == before->n_ip4 ? 1 : -1;
    else
        order =
            (before->ip4[walk->i].addr > now->ip4[walk->j].addr) - (before->ip4[walk->i].addr < now->ip4[walk->j].addr);
    seen_step_sides(walk, step, order);
    if (step->is_now)
        mark = (struct seen_mark){now->ip4[step->now].flags, now->ip4[step->now].line};
    seen_step_times(walk, step, step->is_before ? &before->ip4[step->before].times : NULL, mark);
    return true;
}

/* A text, wherever it lies. */
struct seen_key {
    unsigned kind;
    const char *value;
    size_t len;
};

static int seen_key_compare(const struct seen_key *a, const struct seen_key *b)
{
    int r;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    r = memcmp(a->value, b->value, a->len < b->len ? a->len : b->len);
    return r ? r : (a->len > b->len) - (a->len < b->len);
}

static struct seen_key seen_key_before(const struct bl_seen *seen, size_t i)
{
    return (struct seen_key){seen->text[i].kind, seen->arena + seen->text[i].text, seen->text[i].len};
}

static struct seen_key seen_key_now(const struct bl_set *set, size_t i)
{
    return (struct seen_key){set->text[i].kind, set->arena + set->text[i].text, set->text[i].len};
}

static bool seen_next_text(struct seen_walk *walk, struct seen_step *step)
{
    const struct bl_seen *before = &walk->update->before;
    const struct bl_set *now = &walk->update->now;
    struct seen_mark mark = {0};
    int order;

    if (walk->i == before->n_text && walk->j == now->n_text)
        return false;
    if (walk->i == before->n_text || walk->j == now->n_text) {
        order = walk->i == before->n_text ? 1 : -1;
    } else {
        struct seen_key a = seen_key_before(before, walk->i);
        struct seen_key b = seen_key_now(now, walk->j);

        order = seen_key_compare(&a, &b);
    }
    seen_step_sides(walk, step, order);
    if (step->is_now)
        mark = (struct seen_mark){now->text[step->now].flags, now->text[step->now].line};
    seen_step_times(walk, step, step->is_before ? &before->text[step->before].times : NULL, mark);
    return true;
}

static struct seen_key seen_step_key(const struct seen_walk *walk, const struct seen_step *step)
{
    return step->is_now ? seen_key_now(&walk->update->now, step->now)
                        : seen_key_before(&walk->update->before, step->before);
}

/* ---- what is said otherwise ---- */

static bool seen_is_restated(const struct seen_step *step, const struct bl_seen_times *before)
{
    return before->since_s != step->times.since_s || (before->state ^ step->times.state) & BL_SEEN_STATED;
}

bool bl_seen_is_restated(const struct bl_seen_update *update)
{
    struct seen_walk walk = {.update = update};
    struct seen_step step;

    while (seen_next4(&walk, &step)) {
        if (step.is_before && step.is_now && seen_is_restated(&step, &update->before.ip4[step.before].times))
            return true;
    }
    walk = (struct seen_walk){.update = update};
    while (seen_next_text(&walk, &step)) {
        if (step.is_before && step.is_now && seen_is_restated(&step, &update->before.text[step.before].times))
            return true;
    }
    return false;
}

/* ---- how far back ---- */

static void seen_count_gone(const struct bl_seen_update *update, const struct bl_seen_times *times,
                            size_t days[static SEEN_DAYS])
{
    uint32_t age_s = update->now_s - times->last_s;

    if (!(times->state & BL_SEEN_LISTED) && age_s <= BL_SEEN_WINDOW_S)
        days[age_s / SEEN_DAY_S]++;
}

/* The window, or as many whole days as fit into the bound. */
static uint32_t seen_keep_from(const struct bl_seen_update *update)
{
    struct seen_walk walk = {.update = update};
    struct seen_step step;
    size_t days[SEEN_DAYS] = {0};
    size_t n = 0;
    uint32_t age_s = 0;

    while (seen_next4(&walk, &step))
        seen_count_gone(update, &step.times, days);
    walk = (struct seen_walk){.update = update};
    while (seen_next_text(&walk, &step))
        seen_count_gone(update, &step.times, days);
    for (size_t day = 0; day < SEEN_DAYS && (n += days[day]) <= update->gone_max; day++)
        age_s += SEEN_DAY_S;
    if (age_s > BL_SEEN_WINDOW_S)
        age_s = BL_SEEN_WINDOW_S + 1;
    return update->now_s >= age_s ? update->now_s - age_s + 1 : 0;
}

/* ---- the file ---- */

static int seen_write_ip4(struct seen_out *out, struct seen_header *header)
{
    struct seen_walk walk = {.update = out->update};
    struct seen_step step;
    int r = 0;

    while (!r && seen_next4(&walk, &step)) {
        struct bl_seen_ip4 record = {.times = step.times};

        if (!seen_kept(out, &step.times))
            continue;
        record.addr = step.is_now ? out->update->now.ip4[step.now].addr : out->update->before.ip4[step.before].addr;
        header->n_ip4++;
        r = bl_blocks_put(&out->blocks, &record, sizeof(record));
    }
    return r;
}

static int seen_write_text(struct seen_out *out, struct seen_header *header)
{
    struct seen_walk walk = {.update = out->update};
    struct seen_step step;
    int r = 0;

    while (!r && seen_next_text(&walk, &step)) {
        struct seen_key key = seen_step_key(&walk, &step);
        struct bl_seen_text record = {.text = (uint32_t)header->n_arena,
                                      .len = (uint16_t)key.len,
                                      .kind = (uint8_t)key.kind,
                                      .times = step.times};

        if (!seen_kept(out, &step.times) || header->n_arena + key.len + 1 > UINT32_MAX)
            continue;
        header->n_text++;
        header->n_arena += key.len + 1;
        r = bl_blocks_put(&out->blocks, &record, sizeof(record));
    }
    return r;
}

static int seen_write_arena(struct seen_out *out, const struct seen_header *header)
{
    struct seen_walk walk = {.update = out->update};
    struct seen_step step;
    uint64_t left = header->n_arena;
    int r = 0;

    while (!r && left && seen_next_text(&walk, &step)) {
        struct seen_key key = seen_step_key(&walk, &step);

        if (!seen_kept(out, &step.times) || key.len + 1 > left)
            continue;
        left -= key.len + 1;
        r = bl_blocks_put(&out->blocks, key.value, key.len);
        r = r ? r : bl_blocks_put(&out->blocks, "", 1);
    }
    return r;
}

int bl_seen_write(const struct bl_seen_update *update, int (*write)(void *ctx, const void *bytes, size_t n), void *ctx,
                  unsigned char headp[static BL_SEEN_HEADER])
{
    uint32_t born_s = update->before.born_s ? update->before.born_s : update->now_s;
    struct seen_header header = {
        .version = update->version, .born_s = update->is_unborn ? 0 : born_s, .updated_s = update->now_s};
    struct seen_out out = {
        .update = update, .keep_from_s = seen_keep_from(update), .blocks = {.write = write, .ctx = ctx}};
    int r;

    memcpy(header.magic, seen_magic, sizeof(seen_magic));
    r = write(ctx, &header, sizeof(header));
    r = r ? r : seen_write_ip4(&out, &header);
    r = r ? r : seen_write_text(&out, &header);
    r = r ? r : seen_write_arena(&out, &header);
    r = r ? r : bl_blocks_flush(&out.blocks);
    header.crc = tip_crc32c(out.blocks.crc, &header.zero, sizeof(header) - SEEN_CRC_FROM);
    memcpy(headp, &header, sizeof(header));
    return r;
}

/* ---- reading ---- */

static bool seen_sizes_fit(const struct seen_header *header, size_t n)
{
    size_t rest = n - BL_SEEN_HEADER;

    if (header->n_ip4 > rest / sizeof(struct bl_seen_ip4))
        return false;
    rest -= header->n_ip4 * sizeof(struct bl_seen_ip4);
    if (header->n_text > rest / sizeof(struct bl_seen_text))
        return false;
    return rest - header->n_text * sizeof(struct bl_seen_text) == header->n_arena && header->n_arena <= UINT32_MAX;
}

static bool seen_ip4_ordered(const struct bl_seen *seen)
{
    for (size_t i = 1; i < seen->n_ip4; i++) {
        if (seen->ip4[i - 1].addr >= seen->ip4[i].addr)
            return false;
    }
    return true;
}

static bool seen_texts_ordered(const struct bl_seen *seen)
{
    uint64_t at = 0;

    for (size_t i = 0; i < seen->n_text; i++) {
        const struct bl_seen_text *entry = &seen->text[i];

        if (entry->text != at || entry->kind == TIP_KIND_NONE || entry->kind >= TIP_KIND_COUNT ||
            entry->len > TIP_INDICATOR_MAX || at + entry->len + 1 > seen->n_arena || seen->arena[at + entry->len])
            return false;
        at += entry->len + 1u;
        if (i && bl_seen_text_compare(seen, i - 1, seen, i) >= 0)
            return false;
    }
    return at == seen->n_arena;
}

int bl_seen_read(struct bl_seen *seen, const void *bytes, size_t n)
{
    const char *at = bytes;
    struct seen_header header;
    uint32_t crc;

    if (n < sizeof(header))
        return BL_SEEN_E_DAMAGED;
    memcpy(&header, at, sizeof(header));
    if (memcmp(header.magic, seen_magic, sizeof(seen_magic)) || header.zero || header.zero2 ||
        (!header.born_s && (header.n_ip4 || header.n_text)) || !seen_sizes_fit(&header, n))
        return BL_SEEN_E_DAMAGED;
    crc = tip_crc32c(0, at + sizeof(header), n - sizeof(header));
    if (tip_crc32c(crc, at + SEEN_CRC_FROM, sizeof(header) - SEEN_CRC_FROM) != header.crc)
        return BL_SEEN_E_DAMAGED;
    at += sizeof(header);
    *seen = (struct bl_seen){.ip4 = (const struct bl_seen_ip4 *)(const void *)at,
                             .n_ip4 = header.n_ip4,
                             .n_text = header.n_text,
                             .n_arena = header.n_arena,
                             .version = header.version,
                             .born_s = header.born_s,
                             .updated_s = header.updated_s};
    at += header.n_ip4 * sizeof(struct bl_seen_ip4);
    seen->text = (const struct bl_seen_text *)(const void *)at;
    seen->arena = at + header.n_text * sizeof(struct bl_seen_text);
    return seen_ip4_ordered(seen) && seen_texts_ordered(seen) ? 0 : BL_SEEN_E_DAMAGED;
}

/* ---- looking up ---- */

int bl_seen_text_compare(const struct bl_seen *a, size_t i, const struct bl_seen *b, size_t j)
{
    struct seen_key x = seen_key_before(a, i);
    struct seen_key y = seen_key_before(b, j);

    return seen_key_compare(&x, &y);
}

static const struct bl_seen_times *seen_find4(const struct bl_seen *seen, uint32_t addr)
{
    size_t low = 0;
    size_t high = seen->n_ip4;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (seen->ip4[middle].addr < addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low < seen->n_ip4 && seen->ip4[low].addr == addr ? &seen->ip4[low].times : NULL;
}

static const struct bl_seen_times *seen_find_text(const struct bl_seen *seen, const struct seen_key *key)
{
    size_t low = 0;
    size_t high = seen->n_text;
    struct seen_key other;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        other = seen_key_before(seen, middle);
        if (seen_key_compare(&other, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == seen->n_text)
        return NULL;
    other = seen_key_before(seen, low);
    return seen_key_compare(&other, key) ? NULL : &seen->text[low].times;
}

const struct bl_seen_times *bl_seen_find(const struct bl_seen *seen, enum tip_kind kind, const char *value, size_t len)
{
    const struct seen_key key = {(unsigned)kind, value, len};
    uint32_t addr;

    if (kind == TIP_KIND_IP && len && tip_addr4_parse_fast(value, value + len, &addr) == len)
        return seen_find4(seen, addr);
    return seen_find_text(seen, &key);
}

static const struct bl_seen_times *seen_forward4(const struct bl_seen *seen, size_t *fromp, uint32_t addr)
{
    while (*fromp < seen->n_ip4 && seen->ip4[*fromp].addr < addr)
        ++*fromp;
    return *fromp < seen->n_ip4 && seen->ip4[*fromp].addr == addr ? &seen->ip4[*fromp].times : NULL;
}

const struct bl_seen_times *bl_seen_next(const struct bl_seen *seen, size_t *fromp, const struct bl_set *set,
                                         size_t index)
{
    struct seen_key key;
    int order = -1;

    if (index < set->n_ip4)
        return seen_forward4(seen, fromp, set->ip4[index].addr);
    key = seen_key_now(set, index - set->n_ip4);
    *fromp = *fromp < seen->n_ip4 ? seen->n_ip4 : *fromp;
    for (; *fromp < bl_seen_count(seen); ++*fromp) {
        struct seen_key other = seen_key_before(seen, *fromp - seen->n_ip4);

        order = seen_key_compare(&other, &key);
        if (order >= 0)
            break;
    }
    return order ? NULL : &seen->text[*fromp - seen->n_ip4].times;
}

bool bl_seen_states(const struct bl_seen *seen)
{
    for (size_t i = 0; i < bl_seen_count(seen); i++) {
        if (bl_seen_at(seen, i)->state & BL_SEEN_STATED)
            return true;
    }
    return false;
}
