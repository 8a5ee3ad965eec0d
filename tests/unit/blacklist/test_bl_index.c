/* Questions to the index against the plain way: each verdict looked up by itself, and <tip/inherit.h> over all. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>
#include <tip/inherit.h>

#include "core/build.h"
#include "core/flag.h"
#include "core/index.h"
#include "random.h"

enum { DAY = 86400, NOW = 1000 * DAY, LISTS = 5, VALUES = 400, ROUNDS = 60, QUESTIONS = 600, TEXT = 64 };

struct value {
    enum tip_kind kind;
    char text[TEXT];
};

/* Many that lie within each other. */
static struct value value_random(uint64_t *random)
{
    static const char *const labels[] = {"a", "b", "mail", "x", "www", "y"};
    struct value value = {.kind = TIP_KIND_IP};
    struct tip_indicator indicator;
    char text[TEXT] = "";
    unsigned n = (unsigned)(test_random(random) % 4);

    switch (test_random(random) % 8) {
    case 0:
    case 1:
        (void)snprintf(text, sizeof(text), "11.%u.%u.%u", (unsigned)(test_random(random) % 3), n,
                       (unsigned)(test_random(random) % 6));
        break;
    case 2:
    case 3:
        (void)snprintf(text, sizeof(text), "11.%u.%u.0/%u", (unsigned)(test_random(random) % 3), n,
                       (unsigned)(9 + test_random(random) % 24));
        break;
    case 4:
        (void)snprintf(text, sizeof(text), "2a00:%u:%u::%u", (unsigned)(test_random(random) % 2), n,
                       (unsigned)(test_random(random) % 3));
        break;
    case 5:
        (void)snprintf(text, sizeof(text), "2a00:%u:%u::/%u", (unsigned)(test_random(random) % 2), n,
                       (unsigned)(19 + test_random(random) % 110));
        break;
    case 6:
        (void)snprintf(text, sizeof(text), "http://%s.site.net/%u", labels[test_random(random) % 6], n);
        break;
    default:
        for (unsigned i = 0; i < n; i++)
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s.", labels[test_random(random) % 6]);
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "site.net");
    }
    assert_int_equal(tip_indicator_parse(&indicator, TIP_KIND_NONE, text, strlen(text)), 0);
    value.kind = indicator.kind;
    assert_true(indicator.len < TEXT);
    strcpy(value.text, indicator.value);
    return value;
}

/* A list of chance, in the order of the sets. */
struct list {
    struct bl_build build;
    struct bl_seen_ip4 *ip4;
    struct bl_seen_text *text;
    struct bl_seen seen;
};

static struct bl_seen_times list_times(uint64_t *random)
{
    static const uint8_t flags[] = {0, 0, BL_FLAG_SUBTREE, BL_FLAG_SUBTREE, BL_FLAG_SPECIAL_USE, 0};
    uint32_t last_s = NOW - (uint32_t)(test_random(random) % 4) * DAY;

    return (struct bl_seen_times){.first_s = last_s - 30 * DAY,
                                  .since_s = last_s - (uint32_t)(test_random(random) % 4) * DAY,
                                  .last_s = last_s,
                                  .flags = flags[test_random(random) % 6],
                                  .state = test_random(random) % 3 ? BL_SEEN_LISTED : 0};
}

static void list_make(uint64_t *random, struct list *list, const struct value *values)
{
    const struct bl_text where = {.line = 1};
    struct bl_set set;

    bl_build_init(&list->build, VALUES);
    for (size_t i = 0; i < VALUES; i++) {
        struct tip_addr addr;

        if (test_random(random) % 3)
            continue;
        if (values[i].kind == TIP_KIND_IP && !tip_addr_parse(&addr, values[i].text, strlen(values[i].text)) &&
            addr.family == 4) {
            struct bl_ip4 *room = bl_build_room4(&list->build);

            *room = (struct bl_ip4){.addr = tip_addr_to4(&addr)};
            bl_build_push4(&list->build, room->addr);
        } else {
            assert_int_equal(
                bl_build_text(&list->build, values[i].kind, values[i].text, strlen(values[i].text), &where), 0);
        }
    }
    assert_int_equal(bl_build_finish(&list->build), 0);
    set = bl_build_set(&list->build);
    list->ip4 = tip_new_array(set.n_ip4, struct bl_seen_ip4);
    list->text = tip_new_array(set.n_text, struct bl_seen_text);
    for (size_t i = 0; i < set.n_ip4; i++)
        list->ip4[i] = (struct bl_seen_ip4){set.ip4[i].addr, list_times(random)};
    for (size_t i = 0; i < set.n_text; i++)
        list->text[i] = (struct bl_seen_text){
            .text = set.text[i].text, .len = set.text[i].len, .kind = set.text[i].kind, .times = list_times(random)};
    list->seen = (struct bl_seen){.ip4 = list->ip4,
                                  .text = list->text,
                                  .arena = set.arena,
                                  .n_ip4 = set.n_ip4,
                                  .n_text = set.n_text,
                                  .n_arena = set.n_arena};
}

