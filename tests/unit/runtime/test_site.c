#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/site.h>

/* Everything happens in a child without root's rights, in a directory of its own. */
static char home[64];

static int site_open(void **state)
{
    char config[96];
    FILE *file;

    (void)state;
    (void)snprintf(home, sizeof(home), "/tmp/tip-site-XXXXXX");
    assert_non_null(mkdtemp(home));
    assert_int_equal(chmod(home, 0700), 0);
    (void)snprintf(config, sizeof(config), "%s/real.yaml", home);
    file = fopen(config, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(home, 65534, 65534), 0);
        assert_int_equal(chown(config, 65534, 65534), 0);
    }
    return 0;
}

static int site_close(void **state)
{
    char command[96];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf %s", home);
    return system(command);
}

/* Returns the child's verdict: 0, or the number of the line that did not hold. */
static int in_child(int (*check)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (geteuid() == 0 && (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
            _exit(1);
        if (chdir(home) || setenv("XDG_RUNTIME_DIR", home, 1) || unsetenv("TIP_CONFIG"))
            _exit(1);
        _exit(check() ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define holds(condition)                                                  \
    do {                                                                  \
        if (!(condition)) {                                               \
            (void)fprintf(stderr, "line %d: " #condition "\n", __LINE__); \
            return __LINE__;                                              \
        }                                                                 \
    } while (0)

static int found(const char *option, const char *expected)
{
    char *config = NULL;
    int r = tip_site_find(option, &config);
    int differs = !config || strcmp(config, expected) != 0;

    free(config);
    return r || differs;
}

static int check_write_find_remove(void)
{
    char config[96];
    struct stat st;

    (void)snprintf(config, sizeof(config), "%s/real.yaml", home);
    holds(tip_site_write(config) == 0);
    holds(stat("tip", &st) == 0 && (st.st_mode & 0777) == 0700);
    holds(found(NULL, config) == 0);
    holds(tip_site_write(config) == 0);
    tip_site_remove("/another/tip.yaml");
    holds(found(NULL, config) == 0);
    tip_site_remove(config);
    holds(access("tip/site", F_OK) == -1);
    return 0;
}

static int check_order(void)
{
    char config[96];
    FILE *file;

    (void)snprintf(config, sizeof(config), "%s/real.yaml", home);
    holds(tip_site_write(config) == 0);
    file = fopen("tip.yaml", "w");
    holds(file && fclose(file) == 0);
    holds(found(NULL, "tip.yaml") == 0);
    holds(setenv("TIP_CONFIG", "/from/environment.yaml", 1) == 0);
    holds(found(NULL, "/from/environment.yaml") == 0);
    holds(found("/from/option.yaml", "/from/option.yaml") == 0);
    return 0;
}

static int check_distrust(void)
{
    char config[96];
    char *other = NULL;

    (void)snprintf(config, sizeof(config), "%s/real.yaml", home);
    holds(tip_site_write(config) == 0);
    holds(chmod("tip", 0777) == 0);
    holds(tip_site_find(NULL, &other) != 0 || strcmp(other, config) != 0);
    free(other);
    holds(tip_site_write("relative.yaml") == -EINVAL);
    holds(tip_site_write("/two\nlines.yaml") == -EINVAL);
    return 0;
}

static int check_stale(void)
{
    char *other = NULL;

    holds(tip_site_write("/nonexistent/tip.yaml") == 0);
    holds(tip_site_find(NULL, &other) != 0 || strcmp(other, "/nonexistent/tip.yaml") != 0);
    free(other);
    return 0;
}

static int check_chosen_directory(void)
{
    char config[96], dir[96];

    (void)snprintf(config, sizeof(config), "%s/real.yaml", home);
    (void)snprintf(dir, sizeof(dir), "%s/chosen", home);
    holds(setenv("TIP_SITE_DIR", dir, 1) == 0);
    holds(tip_site_write(config) == 0);
    holds(access("chosen/site", F_OK) == 0 && access("tip/site", F_OK) == -1);
    holds(found(NULL, config) == 0);
    holds(unsetenv("TIP_SITE_DIR") == 0);
    holds(found(NULL, config) != 0);
    return 0;
}

static void test_chosen_directory(void **state)
{
    (void)state;
    assert_int_equal(in_child(check_chosen_directory), 0);
}

static void test_write_find_remove(void **state)
{
    (void)state;
    assert_int_equal(in_child(check_write_find_remove), 0);
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(in_child(check_order), 0);
}

static void test_directory_of_others_is_not_believed(void **state)
{
    (void)state;
    assert_int_equal(in_child(check_distrust), 0);
}

static void test_pointer_to_nothing_is_passed_over(void **state)
{
    (void)state;
    assert_int_equal(in_child(check_stale), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_find_remove, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_chosen_directory, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_order, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_directory_of_others_is_not_believed, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_pointer_to_nothing_is_passed_over, site_open, site_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
