/* The directory of keys: what keys.yaml says, lines that come and go, certificates and their modes. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/keys.h>

#include "keys/services.h"
#include "keys/setup.h"
#include "up/lock.h"
#include "up/tree.h"

#define PUBLIC_A "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define PUBLIC_B "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define LINE_A   "  - {name: \"a\", public: \"" PUBLIC_A "\", roles: [consumer], audience: green}\n"
#define LINE_B   "  - {name: \"b\", public: \"" PUBLIC_B "\", roles: [consumer], audience: clear}\n"
#define HEAD     "# written by `tip keys`; after editing: SIGHUP the broker\nkeys:\n"

/* ---- words ---- */

static void test_keys_words(void **state)
{
    static const struct {
        bool (*is_ok)(const char *text);
        const char *text;
        bool expected;
    } table[] = {
        {keymap_name_is_ok, "soc", true},
        {keymap_name_is_ok, "4-eyes_2", true},
        {keymap_name_is_ok, "", false},
        {keymap_name_is_ok, "-soc", false},
        {keymap_name_is_ok, "Soc", false},
        {keymap_name_is_ok, "a.b", false},
        {keymap_name_is_ok, "../x", false},
        {keymap_name_is_ok, "a23456789012345678901234567890123456789012345678", true},
        {keymap_name_is_ok, "a234567890123456789012345678901234567890123456789", false},
        {keymap_topic_is_ok, "v1.", true},
        {keymap_topic_is_ok, "v1.listing.", true},
        {keymap_topic_is_ok, "v1.listing", false},
        {keymap_topic_is_ok, "v2.listing.", false},
        {keymap_topic_is_ok, "v1..", false},
        {keymap_topic_is_ok, "v1.a\"b.", false},
        {keymap_queue_is_ok, "control.mine", true},
        {keymap_queue_is_ok, "snapshot.verdict.", true},
        {keymap_queue_is_ok, ".x", false},
        {keymap_queue_is_ok, "", false},
        {keymap_queue_is_ok, "a]b", false},
        {keyring_public_is_ok, PUBLIC_A, true},
        {keyring_public_is_ok, "short", false},
        {keyring_public_is_ok, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].is_ok(table[i].text) != table[i].expected)
            fail_msg("row %zu, \"%s\"", i, table[i].text);
    }
}

/* ---- the map ---- */

static struct keymap *map_of(const char *text)
{
    char why[KEYMAP_WHY_BYTES] = "";
    struct keymap *map = NULL;

    if (keymap_parse(&map, text, strlen(text), why))
        fail_msg("%s: %s", text, why);
    return map;
}

static void test_map_reads(void **state)
{
    tip_auto(keymap_destroy) struct keymap *map = NULL;
    const struct keymap_key *key;

    (void)state;
    map = map_of("keys:\n"
                 "- name: blacklist # in a hand's own layout\n"
                 "  public: \"" PUBLIC_A "\"\n"
                 "  roles: [service, operator]\n"
                 "  audience: amber\n"
                 "  publish: [v1.listing., 'v1.source.']\n"
                 "  serve:\n"
                 "    - control.blacklist\n"
                 "  remark: {anything: else}\n"
                 "- {name: soc, public: \"" PUBLIC_B "\", roles: [consumer], audience: green}\n");
    assert_int_equal(map->n, 2);
    key = keymap_find(map, "blacklist");
    assert_non_null(key);
    assert_string_equal(key->public_key, PUBLIC_A);
    assert_int_equal(key->roles, 1 << KEYMAP_SERVICE | 1 << KEYMAP_OPERATOR);
    assert_int_equal(key->audience, KEYMAP_AMBER);
    assert_int_equal(key->publish.n, 2);
    assert_string_equal(key->publish.texts[1], "v1.source.");
    assert_int_equal(key->serve.n, 1);
    assert_false(key->is_ours);
    assert_ptr_equal(keymap_find_public(map, PUBLIC_B), keymap_find(map, "soc"));
    assert_true(keymap_find(map, "soc")->is_ours);
    assert_null(keymap_find(map, "nobody"));
}