static void list_end(struct list *list)
{
    bl_build_deinit(&list->build);
    free(list->ip4);
    free(list->text);
}

struct world {
    struct value values[VALUES];
    struct list lists[LISTS + 1]; /* the last one: what need not be listed */
    struct bl_score_source sources[LISTS];
    struct bl_score_job job;
    struct bl_allow *allow; /* of the job */
    struct bl_index *index;
};

static struct bl_allow *world_allow(uint64_t *random, const struct world *world)
{
    struct bl_allow *allow = bl_allow_new();

    for (size_t i = 0; i < 8; i++) {
        const struct value *value = &world->values[test_random(random) % VALUES];
        struct bl_allow_entry entry = {.id = i,
                                       .rule = test_random(random) % 2 ? BL_RULE_ALLOW : BL_RULE_DENY,
                                       .is_subtree = test_random(random) % 2};

        if (value->kind == TIP_KIND_IP || value->kind == TIP_KIND_NET || value->kind == TIP_KIND_DOMAIN)
            assert_int_equal(bl_allow_add(allow, &entry, value->kind, value->text, strlen(value->text)), 0);
    }
    bl_allow_build(allow);
    return allow;
}

static void world_make(uint64_t *random, struct world *world)
{
    for (size_t i = 0; i < VALUES; i++)
        world->values[i] = value_random(random);
    world->allow = test_random(random) % 2 ? world_allow(random, world) : NULL;
    for (size_t i = 0; i <= LISTS; i++)
        list_make(random, &world->lists[i], world->values);
    for (size_t i = 0; i < LISTS; i++) {
        struct bl_law law = {.weight = (double)(1 + test_random(random) % 19) / 20,
                             .half_life_s = (int64_t)(test_random(random) % 3) * 2 * DAY,
                             .is_append = test_random(random) % 3 == 0};
        bool is_whole = test_random(random) % 3 == 0;

        world->sources[i] = (struct bl_score_source){.seen = {world->lists[i].seen, world->lists[i].seen},
                                                     .law = {law, law},
                                                     .is_trusted = {true, true},
                                                     .is_whole = {is_whole, is_whole},
                                                     .tlp = 1,
                                                     .name = 100 + i,
                                                     .kin = {{.group = i}, {.group = i}}};
    }
    bl_score_job_init(&world->job, world->sources, LISTS);
    world->job.moment[BL_BEFORE] = (struct bl_score_moment){.tau_s = NOW, .allow = world->allow};
    world->job.moment[BL_AFTER] = world->job.moment[BL_BEFORE];
    world->index = bl_index_new();
    assert_int_equal(bl_index_fill(world->index, &world->job, &world->lists[LISTS].seen,
                                   world->allow ? bl_allow_copy(world->allow) : NULL),
                     0);
}

static void world_end(struct world *world)
{
    bl_index_destroy(&world->index);
    bl_score_job_deinit(&world->job);
    bl_allow_destroy(&world->allow);
    for (size_t i = 0; i <= LISTS; i++)
        list_end(&world->lists[i]);
}

static struct bl_key value_key(const struct value *value)
{
    struct bl_key key = {.value = value->text, .len = (uint16_t)strlen(value->text), .kind = (uint8_t)value->kind};
    struct tip_addr addr;

    if (value->kind == TIP_KIND_IP && !tip_addr_parse(&addr, value->text, key.len) && addr.family == 4)
        key = (struct bl_key){.addr = tip_addr_to4(&addr), .kind = TIP_KIND_IP};
    return key;
}

/* Is it in a list, so that it can be told? Denied alone is not enough here: that is for the caller to hand over. */
static bool world_names(const struct world *world, const struct bl_key *key)
{
    for (size_t i = 0; i <= LISTS; i++) {
        size_t cursor = 0;

        if (bl_key_seek(&world->lists[i].seen, &cursor, key))
            return true;
    }
    return false;
}

