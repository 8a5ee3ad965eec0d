#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/buf.h>
#include <tip/fail.h>
#include <tip/utf8.h>

enum { OUT_COLUMNS_MAX = 64, OUT_CELL_BYTES = 64 * 1024, OUT_NARROW = 16 };

struct out_line {
    char **cells; /* escaped for a terminal, OUT_HUMAN only */
    enum out_style *styles;
};

struct out {
    struct out_config config;
    const struct tip_column *columns;
    size_t n_shown;
    size_t shown[OUT_COLUMNS_MAX]; /* index into columns */
    json_t *rows;                  /* OUT_JSON */
    struct out_line *lines;        /* OUT_HUMAN */
    size_t n_lines, room;
};

const char *const out_mode_names[] = {
    [OUT_HUMAN] = "human", [OUT_JSON] = "json", [OUT_NDJSON] = "ndjson", [OUT_CSV] = "csv", [OUT_MODE_COUNT] = NULL};

static const char *const out_codes[OUT_STYLE_COUNT] = {
    [OUT_PLAIN] = "",         [OUT_BOLD] = "\033[1m",   [OUT_DIM] = "\033[2m",
    [OUT_RED] = "\033[1;31m", [OUT_GREEN] = "\033[32m", [OUT_YELLOW] = "\033[33m",
};

bool out_wants_color(FILE *file)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(file)) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

const char *out_style_on(const struct out_config *config, enum out_style style)
{
    return config->color ? out_codes[style] : "";
}

const char *out_style_off(const struct out_config *config)
{
    return config->color ? "\033[0m" : "";
}

/* C1 controls, line and paragraph separators, and what turns or hides text (bidirectional marks, zero width). */
static bool out_is_hidden(uint32_t point)
{
    return (point >= 0x7f && point < 0xa0) || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

static void out_escape(struct tip_buf *buf, const char *text)
{
    size_t len = strlen(text), n;
    uint32_t point;
    int r = 0;

    for (size_t at = 0; at < len && r == 0; at += n) {
        n = tip_utf8_next(text + at, len - at, &point);
        if (n == 0) {
            n = 1;
            r = tip_buf_append_format(buf, "\\x%02x", (unsigned)(unsigned char)text[at]);
        } else if (point < 0x20 || point == 0x7f) {
            r = tip_buf_append_format(buf, "\\x%02x", (unsigned)point);
        } else if (out_is_hidden(point)) {
            r = tip_buf_append_format(buf, "\\u{%x}", (unsigned)point);
        } else {
            r = tip_buf_append(buf, text + at, n);
        }
    }
    if (r)
        memcpy(buf->data + buf->len - 3, "...", 3); /* the cap: say that it was cut */
}

void out_safe(FILE *file, const char *text)
{
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    tip_buf_init(&buf, OUT_CELL_BYTES);
    out_escape(&buf, text);
    fputs(tip_buf_text(&buf), file);
}

void out_safe_line(FILE *file, const char *text)
{
    out_safe(file, text);
    fputc('\n', file);
}

static size_t out_column_find(const struct out *out, size_t n_columns, const char *name, size_t len)
{
    for (size_t i = 0; i < n_columns; i++) {
        if (strlen(out->columns[i].name) == len && memcmp(out->columns[i].name, name, len) == 0)
            return i;
    }
    return n_columns;
}

static int out_choose(struct out *out, size_t n_columns, const char **badp)
{
    const char *at = out->config.fields;
    size_t len, i;

    for (i = 0; !at && i < n_columns; i++)
        out->shown[out->n_shown++] = i;
    while (at && *at) {
        len = strcspn(at, ",");
        i = out_column_find(out, n_columns, at, len);
        if (i == n_columns || out->n_shown == OUT_COLUMNS_MAX) {
            *badp = at;
            return OUT_E_FIELD;
        }
        out->shown[out->n_shown++] = i;
        at += len + (at[len] == ',');
    }
    return 0;
}

static void out_csv_cell(FILE *file, const char *text)
{
    if (text && !text[strcspn(text, ",\"\r\n")]) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; text && *text; text++) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
}

static void out_csv_row(struct out *out, const char *const *cells)
{
    const char *cell;

    for (size_t i = 0; i < out->n_shown; i++) {
        cell = cells ? cells[out->shown[i]] : out->columns[out->shown[i]].name;
        if (i)
            fputc(',', out->config.file);
        if (cell)
            out_csv_cell(out->config.file, cell);
    }
    fputs("\r\n", out->config.file);
}

int out_open(struct out **outp, const struct out_config *config, const struct tip_column *columns, size_t n_columns,
             const char **badp)
{
    tip_auto(out_destroy) struct out *out = tip_new(struct out);
    int r;

    if (n_columns > OUT_COLUMNS_MAX)
        return tip_fail(-E2BIG);
    out->config = *config;
    out->config.file = NULL; /* nothing is shown if this fails */
    out->columns = columns;
    r = out_choose(out, n_columns, badp);
    if (r)
        return r;
    out->config.file = config->file;
    if (config->mode == OUT_JSON)
        out->rows = json_array();
    if (config->mode == OUT_CSV && config->header)
        out_csv_row(out, NULL);
    *outp = tip_take(out);
    return 0;
}

