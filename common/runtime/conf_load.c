/*
 * The order of origins: fallbacks, files, environment, command line.
 */
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "conf.h"

/* --- environment and command line --- */

static void conf_lower(char *text)
{
    for (; *text; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
        else if (*text == '-')
            *text = '_';
    }
}

/* TIP__SECTION__KEY=value */
static void conf_set_variable(struct tip_conf *conf, const char *variable)
{
    const char *equals = strchr(variable, '=');
    tip_auto(tip_free) char *name = NULL;
    tip_auto(tip_free) char *where = NULL;
    struct conf_slot slot;
    char *key;

    if (!equals || asprintf(&where, "environment %.*s", (int)(equals - variable), variable) == -1)
        return;
    name = tip_strndup(variable + 5, (size_t)(equals - variable - 5));
    conf_lower(name);
    key = strstr(name, "__");
    if (!key) {
        conf_error(conf, where, "must be named TIP__SECTION__OPTION");
        return;
    }
    *key = '\0';
    key += 2;
    if (!conf_section_is_ours(conf, name)) {
        if (!conf_section_is_known(name))
            conf_unknown_section(conf, name, where);
        return;
    }
    if (!conf_slot_find(conf, &slot, name, key)) {
        conf_unknown_option(conf, name, key, where);
        return;
    }
    conf_set_text(conf, &slot, &(struct opt_text){.text = equals + 1}, where);
    conf_slot_origin(&slot, tip_take(where));
}

static void conf_load_environ(struct tip_conf *conf, char *const *variables)
{
    for (size_t i = 0; variables && variables[i]; i++)
        if (strncmp(variables[i], "TIP__", 5) == 0)
            conf_set_variable(conf, variables[i]);
}

/* `--key` means the own section first, then the common ones. */
static bool conf_slot_of_arg(struct tip_conf *conf, struct conf_slot *slot, const char *section, char *name)
{
    const char *const common[] = {section, "tip", "bus", "log"};
    char *dot = strchr(name, '.');

    if (dot) {
        *dot = '\0';
        if (conf_slot_find(conf, slot, name, dot + 1))
            return true;
        *dot = '.';
        return false;
    }
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
        if (common[i] && conf_slot_find(conf, slot, common[i], name))
            return true;
    return false;
}

/* One option from the command line; returns how many words it took. */
static size_t conf_set_arg(struct tip_conf *conf, const char *section, const char *const *args)
{
    const char *equals = strchr(args[0], '=');
    tip_auto(tip_free) char *where = NULL;
    tip_auto(tip_free) char *name = NULL;
    const char *value = equals ? equals + 1 : NULL;
    struct conf_slot slot;

    if (strncmp(args[0], "--", 2) != 0 || !args[0][2]) {
        conf_error(conf, "command line", "'%.64s' is not an option", args[0]);
        return 1;
    }
    name = equals ? tip_strndup(args[0] + 2, (size_t)(equals - args[0] - 2)) : tip_strdup(args[0] + 2);
    conf_lower(name);
    if (asprintf(&where, "command line, --%s", name) == -1)
        abort();
    if (!conf_slot_of_arg(conf, &slot, section, name)) {
        conf_unknown_arg(conf, name, where);
        return !value && args[1] && strncmp(args[1], "--", 2) != 0 ? 2 : 1;
    }
    if (!value)
        value = slot.row->type == TIP_OPT_BOOL ? "true" : args[1];
    if (!value)
        conf_error(conf, where, "%s has no value", slot.row->name);
    else if ((slot.row->flags & TIP_OPT_SECRET) && !slot.is_secret_file)
        conf_error(conf, where, "others can read a command line; use --%s_file", slot.row->name);
    else
        conf_set_text(conf, &slot, &(struct opt_text){.text = value}, where);
    conf_slot_origin(&slot, tip_take(where));
    return !equals && slot.row->type != TIP_OPT_BOOL && args[1] ? 2 : 1;
}

static void conf_load_args(struct tip_conf *conf, const struct tip_conf_input *input)
{
    for (size_t i = 0; input->args && input->args[i];)
        i += conf_set_arg(conf, input->section, input->args + i);
}

/* --- all of it --- */

static void conf_check_required(struct tip_conf *conf, const char *path)
{
    for (size_t i = 0; i < conf->n_parts; i++) {
        const struct conf_part *part = &conf->parts[i];

        for (size_t j = 0; j < part->table->n_rows; j++)
            if ((part->table->rows[j].flags & TIP_OPT_REQUIRED) && !part->origins[j])
                conf_error(conf, path ? path : "configuration", "%s.%s is missing", part->table->section,
                           part->table->rows[j].name);
    }
}

/* Fallbacks that are relative paths start where tip.yaml lies. */
static void conf_init_part(const struct tip_conf *conf, struct conf_part *part)
{
    char why[OPT_WHY_BYTES];

    tip_opt_init(part->table, part->options);
    for (size_t i = 0; conf->dir && i < part->table->n_rows; i++) {
        const struct tip_opt *row = &part->table->rows[i];
        const struct opt_text text = {.text = row->fallback, .dir = conf->dir};

        if (row->type == TIP_OPT_PATH && row->fallback && opt_value_set(row, part->options, &text, why))
            abort(); /* tip_opt_init has taken it */
    }
}

int tip_conf_load(struct tip_conf *conf, const struct tip_conf_input *input)
{
    if (input->file)
        conf->dir = conf_dir_of(input->file);
    for (size_t i = 0; i < conf->n_parts; i++)
        conf_init_part(conf, &conf->parts[i]);
    if (input->file) {
        conf_load_sections(conf, input->file);
        conf_load_conf_d(conf);
    }
    conf_load_environ(conf, input->environ);
    conf_load_args(conf, input);
    conf_check_required(conf, input->file);
    return conf->n_errors ? TIP_CONF_E_INVALID : 0;
}
