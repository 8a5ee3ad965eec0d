/* The journal's behaviour: order, reading, retention, consumers, a full disk, a failing one; and its thread. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <journal_spare.h>

#include "journal_fixture.h"

static void fill(struct fixture *fix, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int r = fixture_put(fix, i % FIX_PUBLISHERS, 900);

        if (r == JOURNAL_E_FULL) {
            (void)fixture_flush(fix);
            r = fixture_put(fix, i % FIX_PUBLISHERS, 900);
        }
        assert_int_equal(r, 0);
        if (i % 4 == 3)
            (void)fixture_flush(fix);
    }
    (void)fixture_flush(fix);
    (void)fixture_flush(fix);
}

static struct journal_status status_of(struct fixture *fix)
{
    struct journal_status status;

    journal_status(fix->journal, &status);
    return status;
}

static void test_empty(void **state)
{
    struct fixture fix;
    struct journal_span span;
    uint64_t top;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(status_of(&fix).head_seq, 0);
    assert_int_equal(status_of(&fix).first_seq, 1);
    assert_int_equal(journal_pin(fix.journal, 1, &span, &top), JOURNAL_E_AHEAD);
    fixture_close(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(status_of(&fix).next_seq, 1);
    fixture_deinit(&fix);
}

static void test_nothing_is_told_before_the_flush(void **state)
{
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(fixture_put(&fix, 0, 100), 0);
    assert_int_equal(fix.told_head, 0);
    assert_int_equal(status_of(&fix).head_seq, 0);
    assert_true(fixture_flush(&fix));
    assert_int_equal(fix.told_head, 1);
    assert_int_equal(fix.acked[0], 1);
    fixture_deinit(&fix);
}

static void test_restart_goes_on(void **state)
{
    struct fixture fix;
    int end;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 40);
    fixture_close(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(status_of(&fix).head_seq, 40);
    assert_int_equal(fix.next[0], 15);
    fill(&fix, 5);
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    assert_int_equal(fixture_count(&fix, 1, "v1.class1.", &end), 15);
    assert_int_equal(end, JOURNAL_E_AHEAD);
    assert_int_equal(fixture_count(&fix, 20, NULL, &end), 26);
    assert_int_equal(fixture_count(&fix, 1, "v1.class1.kind.x.y", &end), 0);
    fixture_deinit(&fix);
}

static void test_class_counters_survive(void **state)
{
    struct journal_counter *counter;
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 60);
    fixture_close(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(journal_table_counter(journal_tablep(fix.journal), "class2", 6, 3, &counter), 0);
    assert_int_equal(counter->count, 20);
    fixture_deinit(&fix);
}

static void test_commit_time_never_goes_back(void **state)
{
    struct journal_intent intent = {.topic = "v1.a.b.", .topic_len = 7, .tlp = 1, .payload_max = 10};
    struct journal_slot slot;
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    fix.now_ms = 50000;
    fill(&fix, 1);
    intent.wall_us = 1;
    assert_int_equal(journal_begin(fix.journal, &intent, &slot), 0);
    assert_int_equal(slot.commit_us, 50000 * 1000);
    fixture_close(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(journal_begin(fix.journal, &intent, &slot), 0);
    assert_int_equal(slot.commit_us, 50000 * 1000);
    fixture_deinit(&fix);
}

static void test_refusals(void **state)
{
    struct journal_intent intent = {.topic = "v1.a.b.", .topic_len = 7, .tlp = 3, .payload_max = 10};
    struct journal_slot slot;
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    intent.topic_len = 3;
    assert_int_equal(journal_begin(fix.journal, &intent, &slot), JOURNAL_E_TOPIC);
    intent.topic_len = 7;
    intent.tlp = 4;
    assert_int_equal(journal_begin(fix.journal, &intent, &slot), JOURNAL_E_TOPIC);
    intent.tlp = 3;
    intent.payload_max = FIX_SEGMENT;
    assert_int_equal(journal_begin(fix.journal, &intent, &slot), JOURNAL_E_LARGE);
    intent.payload_max = JOURNAL_PAYLOAD_MAX + 1;
    assert_int_equal(journal_begin(fix.journal, &intent, &slot), JOURNAL_E_LARGE);
    fixture_deinit(&fix);
}

static void test_keep_bytes(void **state)
{
    struct fixture fix;
    int end;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 200);
    fixture_tick(&fix, 1000);
    assert_true(status_of(&fix).bytes <= fix.config.keep_bytes);
    assert_true(status_of(&fix).first_seq > 100);
    (void)fixture_count(&fix, 1, NULL, &end);
    assert_int_equal(end, JOURNAL_E_TRIMMED);
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_OVERTAKEN], 0);
    fixture_deinit(&fix);
}

static void test_keep_age(void **state)
{
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    fix.config.keep_us = 10 * 1000000LL;
    fix.config.keep_bytes = fix.config.cap_bytes = 100 * FIX_SEGMENT;
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 100);
    fixture_tick(&fix, 0); /* ages count from here */
    fixture_tick(&fix, 5000);
    assert_int_equal(status_of(&fix).first_seq, 1);
    fixture_tick(&fix, 6000);
    assert_true(status_of(&fix).first_seq > 80);
    assert_int_equal(status_of(&fix).n_segments, 1);
    fixture_deinit(&fix);
}

