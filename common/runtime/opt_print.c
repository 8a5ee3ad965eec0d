#include <stdarg.h>
#include <string.h>

#include <tip/buf.h>
#include <tip/clock.h>
#include <tip/opt.h>
#include <tip/size.h>

#include "opt_value.h"

/* stdout is looked at once, at the end, by who opened it: the results of fprintf here say nothing more. */
static void print_text(FILE *out, const char *format, ...) tip_printf(2, 3);

static void print_text(FILE *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(out, format, args);
    va_end(args);
}

static void print_number(const struct tip_opt *row, double number, FILE *out)
{
    char text[TIP_DURATION_TEXT];

    if (row->type == TIP_OPT_DURATION)
        (void)tip_duration_format((uint64_t)number, text); /* its length */
    else if (row->type == TIP_OPT_SIZE)
        (void)tip_size_format((uint64_t)number, text); /* its length */
    else
        (void)snprintf(text, sizeof(text), "%.10g", number);
    print_text(out, "%s", text);
}

static bool opt_is_number(const struct tip_opt *row)
{
    return row->type == TIP_OPT_INT || row->type == TIP_OPT_REAL || row->type == TIP_OPT_DURATION ||
           row->type == TIP_OPT_SIZE;
}

/* "duration, 1s to 1d", "one of error, warn", "text" */
static void print_type(const struct tip_opt *row, FILE *out)
{
    if (row->type == TIP_OPT_ENUM) {
        print_text(out, "one of ");
        for (size_t i = 0; row->names[i]; i++)
            print_text(out, "%s%s", i ? ", " : "", row->names[i]);
        return;
    }
    print_text(out, "%s", opt_type_name(row->type));
    if (row->unit)
        print_text(out, " (%s)", row->unit);
    if (!opt_is_number(row) || (row->min == 0 && row->max == 0))
        return;
    print_text(out, ", ");
    print_number(row, row->min, out);
    print_text(out, " to ");
    print_number(row, row->max, out);
}

static void print_default(const struct tip_opt *row, FILE *out)
{
    if (row->flags & TIP_OPT_REQUIRED)
        print_text(out, "required");
    else if (row->fallback && *row->fallback && !(row->flags & TIP_OPT_UNSET))
        print_text(out, "%s", row->fallback);
    else
        print_text(out, "none");
}

static void print_help_row(const struct tip_opt *row, FILE *out)
{
    print_text(out, "  --%s%s  (", row->name, row->flags & TIP_OPT_SECRET ? "_file" : "");
    print_type(row, out);
    print_text(out, "; ");
    print_default(row, out);
    print_text(out, ")\n      %s\n", row->help);
}

void tip_opt_print_help(const struct tip_opt_table *table, FILE *out)
{
    for (size_t i = 0; i < table->n_rows; i++)
        if (table->rows[i].type != TIP_OPT_AT && table->rows[i].type != TIP_OPT_RECORDS)
            print_help_row(&table->rows[i], out);
}

static void print_markdown_row(const char *prefix, const struct tip_opt *row, FILE *out)
{
    print_text(out, "| `%s%s` | ", prefix, row->name);
    print_type(row, out);
    print_text(out, " | `");
    print_default(row, out);
    print_text(out, "` | %s%s |\n", row->help,
               row->flags & TIP_OPT_SECRET ? " A secret: or a file that holds it, with `_file` behind the name." : "");
}

static void print_markdown_rows(const char *prefix, const struct tip_opt_table *table, FILE *out)
{
    char deeper[160];

    for (size_t i = 0; i < table->n_rows; i++) {
        const struct tip_opt *row = &table->rows[i];

        if (row->type == TIP_OPT_AT)
            continue;
        print_markdown_row(prefix, row, out);
        if (row->type != TIP_OPT_RECORDS)
            continue;
        (void)snprintf(deeper, sizeof(deeper), "%s%s[].", prefix, row->name);
        print_markdown_rows(deeper, row->record, out);
    }
}

void tip_opt_print_markdown(const struct tip_opt_table *table, FILE *out)
{
    print_text(out, "## %s\n\n", table->section);
    if (table->help)
        print_text(out, "%s\n\n", table->help);
    print_text(out, "| option | type | default | meaning |\n|---|---|---|---|\n");
    print_markdown_rows("", table, out);
    print_text(out, "\n");
}
