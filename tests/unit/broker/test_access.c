/* Who may do what: rights, what a reload changes, what the ZAP handler answers, the map of keys, byte budgets. */
#include <check.h>

#include <stdio.h>

#include <tip/opt.h>

#include "core/access.h"
#include "core/budget.h"
#include "core/zap.h"
#include "keymap.h"

static const char map_text[] =
    "keys:\n"
    "  - {name: blacklist, public: \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\", roles: [service], audience: amber,\n"
    "     publish: [v1.listing., v1.source.], serve: [control.blacklist, snapshot.verdict.]}\n"
    "  - {name: soc, public: \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\", roles: [consumer], audience: green}\n"
    "  - {name: tip, public: \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\", roles: [operator], audience: amber}\n";

static void map_read(struct access_table *table, const char *text)
{
    tip_auto(tip_conf_destroy) struct tip_conf *conf = tip_conf_new();
    int r = keymap_load_text(table, conf, "keys.yaml", text, strlen(text));

    if (r)
        print_error("%s\n", tip_conf_error(conf, 0));
    assert_int_equal(r, 0);
}

/* By name: users are in order of name too. */
static const struct access_key *map_key(const struct access_table *table, const char *name)
{
    for (size_t i = 0; i < table->n; i++) {
        if (strcmp(table->items[i]->name, name) == 0)
            return table->items[i];
    }
    return NULL;
}

/* ---- rights ---- */

enum right { MAY_ENTER, MAY_READ, MAY_NAME, MAY_PUBLISH, MAY_CALL, MAY_SERVE };

struct right_row {
    const char *key; /* NULL: a local peer */
    enum right right;
    const char *what;
    int number;
    bool answer;
};

static bool right_ask(const struct access_key *key, const struct right_row *row)
{
    switch (row->right) {
    case MAY_ENTER:
        return access_may_enter(key, (enum access_door)row->number);
    case MAY_READ:
        return access_may_read(key, (uint8_t)row->number);
    case MAY_NAME:
        return access_owns_name(key, row->what);
    case MAY_PUBLISH:
        return access_may_publish(key, row->what, strlen(row->what));
    case MAY_CALL:
        return access_may_call(key, row->what);
    case MAY_SERVE:
        return access_may_serve(key, row->what);
    }
    return false;
}

