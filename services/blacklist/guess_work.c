#include "guess_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "core/parse.h"

struct guess_head {
    char *bytes; /* BL_GUESS_MORE + 1 */
    size_t n;
};

static int guess_take(void *ctx, const char *bytes, size_t n)
{
    struct guess_head *head = ctx;
    size_t room = BL_GUESS_MORE + 1 - head->n;
    size_t part = n < room ? n : room;

    memcpy(head->bytes + head->n, bytes, part);
    head->n += part;
    return head->n > BL_GUESS_MORE; /* one more than is looked at: then there is more */
}

static int guess_unpack(const struct work_parse *parse, struct guess_head *head)
{
    struct bl_unpack unpack = {.from = parse->body,
                               .container = parse->container,
                               .bytes_max = (uint64_t)parse->max_bytes,
                               .take = guess_take,
                               .ctx = head};

    head->n = 0;
    return bl_unpack(&unpack);
}

/* A tar in a gzip is no list in a gzip. */
static void guess_head(struct work_parse *parse, struct guess_head *head)
{
    parse->container = bl_unpack_guess(parse->body);
    if (guess_unpack(parse, head) != BL_UNPACK_E_NESTED)
        return; /* what is wrong is found when it is read */
    parse->container = BL_CONTAINER_TAR;
    (void)guess_unpack(parse, head);
}

/* ---- for people ---- */

static const char *guess_separator(char separator)
{
    static const struct {
        char separator;
        const char *name;
    } names[] = {{',', "comma"}, {';', "semicolon"}, {'|', "bar"}, {'\t', "tab"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].separator == separator)
            return names[i].name;
    }
    return "blank";
}

static void guess_text(const struct bl_format *format, char text[static GUESS_READING_TEXT])
{
    const char *kind = bl_kind_names[format->kind];

    if (format->kind == BL_KIND_JSON)
        (void)snprintf(text, GUESS_READING_TEXT, "%s %.100s", kind, format->pointer);
    else if (format->kind == BL_KIND_CSV)
        (void)snprintf(text, GUESS_READING_TEXT, "%s by %s, column %u", kind, guess_separator(format->separator),
                       format->column);
    else if (format->kind == BL_KIND_LINES && format->prefix[0])
        (void)snprintf(text, GUESS_READING_TEXT, "%s behind \"%.100s\"", kind, format->prefix);
    else if (format->kind == BL_KIND_LINES && format->column != 1)
        (void)snprintf(text, GUESS_READING_TEXT, "%s by %s, %s %u", kind, guess_separator(format->separator),
                       format->column ? "column" : "every column", format->column);
    else
        (void)snprintf(text, GUESS_READING_TEXT, "%s", kind);
}

static int guess_compare(const void *a, const void *b)
{
    const struct bl_guess *x = *(const struct bl_guess *const *)a, *y = *(const struct bl_guess *const *)b;
    int64_t worth_x = bl_guess_worth(x);
    int64_t worth_y = bl_guess_worth(y);

    if (worth_x != worth_y)
        return worth_x > worth_y ? -1 : 1;
    return (x > y) - (x < y);
}

static void guess_readings(struct guess_order *order, const struct bl_guesses *guesses)
{
    const struct bl_guess *sorted[BL_GUESSES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < guesses->n; i++) {
        if (guesses->items[i].accepted)
            sorted[n++] = &guesses->items[i];
    }
    qsort(sorted, n, sizeof(*sorted), guess_compare);
    for (size_t i = 0; i < n && i < GUESS_READINGS; i++) {
        struct guess_reading *reading = &order->readings[order->n_readings++];

        guess_text(&sorted[i]->format, reading->text);
        reading->accepted = sorted[i]->accepted;
        reading->rejected = sorted[i]->rejected;
    }
}

void guess_run(void *ctx)
{
    struct guess_order *order = ctx;
    struct guess_head head = {.bytes = tip_new_array(BL_GUESS_MORE + 1, char)};
    tip_auto(bl_guesses_deinit) struct bl_guesses guesses = {.items = NULL};
    size_t entries_max = order->parse.format.entries_max;

    guess_head(&order->parse, &head);
    bl_guess_run(&guesses, head.bytes, head.n, head.n <= BL_GUESS_MORE);
    free(head.bytes);
    guess_readings(order, &guesses);
    if (guesses.best.accepted)
        order->parse.format = guesses.best.format;
    order->parse.format.entries_max = entries_max;
    work_parse_run(&order->parse); /* all of it, and what the guard says */
    if (guesses.is_rules && !guesses.best.accepted && *order->parse.why)
        (void)snprintf(order->parse.detail, sizeof(order->parse.detail),
                       "these are rules of an intrusion detection (Snort, Suricata), and no address stands in them");
}
