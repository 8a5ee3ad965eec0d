/* The table of commands holds together, and every page is made from it. */
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

#include <tip/cleanup.h>

#include "command.h"

static char *page_text(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    print(file);
    fclose(file);
    return text;
}

static void check_options(const struct cli_command *command)
{
    assert_true(command->n_options <= CLI_OPTIONS_MAX);
    for (size_t i = 0; i < command->n_options; i++) {
        assert_non_null(command->options[i].name);
        assert_non_null(command->options[i].help);
        for (size_t k = 0; k < cli_n_globals; k++) {
            assert_string_not_equal(command->options[i].name, cli_globals[k].name);
            assert_false(command->options[i].letter && command->options[i].letter == cli_globals[k].letter);
        }
    }
}

static void check_command(const struct cli_command *command, const char *markdown)
{
    const size_t len = strlen(command->summary);

    assert_non_null(command->arguments);
    assert_int_equal(command->summary[len - 1], '.');
    assert_true(command->run || command->verbs);
    assert_true(command->max_args == -1 || command->min_args <= command->max_args);
    assert_non_null(strstr(markdown, command->summary));
    check_options(command);
    for (const struct cli_command *const *at = command->verbs; at && *at; at++)
        check_command(*at, markdown);
}

static void test_command_table_is_sound(void **state)
{
    tip_auto(tip_free) char *markdown = page_text(cli_print_markdown);
    tip_auto(tip_free) char *overview = page_text(cli_print_overview);

    (void)state;
    for (const struct cli_command *const *at = cli_commands; *at; at++) {
        check_command(*at, markdown);
        assert_non_null(strstr(overview, (*at)->summary));
        assert_ptr_equal(cli_find(cli_commands, (*at)->name), *at);
    }
}

static void test_command_completion_knows_every_command(void **state)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tip_auto(tip_free) char *text = NULL;
        size_t len;
        FILE *file = open_memstream(&text, &len);

        assert_int_equal(cli_print_completion(shells[i], file), 0);
        fclose(file);
        for (const struct cli_command *const *at = cli_commands; *at; at++)
            assert_non_null(strstr(text, (*at)->name));
    }
    assert_int_equal(cli_print_completion("csh", stderr), CLI_E_USAGE);
}

static int command_exit(const char *line)
{
    char copy[200], *argv[20] = {0};
    int argc = 0;

    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return cli_main(argc, argv);
}

static void test_command_line_is_checked(void **state)
{
    static const struct {
        const char *line;
        int code;
    } table[] = {
        {"tip", CLI_USAGE},
        {"tip --help", CLI_OK},
        {"tip --version", CLI_OK},
        {"tip nosuch", CLI_USAGE},
        {"tip -o yaml help", CLI_USAGE},
        {"tip --nosuch help", CLI_USAGE},
        {"tip help --nosuch", CLI_USAGE},
        {"tip help completion --quiet", CLI_OK},
        {"tip help nosuch", CLI_USAGE},
        {"tip completion", CLI_USAGE},
        {"tip completion csh", CLI_USAGE},
        {"tip completion bash zsh", CLI_USAGE},
        {"tip completion bash", CLI_OK},
        {"tip completion --help", CLI_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(command_exit(table[i].line), table[i].code);
}

/* What a command line says on stderr; the caller frees. */
static char *command_says(const char *line, int code)
{
    FILE *before = stderr;
    char *text = NULL;
    size_t len;

    stderr = open_memstream(&text, &len);
    assert_int_equal(command_exit(line), code);
    fclose(stderr);
    stderr = before;
    return text;
}

static void test_what_is_missing_is_named(void **state)
{
    static const struct {
        const char *line, *says;
    } table[] = {
        {"tip explain", "tip: tip explain VALUE: VALUE is missing (tip explain --help says more)\n"},
        {"tip source show", "tip: tip source show NAME: NAME is missing (tip source show --help says more)\n"},
        {"tip pub", "tip: tip pub KIND [FIELD=VALUE...]: KIND is missing (tip pub --help says more)\n"},
        {"tip web token", "one of these is missing"},
        {"tip explain a b", "tip: tip explain VALUE: \"b\" is too much (tip explain --help says more)\n"},
        {"tip up x", "tip: tip up: \"x\" is too much (tip up --help says more)\n"},
        {"tip keys add x --audience red", "tip: --audience is clear, green or amber, not \"red\"\n"},
        {"tip sub -o xml", "tip: --output: \"xml\" is none of human, json, ndjson, csv, ecs, syslog\n"},
        {"tip status -o ecs", "tip: --output: \"ecs\" is none of human, json, ndjson, csv\n"},
        {"tip sub --door red", "tip: --door is clear, green or amber, not \"red\"\n"},
        {"tip verdict --door red 192.0.2.1", "tip: --door is clear, green or amber, not \"red\"\n"},
        {"tip snapshot verdict --door red", "tip: --door is clear, green or amber, not \"red\"\n"},
        {"tip snapshot nosuch", "tip: there is no stream \"nosuch\"; there are: allow, verdict\n"},
        {"tip explain 300.1.1.1", "is no address, network, name or URL: a number in the address is above 255"},
        {"tip search 010.0.0.1", "is no address, network, name or URL: a number in it begins with 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        tip_auto(tip_free) char *text = command_says(table[i].line, CLI_USAGE);

        if (!strstr(text, table[i].says))
            fail_msg("%s: %s", table[i].line, text);
    }
}

/* A configuration that was never started has no keys yet: that is not a matter of rights. */
static void test_before_the_first_start(void **state)
{
    char dir[] = "/tmp/tip-test-command-XXXXXX", path[64], line[120];
    tip_auto(tip_free) char *text = NULL;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/tip.yaml", dir);
    (void)snprintf(line, sizeof(line), "tip search 192.0.2.7 -c %s", path);
    file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "tip: {run: %s/run}\nup: {data: %s/data}\n", dir, dir);
    fclose(file);
    text = command_says(line, CLI_UNREACHABLE);
    assert_non_null(strstr(text, "nothing runs here yet: start it with `tip up`"));
    (void)unsetenv("TIP__BUS__KEYS"); /* what `tip` tells the services */
    (void)unlink(path);
    (void)rmdir(dir);
}

static void test_command_error_shows_no_escape(void **state)
{
    FILE *before = stderr;
    char *text = NULL;
    size_t len;

    (void)state;
    stderr = open_memstream(&text, &len);
    cli_error("%s: %s", "store.query", "a\x1b[2Jb\xc2\x9b\xffz");
    fclose(stderr);
    stderr = before;
    assert_string_equal(text, "tip: store.query: a\\x1b[2Jb\\u{9b}\\xffz\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_table_is_sound),  cmocka_unit_test(test_command_completion_knows_every_command),
        cmocka_unit_test(test_command_line_is_checked), cmocka_unit_test(test_what_is_missing_is_named),
        cmocka_unit_test(test_before_the_first_start),  cmocka_unit_test(test_command_error_shows_no_escape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