static void test_rights(void **state)
{
    static const struct right_row rows[] = {
        {NULL, MAY_ENTER, "", ACCESS_INGEST, true},
        {NULL, MAY_READ, "", ACCESS_AMBER, true},
        {NULL, MAY_NAME, "anybody", 0, true},
        {NULL, MAY_PUBLISH, "v1.bus.head.", 0, false}, /* it would pass for the broker */
        {NULL, MAY_PUBLISH, "v1.system.alarm.blacklist.", 0, true},
        {NULL, MAY_CALL, "snapshot.verdict.amber", 0, true},
        {NULL, MAY_SERVE, "control.blacklist", 0, true},

        {"blacklist", MAY_ENTER, "", ACCESS_INGEST, true},
        {"blacklist", MAY_ENTER, "", ACCESS_FEED_AMBER, true},
        {"blacklist", MAY_ENTER, "", ACCESS_WORK, true},
        {"blacklist", MAY_NAME, "blacklist", 0, true},
        {"blacklist", MAY_NAME, "blacklist.2", 0, true},
        {"blacklist", MAY_NAME, "blacklist.", 0, false},
        {"blacklist", MAY_NAME, "blacklist2", 0, false},
        {"blacklist", MAY_NAME, "blacklis", 0, false},
        {"blacklist", MAY_NAME, "", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.listing.delta.x.", 0, true},
        {"blacklist", MAY_PUBLISH, "v1.listing.", 0, true},
        {"blacklist", MAY_PUBLISH, "v1.listing", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.listings.delta.", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.verdict.changes.", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.bus.head.", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.system.alarm.blacklist.", 0, true},
        {"blacklist", MAY_PUBLISH, "v1.system.heartbeat.blacklist.x.y.", 0, true},
        {"blacklist", MAY_PUBLISH, "v1.system.alarm.blacklist_4711.", 0, true}, /* blacklist.4711 */
        {"blacklist", MAY_PUBLISH, "v1.system.alarm.blacklist", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.system.alarm.blacklist2.", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.system.alarm.blacklis.", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.system.alarm.storage.", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.system.alarm.storage.blacklist.", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.system.blacklist.", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.system.blacklist", 0, false},
        {"blacklist", MAY_PUBLISH, "v1.system..blacklist.", 0, true}, /* no topic: refused for that */
        {"blacklist", MAY_PUBLISH, "v1.system.", 0, false},
        {"blacklist", MAY_CALL, "store.query", 0, true},
        {"blacklist", MAY_CALL, "snapshot.verdict.amber", 0, true},
        {"blacklist", MAY_SERVE, "control.blacklist", 0, true},
        {"blacklist", MAY_SERVE, "control.blacklist2", 0, false},
        {"blacklist", MAY_SERVE, "control.blacklist.x", 0, false},
        {"blacklist", MAY_SERVE, "control.", 0, false},
        {"blacklist", MAY_SERVE, "snapshot.verdict.green", 0, true},
        {"blacklist", MAY_SERVE, "snapshot.verdict", 0, false},
        {"blacklist", MAY_SERVE, "bus.query", 0, false},

        {"tip", MAY_ENTER, "", ACCESS_INGEST, true},
        {"tip", MAY_PUBLISH, "v1.control.applied.", 0, false},
        {"tip", MAY_PUBLISH, "v1.system.alarm.tip.", 0, true},
        {"tip", MAY_PUBLISH, "v1.system.alarm.blacklist.", 0, false},
        {"tip", MAY_CALL, "control.blacklist", 0, true},
        {"tip", MAY_SERVE, "control.tip", 0, false},

        {"soc", MAY_ENTER, "", ACCESS_INGEST, false},
        {"soc", MAY_ENTER, "", ACCESS_FEED_CLEAR, true},
        {"soc", MAY_ENTER, "", ACCESS_FEED_GREEN, true},
        {"soc", MAY_ENTER, "", ACCESS_FEED_AMBER, false},
        {"soc", MAY_ENTER, "", ACCESS_FETCH, true},
        {"soc", MAY_READ, "", ACCESS_CLEAR, true},
        {"soc", MAY_READ, "", ACCESS_GREEN, true},
        {"soc", MAY_READ, "", ACCESS_AMBER, false},
        {"soc", MAY_READ, "", 255, false},
        {"soc", MAY_PUBLISH, "v1.system.alarm.soc.", 0, false},
        {"soc", MAY_CALL, "store.query", 0, false},
        {"soc", MAY_CALL, "snapshot.verdict.clear", 0, true},
        {"soc", MAY_CALL, "snapshot.verdict.green", 0, true},
        {"soc", MAY_CALL, "snapshot.verdict.amber", 0, false},
        {"soc", MAY_CALL, "snapshot.verdict.red", 0, false},
        {"soc", MAY_CALL, "snapshot.green", 0, false},
        {"soc", MAY_CALL, "verdict.lookup.clear", 0, true},
        {"soc", MAY_CALL, "verdict.lookup.green", 0, true},
        {"soc", MAY_CALL, "verdict.lookup.amber", 0, false},
        {"soc", MAY_CALL, "verdict.lookup.red", 0, false},
        {"soc", MAY_CALL, "verdict.lookup", 0, false},
        {"soc", MAY_CALL, "verdict.lookup.x.green", 0, false},
        {"soc", MAY_CALL, "verdict.lookupx.green", 0, false},
        {"soc", MAY_CALL, "snapshot.green", 0, false},
        {"soc", MAY_CALL, "snapshot..green", 0, false},
        {"soc", MAY_SERVE, "snapshot.verdict.green", 0, false},
    };
    tip_auto(access_table_deinit) struct access_table table = {0};

    (void)state;
    map_read(&table, map_text);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct access_key *key = rows[i].key ? map_key(&table, rows[i].key) : NULL;

        assert_true(!rows[i].key || key);
        if (right_ask(key, &rows[i]) != rows[i].answer)
            fail_msg("row %zu: %s, right %d, %s %d", i, rows[i].key ? rows[i].key : "local", (int)rows[i].right,
                     rows[i].what, rows[i].number);
    }
    assert_int_equal(access_readable(map_key(&table, "soc")), 7); /* unmarked, clear, green */
    assert_int_equal(access_readable(NULL), 15);
    assert_true(access_is_internal(map_key(&table, "tip")) && !access_is_internal(map_key(&table, "soc")));
}

