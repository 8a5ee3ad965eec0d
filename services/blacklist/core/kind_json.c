/*
 * JSON (RFC 8259) by yajl, as it comes: one document, or one a line. A JSON Pointer names the strings that count,
 * within each document; `*` stands for any key or index. The object or array that holds a value is its record: one
 * that ends without a value is passed over and counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <yajl/yajl_parse.h>

#include "core/parser.h"

enum { JSON_DEPTH_MAX = 64, JSON_TOKENS_MAX = 16, JSON_CHUNK = 64 * 1024, JSON_EVIDENCE_BEFORE = 64 };

struct json_level {
    bool is_array;
    bool has_value; /* the pointer matched below */
    uint32_t index; /* of the next element */
    bool key_fits;  /* object: the last key is what the pointer wants here */
};

struct kind_json {
    yajl_handle yajl;
    char pointer[BL_FORMAT_POINTER]; /* unescaped tokens, each with its NUL */
    const char *tokens[JSON_TOKENS_MAX];
    size_t n_tokens;

    struct json_level levels[JSON_DEPTH_MAX];
    size_t depth; /* containers open */
    size_t fits;  /* outer containers through which the pointer leads */

    bool reached; /* what the first `*` looks into was there; true for a pointer without one */

    struct bl_parse *parse;
    const char *chunk; /* what yajl is reading */
    size_t n_chunk;
    size_t counted;   /* bytes of it whose newlines are counted */
    uint64_t n_lines; /* newlines so far */
    uint64_t line_at; /* where the current line starts */
    uint64_t quiet;   /* bytes since the last token */
    int result;
};

