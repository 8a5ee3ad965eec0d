#include "journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "journal_private.h"

static const char *const journal_notice_names[JOURNAL_NOTICE_KIND_COUNT] = {
    [JOURNAL_NOTICE_FATAL] = "fatal", [JOURNAL_NOTICE_NO_SPACE] = "no_space", [JOURNAL_NOTICE_SPACE] = "space",
    [JOURNAL_NOTICE_HELD] = "held",   [JOURNAL_NOTICE_RELEASED] = "released", [JOURNAL_NOTICE_OVERTAKEN] = "overtaken",
    [JOURNAL_NOTICE_TORN] = "torn",   [JOURNAL_NOTICE_DAMAGE] = "damage",     [JOURNAL_NOTICE_TABLE] = "table",
    [JOURNAL_NOTICE_HOLDS] = "holds", [JOURNAL_NOTICE_EMPTY] = "empty",
};

const char *journal_notice_name(enum journal_notice_kind kind)
{
    return journal_notice_names[kind];
}

void journal_notify(const struct journal *journal, const struct journal_notice *notice)
{
    if (journal->config.on_notice)
        journal->config.on_notice(journal->config.ctx, notice);
}

/* ---- the segment being filled ---- */

bool journal_fill_has_room(const struct journal_fill *fill, uint64_t end)
{
    return end <= journal_footer_offset(fill->file_bytes);
}

void journal_fill_index(struct journal_fill *fill, uint64_t seq, uint64_t offset)
{
    fill->n_records++;
    if (offset < fill->index_next)
        return;
    if (fill->n_index == fill->index_room) {
        fill->index_room = fill->index_room ? 2 * fill->index_room : 64;
        fill->index = tip_realloc(fill->index, fill->index_room, sizeof(*fill->index));
    }
    fill->index[fill->n_index++] = (struct journal_index_entry){.seq = seq, .offset = offset};
    fill->index_next = offset + journal_index_step(fill->file_bytes);
}

void journal_header_build(struct journal *journal, struct journal_header *header, const struct journal_table *table)
{
    static const uint8_t zeros[JOURNAL_HEADER_BYTES];
    struct tip_buf *out = &journal->scratch;
    int r;

    tip_buf_clear(out);
    r = tip_buf_append(out, zeros, sizeof(zeros));
    if (!r)
        r = journal_table_encode(table, out, header);
    if (r)
        abort(); /* the table's own caps keep it below the buffer's */
    header->bytes = (uint32_t)out->len;
    memcpy(header->id, journal->identity.id, JOURNAL_ID_BYTES);
    journal_header_seal(out->data, header, journal_salt(&journal->identity, header->segment));
}

/* A new segment begins at the start of an empty group. */
static int journal_fill_start(struct journal *journal)
{
    struct journal_fill *fill = &journal->fill;
    struct journal_group *group = journal->filling;
    struct journal_header header = {.first_seq = journal->next_seq, .start_us = journal->last_us};
    int r;

    r = journal_trim(journal, journal->config.segment_bytes);
    if (r)
        return r;
    header.segment = fill->number + 1;
    fill->salt = journal_salt(&journal->identity, header.segment);
    journal_header_build(journal, &header, &journal->table);
    if (header.bytes > group->cap || header.bytes > journal_footer_offset(journal->config.segment_bytes))
        return tip_fail(-ENOBUFS);
    memcpy(group->bytes, journal->scratch.data, header.bytes);
    group->len = group->header_bytes = header.bytes;
    group->offset = 0;
    fill->open = true;
    fill->number = group->segment = header.segment;
    fill->file_bytes = group->file_bytes = journal->config.segment_bytes;
    fill->first_seq = journal->next_seq;
    fill->data_at = fill->offset = header.bytes;
    fill->n_records = fill->n_index = 0;
    fill->index_next = 0;
    return 0;
}