static void test_consumer_holds_then_is_overtaken(void **state)
{
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(journal_consumer_seen(fix.journal, "notify", 0), 0);
    fill(&fix, 90);
    fixture_tick(&fix, 1000);
    assert_int_equal(status_of(&fix).first_seq, 1); /* above keep_bytes, below the cap */
    assert_true(status_of(&fix).bytes > fix.config.keep_bytes);
    fill(&fix, 100);
    assert_true(status_of(&fix).bytes <= fix.config.cap_bytes);
    assert_true(status_of(&fix).first_seq > 1);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_OVERTAKEN], 1);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_HELD], 0);
    fixture_deinit(&fix);
}

static int put_until_held(struct fixture *fix)
{
    int r = 0;

    for (unsigned n = 0; n < 200 && r != JOURNAL_E_HELD; n++) {
        r = fixture_put(fix, 0, 900);
        (void)fixture_flush(fix);
    }
    return r;
}

static void test_required_consumer_stops_acks(void **state)
{
    static const char *const required[] = {"storage", NULL};
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    fix.config.required = required;
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(put_until_held(&fix), JOURNAL_E_HELD);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_HELD], 1);
    assert_true(status_of(&fix).bytes <= fix.config.cap_bytes);
    assert_int_equal(status_of(&fix).first_seq, 1);
    fixture_check(&fix, false); /* reads go on */
    assert_null(fix.trouble);

    assert_int_equal(journal_consumer_seen(fix.journal, "storage", fix.told_head), 0);
    assert_int_equal(fixture_put(&fix, 0, 900), 0);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_RELEASED], 1);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_OVERTAKEN], 0);
    fixture_deinit(&fix);
}

static void test_required_consumer_comes_back_after_expiry(void **state)
{
    static const char *const required[] = {"storage", NULL};
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    fix.config.required = required;
    assert_int_equal(fixture_open(&fix), 0);
    fixture_tick(&fix, 1000);
    assert_int_equal(put_until_held(&fix), JOURNAL_E_HELD);

    fixture_tick(&fix, 3700 * 1000); /* away for longer than its expiry: the others go on */
    assert_int_equal(put_until_held(&fix), 0);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_OVERTAKEN], 0);

    assert_int_equal(journal_consumer_seen(fix.journal, "storage", status_of(&fix).head_seq), 0);
    assert_int_equal(put_until_held(&fix), JOURNAL_E_HELD);
    fixture_deinit(&fix);
}

static void test_consumer_survives_restart_and_expires(void **state)
{
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 10);
    assert_int_equal(journal_consumer_seen(fix.journal, "notify", 7), 0);
    fixture_tick(&fix, 1000);
    fixture_close(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(journal_consumers(fix.journal)->n, 1);
    assert_int_equal(journal_consumers(fix.journal)->items[0].committed, 7);
    fixture_tick(&fix, 1000);
    fixture_tick(&fix, 3590 * 1000);
    assert_int_equal(journal_consumers(fix.journal)->n, 1);
    fixture_tick(&fix, 3600 * 1000);
    assert_int_equal(journal_consumers(fix.journal)->n, 0);
    fixture_deinit(&fix);
}

