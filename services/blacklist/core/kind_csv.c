/*
 * Comma separated values (RFC 4180): a machine that reads byte by byte, so that records may cross chunks and quoted
 * fields may hold line ends. Only the wanted fields are kept: the entry, and when the list says that it saw it.
 */
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "core/parser.h"

enum csv_state {
    CSV_RECORD,  /* before the first byte of a record */
    CSV_FIELD,   /* before the first byte of a field */
    CSV_PLAIN,   /* in an unquoted field */
    CSV_QUOTED,  /* in a quoted field */
    CSV_CLOSED,  /* behind a quote inside quotes: its end, or the first half of "" */
    CSV_COMMENT, /* to the end of the line */
    CSV_BROKEN,  /* to the end of the line, then the record is rejected */
    CSV_STATE_COUNT
};

enum { CSV_VALUE, CSV_FIRST_SEEN, CSV_LAST_SEEN, CSV_WANTED };

struct csv_column {
    unsigned number;  /* from 1; 0: none, or its name was not met yet */
    const char *name; /* "": it is known by its number */
    struct tip_buf text;
};

struct kind_csv {
    enum csv_state state;
    const char *why; /* of CSV_BROKEN */
    unsigned field;  /* the current one, from 1 */
    bool naming;     /* this record is the header */
    bool is_timed;
    uint64_t record_at, record_line, n_lines, n_bytes;
    struct csv_column columns[CSV_WANTED];
    struct tip_buf name;  /* of a column, from the header */
    struct tip_buf *into; /* where the current field goes; NULL: it is not wanted */
};

static void *kind_csv_open(const struct bl_format *format)
{
    struct kind_csv *csv = tip_new(struct kind_csv);
    const struct bl_column *first = &format->first_seen, *last = &format->last_seen;

    csv->columns[CSV_VALUE] = (struct csv_column){.number = format->column, .name = format->column_name};
    csv->columns[CSV_FIRST_SEEN] = (struct csv_column){.number = first->number, .name = first->name};
    csv->columns[CSV_LAST_SEEN] = (struct csv_column){.number = last->number, .name = last->name};
    csv->is_timed = first->number || *first->name || last->number || *last->name;
    csv->naming = format->header;
    for (size_t i = 0; i < CSV_WANTED; i++) {
        struct csv_column *column = &csv->columns[i];

        tip_buf_init(&column->text, BL_LINE_MAX);
        column->number = *column->name ? 0 : column->number;
        csv->naming = csv->naming || *column->name;
    }
    tip_buf_init(&csv->name, BL_LINE_MAX);
    return csv;
}

static void kind_csv_close(void *state)
{
    struct kind_csv *csv = state;

    for (size_t i = 0; i < CSV_WANTED; i++)
        tip_buf_deinit(&csv->columns[i].text);
    tip_buf_deinit(&csv->name);
    free(csv);
}

/* A field begins: where does it go? */
static void kind_csv_aim(struct kind_csv *csv)
{
    csv->into = csv->naming ? &csv->name : NULL;
    for (size_t i = 0; !csv->into && i < CSV_WANTED; i++) {
        if (csv->columns[i].number == csv->field)
            csv->into = &csv->columns[i].text;
    }
}

static void kind_csv_break(struct kind_csv *csv, const char *why)
{
    csv->state = CSV_BROKEN;
    csv->why = why;
}

static void kind_csv_keep(struct kind_csv *csv, char c)
{
    if (csv->into && tip_buf_append(csv->into, &c, 1))
        kind_csv_break(csv, "line_too_long");
}

/* The end of a header's field: is it one whose name was given? */
static void kind_csv_name(struct kind_csv *csv)
{
    const char *text = tip_buf_text(&csv->name);
    size_t len = csv->name.len;

    bl_trim(&text, &len);
    for (size_t i = 0; len && i < CSV_WANTED; i++) {
        struct csv_column *column = &csv->columns[i];

        if (!column->number && len == strlen(column->name) && !memcmp(text, column->name, len))
            column->number = csv->field;
    }
    tip_buf_clear(&csv->name);
}

static void kind_csv_field_end(struct kind_csv *csv)
{
    if (csv->naming)
        kind_csv_name(csv);
    csv->field++;
    csv->state = CSV_FIELD;
    kind_csv_aim(csv);
}

/* Does the header name the column of the entries? A time that it does not name is noted: they can be read without. */
static int kind_csv_named(struct bl_parse *parse, const struct kind_csv *csv)
{
    for (size_t i = 0; i < CSV_WANTED; i++) {
        const struct csv_column *column = &csv->columns[i];

        if (!*column->name || column->number)
            continue;
        if (i == CSV_VALUE)
            return bl_parse_refuse(parse, "no_column");
        bl_report_note(&parse->report, "time_column", parse->line, column->name, strlen(column->name));
    }
    return 0;
}

/* What cannot be believed is counted, and the entry stays. */
static uint32_t kind_csv_time(struct bl_parse *parse, const struct tip_buf *field)
{
    const char *text = tip_buf_text(field);
    size_t len = field->len;
    uint32_t at_s = 0;
    int r;

    bl_trim(&text, &len);
    r = len ? bl_stated_parse(&at_s, text, len, parse->format.now_s) : 0;
    if (r)
        bl_report_note(&parse->report, r == BL_STATED_E_RANGE ? "time_range" : "time_syntax", parse->line, text, len);
    return at_s;
}