/* The footer goes with the group that is being filled; nothing else fits behind it. */
static void journal_fill_seal(struct journal *journal)
{
    struct journal_fill *fill = &journal->fill;
    struct journal_footer footer = {
        .segment = fill->number,
        .n_records = fill->n_records,
        .first_seq = fill->first_seq,
        .last_seq = journal->next_seq - 1,
        .last_us = journal->last_us,
        .end = (uint32_t)fill->offset,
        .n_index = (uint32_t)fill->n_index,
        .index = fill->index,
    };

    if (journal_footer_encode(&journal->filling->footer, &footer, fill->salt))
        abort(); /* the index has at most one entry a step */
    fill->open = false;
}

/* ---- groups ---- */

static void journal_group_init(struct journal_group *group, size_t cap)
{
    *group = (struct journal_group){.cap = cap};
    group->bytes = tip_alloc(cap, 1);
    tip_buf_init(&group->footer, JOURNAL_SEGMENT_MIN + 8192);
}

static void journal_group_deinit(struct journal_group *group)
{
    free(group->bytes);
    free(group->touched);
    tip_buf_deinit(&group->footer);
}

static void journal_group_reset(struct journal_group *group)
{
    group->len = group->header_bytes = 0;
    group->n_events = group->n_touched = 0;
    group->segment = 0;
    tip_buf_clear(&group->footer);
}

static void journal_group_touch(struct journal_group *group, struct journal_publisher *publisher, uint64_t seq)
{
    struct journal_touched *touched = NULL;

    for (size_t i = group->n_touched; i > 0 && !touched; i--) {
        if (group->touched[i - 1].publisher == publisher)
            touched = &group->touched[i - 1];
    }
    if (!touched && group->n_touched == group->touched_room) {
        group->touched_room = group->touched_room ? 2 * group->touched_room : 16;
        group->touched = tip_realloc(group->touched, group->touched_room, sizeof(*group->touched));
    }
    if (!touched) {
        touched = &group->touched[group->n_touched++];
        publisher->refs++; /* until it is told */
    }
    *touched = (struct journal_touched){publisher, publisher->epoch, publisher->appended, seq};
}

bool journal_submit(struct journal *journal)
{
    struct journal_group *group = journal->filling;

    if (journal->dead || (group->len == 0 && group->footer.len == 0))
        return false;
    group->last_seq = journal->next_seq - 1;
    group->last_us = journal->last_us;
    if (!journal_writer_submit(&journal->writer, group))
        return false;
    journal->filling = group == &journal->groups[0] ? &journal->groups[1] : &journal->groups[0];
    return true;
}

/* Makes room for a record of n bytes in group and segment. 0, JOURNAL_E_FULL, _HELD, _LARGE, or negative errno. */
static int journal_make_room(struct journal *journal, uint32_t n)
{
    struct journal_fill *fill = &journal->fill;
    int r;

    if (n > journal->filling->cap)
        return JOURNAL_E_LARGE;
    for (;;) {
        struct journal_group *group = journal->filling;

        if (group->footer.len || (group->len && group->len + n > group->cap)) {
            if (!journal_submit(journal))
                return JOURNAL_E_FULL;
        } else if (!fill->open) {
            r = journal_fill_start(journal);
            if (r)
                return r;
        } else if (journal_fill_has_room(fill, fill->offset + n)) {
            break;
        } else if (fill->offset == fill->data_at) {
            return JOURNAL_E_LARGE;
        } else {
            group->segment = fill->number;
            group->file_bytes = fill->file_bytes;
            journal_fill_seal(journal);
        }
    }
    if (journal->filling->len == 0) {
        journal->filling->segment = fill->number;
        journal->filling->file_bytes = fill->file_bytes;
        journal->filling->offset = fill->offset;
    }
    return 0;
}

/* ---- append ---- */