static void test_map_refuses(void **state)
{
    static const struct {
        const char *text, *why;
    } table[] = {
        {"keys: {}\n", "line 1, column 7"},
        {"[1, 2]\n", "there is no `keys:`"},
        {"keys:\n  - a\n", "line 2, column 5"},
        {"keys:\n  - {name: A, public: \"" PUBLIC_A "\", roles: [service]}\n", "line 2, column 12"},
        {"keys:\n  - {name: a, public: short, roles: [service]}\n", "a public key has 40 characters"},
        {"keys:\n  - {name: a, public: \"" PUBLIC_A "\", roles: [king]}\n", "a role is"},
        {"keys:\n  - {name: a, public: \"" PUBLIC_A "\", roles: [service], audience: red}\n", "an audience is"},
        {"keys:\n  - {name: a, roles: [service]}\n", "a key has a name, a public key and roles"},
        {"keys:\n  - {name: a\n", "line"},
        {"keys: [\"a\tb\"", "line"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct keymap *map = NULL;
        char why[KEYMAP_WHY_BYTES] = "";

        assert_int_equal(keymap_parse(&map, table[i].text, strlen(table[i].text), why), -EINVAL);
        if (!strstr(why, table[i].why))
            fail_msg("row %zu: \"%s\"", i, why);
        assert_null(map);
    }
}

/* key a, green consumer */
static struct keymap_key key_a(void)
{
    struct keymap_key key = {.name = "a", .public_key = PUBLIC_A, .roles = 1 << KEYMAP_CONSUMER};

    key.audience = KEYMAP_GREEN;
    return key;
}

static void test_map_appends(void **state)
{
    static const struct {
        const char *before, *after; /* NULL: refused */
    } table[] = {
        {"", HEAD LINE_A},
        {"# mine\n", "# mine\nkeys:\n" LINE_A},
        {"keys:\n", "keys:\n" LINE_A},
        {"keys:", "keys:\n" LINE_A},
        {"keys: [] # none\n# end\n", "keys:  # none\n" LINE_A "# end\n"},
        {"# a\nkeys: # b\n" LINE_B "  # c\n", "# a\nkeys: # b\n" LINE_B LINE_A "  # c\n"},
        {"keys:\n- {name: b, public: \"" PUBLIC_B "\", roles: [consumer]} # d\nmore: 1\n",
         "keys:\n- {name: b, public: \"" PUBLIC_B "\", roles: [consumer]} # d\n"
         "- {name: \"a\", public: \"" PUBLIC_A "\", roles: [consumer], audience: green}\nmore: 1\n"},
        {"keys: [{name: b, public: \"" PUBLIC_B "\", roles: [consumer]}]\n", NULL},
        {"{keys: [{name: b, public: \"" PUBLIC_B "\", roles: [consumer]}\n]}\n", NULL},
    };
    const struct keymap_key key = key_a();

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        tip_auto(keymap_destroy) struct keymap *map = map_of(table[i].before);
        tip_auto(tip_buf_deinit) struct tip_buf text;
        char why[KEYMAP_WHY_BYTES] = "";

        tip_buf_init(&text, KEYMAP_BYTES_MAX);
        assert_int_equal(keymap_append(map, &key, &text, why), table[i].after ? 0 : -EINVAL);
        if (table[i].after)
            assert_string_equal(tip_buf_text(&text), table[i].after);
        else
            assert_non_null(strstr(why, "by hand"));
    }
}

static void test_map_removes(void **state)
{
    static const struct {
        const char *before, *after; /* NULL: refused */
    } table[] = {
        {HEAD LINE_A LINE_B, HEAD LINE_B},
        {HEAD LINE_B "  # about a\n" LINE_A "  # end\n", HEAD LINE_B "  # about a\n  # end\n"},
        {"# x\nkeys: # y\n" LINE_A "# z\n", "# x\nkeys: [] # y\n# z\n"},
        {"keys:\n  - {name: a, # two lines\n     public: \"" PUBLIC_A "\", roles: [consumer]}\n" LINE_B,
         "keys:\n" LINE_B},
        {"keys:\n  - name: a\n    public: \"" PUBLIC_A "\"\n    roles: [consumer]\n" LINE_B, NULL},
        {"keys: [{name: a, public: \"" PUBLIC_A "\", roles: [consumer]}]\n", NULL},
        {"keys:\n  -\n    {name: a, public: \"" PUBLIC_A "\", roles: [consumer]}\n", NULL},
        {"\"keys\" : \n" LINE_A, NULL}, /* "[]" would have to stand behind a colon that is elsewhere */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        tip_auto(keymap_destroy) struct keymap *map = map_of(table[i].before);
        tip_auto(tip_buf_deinit) struct tip_buf text;
        char why[KEYMAP_WHY_BYTES] = "";
        int r;

        tip_buf_init(&text, KEYMAP_BYTES_MAX);
        r = keymap_remove(map, "a", &text, why);
        if (r != (table[i].after ? 0 : -EINVAL))
            fail_msg("row %zu: %s", i, why);
        if (table[i].after)
            assert_string_equal(tip_buf_text(&text), table[i].after);
        else
            assert_non_null(strstr(why, "by hand"));
    }
}