/* With the shortest expiry, and one that waits for what does not come: it asks, and there is nothing to commit. */
static void test_idle_consumer_does_not_expire(void **state)
{
    static const unsigned every_s[] = {1, 7, 30}; /* 30 s: the longest that a fetch may wait */
    static const char *const required[] = {"storage", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(every_s) / sizeof(every_s[0]); i++) {
        const struct journal_holds *holds;
        struct fixture fix;

        fixture_init(&fix);
        fix.config.required = required;
        fix.config.expiry_us = 60 * 1000000LL;
        assert_int_equal(fixture_open(&fix), 0);
        holds = journal_consumers(fix.journal);
        for (unsigned second = 0; second < 300; second++) {
            if (second % every_s[i] == 0) {
                assert_int_equal(journal_consumer_seen(fix.journal, "storage", 0), 0);
                assert_int_equal(journal_consumer_seen(fix.journal, "notify", 0), 0);
            }
            fixture_tick(&fix, 1000);
            assert_int_equal(holds->n, 2);
            assert_false(holds->items[0].away);
        }
        fixture_tick(&fix, 61 * 1000); /* and who is silent does */
        assert_int_equal(holds->n, 1);
        assert_true(holds->items[0].away);
        fixture_deinit(&fix);
    }
}

/* A younger process is welcomed, and the broker dies before its first event: the older one stays fenced. */
static void test_epoch_is_kept_without_an_event(void **state)
{
    struct journal_publisher *publisher;
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(fixture_adopt(&fix, 2), 0); /* before the journal's first event */
    assert_int_equal(fix.epoch[2], 0);
    assert_true(fixture_flush(&fix));
    assert_int_equal(fix.epoch[2], 8);
    fill(&fix, 10);
    assert_int_equal(fixture_adopt(&fix, 0), 0);
    publisher = journal_table_find(journal_tablep(fix.journal), "publisher0", 10);
    assert_int_equal(publisher->epoch, 8);
    assert_int_equal(publisher->epoch_durable, 7);
    assert_true(fixture_flush(&fix));
    assert_int_equal(publisher->epoch_durable, 8);
    assert_int_equal(publisher->durable, 4);
    for (unsigned life = 0; life < 3; life++) { /* and it is copied by each recovery */
        fixture_close(&fix);
        assert_int_equal(fixture_open(&fix), 0);
        publisher = journal_table_find(journal_tablep(fix.journal), "publisher0", 10);
        assert_int_equal(publisher->epoch, 8);
        assert_int_equal(publisher->epoch_durable, 8);
        assert_int_equal(publisher->durable, 4);
        assert_int_equal(status_of(&fix).head_seq, 10);
    }
    fill(&fix, 40); /* into the next segment, whose header has it */
    fixture_close(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(journal_table_find(journal_tablep(fix.journal), "publisher1", 10)->epoch, 7);
    assert_int_equal(journal_table_find(journal_tablep(fix.journal), "publisher2", 10)->epoch, 8);
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    fixture_deinit(&fix);
}

/* Only epochs, more than a segment holds, and then the header of the newest segment is lost. */
static void test_epochs_alone_fill_segments(void **state)
{
    struct sim_file *file;
    struct fixture fix;
    char name[32];
    int end;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    for (unsigned i = 0; i < 400; i++) {
        int r = fixture_adopt(&fix, 1);

        if (r == JOURNAL_E_FULL)
            (void)fixture_flush(&fix);
        else
            assert_int_equal(r, 0);
        (void)fixture_flush(&fix);
    }
    assert_true(status_of(&fix).n_segments > 1);
    fill(&fix, 3);
    assert_int_equal(fixture_count(&fix, 1, NULL, &end), 3);
    assert_int_equal(end, JOURNAL_E_AHEAD);
    (void)snprintf(name, sizeof(name), "%016x.seg", (unsigned)status_of(&fix).n_segments);
    fixture_close(&fix);
    file = sim_disk_file(fix.sim, name);
    assert_non_null(file);
    file->now[0] ^= 1;
    assert_int_equal(fixture_open(&fix), 0);
    assert_null(fix.trouble);
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    fixture_deinit(&fix);
}

/* A younger epoch is adopted, and everybody leaves, while the group with its events is being flushed. */
static void test_publisher_of_a_group_is_not_evicted(void **state)
{
    struct journal_publisher *publisher, *other;
    struct fixture fix;
    char name[16];

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(fixture_put(&fix, 0, 900), 0);
    publisher = journal_table_find(journal_tablep(fix.journal), "publisher0", 10);
    publisher->epoch++;
    publisher->appended = publisher->durable = publisher->appended_seq = 0;
    publisher->refs--;
    for (unsigned i = 0; i < JOURNAL_PUBLISHERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "y%u", i);
        assert_int_equal(journal_table_publisher(journal_tablep(fix.journal), name, strlen(name), &other), 0);
    }
    assert_ptr_equal(journal_table_find(journal_tablep(fix.journal), "publisher0", 10), publisher);
    assert_true(fixture_flush(&fix));
    for (unsigned i = 0; journal_table_find(journal_tablep(fix.journal), "publisher0", 10); i++) {
        assert_true(i < JOURNAL_PUBLISHERS_MAX);
        (void)snprintf(name, sizeof(name), "z%u", i);
        assert_int_equal(journal_table_publisher(journal_tablep(fix.journal), name, strlen(name), &other), 0);
        other->appended_seq = 1;
    }
    fixture_deinit(&fix);
}

