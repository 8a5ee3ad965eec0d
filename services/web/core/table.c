#include "core/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/utf8.h>

const char *web_table_cell(const struct web_table *table, size_t row, const char *column)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!strcmp(table->names[i], column))
            return table->cells[row * table->n_columns + i];
    }
    return NULL;
}

static enum web_type table_type(const struct web_table *table, const char *column)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!strcmp(table->names[i], column))
            return table->types[i];
    }
    return WEB_TEXT;
}

/* ---- JSON ---- */

json_t *web_json_text(const char *text)
{
    tip_auto(tip_free) char *copy = NULL;
    json_t *value = text ? json_string(text) : json_null();
    size_t room;

    if (value)
        return value;
    room = strlen(text) * 3 + 1; /* each ill-formed byte becomes three */
    copy = tip_alloc(room, 1);
    tip_utf8_copy(copy, room, text, strlen(text));
    return json_string(copy);
}

static json_t *table_number(const char *text, enum web_type type)
{
    json_t *value;
    char *end;

    errno = 0;
    value = type == WEB_INT ? json_integer(strtoll(text, &end, 10)) : json_real(strtod(text, &end));
    if (value && errno == 0 && end != text && *end == '\0')
        return value;
    json_decref(value);
    return web_json_text(text); /* an integer beyond 64 bits, infinity: never a wrong number */
}

static json_t *table_value(const char *text, enum web_type type)
{
    if (!text)
        return json_null();
    switch (type) {
    case WEB_INT:
    case WEB_REAL:
        return table_number(text, type);
    case WEB_BOOL:
        return json_boolean(!strcmp(text, "true"));
    case WEB_TEXT:
    case WEB_TIME:
    case WEB_BYTES:
    case WEB_TYPE_COUNT:
        break;
    }
    return web_json_text(text);
}

/* 2026-11-22T04:00:00Z as 2026-11-22T04:00:00.000Z. */
static json_t *table_time(const char *text)
{
    return text && strlen(text) == 20 && text[19] == 'Z' ? json_sprintf("%.19s.000Z", text) : web_json_text(text);
}

static json_t *table_nested(const char *text, bool is_array)
{
    json_t *value = text ? json_loads(text, 0, NULL) : NULL;

    if (is_array ? json_is_array(value) : json_is_object(value))
        return value;
    json_decref(value);
    return is_array ? json_array() : json_object();
}

/* A line of evidence from its bytes: printable ASCII as it is, the rest as \xNN. */
static int table_raw(const char *hex, struct tip_buf *out)
{
    char pair[3] = {0};
    int r = 0;

    for (; hex[0] && hex[1] && !r; hex += 2) {
        long byte;

        memcpy(pair, hex, 2);
        byte = strtol(pair, NULL, 16);
        r = tip_buf_append_format(out, byte >= ' ' && byte <= '~' && byte != '\\' ? "%c" : "\\x%02x", (int)byte);
    }
    return r;
}

static json_t *table_raw_json(const char *hex)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;

    tip_buf_init(&text, 2 * (hex ? strlen(hex) : 0) + 1);
    if (!hex)
        return json_null();
    return table_raw(hex, &text) ? json_null() : json_string(tip_buf_text(&text));
}

static json_t *table_field(const struct web_table *table, size_t row, const struct web_field *field)
{
    const char *column = field->column ? field->column : field->name;
    const char *cell = web_table_cell(table, row, column);
    enum web_type type = table_type(table, column);

    switch (field->as) {
    case WEB_AS_IS:
        break;
    case WEB_AS_TIMED:
        return table_time(cell);
    case WEB_AS_ARRAY:
    case WEB_AS_OBJECT:
        return table_nested(cell, field->as == WEB_AS_ARRAY);
    case WEB_AS_RAW:
        return table_raw_json(cell);
    case WEB_AS_FLAG:
        return json_boolean(cell && !strcmp(cell, "true"));
    case WEB_AS_COUNT:
        return table_value(cell ? cell : "0", WEB_INT);
    case WEB_AS_WORD:
        return web_json_text(cell ? cell : "");
    case WEB_AS_SHARE:
        return table_value(cell ? cell : "0", WEB_REAL);
    }
    return type == WEB_TIME ? table_time(cell) : table_value(cell, type);
}