static int journal_held(struct journal *journal, int r)
{
    bool held = r == JOURNAL_E_HELD;
    const struct journal_hold *hold;

    if (held == journal->held)
        return r;
    journal->held = held;
    hold = journal_holds_oldest(&journal->holds, false);
    journal_notify(journal, &(struct journal_notice){
                                .kind = held ? JOURNAL_NOTICE_HELD : JOURNAL_NOTICE_RELEASED,
                                .consumer = hold ? hold->name : "",
                            });
    return r;
}

int journal_begin(struct journal *journal, const struct journal_intent *intent, struct journal_slot *slot)
{
    struct journal_counter *counter;
    int r;

    if (journal->dead)
        return tip_fail(journal->dead);
    if (intent->payload_max > JOURNAL_PAYLOAD_MAX)
        return JOURNAL_E_LARGE;
    if (journal_table_topic(&journal->table, intent->topic, intent->topic_len, intent->tlp, &counter))
        return JOURNAL_E_TOPIC;
    r = journal_make_room(journal, journal_record_bytes(intent->payload_max));
    if (r != JOURNAL_E_FULL)
        r = journal_held(journal, r);
    if (r)
        return r;
    *slot = (struct journal_slot){
        .seq = journal->next_seq,
        .class_seq = counter->count + 1,
        .commit_us = intent->wall_us > journal->last_us ? intent->wall_us : journal->last_us,
        .payload = journal->filling->bytes + journal->filling->len + JOURNAL_FRAME_BYTES,
        .counter = counter,
    };
    return 0;
}

bool journal_has_room(struct journal *journal)
{
    int r;

    if (journal->dead)
        return false;
    r = journal_make_room(journal, JOURNAL_FRAME_BYTES);
    if (r != JOURNAL_E_FULL)
        r = journal_held(journal, r);
    return r == 0;
}

/* Completes the frame of a record whose payload is in place. */
static void journal_put(struct journal *journal, struct journal_record *record)
{
    struct journal_group *group = journal->filling;
    uint32_t bytes = journal_record_bytes(record->payload_len);

    record->group_offset = (uint32_t)group->offset;
    journal_record_seal(group->bytes + group->len, record, journal->fill.salt);
    group->len += bytes;
    journal->fill.offset += bytes;
}

void journal_commit(struct journal *journal, const struct journal_slot *slot, const struct journal_entry *entry)
{
    struct journal_publisher *publisher = entry->publisher;
    struct journal_record record = {
        .seq = slot->seq,
        .commit_us = slot->commit_us,
        .epoch = publisher->epoch,
        .pub_seq = entry->pub_seq,
        .class_seq = slot->class_seq,
        .payload_len = entry->payload_len,
        .topic_at = entry->topic_at,
        .name_at = entry->name_at,
        .topic_len = entry->topic_len,
        .name_len = entry->name_len,
        .tlp = entry->tlp,
        .kind = JOURNAL_EVENT,
    };

    journal_fill_index(&journal->fill, slot->seq, journal->fill.offset);
    journal_put(journal, &record);
    journal->next_seq = slot->seq + 1;
    journal->last_us = slot->commit_us;
    slot->counter->count = slot->class_seq;
    publisher->appended = entry->pub_seq;
    publisher->appended_seq = slot->seq;
    publisher->epoch_appended = publisher->epoch;
    journal->filling->n_events++;
    journal_group_touch(journal->filling, publisher, slot->seq);
}

int journal_epoch(struct journal *journal, struct journal_publisher *publisher)
{
    struct journal_record record = {
        .seq = journal->next_seq - 1,
        .commit_us = journal->last_us,
        .epoch = publisher->epoch,
        .pub_seq = publisher->appended,
        .payload_len = (uint32_t)strlen(publisher->name),
        .name_len = (uint8_t)strlen(publisher->name),
        .kind = JOURNAL_EPOCH,
    };
    int r;

    if (journal->dead)
        return tip_fail(journal->dead);
    r = journal_make_room(journal, journal_record_bytes(record.payload_len));
    if (r != JOURNAL_E_FULL)
        r = journal_held(journal, r);
    if (r)
        return r;
    memcpy(journal->filling->bytes + journal->filling->len + JOURNAL_FRAME_BYTES, publisher->name, record.payload_len);
    journal_put(journal, &record);
    publisher->epoch_appended = publisher->epoch;
    journal_group_touch(journal->filling, publisher, publisher->appended_seq);
    return 0;
}

