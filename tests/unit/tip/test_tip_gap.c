#include "check.h"

#include "gap.h"

static const struct tip_id journal_a = {.bytes = {1}}, journal_b = {.bytes = {2}};

static struct tip_stamp gap_stamp(const struct tip_id *journal, const char *topic, uint64_t class_seq)
{
    struct tip_stamp stamp = {.journal_id = *journal, .class_seq = class_seq, .seq = class_seq, .tlp = TIP_TLP_AMBER};

    strcpy(stamp.topic, topic);
    return stamp;
}

static void test_gap_covers_whole_classes_only(void **state)
{
    static const struct {
        const char *prefix;
        bool covers;
    } table[] = {
        {"", true},
        {"v1.", true},
        {"v1.listing.", true},
        {"v1.listing", true},
        {"v1.listing.delta.", false},
        {"v1.listing.delta.drop.", false},
        {"v2.listing.", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(gap_covers(table[i].prefix), table[i].covers);
}

static void test_gap_in_the_middle_and_at_the_tail(void **state)
{
    struct tip_class_head head = {.class_name = "listing", .tlp = TIP_TLP_AMBER, .class_seq = 7};
    struct gap gap = {.n = 0};
    struct gap_loss loss;
    struct tip_stamp stamp;

    (void)state;
    assert_false(gap_head(&gap, &journal_a, &head, &loss)); /* counting begins at 7 */
    stamp = gap_stamp(&journal_a, "v1.listing.delta.drop.", 8);
    assert_false(gap_record(&gap, &stamp, &loss));
    stamp = gap_stamp(&journal_a, "v1.source.ok.drop.", 3); /* another class: its own counter */
    assert_false(gap_record(&gap, &stamp, &loss));
    stamp = gap_stamp(&journal_a, "v1.listing.delta.drop.", 12);
    assert_true(gap_record(&gap, &stamp, &loss));
    assert_string_equal(loss.class_name, "listing");
    assert_int_equal(loss.from, 9);
    assert_int_equal(loss.to, 11);
    head.class_seq = 12;
    assert_false(gap_head(&gap, &journal_a, &head, &loss));
    head.class_seq = 14;
    assert_true(gap_head(&gap, &journal_a, &head, &loss));
    assert_int_equal(loss.from, 13);
    assert_int_equal(loss.to, 14);
    assert_false(gap_head(&gap, &journal_a, &head, &loss)); /* said once */
}

static void test_gap_before_the_first_of_a_class(void **state)
{
    struct tip_class_head head = {.class_name = "listing", .tlp = TIP_TLP_AMBER, .class_seq = 0};
    struct tip_stamp stamp = gap_stamp(&journal_a, "v1.listing.delta.drop.", 3);
    struct gap gap = {.n = 0};
    struct gap_loss loss;

    (void)state;
    assert_false(gap_head(&gap, &journal_a, &head, &loss));
    assert_true(gap_record(&gap, &stamp, &loss));
    assert_int_equal(loss.from, 1);
    assert_int_equal(loss.to, 2);
}

static void test_gap_starts_over_with_a_new_journal(void **state)
{
    struct gap gap = {.n = 0};
    struct gap_loss loss;
    struct tip_stamp stamp = gap_stamp(&journal_a, "v1.listing.delta.drop.", 100);

    (void)state;
    assert_false(gap_record(&gap, &stamp, &loss));
    stamp = gap_stamp(&journal_b, "v1.listing.delta.drop.", 3);
    assert_true(gap_record(&gap, &stamp, &loss));
    assert_true(loss.is_new_journal);
    assert_int_equal(loss.from, 0);
    stamp = gap_stamp(&journal_b, "v1.bus.head.", 0); /* live only */
    assert_false(gap_record(&gap, &stamp, &loss));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gap_covers_whole_classes_only),
        cmocka_unit_test(test_gap_in_the_middle_and_at_the_tail),
        cmocka_unit_test(test_gap_before_the_first_of_a_class),
        cmocka_unit_test(test_gap_starts_over_with_a_new_journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
