#include "check.h"

#include "core/chain.h"

/* A conversation: parts as they come, the step each must lead to, and what is stored afterwards. Ids are one letter. */
struct turn {
    char type; /* 'd'elta, 'b'aseline, 0: the end */
    char stream;
    char id; /* of the baseline */
    uint64_t from, to;
    uint32_t part, n_parts;
    enum store_step step;
    bool exact;
    uint64_t version;
};

struct conversation {
    const char *name;
    struct turn turns[12];
};

#define APPLY    STORE_STEP_APPLY
#define CLOSE    STORE_STEP_CLOSE
#define REPEATED STORE_STEP_REPEATED
#define WAITING  STORE_STEP_WAITING
#define BREAK    STORE_STEP_BREAK

static const struct conversation conversations[] = {
    {"the ordinary life of a list",
     {{'b', 'S', 'a', 0, 1, 1, 2, APPLY, false, 0},
      {'b', 'S', 'a', 0, 1, 2, 2, CLOSE, true, 1},
      {'d', 'S', 0, 1, 2, 1, 1, APPLY, true, 2},
      {'d', 'S', 0, 2, 3, 1, 3, APPLY, true, 2},
      {'d', 'S', 0, 2, 3, 2, 3, APPLY, true, 2},
      {'d', 'S', 0, 2, 3, 3, 3, APPLY, true, 3}}},
    {"an empty set is one part",
     {{'b', 'S', 'a', 0, 1, 1, 1, CLOSE, true, 1}, {'d', 'S', 0, 1, 2, 1, 1, APPLY, true, 2}}},
    {"a delta of an unknown source asks once",
     {{'d', 'S', 0, 1, 2, 1, 1, BREAK, false, 0},
      {'d', 'S', 0, 2, 3, 1, 1, WAITING, false, 0},
      {'b', 'S', 'a', 0, 3, 1, 1, CLOSE, true, 3},
      {'d', 'S', 0, 3, 4, 1, 1, APPLY, true, 4}}},
    {"repeated parts are passed over",
     {{'b', 'S', 'a', 0, 1, 1, 2, APPLY, false, 0},
      {'b', 'S', 'a', 0, 1, 1, 2, REPEATED, false, 0},
      {'b', 'S', 'a', 0, 1, 2, 2, CLOSE, true, 1},
      {'b', 'S', 'a', 0, 1, 1, 2, REPEATED, true, 1},
      {'b', 'S', 'a', 0, 1, 2, 2, REPEATED, true, 1},
      {'d', 'S', 0, 1, 2, 1, 2, APPLY, true, 1},
      {'d', 'S', 0, 1, 2, 1, 2, REPEATED, true, 1},
      {'d', 'S', 0, 1, 2, 2, 2, APPLY, true, 2},
      {'d', 'S', 0, 1, 2, 1, 2, REPEATED, true, 2},
      {'d', 'S', 0, 1, 2, 2, 2, REPEATED, true, 2}}},
    {"a part is missing, a later one comes",
     {{'b', 'S', 'a', 0, 1, 1, 1, CLOSE, true, 1},
      {'d', 'S', 0, 1, 2, 1, 3, APPLY, true, 1},
      {'d', 'S', 0, 1, 2, 3, 3, BREAK, true, 1},
      {'d', 'S', 0, 2, 3, 1, 1, WAITING, true, 1},
      {'b', 'S', 'b', 0, 3, 1, 1, CLOSE, true, 3}}},
    {"a version is missing",
     {{'b', 'S', 'a', 0, 1, 1, 1, CLOSE, true, 1},
      {'d', 'S', 0, 2, 3, 1, 1, BREAK, true, 1},
      {'b', 'S', 'b', 0, 3, 1, 1, CLOSE, true, 3}}},
    {"the first part is missing",
     {{'b', 'S', 'a', 0, 1, 1, 1, CLOSE, true, 1}, {'d', 'S', 0, 1, 2, 2, 2, BREAK, true, 1}}},
    {"another number of parts",
     {{'b', 'S', 'a', 0, 1, 1, 1, CLOSE, true, 1},
      {'d', 'S', 0, 1, 2, 1, 2, APPLY, true, 1},
      {'d', 'S', 0, 1, 2, 2, 3, BREAK, true, 1}}},
    {"another target while one is under way",
     {{'b', 'S', 'a', 0, 1, 1, 1, CLOSE, true, 1},
      {'d', 'S', 0, 1, 2, 1, 2, APPLY, true, 1},
      {'d', 'S', 0, 1, 3, 1, 2, BREAK, true, 1}}},
    {"a new stream starts with its baseline",
     {{'b', 'S', 'a', 0, 7, 1, 1, CLOSE, true, 7},
      {'d', 'T', 0, 7, 8, 1, 1, BREAK, true, 7},
      {'b', 'T', 'b', 0, 1, 1, 2, APPLY, false, 7},
      {'b', 'T', 'b', 0, 1, 2, 2, CLOSE, true, 1},
      {'d', 'T', 0, 1, 2, 1, 1, APPLY, true, 2}}},
    {"a baseline is interrupted by a newer one",
     {{'b', 'S', 'a', 0, 1, 1, 1, CLOSE, true, 1},
      {'b', 'S', 'b', 0, 4, 1, 3, APPLY, false, 1},
      {'b', 'S', 'b', 0, 4, 2, 3, APPLY, false, 1},
      {'b', 'S', 'c', 0, 5, 1, 2, APPLY, false, 1},
      {'b', 'S', 'b', 0, 4, 3, 3, BREAK, false, 1},
      {'b', 'S', 'c', 0, 5, 2, 2, CLOSE, true, 5}}},
    {"a baseline without its first part",
     {{'b', 'S', 'a', 0, 1, 2, 2, BREAK, false, 0}, {'b', 'S', 'b', 0, 1, 1, 1, CLOSE, true, 1}}},
    {"a baseline with a hole",
     {{'b', 'S', 'a', 0, 1, 1, 3, APPLY, false, 0},
      {'b', 'S', 'a', 0, 1, 3, 3, BREAK, false, 0},
      {'b', 'S', 'b', 0, 1, 1, 1, CLOSE, true, 1}}},
    {"a repeated baseline, cut off by a delta, has done no harm",
     {{'b', 'S', 'a', 0, 2, 1, 1, CLOSE, true, 2},
      {'b', 'S', 'b', 0, 2, 1, 3, APPLY, true, 2},
      {'d', 'S', 0, 2, 3, 1, 1, APPLY, true, 3},
      {'b', 'S', 'b', 0, 2, 2, 3, BREAK, true, 3}}},
    {"another version's baseline, cut off by a delta, has",
     {{'b', 'S', 'a', 0, 2, 1, 1, CLOSE, true, 2},
      {'b', 'S', 'b', 0, 3, 1, 3, APPLY, false, 2},
      {'d', 'S', 0, 2, 3, 1, 1, BREAK, false, 2}}},
    {"a baseline in the middle of a delta",
     {{'b', 'S', 'a', 0, 1, 1, 1, CLOSE, true, 1},
      {'d', 'S', 0, 1, 2, 1, 2, APPLY, true, 1},
      {'b', 'S', 'b', 0, 1, 1, 2, APPLY, false, 1},
      {'d', 'S', 0, 1, 2, 2, 2, BREAK, false, 1},
      {'b', 'S', 'b', 0, 1, 2, 2, CLOSE, true, 1}}},
    {"a baseline of an older version is the owner's word",
     {{'b', 'S', 'a', 0, 9, 1, 1, CLOSE, true, 9},
      {'b', 'S', 'b', 0, 3, 1, 1, CLOSE, true, 3},
      {'d', 'S', 0, 3, 4, 1, 1, APPLY, true, 4}}},
};

