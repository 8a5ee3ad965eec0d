/*
 * Filter lists of ad blockers, of which only `||name^` is about a name as a whole. Every other rule depends on the page
 * it is met on, so it is counted and left out.
 */
#include <string.h>

#include "core/parser.h"

/* `! text`, `[Adblock Plus 2.0]`, `# text`; `##` is a rule. */
static bool kind_adblock_is_comment(const struct bl_parse *parse, const char *text, size_t len)
{
    if (!len || parse->comment[(unsigned char)*text] || *text == '[')
        return true;
    return *text == '#' && (len == 1 || bl_is_blank(text[1]));
}

/* Between `||` and a final `^` only what a name is made of; bytes of UTF-8 are the name's own matter. */
static bool kind_adblock_is_pure(const char *text, size_t len)
{
    if (len < 4 || memcmp(text, "||", 2) != 0 || text[len - 1] != '^' || text[2] == '.')
        return false;
    for (size_t i = 2; i + 1 < len; i++) {
        if (strchr("/^|*$~,=?&#@:%", text[i]) && text[i])
            return false;
        if (bl_is_blank(text[i]))
            return false;
    }
    return true;
}

static int kind_adblock_line(struct bl_parse *parse, const char *text, size_t len)
{
    bl_trim(&text, &len);
    if (kind_adblock_is_comment(parse, text, len))
        return 0;
    parse->report.n_content++;
    if (kind_adblock_is_pure(text, len))
        return bl_value_subtree(parse, text + 2, len - 3);
    bl_parse_reject(parse, "unsupported", text, len);
    return 0;
}

const struct bl_parser_kind bl_kind_adblock = {.line = kind_adblock_line};