/* ---- a reload ---- */

static void test_replace_keeps_what_is_the_same_and_revokes_the_rest(void **state)
{
    static const char changed[] =
        "keys:\n"
        "  - {name: tip, public: \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\", roles: [operator], audience: amber}\n"
        "  - {name: soc, public: \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\", roles: [consumer], audience: clear}\n"
        "  - {name: blacklist, public: \"if%O+^Z!-OTt9+u5B.IXh!9hT=HAtw*=M)aW5u.4\", roles: [service], audience: "
        "amber}\n";
    tip_auto(access_table_deinit) struct access_table table = {0};
    struct access_table fresh = {0};
    const struct access_key *blacklist, *soc, *tip;
    char user[ACCESS_USER_BYTES];

    (void)state;
    map_read(&table, map_text);
    blacklist = map_key(&table, "blacklist");
    soc = map_key(&table, "soc");
    tip = map_key(&table, "tip");
    memcpy(user, blacklist->user, sizeof(user));
    assert_ptr_equal(access_table_find(&table, user), blacklist);
    map_read(&fresh, map_text);
    assert_int_equal(access_table_replace(&table, &fresh), 0);
    assert_true(table.n == 3 && table.n_revoked == 0 && map_key(&table, "soc") == soc);

    map_read(&fresh, changed);
    assert_int_equal(access_table_replace(&table, &fresh), blacklist->doors | soc->doors);
    assert_true(map_key(&table, "tip") == tip && !tip->revoked);
    assert_true(soc->revoked && map_key(&table, "soc") != soc);
    assert_int_equal(map_key(&table, "soc")->audience, ACCESS_CLEAR);
    assert_true(blacklist->revoked);
    assert_null(access_table_find(&table, user)); /* the same name with another public key is another user */
    assert_non_null(map_key(&table, "blacklist"));
    assert_int_equal(table.n_revoked, 2);
}

/* ---- the map ---- */

#define PUBLIC   "public: \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\""
#define PUBLIC_B "public: \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\""