static struct tip_uuid id_of(char letter)
{
    struct tip_uuid id = {{0}};

    id.bytes[15] = (uint8_t)letter;
    return id;
}

static void play(const struct conversation *conversation)
{
    struct store_chain chain = {.version = 0};

    for (const struct turn *turn = conversation->turns; turn->type; turn++) {
        struct store_part part = {
            .is_baseline = turn->type == 'b',
            .stream = id_of(turn->stream),
            .baseline_id = id_of(turn->id),
            .from = turn->from,
            .to = turn->to,
            .part = turn->part,
            .n_parts = turn->n_parts,
        };
        enum store_step step = store_chain_step(&chain, &part);

        if (step != turn->step || chain.exact != turn->exact || chain.version != turn->version)
            fail_msg("%s, turn %zu: %s, exact %d, version %lu", conversation->name, turn - conversation->turns + 1,
                     store_step_name(step), chain.exact, (unsigned long)chain.version);
        assert_true(step != STORE_STEP_BREAK || chain.needs_baseline);
        assert_true(step != STORE_STEP_CLOSE || !chain.needs_baseline);
    }
}

static void test_chain_conversations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++)
        play(&conversations[i]);
}

/* Rows confirmed by an interrupted baseline must not count for the next one. */
static void test_chain_marks_each_baseline_anew(void **state)
{
    struct store_chain chain = {.version = 0};
    struct store_part part = {.is_baseline = true, .stream = id_of('S'), .to = 1, .part = 1, .n_parts = 2};

    (void)state;
    part.baseline_id = id_of('a');
    assert_int_equal(store_chain_step(&chain, &part), STORE_STEP_APPLY);
    assert_int_equal(chain.mark, 1);
    part.baseline_id = id_of('b');
    assert_int_equal(store_chain_step(&chain, &part), STORE_STEP_APPLY);
    assert_int_equal(chain.mark, 2);
    part.part = 2;
    assert_int_equal(store_chain_step(&chain, &part), STORE_STEP_CLOSE);
    assert_int_equal(chain.mark, 2);
}

/* Asked because something may be missing, yet the chain shows that nothing is: deltas go on, the wish stays. */
static void test_chain_goes_on_while_a_baseline_is_wanted(void **state)
{
    struct store_chain chain = {.stream = id_of('S'), .version = 4, .exact = true, .needs_baseline = true};
    struct store_part part = {.stream = id_of('S'), .from = 4, .to = 5, .part = 1, .n_parts = 1};

    (void)state;
    assert_int_equal(store_chain_step(&chain, &part), STORE_STEP_APPLY);
    assert_int_equal(chain.version, 5);
    assert_true(chain.needs_baseline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_conversations),
        cmocka_unit_test(test_chain_marks_each_baseline_anew),
        cmocka_unit_test(test_chain_goes_on_while_a_baseline_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