/* ---- the directory ---- */

static int dir_make(void **state)
{
    char dir[] = "/tmp/tip-test-keys-XXXXXX";

    *state = mkdtemp(dir) ? strdup(dir) : NULL;
    return *state ? 0 : -1;
}

static int dir_remove(void **state)
{
    int r = tree_remove(*state);

    free(*state);
    return r;
}

static mode_t mode_of(const char *dir, const char *file)
{
    char path[256];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", dir, file);
    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static char *text_of(const char *dir, const char *file)
{
    char path[256], *text = calloc(1, 65536);
    FILE *in;

    snprintf(path, sizeof(path), "%s/%s", dir, file);
    in = fopen(path, "r");
    assert_non_null(in);
    assert_true(fread(text, 1, 65535, in) > 0);
    fclose(in);
    return text;
}

static void test_site_is_whole(void **state)
{
    char dir[128], why[KEYMAP_WHY_BYTES] = "", path[KEYRING_PATH_BYTES];
    const char *what = NULL;
    struct keyring ring;
    struct tip_keys *keys = NULL;
    char *before, *after;

    snprintf(dir, sizeof(dir), "%s/deep/keys", (const char *)*state);
    assert_int_equal(setup_site(dir, why), 0);
    assert_int_equal(mode_of(dir, "."), 0700);
    assert_int_equal(mode_of(dir, "keys.yaml"), 0644);
    assert_int_equal(mode_of(dir, "broker.cert"), 0644);
    assert_int_equal(mode_of(dir, "broker.cert_secret"), 0600);
    for (const struct service_rights *at = services; at->name; at++) { /* what the runtime takes */
        assert_int_equal(tip_keys_open(&keys, dir, at->name), 0);
        tip_keys_destroy(&keys);
    }
    assert_int_equal(keyring_open(&ring, dir, false), 0);
    assert_false(keyring_find_fault(&ring, path, &what));
    snprintf(path, sizeof(path), "%s/tip.cert_secret", dir);
    assert_int_equal(chmod(path, 0640), 0);
    assert_true(keyring_find_fault(&ring, path, &what));
    assert_non_null(strstr(path, "tip.cert_secret"));
    keyring_close(&ring);

    before = text_of(dir, "tip.cert_secret");
    assert_int_equal(setup_site(dir, why), 0);
    after = text_of(dir, "tip.cert_secret");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* A crash after any of the steps leaves something that doing it again completes, with the same secret. */
static void test_site_goes_on_after_a_crash(void **state)
{
    static const char *const lost[] = {"keys.yaml", "tip.cert", "broker.cert"};
    const char *dir = *state;
    char why[KEYMAP_WHY_BYTES] = "", path[256];
    char *before, *after;

    assert_int_equal(setup_site(dir, why), 0);
    before = text_of(dir, "tip.cert");
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, lost[i]);
        assert_int_equal(unlink(path), 0);
    }
    if (setup_site(dir, why))
        fail_msg("%s", why);
    after = text_of(dir, "tip.cert");
    assert_string_equal(strchr(before, '\n'), strchr(after, '\n')); /* but for the date */
    free(before);
    free(after);
    after = text_of(dir, "keys.yaml");
    assert_non_null(strstr(after, "name: \"storage\""));
    free(after);
}

static int leaves_alone(const char *dir)
{
    char why[KEYMAP_WHY_BYTES] = "";

    if (geteuid() == 0 && (setgid(65534) == -1 || setuid(65534) == -1)) /* root may write everywhere */
        return 1;
    if (setup_site(dir, why) || chmod(dir, 0500) == -1)
        return 2;
    return setup_site(dir, why) ? 3 : chmod(dir, 0700);
}