/* A flip in the last group looks like a torn tail as long as nothing follows it; so something does, soon. */
static void journal_mark(struct journal *journal)
{
    struct journal_record record = {.seq = journal->next_seq - 1, .commit_us = journal->last_us, .kind = JOURNAL_MARK};
    struct journal_fill *fill = &journal->fill;

    if (!journal->unmarked || journal->filling->len || !fill->open ||
        !journal_fill_has_room(fill, fill->offset + JOURNAL_FRAME_BYTES))
        return;
    if (journal->head_seq != journal->next_seq - 1 || journal_make_room(journal, JOURNAL_FRAME_BYTES))
        return;
    journal_put(journal, &record);
    journal->unmarked = false;
    (void)journal_submit(journal); /* else it goes with the next group */
}

/* ---- what became durable ---- */

static void journal_group_visible(struct journal *journal, const struct journal_group *group)
{
    struct journal_segment *segment;

    if (group->header_bytes)
        segment = journal_segments_add(&journal->segments, &(struct journal_segment){
                                                               .number = group->segment,
                                                               .file_bytes = group->file_bytes,
                                                               .first_seq = journal->head_seq + 1,
                                                               .data_at = group->header_bytes,
                                                           });
    else
        segment = journal_segments_last(&journal->segments);
    if (group->len)
        segment->end = group->offset + group->len;
    segment->last_seq = group->last_seq;
    segment->last_us = group->last_us;
    segment->sealed = group->footer.len > 0;
    journal->head_seq = group->last_seq;
    journal->n_groups++;
    journal->n_events += group->n_events;
    journal->n_bytes += group->len + group->footer.len;
    journal->flush_us = group->flush_us;
    journal->unmarked = journal->unmarked || group->n_touched > 0;
}

static void journal_count_told(struct journal *journal, const struct journal_record *record)
{
    struct journal_counter *counter;

    if (journal_table_topic(&journal->table, journal_record_topic(record), record->topic_len, record->tlp, &counter) ==
        0)
        counter->told = record->class_seq;
}

static void journal_group_tell_records(struct journal *journal, const struct journal_group *group,
                                       const struct journal_sink *sink)
{
    struct journal_record record;
    size_t at = group->header_bytes;

    while (at < group->len) {
        if (!journal_record_peek(&record, group->bytes + at))
            abort(); /* we wrote it */
        record.payload = group->bytes + at + JOURNAL_FRAME_BYTES;
        if (record.kind == JOURNAL_EVENT) {
            journal_count_told(journal, &record);
            journal_times_note(&journal->times, record.seq, record.commit_us);
            sink->on_record(sink->ctx, &record);
        }
        at += journal_record_bytes(record.payload_len);
    }
}

static void journal_group_tell_publishers(const struct journal_group *group, const struct journal_sink *sink)
{
    for (size_t i = 0; i < group->n_touched; i++) {
        const struct journal_touched *touched = &group->touched[i];
        struct journal_publisher *publisher = touched->publisher;

        publisher->refs--;
        if (publisher->epoch != touched->epoch)
            continue; /* a younger session has begun since */
        publisher->durable = touched->pub_seq;
        publisher->durable_seq = touched->seq;
        publisher->epoch_durable = touched->epoch;
        sink->on_publisher(sink->ctx, publisher);
    }
}

static int journal_fail(struct journal *journal, int failed)
{
    if (!journal->dead) {
        journal->dead = failed;
        journal_notify(journal, &(struct journal_notice){.kind = JOURNAL_NOTICE_FATAL, .code = failed});
    }
    return tip_fail(failed);
}

