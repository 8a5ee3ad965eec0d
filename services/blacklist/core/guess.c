#include "core/guess.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/utf8.h>

#include "core/guard.h"
#include "core/guess_look.h"
#include "core/parse.h"
#include "core/parser.h"

enum { GUESS_TENTH = 10, GUESS_LINES_COLUMNS = 6, GUESS_PIECES = 4 };

struct guess_body {
    const char *head;
    size_t n;       /* up to the last line's end */
    size_t n_whole; /* with a line that is cut: for JSON */
    bool is_whole;
    struct guess_look look;
};

/* ---- trying ---- */

/* Entries that may be scored, by kind. */
static uint64_t guess_kinds(const struct bl_parse *parse, uint64_t kinds[static TIP_KIND_COUNT])
{
    const struct bl_set set = bl_parse_set(parse);
    struct bl_item item;
    uint64_t n = 0;

    memset(kinds, 0, TIP_KIND_COUNT * sizeof(*kinds));
    for (size_t i = 0; i < bl_set_count(&set); i++) {
        bl_set_item(&set, i, &item);
        kinds[item.kind == TIP_KIND_IP && memchr(item.value, ':', item.len) ? TIP_KIND_NONE : item.kind]++;
        n += bl_set_scored(&set, i);
    }
    return n;
}

/* Where JSON breaks off there is no set: what was read by then counts. kinds[TIP_KIND_NONE] are IPv6 hosts. */
static void guess_try(const struct guess_body *body, struct bl_guess *guess, uint64_t kinds[static TIP_KIND_COUNT])
{
    tip_auto(bl_parse_destroy) struct bl_parse *parse = bl_parse_new(&guess->format);
    bool is_cut = guess->format.kind == BL_KIND_JSON && !body->is_whole;
    int r = bl_parse_feed(parse, body->head, is_cut ? body->n_whole : body->n);

    guess->accepted = guess->rejected = 0;
    memset(kinds, 0, TIP_KIND_COUNT * sizeof(*kinds));
    if (!r && !is_cut)
        r = bl_parse_end(parse);
    if (r)
        return;
    guess->rejected = bl_parse_report(parse)->n_rejected;
    guess->accepted = is_cut ? bl_parse_report(parse)->n_valid : guess_kinds(parse, kinds);
}

static struct bl_guess *guess_add(struct bl_guesses *guesses, enum bl_kind kind, enum bl_guess_rank rank)
{
    struct bl_guess *guess = &guesses->items[guesses->n];

    guesses->n += guesses->n + 1 < BL_GUESSES_MAX; /* the last place is overwritten when there are too many */
    *guess = (struct bl_guess){.rank = rank};
    bl_format_init(&guess->format, kind, BL_TYPE_AUTO);
    return guess;
}

/* ---- types ---- */

/* Addresses: hosts of one family, or anything. */
static enum bl_type guess_type_addr(const uint64_t kinds[static TIP_KIND_COUNT])
{
    if (kinds[TIP_KIND_NET] || (kinds[TIP_KIND_IP] && kinds[TIP_KIND_NONE]))
        return BL_TYPE_NET;
    return kinds[TIP_KIND_NONE] ? BL_TYPE_IP6 : BL_TYPE_IP4;
}

/* Kinds that occur are of one type, or it stays `auto`; one in a hundred is an error of the list's own. */
static enum bl_type guess_type(const uint64_t kinds[static TIP_KIND_COUNT])
{
    static const enum bl_type types[TIP_KIND_COUNT] = {
        [TIP_KIND_DOMAIN] = BL_TYPE_DOMAIN,    [TIP_KIND_URL] = BL_TYPE_URL,
        [TIP_KIND_ENDPOINT] = BL_TYPE_IP_PORT, [TIP_KIND_ASN] = BL_TYPE_ASN,
        [TIP_KIND_HASH] = BL_TYPE_HASH,        [TIP_KIND_EMAIL_DOMAIN] = BL_TYPE_EMAIL_DOMAIN,
    };
    uint64_t addresses = kinds[TIP_KIND_IP] + kinds[TIP_KIND_NONE] + kinds[TIP_KIND_NET];
    uint64_t sum = 0;

    for (int kind = 0; kind < TIP_KIND_COUNT; kind++)
        sum += kinds[kind];
    if (addresses && sum - addresses <= sum / 100)
        return guess_type_addr(kinds);
    for (int kind = 0; kind < TIP_KIND_COUNT; kind++) {
        if (types[kind] && kinds[kind] && sum - kinds[kind] <= sum / 100)
            return types[kind];
    }
    return BL_TYPE_AUTO;
}