static void test_site_leaves_what_it_need_not_touch(void **state)
{
    int status;
    pid_t child;

    assert_int_equal(geteuid() == 0 ? chown(*state, 65534, 65534) : 0, 0);
    child = fork();
    if (child == 0)
        _exit(leaves_alone(*state));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int add(const struct keyring *ring, const char *name, const char *public_key, enum setup_result *resultp,
               char why[static KEYMAP_WHY_BYTES])
{
    struct keymap_key key = {.roles = 1 << KEYMAP_CONSUMER};

    snprintf(key.name, sizeof(key.name), "%s", name);
    snprintf(key.public_key, sizeof(key.public_key), "%s", public_key);
    return setup_add(ring, &key, false, resultp, why);
}

static void test_partner_and_revocation(void **state)
{
    char why[KEYMAP_WHY_BYTES] = "";
    enum setup_result result;
    struct keyring ring;
    struct keyring_cert cert;
    char *text;

    assert_int_equal(setup_site(*state, why), 0);
    assert_int_equal(keyring_open(&ring, *state, true), 0);
    assert_int_equal(add(&ring, "partner", PUBLIC_A, &result, why), 0);
    assert_int_equal(result, SETUP_MADE);
    assert_int_equal(mode_of(*state, "partner.cert"), 0644);
    assert_int_equal(mode_of(*state, "partner.cert_secret"), 0); /* his alone */
    assert_int_equal(keyring_look(&ring, "partner", &cert), 0);
    assert_string_equal(cert.public_key, PUBLIC_A);
    assert_string_equal(cert.audience, "clear");
    assert_int_equal(add(&ring, "partner", PUBLIC_A, &result, why), 0);
    assert_int_equal(result, SETUP_ELSEWHERE);
    assert_int_equal(add(&ring, "other", PUBLIC_A, &result, why), -EINVAL);
    assert_non_null(strstr(why, "partner has this public key already"));
    assert_int_equal(mode_of(*state, "other.cert"), 0);
    assert_int_equal(add(&ring, "partner_2", PUBLIC_B, &result, why), -EINVAL);
    assert_non_null(strstr(why, "in topics one is an instance of the other"));
    assert_int_equal(add(&ring, "part", PUBLIC_B, &result, why), 0);
    assert_int_equal(setup_revoke(&ring, "part", false, why), 0);

    assert_int_equal(setup_revoke(&ring, "partner", true, why), 0);
    assert_int_equal(mode_of(*state, "partner.cert"), 0644);
    assert_int_equal(setup_revoke(&ring, "partner", false, why), 0);
    assert_int_equal(mode_of(*state, "partner.cert"), 0);
    assert_int_equal(mode_of(*state, "partner.cert.revoked"), 0644);
    assert_int_equal(setup_revoke(&ring, "tip", false, why), 0);
    assert_int_equal(mode_of(*state, "tip.cert_secret"), 0);
    assert_int_equal(keyring_look(&ring, "tip", &cert), KEYRING_E_NONE);
    text = text_of(*state, "keys.yaml");
    assert_null(strstr(text, "partner"));
    assert_null(strstr(text, "\"tip\""));
    free(text);
    keyring_close(&ring);
}

/* czmq would take SIGINT and SIGTERM for itself as soon as it opens a socket. */
static void test_signals_stay_ours(void **state)
{
    char why[KEYMAP_WHY_BYTES] = "";
    struct sigaction action;

    assert_int_equal(setup_site(*state, why), 0);
    assert_int_equal(sigaction(SIGINT, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);
    assert_int_equal(sigaction(SIGTERM, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);
}

/* ---- whom to tell ---- */

static void test_lock_names_its_holder(void **state)
{
    int ready[2], go[2], fd = -1, status;
    char byte = 0;
    pid_t child;

    assert_int_equal(lock_holder(*state), 0);
    assert_int_equal(pipe(ready) | pipe(go), 0);
    child = fork();
    if (child == 0) {
        byte = lock_take(*state, &fd) == 0;
        _exit(write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    assert_int_equal(lock_holder(*state), child);
    assert_int_equal(lock_take(*state, &fd), -EBUSY);
    assert_int_equal(write(go[1], &byte, 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(lock_holder(*state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_words),
        cmocka_unit_test(test_map_reads),
        cmocka_unit_test(test_map_refuses),
        cmocka_unit_test(test_map_appends),
        cmocka_unit_test(test_map_removes),
        cmocka_unit_test_setup_teardown(test_site_is_whole, dir_make, dir_remove),
        cmocka_unit_test_setup_teardown(test_site_goes_on_after_a_crash, dir_make, dir_remove),
        cmocka_unit_test_setup_teardown(test_site_leaves_what_it_need_not_touch, dir_make, dir_remove),
        cmocka_unit_test_setup_teardown(test_partner_and_revocation, dir_make, dir_remove),
        cmocka_unit_test_setup_teardown(test_signals_stay_ours, dir_make, dir_remove),
        cmocka_unit_test_setup_teardown(test_lock_names_its_holder, dir_make, dir_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