int journal_poll(struct journal *journal, const struct journal_sink *sink)
{
    struct journal_group *group;
    int failed;

    group = journal_writer_collect(&journal->writer, &failed);
    if (group) {
        journal_group_visible(journal, group);
        journal_group_tell_records(journal, group, sink);
        journal_group_tell_publishers(group, sink);
        journal_group_reset(group);
    }
    if (failed)
        return journal_fail(journal, failed);
    return group != NULL;
}

/* ---- time ---- */

static void journal_tick_space(struct journal *journal)
{
    bool no_space = journal_writer_kick(&journal->writer);

    if (no_space == journal->no_space)
        return;
    journal->no_space = no_space;
    journal_notify(journal,
                   &(struct journal_notice){.kind = no_space ? JOURNAL_NOTICE_NO_SPACE : JOURNAL_NOTICE_SPACE});
}

static void journal_tick_holds(struct journal *journal)
{
    tip_auto(tip_buf_deinit) struct tip_buf content = {0};

    journal_holds_expire(&journal->holds, journal->age_us - journal->config.expiry_us);
    if (!journal->holds.changed)
        return;
    tip_buf_init(&content, 64 * 1024);
    if (journal_holds_encode(&journal->holds, &content, &journal->identity))
        abort(); /* 256 consumers fit */
    journal_writer_save_holds(&journal->writer, &content);
}

void journal_tick(struct journal *journal, uint64_t now_ms)
{
    if (journal->dead)
        return;
    if (journal->tick_ms && now_ms > journal->tick_ms)
        journal->age_us += (int64_t)(now_ms - journal->tick_ms) * 1000;
    journal->tick_ms = now_ms;
    journal_tick_holds(journal);
    journal_tick_space(journal);
    if (journal_trim(journal, 0) == 0)
        journal_mark(journal); /* else room for events is what is missing; who holds it is told when one has to wait */
}

/* Written so often that nobody expires while its next asking may be a long poll away, and hardly more than that. */
static int64_t journal_seen_step_us(const struct journal *journal)
{
    int64_t quarter_us = journal->config.expiry_us / 4, minute_us = 60 * 1000000LL;

    return quarter_us < minute_us ? quarter_us : minute_us;
}

int journal_consumer_seen(struct journal *journal, const char *name, uint64_t committed)
{
    const struct journal_segment *first;
    struct journal_hold *hold;
    int r;

    r = journal_holds_get(&journal->holds, name, journal->age_us, &hold);
    if (r)
        return r;
    if (committed > journal->head_seq)
        committed = journal->head_seq; /* it cannot have stored what was never told */
    hold->heard_us = journal->age_us;
    if (committed != hold->committed || journal->age_us - hold->seen_us > journal_seen_step_us(journal)) {
        hold->committed = committed;
        hold->seen_us = journal->age_us;
        hold->away = false;
        journal->holds.changed = true;
    }
    first = journal_segments_at(&journal->segments, 0);
    hold->overtaken = hold->overtaken && first && hold->committed + 1 < first->first_seq;
    return 0;
}

const struct journal_holds *journal_consumers(const struct journal *journal)
{
    return &journal->holds;
}

void journal_consumer_fetched(struct journal *journal, const char *name, uint32_t n, uint64_t bytes)
{
    struct journal_hold *hold = journal_holds_find(&journal->holds, name);

    if (!hold)
        return;
    hold->n_fetched += n;
    hold->n_fetched_bytes += bytes;
}

/* ---- life ---- */

/* Who was trimmed over before this start, as far as its position tells: one that never committed has missed nothing. */
static void journal_holds_overtaken(struct journal *journal)
{
    const struct journal_segment *first = journal_segments_at(&journal->segments, 0);

    for (size_t i = 0; first && i < journal->holds.n; i++) {
        struct journal_hold *hold = &journal->holds.items[i];

        hold->overtaken = hold->committed && hold->committed + 1 < first->first_seq;
    }
}

