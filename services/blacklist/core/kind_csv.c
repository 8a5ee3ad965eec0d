/*
 * Comma separated values (RFC 4180): a machine that reads byte by byte, so that records may cross chunks and quoted
 * fields may hold line ends. Only the wanted field is kept.
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

struct kind_csv {
    enum csv_state state;
    const char *why; /* of CSV_BROKEN */
    unsigned column; /* the wanted one, from 1 */
    unsigned field;  /* the current one, from 1 */
    bool naming;     /* this record is the header */
    bool found;      /* header: the name was seen */
    uint64_t record_at, record_line, n_lines, n_bytes;
    struct tip_buf value;
};

static void *kind_csv_open(const struct bl_format *format)
{
    struct kind_csv *csv = tip_new(struct kind_csv);

    csv->column = format->column_name[0] ? 0 : format->column;
    csv->naming = format->header || format->column_name[0];
    tip_buf_init(&csv->value, BL_LINE_MAX);
    return csv;
}

static void kind_csv_close(void *state)
{
    struct kind_csv *csv = state;

    tip_buf_deinit(&csv->value);
    free(csv);
}

static bool kind_csv_wants(const struct kind_csv *csv)
{
    return csv->naming || csv->field == csv->column;
}

static void kind_csv_break(struct kind_csv *csv, const char *why)
{
    csv->state = CSV_BROKEN;
    csv->why = why;
}

static void kind_csv_keep(struct kind_csv *csv, char c)
{
    if (kind_csv_wants(csv) && tip_buf_append(&csv->value, &c, 1))
        kind_csv_break(csv, "line_too_long");
}

/* The end of a header's field: is it the one whose name was given? */
static void kind_csv_name(const struct bl_parse *parse, struct kind_csv *csv)
{
    const char *text = tip_buf_text(&csv->value);
    size_t len = csv->value.len;

    bl_trim(&text, &len);
    if (!csv->found && len && len == strlen(parse->format.column_name) &&
        !memcmp(text, parse->format.column_name, len)) {
        csv->found = true;
        csv->column = csv->field;
    }
    tip_buf_clear(&csv->value);
}

static void kind_csv_field_end(const struct bl_parse *parse, struct kind_csv *csv)
{
    if (csv->naming)
        kind_csv_name(parse, csv);
    csv->field++;
    csv->state = CSV_FIELD;
}

static int kind_csv_value(struct bl_parse *parse, struct kind_csv *csv)
{
    const char *text = tip_buf_text(&csv->value);
    size_t len = csv->value.len;

    parse->report.n_content++;
    bl_trim(&text, &len);
    if (csv->state == CSV_BROKEN)
        bl_parse_reject(parse, csv->why, text, len);
    else if (csv->field <= csv->column)
        bl_parse_reject(parse, "no_column", text, len);
    else
        return bl_value_add(parse, text, len);
    return 0;
}

static int kind_csv_record(struct bl_parse *parse, struct kind_csv *csv)
{
    if (csv->state == CSV_COMMENT || csv->state == CSV_RECORD)
        return 0;
    if (csv->state != CSV_BROKEN)
        kind_csv_field_end(parse, csv);
    if (!csv->naming)
        return kind_csv_value(parse, csv);
    csv->naming = false;
    return parse->format.column_name[0] && !csv->found ? bl_parse_refuse(parse, "no_column") : 0;
}

static int kind_csv_record_end(struct bl_parse *parse, struct kind_csv *csv)
{
    int r;

    parse->line = csv->record_line;
    parse->at = csv->record_at;
    r = kind_csv_record(parse, csv);
    csv->state = CSV_RECORD;
    tip_buf_clear(&csv->value);
    return r;
}

static void kind_csv_begin(const struct bl_parse *parse, struct kind_csv *csv, char c)
{
    csv->field = 1;
    csv->n_bytes = 0;
    csv->record_line = csv->n_lines + 1;
    csv->state = parse->comment[(unsigned char)c] ? CSV_COMMENT : CSV_FIELD;
}

/* One byte that ends neither line nor record. */
static void kind_csv_byte(const struct bl_parse *parse, struct kind_csv *csv, char c)
{
    char delimiter = parse->format.separator;

    switch (csv->state) {
    case CSV_RECORD:
    case CSV_FIELD:
        if (c == delimiter) {
            kind_csv_field_end(parse, csv);
        } else if (c == '"') {
            csv->state = CSV_QUOTED;
        } else if (!(parse->format.skip_space && bl_is_blank(c))) {
            csv->state = CSV_PLAIN;
            kind_csv_keep(csv, c);
        }
        break;
    case CSV_PLAIN:
        if (c == delimiter)
            kind_csv_field_end(parse, csv);
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
            kind_csv_field_end(parse, csv);
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