json_t *web_table_object(const struct web_table *table, size_t row, const struct web_field *shape)
{
    json_t *object = json_object();

    for (; shape->name; shape++)
        json_object_set_new(object, shape->name, table_field(table, row, shape));
    return object;
}

json_t *web_table_row(const struct web_table *table, size_t row)
{
    json_t *object = json_object();

    for (size_t i = 0; i < table->n_columns; i++) {
        const char *cell = table->cells[row * table->n_columns + i];

        json_object_set_new(object, table->names[i],
                            table->types[i] == WEB_TIME ? table_time(cell) : table_value(cell, table->types[i]));
    }
    return object;
}

json_t *web_table_array(const struct web_table *table, const struct web_field *shape)
{
    json_t *array = json_array();

    for (size_t i = 0; i < table->n_rows; i++)
        json_array_append_new(array, shape ? web_table_object(table, i, shape) : web_table_row(table, i));
    return array;
}

static int table_dump(const char *bytes, size_t n, void *out)
{
    return tip_buf_append(out, bytes, n);
}

int web_json_write(const json_t *json, struct tip_buf *out)
{
    return json_dump_callback(json, table_dump, out, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6)) ? -ENOBUFS
                                                                                                              : 0;
}

/* ---- CSV ---- */

static int table_csv_quoted(const char *text, bool is_formula, struct tip_buf *out)
{
    int r = tip_buf_append_text(out, is_formula ? "\"'" : "\"");

    for (; *text && !r; text++)
        r = *text == '"' ? tip_buf_append_text(out, "\"\"") : tip_buf_append(out, text, 1);
    return r ? r : tip_buf_append_text(out, "\"");
}

static int table_csv_text(const char *text, struct tip_buf *out)
{
    bool is_formula = *text && strchr("=+-@\t\r", *text);

    if (is_formula || text[strcspn(text, "\",\r\n")] || *text == ' ')
        return table_csv_quoted(text, is_formula, out);
    return tip_buf_append_text(out, text);
}

/* A number, a truth or nothing cannot be a formula; whatever else it is, it is text. */
static int table_csv_value(const json_t *value, struct tip_buf *out)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;

    tip_buf_init(&text, 1 << 20);
    if (json_is_null(value))
        return 0;
    if (json_is_string(value))
        return table_csv_text(json_string_value(value), out);
    if (web_json_write(value, &text))
        return -ENOBUFS;
    return json_is_array(value) || json_is_object(value) ? table_csv_text(tip_buf_text(&text), out)
                                                         : tip_buf_append_text(out, tip_buf_text(&text));
}

static int table_csv_row(const struct web_table *table, size_t row, const struct web_field *shape, struct tip_buf *out)
{
    int r = 0;

    for (const struct web_field *field = shape; field->name && !r; field++) {
        json_t *value = table_field(table, row, field);

        if (field != shape)
            r = tip_buf_append_text(out, ",");
        if (!r)
            r = table_csv_value(value, out);
        json_decref(value);
    }
    return r ? r : tip_buf_append_text(out, "\r\n");
}

int web_table_csv(const struct web_table *table, const struct web_field *shape, struct tip_buf *out)
{
    int r = 0;

    for (const struct web_field *field = shape; field->name && !r; field++)
        r = tip_buf_append_format(out, "%s%s", field == shape ? "" : ",", field->name);
    if (!r)
        r = tip_buf_append_text(out, "\r\n");
    for (size_t i = 0; i < table->n_rows && !r; i++)
        r = table_csv_row(table, i, shape, out);
    return r;
}

/* ---- problems ---- */

static const struct {
    int status;
    const char *text;
} table_statuses[] = {
    {200, "OK"},
    {204, "No Content"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

const char *web_status_text(int status)
{
    for (size_t i = 0; i < sizeof(table_statuses) / sizeof(table_statuses[0]); i++) {
        if (table_statuses[i].status == status)
            return table_statuses[i].text;
    }
    return "Error";
}

int web_problem_write(int status, const char *detail, struct tip_buf *out)
{
    json_t *problem =
        json_pack("{s:s, s:s, s:i}", "type", "about:blank", "title", web_status_text(status), "status", status);
    int r;

    if (detail && *detail)
        json_object_set_new(problem, "detail", web_json_text(detail));
    r = web_json_write(problem, out);
    json_decref(problem);
    return r;
}
