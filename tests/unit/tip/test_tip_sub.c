/* What `tip sub` is made of besides the bus: topics, lines, the position file. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "line.h"
#include "position.h"
#include "reader.h"
#include "up/tree.h"

static void test_sub_topics(void **state)
{
    static const struct {
        const char *text, *prefix; /* NULL: refused */
    } table[] = {
        {"", "v1."},
        {"listing.", "v1.listing."},
        {"v1.listing.delta.", "v1.listing.delta."},
        {"v1", "v1"},
        {"Listing.", NULL},
        {"listing.*", NULL},
        {"listing delta", NULL},
    };
    char prefix[256];

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(line_prefix(table[i].text, prefix) == 0, table[i].prefix != NULL);
        if (table[i].prefix)
            assert_string_equal(prefix, table[i].prefix);
    }
}

static void check_line(const struct tip_event *event, const char *expected)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;

    tip_buf_init(&text, 4096);
    assert_int_equal(line_event(event, &text), 0);
    assert_string_equal(tip_buf_text(&text), expected);
}

static void test_sub_lines(void **state)
{
    struct tip_verdict verdicts[5];

    (void)state;
    for (size_t i = 0; i < 5; i++)
        verdicts[i] = (struct tip_verdict){.value = "192.0.2.7", .value_len = 9, .score = 0.8, .tier = TIP_TIER_SLOW};
    check_line(&(struct tip_event){.kind = TIP_EVENT_LISTING_DELTA,
                                   .listing_delta = {.source = "drop",
                                                     .from_version = 3,
                                                     .to_version = 4,
                                                     .part = 1,
                                                     .n_parts = 2,
                                                     .n_added = 5,
                                                     .n_removed = 1}},
               "drop 3 -> 4, part 1 of 2: +5 -1 ~0");
    check_line(
        &(struct tip_event){
            .kind = TIP_EVENT_SOURCE_FAILED,
            .source_state = {.source = "drop", .reason = "http_503", .detail = "the server said 503", .n_entries = 7}},
        "drop http_503: the server said 503; 7 entries stay as they are");
    check_line(&(struct tip_event){.kind = TIP_EVENT_VERDICT_CHANGES,
                                   .verdict_changes = {.verdicts = verdicts, .n_verdicts = 5, .cause_source = "drop"}},
               "5 moved by drop: 192.0.2.7 0.80 slow, 192.0.2.7 0.80 slow, 192.0.2.7 0.80 slow, ...");
    check_line(
        &(struct tip_event){.kind = TIP_EVENT_MAIL_SEEN,
                            .mail_seen = {.trap = "bait",
                                          .digest = "0123456789abcdef",
                                          .n_entries = 2,
                                          .entries =
                                              (struct tip_mail_entry[]){
                                                  {.role = TIP_MAIL_SENDER, .value = "192.0.2.7", .value_len = 9},
                                                  {.role = TIP_MAIL_ADVERTISED, .value = "a.test", .value_len = 6}}}},
        "bait got 0123456789ab: sender 192.0.2.7, advertised a.test");
    check_line(
        &(struct tip_event){.kind = TIP_EVENT_FLUX_AGENT,
                            .flux_agents = {.domain = "a.test",
                                            .network = "net",
                                            .n_agents = 1,
                                            .agents = &(struct tip_flux_agent){.value = "192.0.2.7", .value_len = 9}}},
        "a.test (net): 1 agents: 192.0.2.7");
    check_line(
        &(struct tip_event){.kind = TIP_EVENT_SMTP_BEHAVIOUR,
                            .smtp_behaviours = {.n_entries = 1,
                                                .entries = &(struct tip_smtp_behaviour){.value = "192.0.2.7",
                                                                                        .value_len = 9,
                                                                                        .behaviour = "abandoned",
                                                                                        .caused_by_treatment = true}}},
        "1 seen: 192.0.2.7 abandoned (treated)");
    check_line(&(struct tip_event){.kind = TIP_EVENT_NONE, .kind_name = "flux.state"},
               "flux.state (of a kind this program does not know)");
}

