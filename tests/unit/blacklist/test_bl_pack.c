/* The public pack, offline: each file is read by the real parser, and its sample holds what it promises. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tip/cleanup.h>

#include "core/etiquette.h"
#include "options.h"
#include "sample.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

static void pack_load(struct bl_specs *specs)
{
    tip_auto(tip_conf_destroy) struct tip_conf *conf = tip_conf_new();
    struct bl_options options = {.public_sources = (char[]){PACK}, .interval_floor_ms = 15 * MINUTE};

    if (bl_specs_load(specs, &options, conf))
        fail_msg("%s", tip_conf_error(conf, 0));
}

static void test_samples_hold_what_their_files_promise(void **state)
{
    tip_auto(bl_specs_deinit) struct bl_specs specs = {0};

    (void)state;
    pack_load(&specs);
    assert_true(specs.n >= 40);
    for (size_t i = 0; i < specs.n; i++) {
        tip_auto(tip_buf_deinit) struct tip_buf why;
        struct bl_report report;

        tip_buf_init(&why, 64 * 1024);
        assert_int_equal(bl_sample_check(&specs.items[i], &why, &report), 0);
        if (why.len || !specs.items[i].n_expect)
            fail_msg("%s: %s", specs.items[i].name, why.len ? tip_buf_text(&why) : "expects nothing");
    }
}

/* By https, but for those whose publishers speak http only. */
static bool pack_is_fetched_safely(const struct bl_spec *spec)
{
    return !strncmp(spec->url, "https://", 8) || !strcmp(spec->name, "uceprotect-1");
}

static void test_every_source_says_where_it_is_from(void **state)
{
    tip_auto(bl_specs_deinit) struct bl_specs specs = {0};

    (void)state;
    pack_load(&specs);
    for (size_t i = 0; i < specs.n; i++) {
        const struct bl_spec *spec = &specs.items[i];
        bool is_free = !spec->n_allowed && !spec->format.n_ordinary && !spec->auth_header;
        bool is_marked = spec->redistribute || spec->tlp == TIP_TLP_AMBER;

        if (!spec->is_public || spec->enabled || !spec->licence || !spec->attribution || !spec->terms ||
            !pack_is_fetched_safely(spec) || !is_free || !is_marked)
            fail_msg("%s", spec->name);
    }
}

/* Every kind there is but the twins of lines, and what only a few lists are. */
static void test_the_pack_shows_what_a_source_can_be(void **state)
{
    size_t kinds[BL_KIND_COUNT] = {0}, types[BL_TYPE_COUNT] = {0};
    size_t n_packed = 0, n_packed_zones = 0, n_cadences = 0, n_timed = 0;
    tip_auto(bl_specs_deinit) struct bl_specs specs = {0};

    (void)state;
    pack_load(&specs);
    for (size_t i = 0; i < specs.n; i++) {
        const struct bl_spec *spec = &specs.items[i];
        bool is_packed = spec->container != BL_CONTAINER_AUTO && spec->container != BL_CONTAINER_NONE;

        kinds[spec->format.kind]++;
        types[spec->format.type]++;
        n_packed += is_packed;
        n_packed_zones += is_packed && spec->format.kind == BL_KIND_RBLDNSD;
        n_cadences += spec->cadence_ms != 0;
        n_timed += spec->format.first_seen.number || *spec->format.first_seen.name;
        if (spec->cadence_ms && spec->cadence_ms < spec->interval_ms) /* else it is asked too seldom to be alive */
            fail_msg("%s: cadence", spec->name);
    }
    for (size_t i = 0; i < BL_KIND_COUNT; i++) {
        if (!kinds[i])
            fail_msg("no %s", bl_kind_names[i]);
    }
    for (size_t i = BL_TYPE_IP4; i < BL_TYPE_COUNT; i++) {
        if (!types[i])
            fail_msg("no %s", bl_type_names[i]);
    }
    assert_true(n_packed >= 3 && n_packed_zones && n_cadences >= 3 && n_timed >= 3);
    assert_string_equal(bl_specs_find(&specs, "stopforumspam-7d-ipv6")->member, "*.txt");
    assert_int_equal(bl_specs_find(&specs, "stopforumspam-7d-ipv6")->format.type, BL_TYPE_IP6);
}