static void test_what_the_map_refuses(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"keys: [{name: a}]", "keys.yaml:1:8: public is missing"},
        {"keys: [{name: a, " PUBLIC "}]", "keys.yaml:1:8: roles is missing"},
        {"keys:\n - {name: a, " PUBLIC ", roles: [king]}", "keys.yaml:2:4: 'king' is not a role"},
        {"keys:\n - {name: a, " PUBLIC ", roles: []}", "keys.yaml:2:4: it has no role"},
        {"keys:\n - {name: a, public: short, roles: [service]}", "keys.yaml:2:22: public"},
        {"keys:\n - {name: a, public: \"                                        \", roles: [service]}",
         "keys.yaml:2:4: public is not a key"},
        {"keys:\n - {name: A, " PUBLIC ", roles: [service]}", "keys.yaml:2:4: a key is called"},
        {"keys:\n - {name: a.b, " PUBLIC ", roles: [service]}", "keys.yaml:2:4: a key is called"},
        {"keys:\n - {name: broker, " PUBLIC ", roles: [service]}", "keys.yaml:2:4: 'broker' is the broker itself"},
        {"keys:\n - {name: a, " PUBLIC ", roles: [service], audience: red}", "keys.yaml:2:"},
        {"keys:\n - {name: a, " PUBLIC ", roles: [service], publish: [listing.]}", "is not a prefix of topics"},
        {"keys:\n - {name: a, " PUBLIC ", roles: [service], publish: [v1.listing]}", "is not a prefix of topics"},
        {"keys:\n - {name: a, " PUBLIC ", roles: [service], serve: [\"a b\"]}", "is not a queue"},
        {"keys:\n - {name: a, " PUBLIC ", roles: [service], colour: red}", "colour"},
        {"keys:\n - {name: a, " PUBLIC ", roles: [service]}\n - {name: b, " PUBLIC ", roles: [service]}",
         "keys.yaml:3:4: another name has this key"},
        {"keys:\n - {name: a, " PUBLIC ", roles: [service]}\n - {name: a_2, " PUBLIC_B ", roles: [service]}",
         "keys.yaml:3:4: in topics this name is an instance"},
        {"keys:\n - {name: a_b_2, " PUBLIC ", roles: [service]}\n - {name: a_b, " PUBLIC_B ", roles: [service]}",
         "keys.yaml:3:4: in topics this name is an instance"},
        {"key: []", "key"},
        {"[]", "keys.yaml:1:1: must be a mapping"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tip_auto(tip_conf_destroy) struct tip_conf *conf = tip_conf_new();
        struct access_table table = {0};

        if (keymap_load_text(&table, conf, "keys.yaml", rows[i].text, strlen(rows[i].text)) != TIP_CONF_E_INVALID)
            fail_msg("row %zu is taken", i);
        assert_true(table.n == 0 && tip_conf_n_errors(conf) > 0);
        if (!strstr(tip_conf_error(conf, 0), rows[i].error))
            fail_msg("row %zu: %s", i, tip_conf_error(conf, 0));
    }
}

/* Names that only look alike. */
static void test_what_the_map_takes(void **state)
{
#define TWO(a, b) \
    "keys:\n - {name: " a ", " PUBLIC ", roles: [service]}\n - {name: " b ", " PUBLIC_B ", roles: [service]}"
    static const char *const texts[] = {TWO("a", "a2"), TWO("a", "a-2"), TWO("a_2", "a_3"), TWO("a_2", "a_22")};
#undef TWO

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct access_table table = {0};

        map_read(&table, texts[i]);
        assert_int_equal(table.n, 2);
        access_table_deinit(&table);
    }
}

static void test_an_empty_map_lets_nobody_in(void **state)
{
    tip_auto(access_table_deinit) struct access_table table = {0};

    (void)state;
    map_read(&table, "");
    assert_int_equal(table.n, 0);
    assert_null(access_table_find(&table, ""));
}

/* ---- ZAP ---- */