static void read_whole(const struct journal_span *span)
{
    struct journal_read read = {.from = span->offset_seq, .max_bytes = FIX_SEGMENT, .max_scan_bytes = UINT64_MAX};
    struct journal_batch batch = {0};

    tip_buf_init(&batch.records, 2 * FIX_SEGMENT);
    assert_int_equal(journal_span_read(span, &read, &batch), 0);
    assert_false(batch.damaged);
    assert_int_equal(batch.n, span->last_seq - span->offset_seq + 1);
    tip_buf_deinit(&batch.records);
}

/* Below the cap it waits for its reader; at the cap it goes, and the reader has what it has opened. */
static void test_pinned_segment_stays(void **state)
{
    struct journal_span span;
    struct fixture fix;
    uint64_t top;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 5);
    assert_int_equal(journal_pin(fix.journal, 1, &span, &top), 0);
    fill(&fix, 85);
    fixture_tick(&fix, 1000);
    assert_int_equal(status_of(&fix).first_seq, 1);
    assert_true(status_of(&fix).bytes > fix.config.keep_bytes);
    fill(&fix, 150);
    assert_true(status_of(&fix).bytes <= fix.config.cap_bytes);
    assert_true(status_of(&fix).first_seq > 1);
    read_whole(&span);
    journal_unpin(fix.journal, &span);
    fixture_tick(&fix, 1000);
    assert_true(status_of(&fix).bytes <= fix.config.keep_bytes);
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    fixture_deinit(&fix);
}

/* Who is read is not thereby let go: at the cap a required consumer counts as if nobody read. */
static void test_pinned_segment_is_held(void **state)
{
    static const char *const required[] = {"storage", NULL};
    struct journal_span span;
    struct fixture fix;
    uint64_t top;

    (void)state;
    fixture_init(&fix);
    fix.config.required = required;
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 5);
    assert_int_equal(journal_pin(fix.journal, 1, &span, &top), 0);
    assert_int_equal(put_until_held(&fix), JOURNAL_E_HELD);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_HELD], 1);
    assert_true(status_of(&fix).bytes <= fix.config.cap_bytes);
    assert_int_equal(status_of(&fix).first_seq, 1);

    assert_int_equal(journal_consumer_seen(fix.journal, "storage", fix.told_head), 0);
    fill(&fix, 100);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_RELEASED], 1);
    assert_true(status_of(&fix).bytes <= fix.config.cap_bytes);
    read_whole(&span);
    journal_unpin(fix.journal, &span);
    fixture_deinit(&fix);
}

static int no_room(struct journal_disk *disk, int file, uint64_t n)
{
    (void)disk;
    (void)file;
    (void)n;
    return -ENOSPC;
}