/* What a sample differs in is said. */
static void test_a_broken_promise_is_named(void **state)
{
    char value[] = "192.0.2.99", nowhere[] = PACK "/no-such.sample";
    char *lie[] = {value};
    tip_auto(bl_specs_deinit) struct bl_specs specs = {0};
    tip_auto(tip_buf_deinit) struct tip_buf why;
    struct bl_report report;
    struct bl_spec spec;

    (void)state;
    tip_buf_init(&why, 64 * 1024);
    pack_load(&specs);
    spec = *bl_specs_find(&specs, "cins-army");
    spec.expect = lie;
    spec.n_expect = 1;
    spec.expect_rejected = 7;
    assert_int_equal(bl_sample_check(&spec, &why, &report), 0);
    assert_string_equal(tip_buf_text(&why), "missing: 192.0.2.99; too many: 192.0.2.50; too many: 203.0.113.51; "
                                            "0 lines rejected, 7 expected");
    spec.sample = nowhere;
    assert_int_equal(bl_sample_check(&spec, &why, &report), -ENOENT);
}

static void test_hosts_have_their_floors(void **state)
{
    (void)state;
    assert_int_equal(bl_etiquette_floor_ms("spamhaus.org"), HOUR);
    assert_int_equal(bl_etiquette_floor_ms("www.spamhaus.org"), HOUR);
    assert_int_equal(bl_etiquette_floor_ms("notspamhaus.org"), 0);
    assert_int_equal(bl_etiquette_floor_ms("spamhaus.org.example"), 0);
    assert_int_equal(bl_etiquette_floor_ms("www.dan.me.uk"), 30 * MINUTE);
    assert_int_equal(bl_etiquette_floor_ms(""), 0);
    assert_int_equal(bl_etiquette_floor_ms("."), 0);
    assert_int_equal(bl_etiquette_floor_ms("WWW.SpamHaus.Org."), HOUR);
    assert_true(bl_etiquette_publisher("a.spamhaus.org") == bl_etiquette_publisher("spamhaus.org"));
    assert_true(bl_etiquette_publisher("spamhaus.org")->is_whole);
    assert_false(bl_etiquette_publisher("lists.blocklist.de")->is_whole);
}

static void test_chance_moves_an_interval_but_not_below_the_floor(void **state)
{
    (void)state;
    assert_int_equal(bl_etiquette_jitter(1000, 0.1, 0, 0), 900);
    assert_in_range(bl_etiquette_jitter(1000, 0.1, 0, UINT64_MAX), 1099, 1100);
    assert_int_equal(bl_etiquette_jitter(1000, 0.1, 0, UINT64_C(1) << 63), 1000);
    assert_int_equal(bl_etiquette_jitter(1000, 0.1, 950, 0), 950);
    assert_int_equal(bl_etiquette_jitter(1000, 0, 0, 12345), 1000);
}

static void test_nothing_begins_on_the_full_hour(void **state)
{
    static const struct {
        int64_t interval_ms, near_ms;
    } rows[] = {
        {6 * HOUR, MINUTE}, {15 * MINUTE, MINUTE}, {5 * MINUTE, 20 * 1000}, {MINUTE, 4 * 1000}, {15 * 1000, 1000}};
    const int64_t noon = INT64_C(1767268800000);

    (void)state;
    assert_int_equal(noon % HOUR, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (int64_t at = noon - 2 * MINUTE; at <= noon + 2 * MINUTE; at += 100) {
            int64_t before = at % HOUR;
            bool is_near = before < rows[i].near_ms || before >= HOUR - rows[i].near_ms;

            for (uint64_t random = 0; random < 1000000; random += 99991) {
                int64_t wait = bl_etiquette_wait(rows[i].interval_ms, at, random);
                int64_t past = (at + wait) % HOUR;

                assert_true(past >= rows[i].near_ms && past < HOUR - rows[i].near_ms);
                assert_true(is_near ? wait > 0 && wait <= 6 * rows[i].near_ms : !wait);
            }
        }
    }
    assert_int_equal(bl_etiquette_wait(1, noon, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_hold_what_their_files_promise),
        cmocka_unit_test(test_every_source_says_where_it_is_from),
        cmocka_unit_test(test_the_pack_shows_what_a_source_can_be),
        cmocka_unit_test(test_a_broken_promise_is_named),
        cmocka_unit_test(test_hosts_have_their_floors),
        cmocka_unit_test(test_chance_moves_an_interval_but_not_below_the_floor),
        cmocka_unit_test(test_nothing_begins_on_the_full_hour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
