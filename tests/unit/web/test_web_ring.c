#include "check.h"

#include <stdio.h>

#include <tip/alloc.h>

#include "core/ring.h"

static const uint8_t journal[16] = {1};

static void add(struct web_ring *ring, uint64_t seq, const char *topic, uint8_t audience, size_t len)
{
    tip_auto(tip_free) char *bytes = tip_alloc(len + 1, 1);
    struct web_record record = {.seq = seq, .audience = audience, .text = web_text_new(bytes, len)};

    strcpy(record.topic, topic);
    web_ring_add(ring, &record);
}

static uint64_t next(const struct web_ring *ring, struct web_follow *follow)
{
    const struct web_record *record;

    assert_int_equal(web_ring_read(ring, follow, &record), 0);
    return record ? record->seq : 0;
}

static void test_a_reader_gets_what_it_wants(void **state)
{
    tip_auto(web_ring_destroy) struct web_ring *ring = web_ring_new();
    const char *const prefixes[] = {"v1.listing."};
    struct web_follow follow = {.next_seq = 5, .audience = 2, .n_prefixes = 1, .prefixes = prefixes};
    struct web_follow all = {.next_seq = 5, .audience = 3};

    (void)state;
    assert_false(web_ring_is_begun(ring));
    web_ring_begin(ring, journal, 5);
    assert_memory_equal(web_ring_journal(ring), journal, 16);
    add(ring, 5, "v1.listing.delta.a.", 1, 10);
    add(ring, 6, "v1.source.ok.a.", 1, 10);
    add(ring, 8, "v1.listing.delta.a.", 3, 10); /* 7 is none for anybody */
    add(ring, 9, "v1.listing.delta.b.", 2, 10);
    web_ring_advance(ring, 12);
    assert_int_equal(next(ring, &follow), 5);
    assert_int_equal(next(ring, &follow), 9);
    assert_int_equal(next(ring, &follow), 0);
    assert_int_equal(follow.next_seq, 12);
    assert_int_equal(next(ring, &all), 5);
    assert_int_equal(next(ring, &all), 6);
    assert_int_equal(next(ring, &all), 8);
    assert_int_equal(web_ring_newest(ring, 0)->seq, 9);
    assert_int_equal(web_ring_newest(ring, 3)->seq, 5);
    assert_null(web_ring_newest(ring, 4));
}

static void test_the_ring_is_bounded(void **state)
{
    tip_auto(web_ring_destroy) struct web_ring *ring = web_ring_new();
    struct web_follow follow = {.next_seq = 1, .audience = 3};
    const struct web_record *record;

    (void)state;
    web_ring_begin(ring, journal, 1);
    for (uint64_t seq = 1; seq <= 200; seq++)
        add(ring, seq, "v1.a.b.", 1, 128 << 10);
    assert_true(web_ring_bytes(ring) <= WEB_RING_BYTES);
    assert_int_equal(web_ring_first(ring), 201 - web_ring_count(ring));
    assert_int_equal(web_ring_read(ring, &follow, &record), WEB_RING_E_GONE);
    follow.next_seq = web_ring_first(ring);
    assert_int_equal(next(ring, &follow), web_ring_first(ring));
    for (uint64_t seq = 201; seq <= 201 + WEB_RING_RECORDS; seq++)
        add(ring, seq, "v1.a.b.", 1, 10);
    assert_int_equal(web_ring_count(ring), WEB_RING_RECORDS);
    web_ring_begin(ring, journal, 7);
    assert_int_equal(web_ring_bytes(ring), 0);
    assert_int_equal(web_ring_next(ring), 7);
}

static void test_texts_live_as_long_as_an_owner(void **state)
{
    struct web_text *one = web_text_new("abc", 3), *other = web_text_own(one);

    (void)state;
    web_text_destroy(&one);
    assert_null(one);
    assert_memory_equal(other->bytes, "abc", 3);
    web_text_destroy(&other);
    web_text_destroy(&other);
}

static void test_prefixes(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *prefix;
    } rows[] = {{"listing.", 0, "v1.listing."},
                {"v1.listing.delta.", 0, "v1.listing.delta."},
                {"v1", 0, "v1"},
                {"", 0, ""},
                {"Listing.", 1, NULL},
                {"a b", 1, NULL},
                {"a\n", 1, NULL}};
    char prefix[256], longest[300];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(web_prefix_make(rows[i].text, prefix), rows[i].code);
        if (!rows[i].code)
            assert_string_equal(prefix, rows[i].prefix);
    }
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(web_prefix_make(longest, prefix), 1);
}

static void test_the_unmarked_is_for_nobody(void **state)
{
    const struct web_follow all = {.audience = 3};

    (void)state;
    assert_false(web_follow_wants(&all, "v1.a.b.", 0));
    assert_true(web_follow_wants(&all, "v1.a.b.", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reader_gets_what_it_wants),    cmocka_unit_test(test_the_ring_is_bounded),
        cmocka_unit_test(test_texts_live_as_long_as_an_owner), cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_the_unmarked_is_for_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