/* ---- what is tried ---- */

static bool guess_most(const struct guess_look *look, size_t n)
{
    return n && 2 * n >= look->n_lines;
}

static bool guess_looks_like_json(const char *head, size_t n)
{
    while (n && (bl_is_blank(*head) || *head == '\n')) {
        head++;
        n--;
    }
    return n && (*head == '{' || *head == '[');
}

/* Files of sources are UTF-8. */
static bool guess_can_be_written(const char *text)
{
    return tip_utf8_valid(text, strlen(text));
}

static void guess_add_json(struct bl_guesses *guesses, const struct guess_body *body)
{
    tip_auto(tip_free) struct guess_pointer *found = tip_new_array(GUESS_POINTERS, struct guess_pointer);
    size_t n;

    if (!guess_looks_like_json(body->head, body->n_whole)) {
        (void)guess_add(guesses, BL_KIND_JSON, BL_GUESS_UNMARKED);
        return;
    }
    n = guess_json(found, body->head, body->n_whole);
    for (size_t i = 0; i < n; i++) {
        struct bl_guess *guess;

        if (!guess_can_be_written(found[i].pointer))
            continue;
        guess = guess_add(guesses, BL_KIND_JSON, BL_GUESS_MARKED);
        strcpy(guess->format.pointer, found[i].pointer);
        if (guess_type(found[i].kinds) == BL_TYPE_ASN) /* which are numbers there */
            guess->format.type = BL_TYPE_ASN;
    }
}

static void guess_add_marked(struct bl_guesses *guesses, const struct guess_look *look)
{
    const struct {
        enum bl_kind kind;
        bool is_marked;
    } kinds[] = {
        {BL_KIND_RPZ, guess_most(look, look->n_rpz)},      {BL_KIND_ADBLOCK, look->n_adblock != 0},
        {BL_KIND_HOSTS, guess_most(look, look->n_sinks)},  {BL_KIND_RBLDNSD, look->n_rbldnsd != 0},
        {BL_KIND_RANGE, guess_most(look, look->n_ranges)},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        (void)guess_add(guesses, kinds[i].kind, kinds[i].is_marked ? BL_GUESS_MARKED : BL_GUESS_UNMARKED);
}

static bool guess_is_name(const char *text)
{
    for (const char *at = text; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("_ -", *at))
            return false;
    }
    return isalpha((unsigned char)*text);
}

/* Does the first record name the columns? All its fields are words, and no two of them the same. */
static bool guess_is_header(const struct guess_look *look, char delimiter)
{
    char field[BL_FORMAT_TEXT], other[BL_FORMAT_TEXT];
    unsigned n = 1;

    for (; look->first && guess_field(look->first, look->first_len, delimiter, n, field); n++) {
        if (!guess_is_name(field))
            return false;
        for (unsigned i = 1; i < n; i++) {
            if (guess_field(look->first, look->first_len, delimiter, i, other) && !strcmp(field, other))
                return false;
        }
    }
    return n > 2;
}

static void guess_add_column(struct bl_guesses *guesses, const struct guess_look *look, size_t d, unsigned column)
{
    struct bl_format *format = &guess_add(guesses, BL_KIND_CSV, BL_GUESS_COLUMN)->format;

    format->separator = guess_delimiters[d];
    format->column = column;
    format->skip_space = look->n_spaced[d] != 0;
    format->header = guess_is_header(look, guess_delimiters[d]);
    if (format->header && !guess_field(look->first, look->first_len, guess_delimiters[d], column, format->column_name))
        format->header = false;
}

static void guess_add_tables(struct bl_guesses *guesses, const struct guess_look *look)
{
    bool is_any = false;

    for (size_t d = 0; d < sizeof(guess_delimiters); d++) {
        for (unsigned column = 1; guess_most(look, look->n_delimited[d]) && column <= look->columns[d]; column++) {
            guess_add_column(guesses, look, d, column);
            is_any = true;
        }
    }
    if (!is_any)
        (void)guess_add(guesses, BL_KIND_CSV, BL_GUESS_UNMARKED);
}

static void guess_add_line(struct bl_guesses *guesses)
{
    (void)guess_add(guesses, BL_KIND_LINES, BL_GUESS_LINE);
    guess_add(guesses, BL_KIND_LINES, BL_GUESS_UNMARKED)->format.type = BL_TYPE_ASN; /* numbers alone */
}