/* Splits and unescapes (RFC 6901 section 4: ~1 is /, ~0 is ~). */
static void kind_json_pointer(struct kind_json *json, const char *pointer)
{
    char *to = json->pointer;

    for (const char *at = pointer; *at; at++) {
        if (*at == '/' && json->n_tokens < JSON_TOKENS_MAX) {
            *to++ = '\0';
            json->tokens[json->n_tokens++] = to;
        } else if (*at == '~' && (at[1] == '0' || at[1] == '1')) {
            *to++ = *++at == '1' ? '/' : '~';
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
}

static void *kind_json_open(const struct bl_format *format);

static void kind_json_close(void *state)
{
    struct kind_json *json = state;

    yajl_free(json->yajl);
    free(json);
}

/* Moves the count of lines up to a place in the chunk. */
static void kind_json_count(struct kind_json *json, size_t to)
{
    const char *newline;

    while (json->counted < to && (newline = memchr(json->chunk + json->counted, '\n', to - json->counted))) {
        json->counted = (size_t)(newline - json->chunk) + 1;
        json->n_lines++;
        json->line_at = json->parse->pos + json->counted;
    }
    json->counted = to;
}

/* A token ends where yajl stands now. */
static void kind_json_place(struct kind_json *json)
{
    size_t now = yajl_get_bytes_consumed(json->yajl);

    kind_json_count(json, now < json->n_chunk ? now : json->n_chunk);
    json->quiet = 0;
    json->parse->line = json->n_lines + 1;
}

/* Does the pointer lead into the next child of the innermost container? Counts the child. */
static bool kind_json_child(struct kind_json *json)
{
    struct json_level *level;
    const char *token;
    char index[16];

    if (!json->depth)
        return true;
    level = &json->levels[json->depth - 1];
    level->index++;
    if (json->fits < json->depth || json->depth > json->n_tokens)
        return false;
    token = json->tokens[json->depth - 1];
    if (!strcmp(token, "*"))
        return true;
    if (!level->is_array)
        return level->key_fits;
    (void)snprintf(index, sizeof(index), "%u", level->index - 1); /* 10 digits at most */
    return !strcmp(index, token);
}

static int kind_json_reject(struct kind_json *json, const char *text, size_t len)
{
    json->parse->report.n_content++;
    bl_parse_reject(json->parse, "not_a_string", text, len);
    return 1;
}

/* A value that is no container. `text` is NULL for what is no string. */
static int kind_json_value(struct kind_json *json, const char *text, size_t len)
{
    struct bl_parse *parse = json->parse;
    uint64_t end;

    bool fits;

    kind_json_place(json);
    fits = kind_json_child(json);
    if (fits && json->depth < json->n_tokens)
        parse->report.n_skipped++;
    if (!fits || json->depth != json->n_tokens)
        return 1;
    if (json->depth)
        json->levels[json->depth - 1].has_value = true;
    if (!text)
        return kind_json_reject(json, "", 0);
    end = parse->pos + json->counted;
    parse->at = json->line_at;
    if (end > json->line_at + BL_RAW_MAX) /* the start of a long line would show nothing of it */
        parse->at = end > len + JSON_EVIDENCE_BEFORE ? end - len - JSON_EVIDENCE_BEFORE : 0;
    parse->at = parse->at < json->line_at ? json->line_at : parse->at;
    parse->report.n_content++;
    json->result = bl_value_add(parse, text, len);
    return !json->result;
}

static int kind_json_null(void *ctx)
{
    return kind_json_value(ctx, NULL, 0);
}

static int kind_json_boolean(void *ctx, int value)
{
    (void)value;
    return kind_json_value(ctx, NULL, 0);
}

/* A system is a number to many. */
static int kind_json_number(void *ctx, const char *text, size_t len)
{
    const struct kind_json *json = ctx;
    bool is_entry = json->parse->format.type == BL_TYPE_ASN;

    return kind_json_value(ctx, is_entry ? text : NULL, is_entry ? len : 0);
}

static int kind_json_string(void *ctx, const unsigned char *text, size_t len)
{
    return kind_json_value(ctx, (const char *)text, len);
}

static int kind_json_enter(struct kind_json *json, bool is_array)
{
    bool fits;

    kind_json_place(json);
    fits = kind_json_child(json);
    if (json->depth == JSON_DEPTH_MAX) {
        json->result = bl_parse_refuse(json->parse, "too_deep");
        return 0;
    }
    if (fits && json->depth && json->depth == json->n_tokens)
        (void)kind_json_reject(json, "", 0);
    if (fits && json->fits == json->depth)
        json->fits++;
    json->levels[json->depth++] = (struct json_level){.is_array = is_array};
    if (json->fits == json->depth && json->depth <= json->n_tokens && !strcmp(json->tokens[json->depth - 1], "*"))
        json->reached = true;
    return 1;
}

static int kind_json_map(void *ctx)
{
    return kind_json_enter(ctx, false);
}

static int kind_json_array(void *ctx)
{
    return kind_json_enter(ctx, true);
}

static int kind_json_key(void *ctx, const unsigned char *text, size_t len)
{
    struct kind_json *json = ctx;
    struct json_level *level = &json->levels[json->depth - 1];
    const char *token;

    kind_json_place(json);
    level->key_fits = false;
    if (json->depth > json->n_tokens)
        return 1;
    token = json->tokens[json->depth - 1];
    level->key_fits = strlen(token) == len && !memcmp(token, text, len);
    return 1;
}

/* A record is what the last token of the pointer looks into; after a `*` it is a list, which may be empty. */
static bool kind_json_lacks_value(const struct kind_json *json)
{
    return json->depth == json->n_tokens && json->fits == json->depth && !json->levels[json->depth - 1].has_value &&
           strcmp(json->tokens[json->depth - 1], "*") != 0;
}

static int kind_json_leave(void *ctx)
{
    struct kind_json *json = ctx;

    kind_json_place(json);
    json->parse->report.n_skipped += kind_json_lacks_value(json);
    json->depth--;
    if (json->fits > json->depth)
        json->fits = json->depth;
    return 1;
}

static const yajl_callbacks kind_json_callbacks = {
    .yajl_null = kind_json_null,
    .yajl_boolean = kind_json_boolean,
    .yajl_number = kind_json_number,
    .yajl_string = kind_json_string,
    .yajl_start_map = kind_json_map,
    .yajl_map_key = kind_json_key,
    .yajl_end_map = kind_json_leave,
    .yajl_start_array = kind_json_array,
    .yajl_end_array = kind_json_leave,
};

static void *kind_json_open(const struct bl_format *format)
{
    struct kind_json *json = tip_new(struct kind_json);

    json->yajl = yajl_alloc(&kind_json_callbacks, NULL, json);
    yajl_config(json->yajl, yajl_allow_multiple_values, 1);
    yajl_config(json->yajl, yajl_dont_validate_strings, 1);
    kind_json_pointer(json, format->pointer);
    json->reached = true;
    for (size_t i = 0; i < json->n_tokens; i++)
        json->reached &= strcmp(json->tokens[i], "*") != 0;
    return json;
}

static int kind_json_result(struct kind_json *json, yajl_status status)
{
    if (json->result)
        return json->result;
    if (status == yajl_status_ok)
        return 0;
    kind_json_place(json);
    bl_parse_reject(json->parse, "bad_json", "", 0);
    return bl_parse_refuse(json->parse, "bad_json");
}

/* Small steps, so that a token without an end is noticed before yajl has stored it all. */
static int kind_json_feed(struct bl_parse *parse, const char *bytes, size_t n)
{
    struct kind_json *json = parse->state;
    uint64_t start = parse->pos;
    int r = 0;

    json->parse = parse;
    for (size_t i = 0; !r && i < n; i += json->n_chunk) {
        json->chunk = bytes + i;
        json->n_chunk = n - i < JSON_CHUNK ? n - i : JSON_CHUNK;
        json->counted = 0;
        json->quiet += json->n_chunk;
        parse->pos = start + i;
        r = kind_json_result(json, yajl_parse(json->yajl, (const unsigned char *)json->chunk, json->n_chunk));
        kind_json_count(json, json->n_chunk);
        if (!r && json->quiet > BL_LINE_MAX)
            r = bl_parse_refuse(parse, "line_too_long");
    }
    parse->pos = start;
    return r;
}

static int kind_json_end(struct bl_parse *parse)
{
    struct kind_json *json = parse->state;
    yajl_status status;

    json->parse = parse;
    json->n_chunk = json->counted = 0;
    status = yajl_complete_parse(json->yajl);
    if (json->depth || json->result || status != yajl_status_ok)
        return kind_json_result(json, yajl_status_error);
    parse->line = json->n_lines + 1;
    if (!parse->report.n_content && (parse->report.n_skipped || !json->reached))
        return bl_parse_refuse(parse, "no_value"); /* `{"error": "try again"}` is no empty list */
    return 0;
}

const struct bl_parser_kind bl_kind_json = {
    .open = kind_json_open, .close = kind_json_close, .feed = kind_json_feed, .end = kind_json_end};
