#include "opt_value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/fail.h>
#include <tip/size.h>

static int opt_refuse(char why[static OPT_WHY_BYTES], const char *format, ...) tip_printf(2, 3);

static int opt_refuse(char why[static OPT_WHY_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, OPT_WHY_BYTES, format, args);
    va_end(args);
    return -EINVAL;
}

void *opt_at(const struct tip_opt *row, void *options)
{
    return (char *)options + row->offset;
}

const void *opt_at_const(const struct tip_opt *row, const void *options)
{
    return (const char *)options + row->offset;
}

const struct tip_opt *opt_find(const struct tip_opt_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_rows; i++)
        if (table->rows[i].type != TIP_OPT_AT && strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

size_t opt_value_limit(const struct tip_opt *row)
{
    if (row->max > 0)
        return (size_t)row->max;
    return row->type >= TIP_OPT_LIST ? OPT_ITEMS_MAX : OPT_TEXT_MAX;
}

/* --- text to value --- */

static int opt_check_length(const struct tip_opt *row, const char *text, char why[static OPT_WHY_BYTES])
{
    size_t len = strlen(text);

    if (len > opt_value_limit(row))
        return opt_refuse(why, "is longer than %zu bytes", opt_value_limit(row));
    if ((double)len < row->min)
        return opt_refuse(why, "is shorter than %.0f bytes", row->min);
    return 0;
}

static int opt_put_text(const struct tip_opt *row, void *options, char *taken)
{
    char **at = opt_at(row, options);

    free(*at);
    *at = taken;
    return 0;
}

static int opt_set_string(const struct tip_opt *row, void *options, const struct opt_text *text,
                          char why[static OPT_WHY_BYTES])
{
    int r;

    r = opt_check_length(row, text->text, why);
    return r ? r : opt_put_text(row, options, tip_strdup(text->text));
}

static int opt_set_path(const struct tip_opt *row, void *options, const struct opt_text *text,
                        char why[static OPT_WHY_BYTES])
{
    char *path;
    int r;

    r = opt_check_length(row, text->text, why);
    if (r)
        return r;
    if (text->text[0] == '/' || text->text[0] == '\0' || !text->dir)
        path = tip_strdup(text->text);
    else if (asprintf(&path, "%s/%s", text->dir, text->text) == -1)
        abort();
    return opt_put_text(row, options, path);
}

static bool opt_is_port(const char *text)
{
    unsigned long port;
    char *end;

    if (strcmp(text, "*") == 0)
        return true;
    if (text[0] < '0' || text[0] > '9')
        return false;
    port = strtoul(text, &end, 10);
    return *end == '\0' && port >= 1 && port <= 65535;
}

static int opt_set_endpoint(const struct tip_opt *row, void *options, const struct opt_text *text,
                            char why[static OPT_WHY_BYTES])
{
    const char *endpoint = text->text;
    const char *colon = strrchr(endpoint, ':');
    bool is_tcp = strncmp(endpoint, "tcp://", 6) == 0;
    bool is_ipc = strncmp(endpoint, "ipc://", 6) == 0;

    if (!is_tcp && !is_ipc)
        return opt_refuse(why, "must start with tcp:// or ipc://, not '%.64s'", endpoint);
    if (is_tcp && (colon < endpoint + 7 || !opt_is_port(colon + 1)))
        return opt_refuse(why, "needs a host and a port from 1 to 65535, as in tcp://127.0.0.1:5550");
    if (is_ipc && endpoint[6] != '/')
        return opt_refuse(why, "needs an absolute path, as in ipc:///run/tip/ingest");
    if (is_ipc && strlen(endpoint) > 6 + 100)
        return opt_refuse(why, "has a path longer than 100 bytes, which the system does not take for sockets");
    return opt_set_string(row, options, text, why);
}

static int opt_set_bool(const struct tip_opt *row, void *options, const struct opt_text *text,
                        char why[static OPT_WHY_BYTES])
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"yes", true}, {"on", true}, {"false", false}, {"no", false}, {"off", false}};
    bool *at = opt_at(row, options);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text->text, words[i].word) == 0) {
            *at = words[i].value;
            return 0;
        }
    }
    return opt_refuse(why, "must be true or false, not '%.64s'", text->text);
}

