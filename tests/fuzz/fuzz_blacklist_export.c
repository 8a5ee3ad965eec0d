/*
 * Every format over whatever is let in. What must hold: no byte that would end a line or a text early; a line an entry
 * where the format has such; JSON that parses; CSV and patterns of STIX whose texts come back as they went in.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/export.h"

static const char *const categories[] = {"other"};

static int put(void *ctx, const void *bytes, size_t n)
{
    return tip_buf_append(ctx, bytes, n);
}

/* Lines of "<kind><value>". Eight kinds, from 1 on. */
static void fill(struct bl_export_list *list, const char *text, size_t size)
{
    const struct bl_export_item item = {.tier = 3, .score = 90, .lists = {0, 9, BL_EXPORT_NO_LIST}, .n_lists = 2};
    const char *end = text + size;

    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((stop ? stop : end) - text);

        if (len > 1) {
            enum tip_kind kind = *text & 7 ? (enum tip_kind)(*text & 7) : TIP_KIND_EMAIL_DOMAIN;
            struct bl_export_item entry = item;

            entry.is_subtree = *text & 8;
            (void)!bl_export_add(list, &entry, kind, text + 1, len - 1);
        }
        text += len + 1;
    }
    bl_export_sort(list);
}

static void check_lines(const struct tip_buf *text)
{
    assert(!text->len || text->data[text->len - 1] == '\n');
    for (size_t i = 0; i < text->len; i++)
        assert(text->data[i] == '\n' || text->data[i] == '\t' || (text->data[i] >= 0x20 && text->data[i] < 0x7f));
}

/* A field of RFC 4180 is what went in. */
static void check_csv(const struct tip_buf *text, const struct bl_export *export)
{
    const char *at = strchr(tip_buf_text(text), '\n') + 1;

    for (size_t i = 0; i < export->view.n; i++) {
        char room[TIP_PREFIX_TEXT];
        const char *value = bl_export_value(&export->view, &export->view.items[i], room);
        bool is_quoted = *at == '"';

        for (at += is_quoted; *value; value++) {
            assert(*at++ == *value);
            if (is_quoted && *value == '"')
                assert(*at++ == '"');
        }
        if (is_quoted)
            assert(*at++ == '"');
        assert(*at == ',');
        at = strchr(at, '\n') + 1;
    }
    assert(!*at);
}

static json_t *check_json(const char *text, size_t n)
{
    json_t *json = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);

    assert(json);
    return json;
}

/* The texts of the pattern, unescaped: the first of them is the value. */
static void check_pattern(const char *pattern, const char *value)
{
    const char *at = strchr(pattern, '\'');

    assert(at);
    for (at++; *value; value++) {
        if (*at == '\\')
            at++;
        assert(*at++ == *value);
    }
    assert(*at == '\'');
}

static void check_stix(const struct tip_buf *text, const struct bl_export *export)
{
    json_t *json = check_json((const char *)text->data, text->len);
    const json_t *objects = json_object_get(json, "objects");

    assert(json_array_size(objects) == export->view.n + 2);
    for (size_t i = 0; i < export->view.n; i++) {
        char room[TIP_PREFIX_TEXT];
        const json_t *pattern = json_object_get(json_array_get(objects, i + 2), "pattern");

        if (export->view.items[i].class < BL_EXPORT_ENDPOINT)
            check_pattern(json_string_value(pattern), bl_export_value(&export->view, &export->view.items[i], room));
    }
    json_decref(json);
}

static void check_ndjson(const struct tip_buf *text, const struct bl_export *export)
{
    const char *at = tip_buf_text(text);

    for (size_t i = 0; i < export->view.n; i++) {
        const char *end = strchr(at, '\n');
        char room[TIP_PREFIX_TEXT];
        json_t *json;

        assert(end);
        json = check_json(at, (size_t)(end - at));
        assert(!strcmp(json_string_value(json_object_get(json, "indicator")),
                       bl_export_value(&export->view, &export->view.items[i], room)));
        json_decref(json);
        at = end + 1;
    }
    assert(!*at);
}

static void check_format(enum bl_export_format_id id, size_t file, struct bl_export *export)
{
    struct tip_buf text;
    struct bl_out out;

    tip_buf_init(&text, 64 << 20);
    bl_out_init(&out, put, &text);
    bl_export_write(&out, &bl_export_formats[id], &bl_export_formats[id].files[file], export);
    assert(!bl_out_end(&out));
    check_lines(&text);
    if (id == BL_EXPORT_CSV)
        check_csv(&text, export);
    else if (id == BL_EXPORT_JSON)
        check_ndjson(&text, export);
    else if (id == BL_EXPORT_STIX)
        check_stix(&text, export);
    else if (id == BL_EXPORT_MISP && file != 1)
        json_decref(check_json((const char *)text.data, text.len));
    tip_buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct bl_export_source source = {.name = "one", .attribution = "\"a\\\n'", .has_part = true};
    struct bl_export_list list;
    struct bl_export export = {.name = "view",
                               .title = "\"\\\n'",
                               .audience = "amber",
                               .action = "REJECT\n\x01",
                               .producer = "x\"",
                               .body_sha256 = "00",
                               .lifetime_s = 60,
                               .sources = &source,
                               .n_sources = 1,
                               .categories = categories};

    bl_export_list_init(&list, 200);
    fill(&list, (const char *)bytes, size);
    export.view = bl_export_view_of(&list);
    for (int id = 0; id < BL_EXPORT_FORMAT_COUNT; id++) {
        for (size_t file = 0; file < BL_EXPORT_FILES && bl_export_formats[id].files[file].write; file++)
            check_format((enum bl_export_format_id)id, file, &export);
    }
    bl_export_list_deinit(&list);
    return 0;
}
