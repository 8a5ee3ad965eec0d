#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>
#include <zmq.h>

#include <tip/cleanup.h>
#include <tip/keys.h>
#include <tip/loop.h>

/* --- a directory of keys, in czmq's format --- */

struct pair_of_keys {
    char public_text[41], secret_text[41];
};

static int dir_open(void **state)
{
    static char dir[64];

    strcpy(dir, "/tmp/tip-keys-XXXXXX");
    assert_non_null(mkdtemp(dir));
    *state = dir;
    return 0;
}

static int dir_close(void **state)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -r %s", (const char *)*state);
    return system(command);
}

static void dir_write(const char *dir, const char *file, mode_t mode, const char *public_text, const char *secret_text)
{
    char path[512];
    FILE *out;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, file);
    out = fopen(path, "we");
    assert_non_null(out);
    (void)fprintf(out, "#   ZeroMQ CURVE Certificate\nmetadata\ncurve\n    public-key = \"%s\"\n", public_text);
    if (secret_text)
        (void)fprintf(out, "    secret-key = \"%s\"\n", secret_text);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static struct pair_of_keys dir_add(const char *dir, const char *name)
{
    struct pair_of_keys pair;
    char file[64];

    assert_int_equal(zmq_curve_keypair(pair.public_text, pair.secret_text), 0);
    (void)snprintf(file, sizeof(file), "%s.cert", name);
    dir_write(dir, file, 0644, pair.public_text, NULL);
    (void)snprintf(file, sizeof(file), "%s.cert_secret", name);
    dir_write(dir, file, 0600, pair.public_text, pair.secret_text);
    return pair;
}

/* --- loading --- */

static void test_loads_its_own_pair_and_the_brokers_key(void **state)
{
    const char *dir = *state;
    tip_auto(tip_keys_destroy) struct tip_keys *keys = NULL;
    struct pair_of_keys own = dir_add(dir, "blacklist"), broker = dir_add(dir, "broker");
    char text[41];

    assert_int_equal(tip_keys_open(&keys, dir, "blacklist"), 0);
    assert_string_equal(keys->name, "blacklist");
    assert_string_equal(zmq_z85_encode(text, keys->public_key, 32), own.public_text);
    assert_string_equal(zmq_z85_encode(text, keys->secret_key, 32), own.secret_text);
    assert_string_equal(zmq_z85_encode(text, keys->broker_key, 32), broker.public_text);
    assert_ptr_equal(tip_keys_client(keys, "tcp://192.0.2.1:5550"), &keys->client);
    assert_null(tip_keys_client(keys, "ipc:///run/tip/ingest"));
    assert_null(tip_keys_client(NULL, "tcp://192.0.2.1:5550"));
}

static void test_what_is_refused(void **state)
{
    const char *dir = *state;
    tip_auto(tip_keys_destroy) struct tip_keys *keys = NULL;
    struct pair_of_keys pair = dir_add(dir, "storage");
    char long_dir[400];

    assert_int_equal(tip_keys_open(&keys, dir, ""), TIP_KEYS_E_NAME);
    assert_int_equal(tip_keys_open(&keys, dir, "../storage"), TIP_KEYS_E_NAME);
    assert_int_equal(tip_keys_open(&keys, dir, "nobody"), TIP_KEYS_E_SECRET);
    assert_int_equal(tip_keys_open(&keys, dir, "storage"), TIP_KEYS_E_BROKER);
    dir_write(dir, "broker.cert", 0644, "too short", NULL);
    assert_int_equal(tip_keys_open(&keys, dir, "storage"), TIP_KEYS_E_BROKER);
    dir_write(dir, "broker.cert", 0644, pair.public_text, NULL);
    assert_int_equal(tip_keys_open(&keys, dir, "storage"), 0);
    tip_keys_destroy(&keys);
    dir_write(dir, "storage.cert_secret", 0604, pair.public_text, pair.secret_text);
    assert_int_equal(tip_keys_open(&keys, dir, "storage"), TIP_KEYS_E_OPEN);
    dir_write(dir, "storage.cert_secret", 0600, pair.public_text, NULL);
    assert_int_equal(tip_keys_open(&keys, dir, "storage"), TIP_KEYS_E_SECRET);
    memset(long_dir, 'x', sizeof(long_dir) - 1);
    long_dir[sizeof(long_dir) - 1] = '\0';
    assert_int_equal(tip_keys_open(&keys, long_dir, "storage"), TIP_KEYS_E_PATH);
    for (int code = TIP_KEYS_E_NAME; code <= TIP_KEYS_E_PATH; code++)
        assert_true(strlen(tip_keys_why(code)) > 10 && !strchr(tip_keys_why(code), '<')); /* no placeholder */
}

/* czmq catches SIGINT and SIGTERM when it starts, and starts a ZeroMQ context of its own. */
static void test_czmq_stays_asleep(void **state)
{
    const char *dir = *state;
    tip_auto(tip_keys_destroy) struct tip_keys *keys = NULL;
    const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction action;

    (void)dir_add(dir, "broker");
    assert_int_equal(tip_keys_open(&keys, dir, "broker"), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sigaction(numbers[i], NULL, &action), 0);
        assert_ptr_equal(action.sa_handler, SIG_DFL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loads_its_own_pair_and_the_brokers_key, dir_open, dir_close),
        cmocka_unit_test_setup_teardown(test_what_is_refused, dir_open, dir_close),
        cmocka_unit_test_setup_teardown(test_czmq_stays_asleep, dir_open, dir_close),
    };

    return sodium_init() == -1 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