/* A number of a row in the notation of its type; for messages. */
static void opt_number_text(const struct tip_opt *row, double number, char text[static TIP_DURATION_TEXT])
{
    if (row->type == TIP_OPT_DURATION)
        (void)tip_duration_format((uint64_t)number, text); /* its length */
    else if (row->type == TIP_OPT_SIZE)
        (void)tip_size_format((uint64_t)number, text); /* its length */
    else
        (void)snprintf(text, TIP_DURATION_TEXT, "%.10g%s%s", number, row->unit ? " " : "", row->unit ? row->unit : "");
}

static int opt_check_range(const struct tip_opt *row, double number, const char *text, char why[static OPT_WHY_BYTES])
{
    char low[TIP_DURATION_TEXT];
    char high[TIP_DURATION_TEXT];

    if ((row->min == 0 && row->max == 0) || (number >= row->min && number <= row->max))
        return 0;
    if (row->flags & TIP_OPT_UNSET && text == row->fallback)
        return 0;
    opt_number_text(row, row->min, low);
    opt_number_text(row, row->max, high);
    return opt_refuse(why, "must be from %s to %s, not %.64s", low, high, text);
}

static int opt_set_int(const struct tip_opt *row, void *options, const struct opt_text *text,
                       char why[static OPT_WHY_BYTES])
{
    char digits[32];
    size_t n = 0;
    int64_t value;
    char *end;
    int r;

    for (const char *at = text->text; *at && n < sizeof(digits) - 1; at++)
        if (*at != '_')
            digits[n++] = *at;
    digits[n] = '\0';
    errno = 0;
    value = strtoll(digits, &end, 10);
    if (n == 0 || *end || errno || strchr(" \t\n\v\f\r+", digits[0]))
        return opt_refuse(why, "must be a whole number, not '%.64s'", text->text);
    r = opt_check_range(row, (double)value, text->text, why);
    if (r)
        return r;
    memcpy(opt_at(row, options), &value, sizeof(value));
    return 0;
}

static int opt_set_real(const struct tip_opt *row, void *options, const struct opt_text *text,
                        char why[static OPT_WHY_BYTES])
{
    double value;
    char *end;
    int r;

    value = strtod(text->text, &end);
    if (!*text->text || *end || !isfinite(value) || strspn(text->text, "0123456789+-.eE") != strlen(text->text))
        return opt_refuse(why, "must be a number, not '%.64s'", text->text);
    r = opt_check_range(row, value, text->text, why);
    if (r)
        return r;
    memcpy(opt_at(row, options), &value, sizeof(value));
    return 0;
}

static int opt_set_measure(const struct tip_opt *row, void *options, const struct opt_text *text,
                           char why[static OPT_WHY_BYTES])
{
    bool is_size = row->type == TIP_OPT_SIZE;
    uint64_t value;
    int64_t kept;
    int r;

    r = is_size ? tip_size_parse(&value, text->text, strlen(text->text))
                : tip_duration_parse(&value, text->text, strlen(text->text));
    if (r || value > INT64_MAX)
        return opt_refuse(why, "must be a %s, not '%.64s'",
                          is_size ? "size such as 65536, 64KiB or 4MiB" : "duration such as 250ms, 90s, 15m or 7d",
                          text->text);
    r = opt_check_range(row, (double)value, text->text, why);
    if (r)
        return r;
    kept = (int64_t)value;
    memcpy(opt_at(row, options), &kept, sizeof(kept));
    return 0;
}