/* Without room for a spare the retired file would be the next segment, under its reader. */
static void test_pinned_file_is_not_used_again(void **state)
{
    int (*allocate)(struct journal_disk *, int, uint64_t);
    struct journal_span span;
    struct fixture fix;
    uint64_t top, second;

    (void)state;
    fixture_init(&fix);
    fix.config.keep_bytes = fix.config.cap_bytes;
    assert_int_equal(fixture_open(&fix), 0);
    while (status_of(&fix).bytes < fix.config.cap_bytes)
        fill(&fix, 1);
    assert_int_equal(journal_pin(fix.journal, 1, &span, &top), 0);
    second = span.last_seq + 1;
    journal_unpin(fix.journal, &span);
    assert_int_equal(journal_pin(fix.journal, second, &span, &top), 0);
    allocate = fix.sim->disk.allocate;
    fix.sim->disk.allocate = no_room;
    for (unsigned n = 0; n < 60; n++) {
        (void)fixture_put(&fix, 0, 900); /* FULL: until the flush, and in the end for good */
        (void)fixture_flush(&fix);
    }
    assert_true(status_of(&fix).first_seq > span.last_seq);
    fixture_tick(&fix, 1000);
    read_whole(&span);
    assert_true(status_of(&fix).no_space);
    journal_unpin(fix.journal, &span);
    fix.sim->disk.allocate = allocate;
    fixture_tick(&fix, 1000);
    fill(&fix, 30);
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    fixture_deinit(&fix);
}

static void test_full_disk(void **state)
{
    struct fixture fix;
    unsigned n = 0;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 30);
    fix.sim->write_error = -ENOSPC;
    while (fixture_put(&fix, 0, 900) == 0 && n++ < 1000)
        (void)fixture_flush(&fix);
    assert_int_equal(fix.told_head, 30);
    fixture_tick(&fix, 1000);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_NO_SPACE], 1);
    assert_true(status_of(&fix).no_space);
    fixture_check(&fix, false); /* reads go on */
    assert_null(fix.trouble);

    fix.sim->write_error = 0;
    fixture_tick(&fix, 1000);
    (void)fixture_flush(&fix);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_SPACE], 1);
    assert_int_equal(fix.told_head, 30 + n);
    fill(&fix, 30);
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_FATAL], 0);
    fixture_deinit(&fix);
}

/* Who is killed while the disk is full comes back: reads go on, and acks wait for room. */
static void test_opens_on_a_full_disk(void **state)
{
    struct fixture fix;
    uint64_t head;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 30);
    fix.sim->room_error = -ENOSPC;
    for (unsigned n = 0; n < 1000 && fixture_put(&fix, 0, 900) == 0; n++)
        (void)fixture_flush(&fix);
    assert_true(fix.told_head > 30); /* what was allocated ahead was filled */
    for (unsigned turn = 0; turn < 3; turn++) {
        head = fix.told_head;
        fixture_close(&fix);
        assert_int_equal(fixture_open(&fix), 0);
        fixture_check(&fix, false);
        assert_null(fix.trouble);
        assert_true(status_of(&fix).head_seq >= head);
        assert_non_null(sim_disk_file(fix.sim, JOURNAL_RESERVE_NAME)); /* for the next time */
    }
    head = status_of(&fix).head_seq;
    fix.sim->room_error = 0;
    fixture_tick(&fix, 1000);
    fill(&fix, 60);
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    assert_int_equal(fix.told_head, head + 60);
    fixture_deinit(&fix);
}

static bool keep_all(void *ctx, int file, size_t sector)
{
    (void)ctx;
    (void)file;
    (void)sector;
    return true;
}

/* Killed in the middle of that, at each step: the blocks of the reserve stay the journal's. */
static void test_keeps_its_reserve_when_killed_in_recovery(void **state)
{
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 30);
    fix.sim->room_error = -ENOSPC;
    for (unsigned n = 0; n < 1000 && fixture_put(&fix, 0, 900) == 0; n++)
        (void)fixture_flush(&fix);
    for (uint64_t step = 1; step < 40; step++) {
        fixture_close(&fix);
        fix.sim->cut_at = fix.sim->n_io + step;
        if (fixture_open(&fix) == 0)
            fixture_close(&fix);
        sim_disk_crash(fix.sim, keep_all, NULL, step % 2 ? SIM_OPS : 0);
        assert_int_equal(fixture_open(&fix), 0);
        fixture_check(&fix, false);
        assert_null(fix.trouble);
        assert_non_null(sim_disk_file(fix.sim, JOURNAL_RESERVE_NAME));
    }
    fixture_deinit(&fix);
}