static void test_zap_answers(void **state)
{
    tip_auto(access_table_deinit) struct access_table table = {0};
    tip_auto(zap_passes_deinit) struct zap_passes passes = {0};
    const uint8_t strange[ACCESS_KEY_BYTES] = {1};
    const struct access_key *soc;

    (void)state;
    map_read(&table, map_text);
    zap_passes_init(&passes, &table);
    soc = map_key(&table, "soc");
    {
        const struct {
            const char *version, *domain, *mechanism;
            const void *key;
            size_t key_len, n_frames;
            enum zap_verdict verdict;
            enum access_door door;
        } rows[] = {
            {"1.0", "fetch", "CURVE", soc->public_key, 32, 7, ZAP_WELCOME, ACCESS_FETCH},
            {"1.0", "feed.green", "CURVE", soc->public_key, 32, 7, ZAP_WELCOME, ACCESS_FEED_GREEN},
            {"1.0", "feed.amber", "CURVE", soc->public_key, 32, 7, ZAP_DOOR, ACCESS_FEED_AMBER},
            {"1.0", "ingest", "CURVE", soc->public_key, 32, 7, ZAP_DOOR, ACCESS_INGEST},
            {"1.0", "fetch", "CURVE", strange, 32, 7, ZAP_KEY, ACCESS_FETCH},
            {"1.0", "fetch", "CURVE", soc->public_key, 31, 7, ZAP_MALFORMED, ACCESS_FETCH},
            {"1.0", "fetch", "CURVE", soc->public_key, 0, 7, ZAP_MALFORMED, ACCESS_FETCH},
            {"1.0", "fetch", "NULL", "", 0, 6, ZAP_MALFORMED, ACCESS_DOOR_COUNT},
            {"1.0", "fetch", "PLAIN", "soc", 3, 7, ZAP_MECHANISM, ACCESS_FETCH},
            {"1.0", "fetch", "PLAIN", "soc", 3, 8, ZAP_MALFORMED, ACCESS_DOOR_COUNT},
            {"1.0", "", "CURVE", soc->public_key, 32, 7, ZAP_DOMAIN, ACCESS_DOOR_COUNT},
            {"1.0", "feed", "CURVE", soc->public_key, 32, 7, ZAP_DOMAIN, ACCESS_DOOR_COUNT},
            {"2.0", "fetch", "CURVE", soc->public_key, 32, 7, ZAP_MALFORMED, ACCESS_DOOR_COUNT},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            const struct zap_frame frames[] = {{rows[i].version, 3},
                                               {"1", 1},
                                               {rows[i].domain, strlen(rows[i].domain)},
                                               {"192.0.2.1", 9},
                                               {"", 0},
                                               {rows[i].mechanism, strlen(rows[i].mechanism)},
                                               {rows[i].key, rows[i].key_len},
                                               {"", 0}};
            struct zap_answer answer;

            zap_judge(&passes, frames, rows[i].n_frames, &answer);
            if (answer.verdict != rows[i].verdict || answer.door != rows[i].door)
                fail_msg("row %zu: %s at %d", i, zap_verdict_name(answer.verdict), (int)answer.door);
            if (answer.verdict == ZAP_WELCOME)
                assert_string_equal(answer.pass->user, soc->user);
        }
    }
}

/* ---- budgets ---- */

static void test_a_budget_is_a_seconds_worth_and_debts_are_waited_for(void **state)
{
    tip_auto(budgets_deinit) struct budgets budgets;

    (void)state;
    budgets_init(&budgets, 1000);
    assert_int_equal(budgets_wait_ms(&budgets, "soc", 0), 0);
    budgets_spend(&budgets, "soc", 3000, 0);
    assert_int_equal(budgets_wait_ms(&budgets, "soc", 0), 2001);
    assert_int_equal(budgets_wait_ms(&budgets, "press", 0), 0); /* each has its own */
    assert_int_equal(budgets_wait_ms(&budgets, "soc", 1500), 501);
    assert_int_equal(budgets_wait_ms(&budgets, "soc", 2001), 0);
    budgets_spend(&budgets, "soc", 1, 2001);
    assert_int_equal(budgets_wait_ms(&budgets, "soc", 2001), 1);
    assert_int_equal(budgets_wait_ms(&budgets, "soc", 1000000), 0); /* rest earns no more than a second's worth */
    budgets_spend(&budgets, "soc", 1500, 1000000);
    assert_int_equal(budgets_wait_ms(&budgets, "soc", 1000000), 501);
    assert_int_equal(budgets_wait_ms(&budgets, "soc", INT64_MAX / 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_replace_keeps_what_is_the_same_and_revokes_the_rest),
        cmocka_unit_test(test_what_the_map_refuses),
        cmocka_unit_test(test_what_the_map_takes),
        cmocka_unit_test(test_an_empty_map_lets_nobody_in),
        cmocka_unit_test(test_zap_answers),
        cmocka_unit_test(test_a_budget_is_a_seconds_worth_and_debts_are_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