static int opt_set_enum(const struct tip_opt *row, void *options, const struct opt_text *text,
                        char why[static OPT_WHY_BYTES])
{
    char names[160] = "";
    size_t n = 0;

    for (int i = 0; row->names[i]; i++) {
        if (strcmp(row->names[i], text->text) == 0) {
            memcpy(opt_at(row, options), &i, sizeof(i));
            return 0;
        }
        if (n < sizeof(names))
            n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i ? ", " : "", row->names[i]);
    }
    return opt_refuse(why, "must be one of %s, not '%.32s'", names, text->text);
}

static int opt_add_string(const struct tip_opt *row, void *options, const char *item, char why[static OPT_WHY_BYTES])
{
    struct tip_opt_list *list = opt_at(row, options);

    if (strlen(item) > OPT_TEXT_MAX)
        return opt_refuse(why, "has an entry longer than %d bytes", OPT_TEXT_MAX);
    list->items = tip_realloc(list->items, list->n + 1, sizeof(*list->items));
    list->items[list->n++] = tip_strdup(item);
    return 0;
}

static int opt_add_prefix(const struct tip_opt *row, void *options, const char *item, char why[static OPT_WHY_BYTES])
{
    struct tip_opt_prefixes *list = opt_at(row, options);
    struct tip_prefix prefix;
    bool is_masked;
    int r;

    r = tip_prefix_parse(&prefix, &is_masked, item, strlen(item));
    if (r)
        return opt_refuse(why, "'%.64s' is not an address or network (%s)", item, tip_addr_reason(r));
    if (is_masked)
        return opt_refuse(why, "'%.64s' has bits set behind its length", item);
    list->items = tip_realloc(list->items, list->n + 1, sizeof(*list->items));
    list->items[list->n++] = prefix;
    return 0;
}

int opt_value_add(const struct tip_opt *row, void *options, const char *item, char why[static OPT_WHY_BYTES])
{
    const struct tip_opt_list *list = opt_at_const(row, options); /* prefixes have the same head */
    size_t n = row->type == TIP_OPT_LIST ? list->n : ((const struct tip_opt_prefixes *)opt_at_const(row, options))->n;

    if (n >= opt_value_limit(row))
        return opt_refuse(why, "has more than %zu entries", opt_value_limit(row));
    return row->type == TIP_OPT_LIST ? opt_add_string(row, options, item, why)
                                     : opt_add_prefix(row, options, item, why);
}

/* a,b,c into a fresh struct member, which then takes the old one's place. */
static int opt_set_list(const struct tip_opt *row, void *options, const struct opt_text *text,
                        char why[static OPT_WHY_BYTES])
{
    tip_auto(tip_free) char *copy = tip_strdup(text->text);
    struct tip_opt there = *row;
    union {
        struct tip_opt_list list;
        struct tip_opt_prefixes prefixes;
    } fresh = {0};
    char *rest = copy;
    char *item;
    int r = 0;

    there.offset = 0;
    while (!r && *copy && (item = strsep(&rest, ",")))
        r = opt_value_add(&there, &fresh, item + strspn(item, " "), why);
    if (r) {
        opt_value_clear(&there, &fresh);
        return r;
    }
    opt_value_clear(row, options);
    memcpy(opt_at(row, options), &fresh, sizeof(struct tip_opt_list));
    return 0;
}

static int opt_set_never(const struct tip_opt *row, void *options, const struct opt_text *text,
                         char why[static OPT_WHY_BYTES])
{
    (void)row;
    (void)options;
    (void)text;
    return opt_refuse(why, "can only be given in a file");
}

