#include "core/guess_look.h"

#include <string.h>
#include <strings.h>

#include <tip/addr.h>

#include "core/parser.h"

enum { LOOK_LINES = 400 };

const char guess_delimiters[4] = {',', ';', '\t', '|'};

static bool look_is_address(const char *text, size_t len)
{
    struct tip_addr addr;

    return len && !tip_addr_parse(&addr, text, len);
}

/* `a-b` with or without blanks or a name before it, or two addresses side by side. */
static bool look_is_range(const char *text, size_t len)
{
    const char *dash = memrchr(text, '-', len);
    const char *low = text, *high, *colon;
    size_t low_len, high_len;

    if (dash) {
        high = dash + 1;
        high_len = len - (size_t)(high - text);
        low_len = (size_t)(dash - text);
        bl_trim(&high, &high_len);
        colon = look_is_address(low, low_len) ? NULL : memrchr(text, ':', low_len);
        if (colon) {
            low_len -= (size_t)(colon + 1 - low);
            low = colon + 1;
        }
        bl_trim(&low, &low_len);
        if (look_is_address(low, low_len) && look_is_address(high, high_len))
            return true;
    }
    low = bl_token(&text, &len, &low_len);
    high = bl_token(&text, &len, &high_len);
    return high && look_is_address(low, low_len) && look_is_address(high, high_len);
}

static bool look_is_sink(const char *text, size_t len)
{
    static const char *const sinks[] = {"0.0.0.0", "127.0.0.1", "::", "::1"};
    size_t n;
    const char *word = bl_token(&text, &len, &n);

    bl_trim(&text, &len);
    for (size_t i = 0; word && len && i < sizeof(sinks) / sizeof(*sinks); i++) {
        if (strlen(sinks[i]) == n && !memcmp(sinks[i], word, n))
            return true;
    }
    return false;
}

static bool look_is_rpz(const char *text, size_t len)
{
    const char *word;
    size_t n;

    while ((word = bl_token(&text, &len, &n))) {
        if (n == 5 && !strncasecmp(word, "CNAME", 5))
            return true;
    }
    return false;
}

static bool look_is_rbldnsd(const char *text, size_t len)
{
    return len > 1 && ((text[0] == '!' && text[1] > ' ') || (text[0] == ':' && text[1] >= '0' && text[1] <= '9'));
}

/* Action, protocol, whence, direction, where to. */
static bool look_is_rule(const char *text, size_t len)
{
    static const char *const actions[] = {"alert",      "drop",  "block", "reject", "rejectsrc", "rejectdst",
                                          "rejectboth", "sdrop", "pass",  "log",    "activate",  "dynamic"};
    size_t n;
    const char *word = bl_token(&text, &len, &n);
    bool is_action = false;

    for (size_t i = 0; word && i < sizeof(actions) / sizeof(*actions); i++)
        is_action = is_action || (strlen(actions[i]) == n && !memcmp(actions[i], word, n));
    while (is_action && (word = bl_token(&text, &len, &n))) {
        if (n == 2 && (!memcmp(word, "->", 2) || !memcmp(word, "<>", 2)))
            return true;
    }
    return false;
}

static void look_tables(struct guess_look *look, const char *text, size_t len)
{
    for (size_t d = 0; d < sizeof(guess_delimiters); d++) {
        size_t columns = 1;
        bool is_spaced = false;

        for (size_t i = 0; i < len; i++) {
            if (text[i] != guess_delimiters[d])
                continue;
            columns++;
            is_spaced = is_spaced || (i + 1 < len && text[i + 1] == ' ');
        }
        look->n_delimited[d] += columns > 1;
        look->n_spaced[d] += is_spaced;
        columns = columns < BL_GUESS_COLUMNS ? columns : BL_GUESS_COLUMNS;
        look->columns[d] = columns > look->columns[d] ? columns : look->columns[d];
    }
}

/* Does the line start as the first one does? */
static void look_prefix(struct guess_look *look, const char *text, size_t len)
{
    size_t n = strlen(look->prefix);
    const char *rest = text;
    size_t left = len, word_len;
    const char *word = bl_token(&rest, &left, &word_len);

    if (look->n_lines == 1 && word && left && word_len < BL_FORMAT_TEXT - 1) {
        memcpy(look->prefix, word, word_len);
        look->prefix[word_len] = ' ';
        n = word_len + 1;
    }
    look->n_prefixed += n && len > n && !memcmp(text, look->prefix, n);
    bl_trim(&rest, &left);
    look->n_columned += left != 0;
}

static void look_line(struct guess_look *look, const char *text, size_t len)
{
    bl_trim(&text, &len);
    if (!len || strchr("#;", *text) || (*text == '!' && (len == 1 || bl_is_blank(text[1]))))
        return;
    if (!look->n_lines++) {
        look->first = text;
        look->first_len = len;
    }
    look->n_sinks += look_is_sink(text, len);
    look->n_ranges += look_is_range(text, len);
    look->n_adblock += len > 3 && text[0] == '|' && text[1] == '|' && memchr(text, '^', len);
    look->n_rpz += look_is_rpz(text, len);
    look->n_rbldnsd += look_is_rbldnsd(text, len);
    look->n_rules += look_is_rule(text, len);
    look_tables(look, text, len);
    look_prefix(look, text, len);
}

void guess_look(struct guess_look *look, const char *head, size_t n)
{
    const char *newline;
    size_t len;

    *look = (struct guess_look){.n_lines = 0};
    while (n && look->n_lines < LOOK_LINES) {
        newline = memchr(head, '\n', n);
        len = newline ? (size_t)(newline - head) : n;
        look_line(look, head, len);
        head += len + (newline != NULL);
        n -= len + (newline != NULL);
    }
}

bool guess_field(const char *line, size_t len, char delimiter, unsigned column, char field[static BL_FORMAT_TEXT])
{
    bool is_quoted = false;
    size_t start = 0, i;

    for (i = 0; i < len; i++) {
        is_quoted = line[i] == '"' ? !is_quoted : is_quoted;
        if (line[i] != delimiter || is_quoted)
            continue;
        if (!--column)
            break;
        start = i + 1;
    }
    if (column > 1)
        return false;
    line += start;
    len = i - start;
    bl_trim(&line, &len);
    if (len > 1 && *line == '"' && line[len - 1] == '"') {
        line++;
        len -= 2;
    }
    if (!len || len >= BL_FORMAT_TEXT)
        return false;
    if (memchr(line, '\0', len))
        return false;
    memcpy(field, line, len);
    field[len] = '\0';
    return true;
}