static int journal_start(struct journal *journal)
{
    struct journal_hold *hold;
    struct journal_spare spare = {.segment_bytes = journal->config.segment_bytes};
    int r;

    r = journal_recover(journal, &spare);
    if (!r)
        r = journal_spare_keep(&spare, journal->disk);
    if (r && !journal_disk_is_full(r)) /* else the writer tries again */
        return tip_fail(r);
    journal->head_seq = journal->next_seq - 1;
    journal->age_us = journal->last_us ? journal->last_us : journal->config.wall_us;
    for (const char *const *name = journal->config.required; name && *name; name++) {
        r = journal_holds_get(&journal->holds, *name, journal->age_us, &hold);
        if (r)
            return tip_fail(r);
        hold->required = true;
    }
    journal_holds_overtaken(journal);
    return journal_writer_open(&journal->writer, journal->disk, &spare, !journal->config.inline_writer);
}

int journal_open(struct journal **journalp, const struct journal_config *config)
{
    tip_auto(journal_destroy) struct journal *journal = tip_new(struct journal);
    int r;

    journal->config = *config;
    journal->disk = config->disk;
    journal->writer.wake = -1;
    journal->next_seq = 1;
    journal->filling = &journal->groups[0];
    tip_buf_init(&journal->scratch, JOURNAL_HEADER_BYTES + JOURNAL_TABLE_MAX);
    journal_group_init(&journal->groups[0], config->group_bytes);
    journal_group_init(&journal->groups[1], config->group_bytes);
    if (journal_footer_offset(config->segment_bytes) == 0)
        return tip_fail(-EINVAL);
    r = journal_start(journal);
    if (r)
        return tip_fail(r);
    journal->config.required = NULL; /* the holds know them */
    *journalp = tip_take(journal);
    return 0;
}

void journal_destroy(struct journal **journalp)
{
    struct journal *journal = *journalp;

    if (!journal)
        return;
    if (journal->writer.disk)
        journal_writer_deinit(&journal->writer);
    journal_group_deinit(&journal->groups[0]);
    journal_group_deinit(&journal->groups[1]);
    journal_segments_deinit(&journal->segments);
    journal_holds_deinit(&journal->holds);
    journal_table_deinit(&journal->table);
    tip_buf_deinit(&journal->scratch);
    free(journal->fill.index);
    journal_disk_destroy(&journal->disk);
    free(journal);
    *journalp = NULL;
}

const uint8_t *journal_id(const struct journal *journal)
{
    return journal->identity.id;
}

int journal_fd(const struct journal *journal)
{
    return journal->writer.wake;
}

struct journal_table *journal_tablep(struct journal *journal)
{
    return &journal->table;
}

void journal_status(const struct journal *journal, struct journal_status *status)
{
    const struct journal_segment *first = journal_segments_at(&journal->segments, 0);

    *status = (struct journal_status){
        .head_seq = journal->head_seq,
        .next_seq = journal->next_seq,
        .first_seq = first ? first->first_seq : journal->head_seq + 1,
        .bytes = journal_segments_bytes(&journal->segments),
        .n_segments = journal->segments.n,
        .n_groups = journal->n_groups,
        .n_events = journal->n_events,
        .n_bytes = journal->n_bytes,
        .flush_us = journal->flush_us,
        .no_space = journal->no_space,
        .held = journal->held,
        .dead = journal->dead != 0,
    };
}

int64_t journal_commit_us(const struct journal *journal, uint64_t seq)
{
    return journal_times_at(&journal->times, seq);
}

uint64_t journal_bytes_from(const struct journal *journal, uint64_t seq)
{
    const struct journal_segments *segments = &journal->segments;
    uint64_t bytes = 0;

    for (size_t i = segments->n; i-- > 0 && segments->items[i].last_seq >= seq;)
        bytes += segments->items[i].file_bytes;
    return bytes;
}

int64_t journal_age_us(const struct journal *journal)
{
    return journal->age_us;
}