static const struct {
    const char *name;
    int (*set)(const struct tip_opt *row, void *options, const struct opt_text *text, char why[static OPT_WHY_BYTES]);
} opt_types[TIP_OPT_TYPE_COUNT] = {
    [TIP_OPT_STRING] = {"text", opt_set_string},
    [TIP_OPT_PATH] = {"path", opt_set_path},
    [TIP_OPT_ENDPOINT] = {"endpoint", opt_set_endpoint},
    [TIP_OPT_BOOL] = {"true or false", opt_set_bool},
    [TIP_OPT_INT] = {"number", opt_set_int},
    [TIP_OPT_REAL] = {"real number", opt_set_real},
    [TIP_OPT_DURATION] = {"duration", opt_set_measure},
    [TIP_OPT_SIZE] = {"size", opt_set_measure},
    [TIP_OPT_ENUM] = {"word", opt_set_enum},
    [TIP_OPT_LIST] = {"list of texts", opt_set_list},
    [TIP_OPT_PREFIXES] = {"list of networks", opt_set_list},
    [TIP_OPT_RECORDS] = {"list of records", opt_set_never},
    [TIP_OPT_AT] = {"place", opt_set_never},
};

const char *opt_type_name(enum tip_opt_type type)
{
    return opt_types[type].name;
}

int opt_value_set(const struct tip_opt *row, void *options, const struct opt_text *text, char why[static OPT_WHY_BYTES])
{
    return opt_types[row->type].set(row, options, text, why);
}

/* --- value to text --- */

static int opt_format_list(const struct tip_opt_list *list, struct tip_buf *out)
{
    int r = 0;

    for (size_t i = 0; i < list->n && !r; i++)
        r = tip_buf_append_format(out, "%s%s", i ? "," : "", list->items[i]);
    return r;
}

static int opt_format_prefixes(const struct tip_opt_prefixes *list, struct tip_buf *out)
{
    char text[TIP_PREFIX_TEXT];
    int r = 0;

    for (size_t i = 0; i < list->n && !r; i++) {
        (void)tip_prefix_format(&list->items[i], text); /* its length */
        r = tip_buf_append_format(out, "%s%s", i ? "," : "", text);
    }
    return r;
}

/* {name: drop, every: 1h} */
static int opt_format_record(const struct tip_opt_table *table, const void *record, struct tip_buf *out)
{
    const char *comma = "";
    int r;

    r = tip_buf_append_text(out, "{");
    for (size_t i = 0; i < table->n_rows && !r; i++) {
        if (table->rows[i].type == TIP_OPT_AT)
            continue;
        r = tip_buf_append_format(out, "%s%s: ", comma, table->rows[i].name);
        if (!r)
            r = opt_value_format(&table->rows[i], record, out);
        comma = ", ";
    }
    return r ? r : tip_buf_append_text(out, "}");
}

static int opt_format_records(const struct tip_opt *row, const struct tip_opt_records *records, struct tip_buf *out)
{
    int r = 0;

    for (size_t i = 0; i < records->n && !r; i++) {
        r = tip_buf_append_text(out, i ? ", " : "");
        if (!r)
            r = opt_format_record(row->record, (const char *)records->items + i * row->record->size, out);
    }
    return r;
}

static int opt_format_number(const struct tip_opt *row, int64_t value, struct tip_buf *out)
{
    char text[TIP_DURATION_TEXT];

    if (row->type == TIP_OPT_DURATION)
        (void)tip_duration_format((uint64_t)value, text); /* its length */
    else if (row->type == TIP_OPT_SIZE)
        (void)tip_size_format((uint64_t)value, text); /* its length */
    else
        (void)snprintf(text, sizeof(text), "%" PRId64, value);
    return tip_buf_append_text(out, text);
}