static void test_failed_flush_is_the_end(void **state)
{
    struct journal_intent intent = {.topic = "v1.a.b.", .topic_len = 7, .tlp = 1, .payload_max = 10};
    struct journal_slot slot;
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    fill(&fix, 4);
    fix.sim->fail_sync_at = 1;
    assert_int_equal(fixture_put(&fix, 0, 100), 0);
    assert_false(fixture_flush(&fix));
    assert_int_equal(fix.notices[JOURNAL_NOTICE_FATAL], 1);
    assert_int_equal(fix.last.code, -EIO);
    assert_int_equal(fix.told_head, 4);
    assert_true(journal_begin(fix.journal, &intent, &slot) < 0);
    assert_false(fixture_flush(&fix)); /* and no second chance: the disk would say yes */
    assert_int_equal(fix.told_head, 4);
    fixture_close(&fix);
    fix.sim->fail_sync_at = 0;
    assert_int_equal(fixture_open(&fix), 0);
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    fixture_deinit(&fix);
}

static void test_other_directory_is_another_journal(void **state)
{
    struct fixture fix;
    uint8_t content[256];
    int64_t n;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(journal_consumer_seen(fix.journal, "storage", 0), 0);
    fixture_tick(&fix, 1000);
    fixture_close(&fix);
    n = journal_disk_load(&fix.sim->disk, "consumers", content, sizeof(content));
    assert_true(n > 0);
    content[8] ^= 1; /* of another journal */
    assert_int_equal(journal_disk_replace(&fix.sim->disk, "consumers", content, (size_t)n), 0);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_HOLDS], 1);
    assert_int_equal(journal_consumers(fix.journal)->n, 0);
    fixture_deinit(&fix);
}

static void test_publishers_are_evicted(void **state)
{
    struct journal_publisher *publisher;
    struct journal_table table;
    char name[16];

    (void)state;
    journal_table_init(&table);
    for (unsigned i = 0; i < JOURNAL_PUBLISHERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "p%u", i);
        assert_int_equal(journal_table_publisher(&table, name, strlen(name), &publisher), 0);
        publisher->refs = i != 77;
    }
    assert_int_equal(journal_table_publisher(&table, "new", 3, &publisher), 0);
    assert_null(journal_table_find(&table, "p77", 3));
    publisher->refs = 1;
    assert_int_equal(journal_table_publisher(&table, "newer", 5, &publisher), JOURNAL_TABLE_E_FULL);
    assert_int_equal(table.n_evicted, 1);
    journal_table_deinit(&table);
}

/* ---- the real thing: a directory and the thread ---- */

static void real_remove(const char *dir)
{
    tip_auto(tip_dir_close) DIR *listing = opendir(dir);
    struct dirent *entry;

    while ((entry = readdir(listing)))
        (void)unlinkat(dirfd(listing), entry->d_name, 0); /* . and .. refuse */
    (void)rmdir(dir);                                     /* a test's own */
}

static void test_thread_and_files(void **state)
{
    char dir[] = "/tmp/test_journal.XXXXXX";
    struct journal_disk *second = NULL;
    struct fixture fix;

    (void)state;
    assert_non_null(mkdtemp(dir));
    fixture_init(&fix);
    fix.config.inline_writer = false;
    for (unsigned life = 0; life < 3; life++) {
        struct pollfd wake = {.events = POLLIN};

        assert_int_equal(journal_disk_open(&fix.config.disk, dir), 0);
        assert_int_equal(journal_disk_open(&second, dir), -EBUSY);
        assert_int_equal(journal_open(&fix.journal, &fix.config), 0);
        wake.fd = journal_fd(fix.journal);
        for (unsigned i = 0; i < 300; i++) {
            while (fixture_put(&fix, i % FIX_PUBLISHERS, 700) == JOURNAL_E_FULL) {
                assert_int_equal(poll(&wake, 1, 10000), 1);
                (void)fixture_flush(&fix);
            }
            (void)fixture_flush(&fix);
        }
        while (fix.told_head < 300 * (life + 1)) {
            assert_int_equal(poll(&wake, 1, 10000), 1);
            (void)fixture_flush(&fix);
        }
        fixture_check(&fix, false);
        assert_null(fix.trouble);
        fixture_close(&fix);
    }
    fixture_deinit(&fix);
    real_remove(dir);
}