/* What is told of each value, one by one. */
static size_t world_told(struct world *world, struct tip_inherit_verdict *verdicts, struct bl_score_detail *details)
{
    size_t n = 0;

    for (size_t i = 0; i < VALUES; i++) {
        struct bl_key key = value_key(&world->values[i]);

        bl_score_look(&world->job, &key);
        bl_score_explain(&world->job, &details[n]);
        if (!world_names(world, &key) || !bl_score_tier(details[n].score.score))
            continue;
        verdicts[n] = (struct tip_inherit_verdict){.kind = world->values[i].kind,
                                                   .value = world->values[i].text,
                                                   .score = details[n].score.score,
                                                   .is_subtree = details[n].score.is_subtree,
                                                   .is_whole = details[n].score.is_whole};
        n++;
    }
    return n;
}

static void check_question(const struct world *world, const struct value *value,
                           const struct tip_inherit_verdict *verdicts, const struct bl_score_detail *details, size_t n)
{
    struct bl_allow_hit hit = bl_allow_find(world->allow, value->kind, value->text, strlen(value->text));
    struct tip_inherited is = tip_inherit(verdicts, n, value->kind, value->text);
    struct bl_index_found found = bl_index_find(world->index, value->kind, value->text, strlen(value->text));

    if (fabs(found.score - bl_allow_score(&hit, is.score)) > 1e-12)
        fail_msg("%s: %.15g, wanted %.15g", value->text, found.score, bl_allow_score(&hit, is.score));
    assert_int_equal(found.rule, hit.rule);
    assert_int_equal(found.decides != NULL, is.from < n);
    if (!found.decides)
        return;
    assert_int_equal(found.is_own, is.is_own);
    assert_true(fabs(found.share - is.share) < 1e-12);
    if (!is.is_own)
        assert_string_equal(found.from.value, verdicts[is.from].value);
    assert_true(found.decides->score.score == details[is.from].score.score);
    assert_int_equal(found.decides->next_s, details[is.from].next_s);
    assert_int_equal(found.decides->end_s, details[is.from].end_s);
    assert_int_equal(found.decides->n_reasons, details[is.from].n_reasons);
    assert_memory_equal(found.decides->reasons, details[is.from].reasons,
                        details[is.from].n_shown * sizeof(details->reasons[0]));
}

static void test_index_random(void **state)
{
    uint64_t random = test_seed();
    static struct world world;
    static struct tip_inherit_verdict verdicts[VALUES];
    static struct bl_score_detail details[VALUES + 1];
    size_t n_told = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t n;

        world_make(&random, &world);
        n = world_told(&world, verdicts, details);
        n_told += n;
        for (int i = 0; i < QUESTIONS; i++) {
            struct value value = value_random(&random);

            check_question(&world, i < VALUES ? &world.values[i] : &value, verdicts, details, n);
        }
        world_end(&world);
    }
    assert_true(n_told > ROUNDS * VALUES / 4);
}

static void test_index_empty(void **state)
{
    struct bl_index *index = bl_index_new();

    (void)state;
    assert_int_equal(bl_index_finish(index, NULL, NULL), 0);
    assert_null(bl_index_find4(index, 0).decides);
    assert_null(bl_index_find4(index, UINT32_MAX).decides);
    assert_null(bl_index_find(index, TIP_KIND_DOMAIN, "a.example", 9).decides);
    assert_null(bl_index_find(index, TIP_KIND_NET, "::/0", 4).decides);
    bl_index_destroy(&index);
}

/* What is told alike is kept once. */
static void test_index_shares_records(void **state)
{
    static struct bl_seen_ip4 hosts[1000];
    struct bl_score_source source = {.law = {{.weight = 0.5}, {.weight = 0.5}}};
    const struct bl_seen none = {.n_ip4 = 0};
    struct bl_index *index = bl_index_new();
    struct bl_index_stats stats;
    struct bl_score_job job;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        hosts[i] = (struct bl_seen_ip4){.addr = i * 65537, .times = {.last_s = i, .state = BL_SEEN_LISTED}};
    source.seen[BL_BEFORE] = source.seen[BL_AFTER] = (struct bl_seen){.ip4 = hosts, .n_ip4 = 1000};
    bl_score_job_init(&job, &source, 1);
    job.moment[BL_BEFORE].tau_s = job.moment[BL_AFTER].tau_s = NOW;
    assert_int_equal(bl_index_fill(index, &job, &none, NULL), 0);
    stats = bl_index_stats(index);
    assert_int_equal(stats.n_ip4, 1000);
    assert_int_equal(stats.n_records, 1);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(bl_index_find4(index, i * 65537).is_own);
        assert_null(bl_index_find4(index, i * 65537 + 1).decides);
    }
    bl_score_job_deinit(&job);
    bl_index_destroy(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_random),
        cmocka_unit_test(test_index_empty),
        cmocka_unit_test(test_index_shares_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