int opt_value_format(const struct tip_opt *row, const void *options, struct tip_buf *out)
{
    const void *at = opt_at_const(row, options);
    const char *text;

    switch (row->type) {
    case TIP_OPT_STRING:
    case TIP_OPT_PATH:
    case TIP_OPT_ENDPOINT:
        memcpy(&text, at, sizeof(text));
        return tip_buf_append_text(out, text ? text : "");
    case TIP_OPT_BOOL:
        return tip_buf_append_text(out, *(const bool *)at ? "true" : "false");
    case TIP_OPT_INT:
    case TIP_OPT_DURATION:
    case TIP_OPT_SIZE:
        return opt_format_number(row, *(const int64_t *)at, out);
    case TIP_OPT_REAL:
        return tip_buf_append_format(out, "%.10g", *(const double *)at);
    case TIP_OPT_ENUM:
        return tip_buf_append_text(out, row->names[*(const int *)at]);
    case TIP_OPT_LIST:
        return opt_format_list(at, out);
    case TIP_OPT_PREFIXES:
        return opt_format_prefixes(at, out);
    case TIP_OPT_RECORDS:
        return opt_format_records(row, at, out);
    case TIP_OPT_AT:
    case TIP_OPT_TYPE_COUNT:
        break;
    }
    return 0;
}

/* --- what values own --- */

static void opt_clear_list(struct tip_opt_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct tip_opt_list){0};
}

static void opt_clear_prefixes(struct tip_opt_prefixes *list)
{
    free(list->items);
    *list = (struct tip_opt_prefixes){0};
}

static void opt_clear_records(const struct tip_opt *row, struct tip_opt_records *records)
{
    for (size_t i = 0; i < records->n; i++)
        tip_opt_free(row->record, (char *)records->items + i * row->record->size);
    free(records->items);
    *records = (struct tip_opt_records){0};
}

void opt_value_clear(const struct tip_opt *row, void *options)
{
    void *at = opt_at(row, options);

    switch (row->type) {
    case TIP_OPT_STRING:
    case TIP_OPT_PATH:
    case TIP_OPT_ENDPOINT:
        tip_free(at);
        break;
    case TIP_OPT_LIST:
        opt_clear_list(at);
        break;
    case TIP_OPT_PREFIXES:
        opt_clear_prefixes(at);
        break;
    case TIP_OPT_RECORDS:
        opt_clear_records(row, at);
        break;
    case TIP_OPT_AT:
        tip_free(&((struct tip_opt_at *)at)->file);
        break;
    case TIP_OPT_BOOL:
    case TIP_OPT_INT:
    case TIP_OPT_REAL:
    case TIP_OPT_DURATION:
    case TIP_OPT_SIZE:
    case TIP_OPT_ENUM:
    case TIP_OPT_TYPE_COUNT:
        break;
    }
}

void tip_opt_free(const struct tip_opt_table *table, void *options)
{
    for (size_t i = 0; i < table->n_rows; i++)
        opt_value_clear(&table->rows[i], options);
    memset(options, 0, table->size);
}

/* A fallback that its own row refuses is a mistake of ours. */
void tip_opt_init(const struct tip_opt_table *table, void *options)
{
    char why[OPT_WHY_BYTES];

    memset(options, 0, table->size);
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct opt_text text = {.text = table->rows[i].fallback};

        if (text.text && opt_value_set(&table->rows[i], options, &text, why)) {
            (void)fprintf(stderr, "option %s: its default %s\n", table->rows[i].name, why);
            abort();
        }
    }
}

/* --- names nearby --- */

enum { OPT_DISTANCE_LEN = 63 };

/* Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", 1966; one row of it. */
unsigned opt_distance(const char *a, const char *b, unsigned most)
{
    unsigned row[OPT_DISTANCE_LEN + 1];
    size_t n = strlen(b);

    if (strlen(a) > OPT_DISTANCE_LEN || n > OPT_DISTANCE_LEN)
        return most + 1;
    for (unsigned i = 0; i <= n; i++)
        row[i] = i;
    for (unsigned j = 1; a[j - 1]; j++) {
        unsigned diagonal = row[0];

        row[0] = j;
        for (size_t i = 1; i <= n; i++) {
            unsigned best = diagonal + (a[j - 1] != b[i - 1]);

            if (row[i] + 1 < best)
                best = row[i] + 1;
            if (row[i - 1] + 1 < best)
                best = row[i - 1] + 1;
            diagonal = row[i];
            row[i] = best;
        }
    }
    return row[n] <= most ? row[n] : most + 1;
}