/* Of an entry that was just added; the last time goes before the first one. */
static int kind_csv_times(struct bl_parse *parse, const struct kind_csv *csv)
{
    uint32_t at_s = kind_csv_time(parse, &csv->columns[CSV_LAST_SEEN].text);

    at_s = at_s ? at_s : kind_csv_time(parse, &csv->columns[CSV_FIRST_SEEN].text);
    return bl_build_state(&parse->build, (uint32_t)parse->line, at_s) ? bl_parse_refuse(parse, "too_many_entries") : 0;
}

static int kind_csv_value(struct bl_parse *parse, struct kind_csv *csv)
{
    const struct csv_column *value = &csv->columns[CSV_VALUE];
    const char *text = tip_buf_text(&value->text);
    size_t len = value->text.len;
    uint64_t n_valid = parse->report.n_valid;
    int r = 0;

    parse->report.n_content++;
    bl_trim(&text, &len);
    if (csv->state == CSV_BROKEN)
        bl_parse_reject(parse, csv->why, text, len);
    else if (csv->field <= value->number)
        bl_parse_reject(parse, "no_column", text, len);
    else
        r = bl_value_add(parse, text, len);
    return !r && csv->is_timed && parse->report.n_valid > n_valid ? kind_csv_times(parse, csv) : r;
}

static int kind_csv_record(struct bl_parse *parse, struct kind_csv *csv)
{
    if (csv->state == CSV_COMMENT || csv->state == CSV_RECORD)
        return 0;
    if (csv->state != CSV_BROKEN)
        kind_csv_field_end(csv);
    if (!csv->naming)
        return kind_csv_value(parse, csv);
    csv->naming = false;
    return kind_csv_named(parse, csv);
}

static int kind_csv_record_end(struct bl_parse *parse, struct kind_csv *csv)
{
    int r;

    parse->line = csv->record_line;
    parse->at = csv->record_at;
    r = kind_csv_record(parse, csv);
    csv->state = CSV_RECORD;
    for (size_t i = 0; i < CSV_WANTED; i++)
        tip_buf_clear(&csv->columns[i].text);
    tip_buf_clear(&csv->name);
    return r;
}

static void kind_csv_begin(const struct bl_parse *parse, struct kind_csv *csv, char c)
{
    csv->field = 1;
    csv->n_bytes = 0;
    csv->record_line = csv->n_lines + 1;
    csv->state = parse->comment[(unsigned char)c] ? CSV_COMMENT : CSV_FIELD;
    kind_csv_aim(csv);
}

/* One byte that ends neither line nor record. */
static void kind_csv_byte(const struct bl_parse *parse, struct kind_csv *csv, char c)
{
    char delimiter = parse->format.separator;

    switch (csv->state) {
    case CSV_RECORD:
    case CSV_FIELD:
        if (c == delimiter) {
            kind_csv_field_end(csv);
        } else if (c == '"') {
            csv->state = CSV_QUOTED;
        } else if (!(parse->format.skip_space && bl_is_blank(c))) {
            csv->state = CSV_PLAIN;
            kind_csv_keep(csv, c);
        }
        break;
    case CSV_PLAIN:
        if (c == delimiter)
            kind_csv_field_end(csv);
        else
            kind_csv_keep(csv, c);
        break;
    case CSV_QUOTED:
        if (c == '"')
            csv->state = CSV_CLOSED;
        else
            kind_csv_keep(csv, c);
        break;
    case CSV_CLOSED:
        if (c == '"') {
            csv->state = CSV_QUOTED;
            kind_csv_keep(csv, c);
        } else if (c == delimiter) {
            kind_csv_field_end(csv);
        } else if (!bl_is_blank(c)) {
            kind_csv_break(csv, "bad_quote");
        }
        break;
    case CSV_COMMENT:
    case CSV_BROKEN:
    case CSV_STATE_COUNT:
        break;
    }
}

/* Blanks before the first field do not start a record, unless they delimit. */
static bool kind_csv_begins(const struct bl_parse *parse, char c)
{
    return c != '\n' && (c == parse->format.separator || !bl_is_blank(c));
}

static int kind_csv_feed(struct bl_parse *parse, const char *bytes, size_t n)
{
    struct kind_csv *csv = parse->state;
    int r = 0;

    for (size_t i = 0; !r && i < n; i++) {
        if (csv->state == CSV_RECORD && kind_csv_begins(parse, bytes[i])) {
            kind_csv_begin(parse, csv, bytes[i]);
            csv->record_at = parse->pos + i;
        }
        if (bytes[i] == '\n')
            csv->n_lines++;
        if (bytes[i] == '\n' && csv->state != CSV_QUOTED)
            r = kind_csv_record_end(parse, csv);
        else if (csv->state != CSV_RECORD)
            kind_csv_byte(parse, csv, bytes[i]);
        if (csv->state == CSV_QUOTED && ++csv->n_bytes > BL_LINE_MAX)
            kind_csv_break(csv, "line_too_long");
    }
    return r;
}

static int kind_csv_end(struct bl_parse *parse)
{
    struct kind_csv *csv = parse->state;
    bool open = csv->state != CSV_RECORD;
    int r = 0;

    if (csv->state == CSV_QUOTED)
        kind_csv_break(csv, "open_quote");
    if (open)
        r = kind_csv_record_end(parse, csv);
    parse->line = csv->n_lines + (open ? 1 : 0);
    return r;
}

const struct bl_parser_kind bl_kind_csv = {
    .open = kind_csv_open, .close = kind_csv_close, .feed = kind_csv_feed, .end = kind_csv_end};