static json_t *out_json_text(const char *text)
{
    tip_auto(tip_free) char *copy = NULL;
    json_t *value;
    size_t room;

    value = json_string(text);
    if (value)
        return value;
    room = strlen(text) * 3 + 1; /* each ill-formed byte becomes three */
    copy = tip_alloc(room, 1);
    tip_utf8_copy(copy, room, text, strlen(text));
    return json_string(copy);
}

static json_t *out_json_number(const char *text, enum tip_column_type type)
{
    json_t *value;
    char *end;

    errno = 0;
    value = type == TIP_COLUMN_INT ? json_integer(strtoll(text, &end, 10)) : json_real(strtod(text, &end));
    if (value && errno == 0 && end != text && *end == '\0')
        return value;
    json_decref(value);
    return out_json_text(text); /* an integer beyond 64 bits, infinity: never a wrong number */
}

json_t *out_json(const char *text, enum tip_column_type type)
{
    if (!text)
        return json_null();
    switch (type) {
    case TIP_COLUMN_INT:
    case TIP_COLUMN_REAL:
        return out_json_number(text, type);
    case TIP_COLUMN_BOOL:
        return json_boolean(strcmp(text, "true") == 0);
    case TIP_COLUMN_TEXT:
    case TIP_COLUMN_TIME:
    case TIP_COLUMN_BYTES:
    case TIP_COLUMN_TYPE_COUNT:
        break;
    }
    return out_json_text(text);
}

bool out_names(const char *names, const char *name)
{
    const size_t n = strlen(name);

    for (const char *at = names; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, n) == 0 && (at[n] == ',' || !at[n]))
            return true;
    }
    return false;
}

static json_t *out_json_cell(const struct out *out, const struct tip_column *column, const char *text)
{
    json_t *value =
        text && out_names(out->config.nested, column->name) ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    return value ? value : out_json(text, column->type);
}

static json_t *out_json_row(const struct out *out, const char *const *cells)
{
    json_t *row = json_object();

    for (size_t i = 0; i < out->n_shown; i++) {
        const struct tip_column *column = &out->columns[out->shown[i]];

        json_object_set_new(row, column->name, out_json_cell(out, column, cells[out->shown[i]]));
    }
    return row;
}

const char *out_rounded(const char *cell, enum tip_column_type type, char text[static OUT_ROUNDED])
{
    char *end;
    double number;
    size_t n;

    if (!cell || type != TIP_COLUMN_REAL)
        return cell;
    number = strtod(cell, &end);
    if (end == cell || *end || !(number > -1e12 && number < 1e12))
        return cell;
    n = (size_t)snprintf(text, OUT_ROUNDED, "%.4f", number);
    while (text[n - 1] == '0')
        n--;
    n -= text[n - 1] == '.';
    text[n] = '\0';
    return strcmp(text, "-0") == 0 ? "0" : text;
}

static void out_human_row(struct out *out, const char *const *cells, const enum out_style *styles)
{
    char text[OUT_ROUNDED];
    struct out_line *line;
    struct tip_buf buf;

    if (out->n_lines == out->room) {
        out->room = out->room ? out->room * 2 : 64;
        out->lines = tip_realloc(out->lines, out->room, sizeof(*out->lines));
    }
    line = &out->lines[out->n_lines++];
    line->cells = tip_new_array(out->n_shown, char *);
    line->styles = tip_new_array(out->n_shown, enum out_style);
    for (size_t i = 0; i < out->n_shown; i++) {
        const char *cell = out_rounded(cells[out->shown[i]], out->columns[out->shown[i]].type, text);

        tip_buf_init(&buf, OUT_CELL_BYTES);
        out_escape(&buf, cell ? cell : "-");
        line->cells[i] = tip_strdup(tip_buf_text(&buf));
        line->styles[i] = styles ? styles[out->shown[i]] : OUT_PLAIN;
        tip_buf_deinit(&buf);
    }
}

void out_row(struct out *out, const char *const *cells, const enum out_style *styles)
{
    json_t *row;

    switch (out->config.mode) {
    case OUT_HUMAN:
        out_human_row(out, cells, styles);
        break;
    case OUT_JSON:
        json_array_append_new(out->rows, out_json_row(out, cells));
        break;
    case OUT_NDJSON:
        row = out_json_row(out, cells);
        out_object(&out->config, row);
        json_decref(row);
        break;
    case OUT_CSV:
        out_csv_row(out, cells);
        break;
    case OUT_MODE_COUNT:
        break;
    }
}

