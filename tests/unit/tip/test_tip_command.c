/* The table of commands holds together, and every page is made from it. */
#include "check.h"

#include <stdlib.h>

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
        cmocka_unit_test(test_command_table_is_sound),
        cmocka_unit_test(test_command_completion_knows_every_command),
        cmocka_unit_test(test_command_line_is_checked),
        cmocka_unit_test(test_command_error_shows_no_escape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
