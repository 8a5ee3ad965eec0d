/* What the broker measures: rates, windows, when a number was committed. */
#include "check.h"
#include "random.h"

#include <stdio.h>

#include "core/rates.h"
#include "core/window.h"
#include "journal_times.h"

/* ---- rates ---- */

static void test_rates(void **state)
{
    struct rates rates = {.n = 0};

    (void)state;
    assert_true(rates_second(&rates).events_per_s == 0 && rates_minute(&rates).events_per_s == 0);
    rates_note(&rates, &(struct rates_reading){1000, 500, 5000});
    assert_true(rates_second(&rates).events_per_s == 0);
    rates_note(&rates, &(struct rates_reading){2000, 600, 7000});
    assert_true(rates_second(&rates).events_per_s == 100 && rates_second(&rates).bytes_per_s == 2000);
    assert_true(rates_minute(&rates).events_per_s == 100);        /* since the first reading */
    rates_note(&rates, &(struct rates_reading){4000, 600, 7000}); /* a late one: over what has passed */
    assert_true(rates_second(&rates).events_per_s == 0);
    assert_true(rates_minute(&rates).events_per_s > 33.3 && rates_minute(&rates).events_per_s < 33.4);
}

static void test_a_minute_forgets(void **state)
{
    struct rates rates = {.n = 0};
    uint64_t events = 0;

    (void)state;
    for (int64_t s = 0; s <= 300; s++) {
        events += s < 100 ? 1000 : 10;
        rates_note(&rates, &(struct rates_reading){s * 1000, events, events});
    }
    assert_true(rates_second(&rates).events_per_s == 10 && rates_minute(&rates).events_per_s == 10);
    rates_note(&rates, &(struct rates_reading){301000, 3, 3}); /* begun anew */
    assert_true(rates_second(&rates).events_per_s == 0 && rates_minute(&rates).events_per_s == 0);
    rates_note(&rates, &(struct rates_reading){302000, 5, 5});
    assert_true(rates_second(&rates).events_per_s == 2 && rates_minute(&rates).events_per_s == 2);
}

static void test_a_table_is_what_is_there(void **state)
{
    struct rates_table table = {.rows = NULL};
    char name[200];

    (void)state;
    for (int64_t s = 1; s <= 2; s++) {
        for (int i = 0; i < 1000; i++) {
            (void)snprintf(name, sizeof(name), "p%d", i);
            if (s == 1 || i % 2)
                rates_table_note(&table, name, &(struct rates_reading){s * 1000, (uint64_t)s * (uint64_t)i, 0});
        }
        rates_table_sweep(&table, s * 1000);
    }
    assert_null(rates_table_get(&table, "p998"));
    assert_true(rates_second(rates_table_get(&table, "p999")).events_per_s == 999);
    assert_int_equal(HASH_COUNT(table.rows), 500);
    rates_table_note(&table, "new", &(struct rates_reading){4000, 50, 0});
    assert_true(rates_second(rates_table_get(&table, "new")).events_per_s == 25); /* since the last sweep */
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    rates_table_note(&table, name, &(struct rates_reading){1, 1, 1}); /* cut, not overrun */
    assert_int_equal(HASH_COUNT(table.rows), 502);
    rates_table_deinit(&table);
    assert_null(table.rows);
}

/* ---- windows ---- */