/* A reading that changed the inode would wait for the disk. */
static void test_reading_leaves_no_time(void **state)
{
    static const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    char dir[] = "/tmp/test_journal.XXXXXX";
    struct journal_disk *disk = NULL;
    struct stat info;
    uint8_t byte = 7;
    int file;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(journal_disk_open(&disk, dir), 0);
    file = disk->open(disk, "a", 1);
    assert_true(file >= 0);
    assert_int_equal(futimens(file, long_ago), 0);
    assert_int_equal(disk->write(disk, file, &byte, 1, 0), 0); /* younger than the last reading, which relatime notes */
    assert_int_equal(disk->read(disk, file, &byte, 1, 0), 1);
    assert_int_equal(fstat(file, &info), 0);
    assert_int_equal(info.st_atime, 1000);
    assert_true(info.st_mtime > 1000);
    disk->close(disk, file);
    journal_disk_destroy(&disk);
    real_remove(dir);
}

static void test_topics_find_their_counter(void **state)
{
    struct journal_counter *first, *found;
    struct journal_table table;

    (void)state;
    journal_table_init(&table);
    assert_false(journal_table_topic_again(&table, "", 0, 0));
    assert_int_equal(journal_table_topic(&table, "v1.a.x.", 7, 3, &first), 0);
    assert_true(journal_table_topic_again(&table, "v1.a.x.", 7, 3));
    assert_false(journal_table_topic_again(&table, "v1.a.x.", 6, 3));
    assert_false(journal_table_topic_again(&table, "v1.a.y.", 7, 3));
    assert_false(journal_table_topic_again(&table, "v1.a.x.", 7, 2));
    assert_int_equal(journal_table_topic(&table, "v1.a.x.", 7, 3, &found), 0);
    assert_ptr_equal(found, first);
    assert_int_equal(journal_table_topic(&table, "v1.a.x.", 7, 2, &found), 0);
    assert_ptr_not_equal(found, first);
    assert_int_equal(journal_table_topic(&table, "v1.b.x.", 7, 3, &found), 0);
    assert_string_equal(found->name, "b");
    assert_int_equal(journal_table_topic(&table, "v1.a.y.", 7, 3, &found), 0);
    assert_ptr_equal(found, first);
    assert_int_equal(journal_table_topic(&table, "v1", 2, 3, &found), -EINVAL);
    assert_int_equal(journal_table_topic(&table, "v1.c.x.", 7, 4, &found), -EINVAL);
    assert_false(journal_table_topic_again(&table, "v1.c.x.", 7, 4));
    journal_table_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics_find_their_counter),
        cmocka_unit_test(test_reading_leaves_no_time),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_nothing_is_told_before_the_flush),
        cmocka_unit_test(test_restart_goes_on),
        cmocka_unit_test(test_class_counters_survive),
        cmocka_unit_test(test_commit_time_never_goes_back),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_keep_bytes),
        cmocka_unit_test(test_keep_age),
        cmocka_unit_test(test_consumer_holds_then_is_overtaken),
        cmocka_unit_test(test_required_consumer_stops_acks),
        cmocka_unit_test(test_required_consumer_comes_back_after_expiry),
        cmocka_unit_test(test_consumer_survives_restart_and_expires),
        cmocka_unit_test(test_idle_consumer_does_not_expire),
        cmocka_unit_test(test_epoch_is_kept_without_an_event),
        cmocka_unit_test(test_epochs_alone_fill_segments),
        cmocka_unit_test(test_publisher_of_a_group_is_not_evicted),
        cmocka_unit_test(test_pinned_segment_stays),
        cmocka_unit_test(test_pinned_segment_is_held),
        cmocka_unit_test(test_pinned_file_is_not_used_again),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_opens_on_a_full_disk),
        cmocka_unit_test(test_keeps_its_reserve_when_killed_in_recovery),
        cmocka_unit_test(test_failed_flush_is_the_end),
        cmocka_unit_test(test_other_directory_is_another_journal),
        cmocka_unit_test(test_publishers_are_evicted),
        cmocka_unit_test(test_thread_and_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