static void guess_add_columns(struct bl_guesses *guesses, const struct guess_look *look)
{
    for (unsigned column = 2; guess_most(look, look->n_columned) && column <= GUESS_LINES_COLUMNS; column++)
        guess_add(guesses, BL_KIND_LINES, BL_GUESS_COLUMN)->format.column = column;
    if (guess_most(look, look->n_prefixed) && guess_can_be_written(look->prefix))
        strcpy(guess_add(guesses, BL_KIND_LINES, BL_GUESS_COLUMN)->format.prefix, look->prefix);
    for (size_t i = 0; i < 2; i++) { /* all of a line: blanks, commas */
        struct bl_guess *guess = guess_add(guesses, BL_KIND_LINES, BL_GUESS_COLUMN);

        guess->format.column = 0;
        guess->format.separator = i ? ',' : ' ';
    }
}

/* ---- picking ---- */

int64_t bl_guess_worth(const struct bl_guess *guess)
{
    return 2 * (int64_t)guess->accepted - (guess->rank == BL_GUESS_MARKED ? 0 : (int64_t)guess->rejected);
}

static bool guess_is_better(const struct bl_guess *a, const struct bl_guess *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank;
    if (a->rejected != b->rejected)
        return a->rejected < b->rejected;
    return a->accepted > b->accepted;
}

static bool guess_is_near(const struct bl_guess *guess, int64_t most)
{
    return guess->rank != BL_GUESS_EXTRACT && guess->accepted && bl_guess_worth(guess) >= most - most / GUESS_TENTH;
}

/* Of those that are worth something. */
static const struct bl_guess *guess_pick_worthy(const struct bl_guesses *guesses)
{
    const struct bl_guess *best = NULL;
    int64_t most = 0;

    for (size_t i = 0; i < guesses->n; i++) {
        if (guesses->items[i].rank != BL_GUESS_EXTRACT && bl_guess_worth(&guesses->items[i]) > most)
            most = bl_guess_worth(&guesses->items[i]);
    }
    for (size_t i = 0; most && i < guesses->n; i++) {
        if (guess_is_near(&guesses->items[i], most) && (!best || guess_is_better(&guesses->items[i], best)))
            best = &guesses->items[i];
    }
    return best;
}

/* A poor list: what finds the most. `extract`, which rejects nothing, has to find twice as much. */
static const struct bl_guess *guess_pick_poor(const struct bl_guesses *guesses)
{
    const struct bl_guess *best = NULL;
    uint64_t most = 0;

    for (size_t i = 0; i < guesses->n; i++) {
        const struct bl_guess *guess = &guesses->items[i];
        uint64_t found = guess->rank == BL_GUESS_EXTRACT ? guess->accepted / 2 : guess->accepted;

        if (found > most || (!best && guess->accepted)) {
            most = found;
            best = guess;
        }
    }
    return best;
}

static const struct bl_guess *guess_pick(const struct bl_guesses *guesses)
{
    const struct bl_guess *best = guess_pick_worthy(guesses);

    return best ? best : guess_pick_poor(guesses);
}

/* ---- what the picked one still lacks ---- */

/* The type that all its entries have, if it loses none of them. Behind a beginning the other family may still come. */
static void guess_narrow(const struct guess_body *body, struct bl_guess *best)
{
    uint64_t kinds[TIP_KIND_COUNT];
    struct bl_guess wide = *best, narrow = *best;

    guess_try(body, &wide, kinds);
    narrow.format.type = guess_type(kinds);
    if (!body->is_whole && (narrow.format.type == BL_TYPE_IP4 || narrow.format.type == BL_TYPE_IP6))
        narrow.format.type = BL_TYPE_NET;
    if (best->format.type != BL_TYPE_AUTO || narrow.format.type == BL_TYPE_AUTO)
        return;
    guess_try(body, &narrow, kinds);
    if (narrow.accepted >= wide.accepted - wide.accepted / 100)
        best->format.type = narrow.format.type;
}

static void guess_narrow_json(const struct guess_body *body, struct bl_guess *best)
{
    tip_auto(tip_free) struct guess_pointer *found = tip_new_array(GUESS_POINTERS, struct guess_pointer);
    size_t n = guess_json(found, body->head, body->n_whole);

    for (size_t i = 0; i < n; i++) {
        enum bl_type type = guess_type(found[i].kinds);

        if (!strcmp(found[i].pointer, best->format.pointer)) /* IPv6 hosts are not told apart here */
            best->format.type = type == BL_TYPE_IP4 ? BL_TYPE_NET : type;
    }
}