static size_t out_width(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static bool out_is_number(const struct out *out, size_t i)
{
    enum tip_column_type type = out->columns[out->shown[i]].type;

    return type == TIP_COLUMN_INT || type == TIP_COLUMN_REAL;
}

static void out_human_cell(const struct out *out, size_t i, const char *text, size_t width, enum out_style style)
{
    FILE *file = out->config.file;
    int pad = (int)(width - out_width(text));

    if (i)
        fputs("  ", file);
    if (out_is_number(out, i))
        fprintf(file, "%*s", pad, "");
    fprintf(file, "%s%s%s", style ? out_style_on(&out->config, style) : "", text,
            style ? out_style_off(&out->config) : "");
    if (!out_is_number(out, i) && i + 1 < out->n_shown)
        fprintf(file, "%*s", pad, "");
}

static void out_human_title(const struct out *out, size_t i, size_t width)
{
    tip_auto(tip_free) char *title = tip_strdup(out->columns[out->shown[i]].name);

    for (char *at = title; *at; at++)
        *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    out_human_cell(out, i, title, width, OUT_BOLD);
}

/* What a column of text is never narrower than: its title, and something to recognise. */
static size_t out_narrow(const struct out *out, size_t i)
{
    const size_t title = out_width(out->columns[out->shown[i]].name);

    return title > OUT_NARROW ? title : OUT_NARROW;
}

/* The widest column of text gives way, a character at a time, until a line fits or nothing can. */
static void out_human_shrink(const struct out *out, size_t width[OUT_COLUMNS_MAX])
{
    size_t total = 0, widest;

    for (size_t i = 0; i < out->n_shown; i++)
        total += width[i] + (i ? 2 : 0);
    for (; out->config.width > 0 && total > (size_t)out->config.width; total--) {
        widest = out->n_shown;
        for (size_t i = 1; i < out->n_shown; i++) { /* the first one names the row */
            if (!out_is_number(out, i) && width[i] > out_narrow(out, i) &&
                (widest == out->n_shown || width[i] > width[widest]))
                widest = i;
        }
        if (widest == out->n_shown)
            return;
        width[widest]--;
    }
}

/* A cell that is wider ends with dots. */
static void out_human_cut(char *text, size_t width)
{
    size_t n = 0, at = 0;

    if (out_width(text) <= width)
        return;
    while (n < width - 3) {
        at++;
        n += ((unsigned char)text[at] & 0xc0) != 0x80;
    }
    strcpy(text + at, "..."); /* at least as much was there */
}

static void out_human_end(const struct out *out)
{
    size_t width[OUT_COLUMNS_MAX] = {0}, n;

    for (size_t i = 0; i < out->n_shown; i++) {
        width[i] = out->config.header ? out_width(out->columns[out->shown[i]].name) : 0;
        for (size_t k = 0; k < out->n_lines; k++) {
            n = out_width(out->lines[k].cells[i]);
            width[i] = n > width[i] ? n : width[i];
        }
    }
    out_human_shrink(out, width);
    for (size_t i = 0; i < out->n_shown; i++) {
        for (size_t k = 0; !out_is_number(out, i) && k < out->n_lines; k++)
            out_human_cut(out->lines[k].cells[i], width[i]);
    }
    for (size_t i = 0; out->config.header && out->n_lines && i < out->n_shown; i++)
        out_human_title(out, i, width[i]);
    if (out->config.header && out->n_lines)
        fputc('\n', out->config.file);
    for (size_t k = 0; k < out->n_lines; k++) {
        for (size_t i = 0; i < out->n_shown; i++)
            out_human_cell(out, i, out->lines[k].cells[i], width[i], out->lines[k].styles[i]);
        fputc('\n', out->config.file);
    }
}

static void out_json_write(FILE *file, const json_t *value, size_t flags)
{
    (void)json_dumpf(value, file, flags | JSON_REAL_PRECISION(15)); /* the stream's own error flag is checked at exit */
    fputc('\n', file);
}

void out_destroy(struct out **outp)
{
    struct out *out = *outp;

    if (!out)
        return;
    if (out->config.file && out->config.mode == OUT_HUMAN)
        out_human_end(out);
    if (out->config.file && out->config.mode == OUT_JSON)
        out_json_write(out->config.file, out->rows, JSON_INDENT(2));
    if (out->config.file)
        fflush(out->config.file);
    for (size_t k = 0; k < out->n_lines; k++) {
        for (size_t i = 0; i < out->n_shown; i++)
            free(out->lines[k].cells[i]);
        free(out->lines[k].cells);
        free(out->lines[k].styles);
    }
    free(out->lines);
    json_decref(out->rows);
    free(out);
    *outp = NULL;
}

int out_answer(const struct out_config *config, const struct tip_store_answer *answer, const char **badp)
{
    tip_auto(out_destroy) struct out *out = NULL;
    int r;

    r = out_open(&out, config, answer->columns, answer->n_columns, badp);
    if (r)
        return r;
    for (size_t i = 0; i < answer->n_rows; i++)
        out_row(out, answer->cells + i * answer->n_columns, NULL);
    return 0;
}

void out_object(const struct out_config *config, const json_t *object)
{
    out_json_write(config->file, object, config->mode == OUT_JSON ? JSON_INDENT(2) : JSON_COMPACT);
    fflush(config->file);
}
