/*
 * What a load found: the tables, where each value came from, and what is wrong.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "conf.h"

struct tip_conf *tip_conf_new(void)
{
    return tip_new(struct tip_conf);
}

void conf_part_deinit(struct conf_part *part)
{
    for (size_t i = 0; i < part->table->n_rows; i++)
        free(part->origins[i]);
    free(part->origins);
}

void tip_conf_destroy(struct tip_conf **confp)
{
    struct tip_conf *conf = *confp;

    if (!conf)
        return;
    for (size_t i = 0; i < conf->n_parts; i++)
        conf_part_deinit(&conf->parts[i]);
    for (size_t i = 0; i < conf->n_errors; i++)
        free(conf->errors[i]);
    free(conf->dir);
    free(conf);
    *confp = NULL;
}

struct conf_part conf_part_make(const struct tip_opt_table *table, void *options)
{
    return (struct conf_part){.table = table, .options = options, .origins = tip_new_array(table->n_rows, char *)};
}

void tip_conf_add(struct tip_conf *conf, const struct tip_opt_table *table, void *options)
{
    if (conf->n_parts == CONF_TABLES_MAX)
        abort();
    conf->parts[conf->n_parts++] = conf_part_make(table, options);
}

/* --- errors --- */

/* What a terminal would obey is shown as '?'. */
static void conf_disarm(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if (*at < ' ' || *at == 0x7f)
            *at = '?';
        else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) /* C1 controls in UTF-8 */
            at[0] = at[1] = '?';
    }
}

static void conf_error_add(struct tip_conf *conf, const char *where, const char *format, va_list args) tip_printf(3, 0);

static void conf_error_add(struct tip_conf *conf, const char *where, const char *format, va_list args)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    int r;

    tip_buf_init(&text, 16 << 10);
    if (conf->n_errors > CONF_ERRORS_MAX)
        return;
    if (conf->n_errors == CONF_ERRORS_MAX) {
        conf->errors[conf->n_errors++] = tip_strdup("more errors are not listed");
        return;
    }
    r = tip_buf_append_format(&text, "%s: ", where);
    if (!r)
        r = tip_buf_append_format_va(&text, format, args);
    (void)r; /* what is longer than the buffer is cut */
    conf->errors[conf->n_errors] = tip_strndup(tip_buf_text(&text), CONF_ERROR_BYTES);
    conf_disarm(conf->errors[conf->n_errors++]);
}

void conf_error(struct tip_conf *conf, const char *where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    conf_error_add(conf, where, format, args);
    va_end(args);
}

char *conf_place(const char *path, unsigned line, unsigned column)
{
    char *place;

    if ((line ? asprintf(&place, "%s:%u:%u", path, line, column) : asprintf(&place, "%s", path)) == -1)
        abort();
    return place;
}

size_t tip_conf_n_errors(const struct tip_conf *conf)
{
    return conf->n_errors;
}

const char *tip_conf_error(const struct tip_conf *conf, size_t i)
{
    return conf->errors[i];
}

/* --- asking --- */

static const char *conf_origin_of(const struct conf_part *part, size_t row)
{
    return part->origins[row] ? part->origins[row] : "default";
}

const char *tip_conf_origin(const struct tip_conf *conf, const char *key)
{
    const char *dot = strchr(key, '.');
    const struct tip_opt *row;

    for (size_t i = 0; dot && i < conf->n_parts; i++) {
        const struct tip_opt_table *table = conf->parts[i].table;

        if (strlen(table->section) != (size_t)(dot - key) || strncmp(table->section, key, (size_t)(dot - key)) != 0)
            continue;
        row = opt_find(table, dot + 1);
        if (row)
            return conf_origin_of(&conf->parts[i], (size_t)(row - table->rows));
    }
    return "default";
}

void tip_conf_refuse(struct tip_conf *conf, const char *key, const char *format, ...)
{
    const char *origin = tip_conf_origin(conf, key);
    va_list args;

    va_start(args, format);
    conf_error_add(conf, strcmp(origin, "default") == 0 ? key : origin, format, args);
    va_end(args);
}

void tip_conf_refuse_at(struct tip_conf *conf, const struct tip_opt_at *at, const char *format, ...)
{
    tip_auto(tip_free) char *where = conf_place(at->file ? at->file : "configuration", at->line, at->column);
    va_list args;

    va_start(args, format);
    conf_error_add(conf, where, format, args);
    va_end(args);
}

static void conf_show_row(const struct conf_part *part, size_t i, FILE *out)
{
    const struct tip_opt *row = &part->table->rows[i];
    tip_auto(tip_buf_deinit) struct tip_buf value;
    int r = 0;

    tip_buf_init(&value, 1 << 20);
    if (!(row->flags & TIP_OPT_SECRET))
        r = opt_value_format(row, part->options, &value);
    else if (part->origins[i])
        r = tip_buf_append_text(&value, "***");
    if (value.data)
        conf_disarm((char *)value.data);
    (void)fprintf(out, "%s.%s\t%s%s\t%s\n", part->table->section, row->name, tip_buf_text(&value), r ? "..." : "",
                  conf_origin_of(part, i)); /* the caller looks at ferror */
}

void tip_conf_show(const struct tip_conf *conf, FILE *out)
{
    for (size_t i = 0; i < conf->n_parts; i++)
        for (size_t j = 0; j < conf->parts[i].table->n_rows; j++)
            if (conf->parts[i].table->rows[j].type != TIP_OPT_AT)
                conf_show_row(&conf->parts[i], j, out);
}