/* Up to the end of the last line that is whole; all of it for JSON. */
static void guess_body(struct guess_body *body, const char *head, size_t n, size_t n_max, bool is_whole)
{
    const char *end;

    *body = (struct guess_body){.head = head, .n_whole = n < n_max ? n : n_max};
    body->is_whole = is_whole && body->n_whole == n;
    end = body->is_whole ? NULL : memrchr(head, '\n', body->n_whole);
    body->n = end ? (size_t)(end - head) + 1 : body->n_whole;
}

/* What is switched off stands behind #; names in rules are references and what is looked for on the wire. */
static void guess_add_rules(struct bl_guesses *guesses)
{
    struct bl_guess *guess = guess_add(guesses, BL_KIND_EXTRACT, BL_GUESS_EXTRACT);

    guesses->is_rules = true;
    guess->format.type = BL_TYPE_NET;
    strcpy(guess->format.comments, "#");
}

static void guess_add_all(struct bl_guesses *guesses, const struct guess_body *body)
{
    *guesses = (struct bl_guesses){.items = tip_new_array(BL_GUESSES_MAX, struct bl_guess)};
    if (guess_most(&body->look, body->look.n_rules)) {
        guess_add_rules(guesses);
        return;
    }
    if (!bl_guard_markup(body->head, body->n_whole)) {
        guess_add_json(guesses, body);
        guess_add_line(guesses);
        guess_add_marked(guesses, &body->look);
        guess_add_tables(guesses, &body->look);
        guess_add_columns(guesses, &body->look);
    }
    (void)guess_add(guesses, BL_KIND_EXTRACT, BL_GUESS_EXTRACT);
}

/* Whole lines from `at` on, as many as fit into `room`. Returns their length. */
static size_t guess_piece(char *to, size_t room, const char *at, const char *end)
{
    size_t n = (size_t)(end - at) < room ? (size_t)(end - at) : room;
    const char *last = memrchr(at, '\n', n);

    n = last ? (size_t)(last - at) + 1 : 0;
    memcpy(to, at, n);
    return n;
}

/* The beginning of a list may be all of one kind: pieces from all over what is there stand for it. */
static size_t guess_sample(char sample[static BL_GUESS_BYTES], const char *head, size_t n)
{
    size_t room = BL_GUESS_BYTES / GUESS_PIECES;
    size_t used = 0;

    for (size_t i = 0; i < GUESS_PIECES; i++) {
        const char *at = head + n / GUESS_PIECES * i;
        const char *newline = i ? memchr(at, '\n', (size_t)(head + n - at)) : NULL;

        if (!i || newline)
            used += guess_piece(sample + used, room, i ? newline + 1 : at, head + n);
    }
    return used;
}

void bl_guess_run(struct bl_guesses *guesses, const char *head, size_t n, bool is_whole)
{
    tip_auto(tip_free) char *sample = tip_new_array(BL_GUESS_BYTES, char);
    uint64_t kinds[TIP_KIND_COUNT];
    const struct bl_guess *best;
    struct guess_body body;
    size_t n_more = n < BL_GUESS_MORE ? n : BL_GUESS_MORE;
    size_t used = n_more > BL_GUESS_BYTES && !guess_looks_like_json(head, n) ? guess_sample(sample, head, n_more) : 0;

    if (used)
        guess_body(&body, sample, used, used, false);
    else
        guess_body(&body, head, n, BL_GUESS_BYTES, is_whole);
    guess_look(&body.look, body.head, body.n);
    guess_add_all(guesses, &body);
    for (size_t i = 0; i < guesses->n; i++)
        guess_try(&body, &guesses->items[i], kinds);
    best = guess_pick(guesses);
    if (!best)
        return;
    guesses->best = *best;
    guess_body(&body, head, n, BL_GUESS_MORE, is_whole);
    if (best->format.kind == BL_KIND_JSON)
        guess_narrow_json(&body, &guesses->best);
    else
        guess_narrow(&body, &guesses->best);
}

void bl_guesses_deinit(struct bl_guesses *guesses)
{
    free(guesses->items);
    *guesses = (struct bl_guesses){.items = NULL};
}