static void test_a_window_fills_and_empties(void **state)
{
    struct window window;
    struct window_use use;

    (void)state;
    window_init(&window, 100);
    assert_int_equal(window_use(&window).events, 0);
    window_offer(&window, 101, 10, 1000, 5000);
    window_offer(&window, 111, 10, 500, 6000);
    window_offer(&window, 101, 10, 1000, 7000); /* once more: nothing new */
    window_offer(&window, 116, 10, 1000, 8000); /* half of it is */
    window_offer(&window, 200, 10, 1000, 9000); /* a gap: the broker will not take it */
    use = window_use(&window);
    assert_true(use.events == 25 && use.bytes == 2000 && use.since_ms == 5000);
    window_ack(&window, 105);
    use = window_use(&window);
    assert_true(use.events == 20 && use.bytes == 2000 && use.since_ms == 5000); /* the DATA is not acked whole */
    window_ack(&window, 110);
    use = window_use(&window);
    assert_true(use.events == 15 && use.bytes == 1000 && use.since_ms == 6000);
    window_ack(&window, 90); /* an old one */
    assert_int_equal(window_use(&window).events, 15);
    window_ack(&window, 125);
    use = window_use(&window);
    assert_true(use.events == 0 && use.bytes == 0 && use.since_ms == 0);
    window_offer(&window, 126, 1, 10, 10000);
    assert_true(window_use(&window).events == 1 && window_use(&window).since_ms == 10000);
}

static void test_many_marks_keep_the_oldest(void **state)
{
    struct window window;

    (void)state;
    window_init(&window, 0);
    for (uint64_t i = 1; i <= 1000; i++)
        window_offer(&window, i, 1, 7, (int64_t)i);
    assert_true(window_use(&window).events == 1000 && window_use(&window).bytes == 7000);
    assert_int_equal(window_use(&window).since_ms, 1);
    window_ack(&window, 999);
    assert_true(window_use(&window).events == 1 && window_use(&window).since_ms <= 1000);
    window_ack(&window, 1000);
    assert_int_equal(window_use(&window).events, 0);
    window_offer(&window, UINT64_MAX, 5, 7, 1); /* numbers that overflow are nobody's */
    window_offer(&window, 1001, 0, 7, 1);
    assert_int_equal(window_use(&window).events, 0);
}

/* ---- when ---- */

static void test_times(void **state)
{
    struct journal_times times = {.levels = {{.n = 0}}};
    int64_t us = 1000000000;

    (void)state;
    assert_int_equal(journal_times_at(&times, 1), 0);
    journal_times_note(&times, 5, 0); /* nobody said when */
    assert_int_equal(journal_times_at(&times, 5), 0);
    journal_times_note(&times, 10, us);
    journal_times_note(&times, 11, us + 900000);
    journal_times_note(&times, 12, us + 1000000);
    assert_int_equal(journal_times_at(&times, 9), 0);
    assert_int_equal(journal_times_at(&times, 10), us);
    assert_int_equal(journal_times_at(&times, 11), us);
    assert_int_equal(journal_times_at(&times, 12), us + 1000000);
    assert_int_equal(journal_times_at(&times, 4711), us + 1000000);
    journal_times_note(&times, 13, us + 3600 * INT64_C(1000000)); /* after an hour of silence */
    assert_int_equal(journal_times_at(&times, 12), us + 1000000);
    assert_int_equal(journal_times_at(&times, 13), us + 3600 * INT64_C(1000000));
}

/* Eight days of events at random distances: each answer is the commit time or earlier, by 1 s or 1/32 of the age. */
static void test_times_hold_what_they_say(void **state)
{
    enum { EVENTS = 400000 };
    static int64_t committed[EVENTS + 1];
    struct journal_times times = {.levels = {{.n = 0}}};
    uint64_t seed = test_seed();
    int64_t us = INT64_C(1700000000000000), slack;

    (void)state;
    for (uint64_t seq = 1; seq <= EVENTS; seq++) {
        us += (int64_t)(test_random(&seed) % (seq % 1000 == 0 ? 3600000000U : 2000000U));
        committed[seq] = us;
        journal_times_note(&times, seq, us);
    }
    for (uint64_t seq = 1; seq <= EVENTS; seq++) {
        int64_t at = journal_times_at(&times, seq), age = us - committed[seq];

        slack = age / 32 > 1000000 ? age / 32 : 1000000;
        assert_true(at > 0 && at <= committed[seq]);
        assert_true(committed[seq] - at <= slack);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_a_minute_forgets),
        cmocka_unit_test(test_a_table_is_what_is_there),
        cmocka_unit_test(test_a_window_fills_and_empties),
        cmocka_unit_test(test_many_marks_keep_the_oldest),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_times_hold_what_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