static void test_sub_position_is_remembered(void **state)
{
    char dir[] = "/tmp/tip-unit-XXXXXX";
    struct position first, again;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(setenv("XDG_STATE_HOME", dir, 1), 0);
    assert_int_equal(position_place(&first, "no/slash"), -EINVAL);
    assert_int_equal(position_place(&first, ""), -EINVAL);
    assert_int_equal(position_place(&first, "mine"), 0);
    assert_int_equal(position_load(&first), 0);
    assert_int_equal(first.next_seq, 0);
    first.next_seq = UINT64_C(1) << 40;
    first.journal_id = (struct tip_id){.bytes = {1, 2, 255}};
    assert_int_equal(position_save(&first), 0);
    assert_int_equal(position_at(&again, first.path), 0);
    assert_int_equal(position_load(&again), POSITION_E_HELD);
    position_close(&first);
    assert_int_equal(position_load(&again), 0);
    assert_int_equal(again.next_seq, first.next_seq);
    assert_true(tip_id_equal(&again.journal_id, &first.journal_id));
    file = fopen(first.path, "w");
    fputs("{\"journal_id\": 7}", file);
    fclose(file);
    position_close(&again);
    assert_int_equal(position_load(&again), POSITION_E_BAD);
    position_close(&again);
    assert_int_equal(tree_remove(dir), 0);
}

struct sub_reader {
    struct tip_loop *loop;
    struct tip_timer late;
    int n_gone;
};

static void sub_reader_on_gone(void *ctx)
{
    struct sub_reader *world = ctx;

    world->n_gone++;
    tip_loop_stop(world->loop);
}

static void sub_reader_on_late(void *ctx)
{
    struct sub_reader *world = ctx;

    tip_loop_stop(world->loop);
}

/* How often it is told until then; the first time ends it. */
static int sub_reader_run(struct sub_reader *world, int64_t most_ms)
{
    world->n_gone = 0;
    tip_timer_start(&world->late, most_ms);
    assert_int_equal(tip_loop_run(world->loop), 0);
    tip_timer_stop(&world->late);
    return world->n_gone;
}

static void check_reader(struct sub_reader *world, int theirs, int ours)
{
    struct reader reader;

    reader_init(&reader, world->loop, ours, sub_reader_on_gone, world);
    assert_int_equal(write(ours, "x", 1), 1);
    assert_int_equal(sub_reader_run(world, 20), 0);
    close(theirs);
    assert_int_equal(sub_reader_run(world, 10000), 1);
    assert_int_equal(sub_reader_run(world, 20), 0); /* once */
    reader_deinit(&reader);
    reader_init(&reader, world->loop, ours, sub_reader_on_gone, world);
    assert_int_equal(sub_reader_run(world, 10000), 1); /* that it had gone before is told too */
    reader_deinit(&reader);
    close(ours);
}

static void test_sub_reader_is_gone(void **state)
{
    struct sub_reader world = {.loop = tip_loop_new()};
    struct reader reader;
    int ends[2], file;

    (void)state;
    tip_timer_init(&world.late, world.loop, sub_reader_on_late, &world);
    assert_int_equal(pipe(ends), 0);
    check_reader(&world, ends[0], ends[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    check_reader(&world, ends[0], ends[1]);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[0], "x", 1), 1); /* it talks to us, and lives */
    reader_init(&reader, world.loop, ends[1], sub_reader_on_gone, &world);
    assert_int_equal(sub_reader_run(&world, 20), 0);
    reader_deinit(&reader);
    close(ends[0]);
    close(ends[1]);

    file = open("/dev/null", O_WRONLY | O_CLOEXEC); /* epoll would not have it */
    reader_init(&reader, world.loop, file, sub_reader_on_gone, &world);
    assert_int_equal(sub_reader_run(&world, 20), 0);
    reader_deinit(&reader);
    close(file);
    tip_timer_deinit(&world.late);
    tip_loop_destroy(&world.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sub_topics),
        cmocka_unit_test(test_sub_lines),
        cmocka_unit_test(test_sub_position_is_remembered),
        cmocka_unit_test(test_sub_reader_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
