/* Actions export_*: what there is, the files page by page, again, and let through what is held. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include <tip/alloc.h>
#include <tip/clock.h>

#include "control.h"

/* Values besides the pieces: sha256, type, @next. */
enum {
    EXPORT_PIECES = CONTROL_VALUES - 3,
    EXPORT_PIECE = CONTROL_VALUE_BYTES / 4 * 3,
    EXPORT_PAGE = EXPORT_PIECES * EXPORT_PIECE
};

/* ---- as JSON ---- */

static json_t *export_time(int64_t unix_ms)
{
    char text[TIP_CLOCK_TEXT];

    if (!unix_ms)
        return json_null();
    (void)tip_clock_format(unix_ms, text); /* its length */
    return json_string(text);
}

static json_t *export_files_json(const struct bl_export_mark *mark)
{
    json_t *files = json_array();
    char hex[2 * BL_EXPORT_DIGEST + 1];

    for (size_t i = 0; i < BL_EXPORT_FILES_ALL && *mark->files[i].name; i++) {
        const struct bl_export_place *file = &mark->files[i];

        (void)sodium_bin2hex(hex, sizeof(hex), file->digest, sizeof(file->digest));
        json_array_append_new(files, json_pack("{s:s, s:s, s:I, s:s}", "name", file->name, "type", file->media, "bytes",
                                               (json_int_t)file->bytes, "sha256", hex));
    }
    return files;
}

/* What was published under this name for another audience, or as another view, is not what is asked for. */
static const struct bl_export_mark *export_mark(const struct app_export *export)
{
    static const struct bl_export_mark none;

    return export->mark.fingerprint == export_fingerprint(&export->spec) ? &export->mark : &none;
}

static json_t *export_json(const struct app_export *export)
{
    static const char *const tiers[] = {"none", "watch", "slow", "block"};
    static const char *const audiences[] = {
        [TIP_TLP_CLEAR] = "clear", [TIP_TLP_GREEN] = "green", [TIP_TLP_AMBER] = "amber"};
    const struct bl_export_mark *mark = export_mark(export);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "name", export->spec.name, "title", export->spec.title,
                             "format", bl_export_format_names[export->spec.format], "tier", tiers[export->spec.tier],
                             "audience", audiences[export->spec.audience], "public", (int)export->spec.is_public);

    json_object_set_new(json, "state", json_string(export_end_name(export->end)));
    json_object_set_new(json, "why", json_string(export->why));
    json_object_set_new(json, "entries", json_integer((json_int_t)mark->n_items));
    json_object_set_new(json, "would_have", json_integer((json_int_t) export->n_entries));
    json_object_set_new(json, "would_lose", json_integer((json_int_t) export->n_gone));
    json_object_set_new(json, "skipped", json_integer((json_int_t)mark->n_skipped));
    json_object_set_new(json, "serial", json_integer(mark->serial));
    json_object_set_new(json, "generated", export_time((int64_t)mark->generated_unix_s * TIP_SECOND_MS));
    json_object_set_new(json, "checked", export_time(export->ran_unix_ms));
    json_object_set_new(json, "runs", json_integer((json_int_t) export->n_runs));
    json_object_set_new(json, "released", json_boolean(export->is_released));
    json_object_set_new(json, "files", export_files_json(mark));
    return json;
}

static void export_tell(struct control *control, const struct app_export *export)
{
    json_t *json = export_json(export);
    char *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    if (!text)
        abort();
    control_check(control, tip_buf_append_text(control_value(control, export->spec.name), text));
    free(text);
}

/* ---- list, show ---- */

static int export_compare(const void *a, const void *b)
{
    return strcmp((*(const struct app_export *const *)a)->spec.name, (*(const struct app_export *const *)b)->spec.name);
}

/* In the order of names, from behind parameter `after`; value `@next` says where to go on. */
void exports_control_list(struct control *control)
{
    const char *after = tip_param_get(control->request->params, control->request->n_params, "after");
    const struct app_exports *exports = &control->app->exports;
    const struct app_export *sorted[EXPORT_SPECS_MAX];
    const char *last = "";

    for (size_t i = 0; i < exports->n; i++)
        sorted[i] = &exports->items[i];
    if (exports->n)
        qsort(sorted, exports->n, sizeof(*sorted), export_compare);
    for (size_t i = 0; i < exports->n; i++) {
        if (after && strcmp(sorted[i]->spec.name, after) <= 0)
            continue;
        if (control->answer.n_values == CONTROL_VALUES - 1) {
            control_check(control, tip_buf_append_text(control_value(control, "@next"), last));
            break;
        }
        export_tell(control, sorted[i]);
        last = sorted[i]->spec.name;
    }
    (void)snprintf(control->result, sizeof(control->result), "%zu exports", exports->n);
}

static struct app_export *export_target(struct control *control)
{
    struct app_export *export = exports_find(control->app, control->request->target);

    if (!export)
        control_fail(control, TIP_FAILURE_NOT_FOUND, "there is no such export");
    return export;
}

void exports_control_show(struct control *control)
{
    const struct app_export *export = export_target(control);

    if (!export)
        return;
    export_tell(control, export);
    (void)snprintf(control->result, sizeof(control->result), "%s, %llu entries", export_end_name(export->end),
                   (unsigned long long)export_mark(export)->n_items);
}

/* ---- read ---- */

static const struct bl_export_place *export_file(struct control *control, const struct app_export *export)
{
    const char *name = tip_param_get(control->request->params, control->request->n_params, "file");
    const struct bl_export_mark *mark = export_mark(export);

    for (size_t i = 0; i < BL_EXPORT_FILES_ALL && *mark->files[i].name; i++) {
        if (!name || !*name || !strcmp(name, mark->files[i].name))
            return &mark->files[i];
    }
    control_fail(control, TIP_FAILURE_NOT_FOUND,
                 mark->serial ? "it has no such file" : "it has not been published yet");
    return NULL;
}

/* Values are texts without line ends: pieces are base64. */
static void export_pieces(struct control *control, const char *bytes, size_t n)
{
    char name[32], text[CONTROL_VALUE_BYTES + 1];

    for (size_t i = 0; i * EXPORT_PIECE < n; i++) {
        size_t left = n - i * EXPORT_PIECE;

        (void)snprintf(name, sizeof(name), "data.%02zu", i);
        (void)sodium_bin2base64(text, sizeof(text), (const unsigned char *)bytes + i * EXPORT_PIECE,
                                left < EXPORT_PIECE ? left : EXPORT_PIECE, sodium_base64_VARIANT_ORIGINAL);
        control_check(control, tip_buf_append_text(control_value(control, name), text));
    }
}

static void export_read(struct control *control, const struct app_export *export, const struct bl_export_place *file,
                        uint64_t offset)
{
    tip_auto(tip_free) char *bytes = tip_new_array(EXPORT_PAGE, char);
    size_t want = EXPORT_PAGE < file->bytes - offset ? EXPORT_PAGE : (size_t)(file->bytes - offset);
    char dir[WORK_PATH + 32];
    int n;

    exports_dir(control->app, export->spec.name, dir);
    n = bl_export_read(dir, file->name, offset, bytes, want);
    if (n < 0 || (size_t)n < want) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "it cannot be read, or has changed: begin again");
        return;
    }
    export_pieces(control, bytes, want);
    offset += want;
    if (offset < file->bytes)
        control_check(control,
                      tip_buf_append_format(control_value(control, "@next"), "%llu", (unsigned long long)offset));
    (void)snprintf(control->result, sizeof(control->result), "%llu of %llu bytes", (unsigned long long)offset,
                   (unsigned long long)file->bytes);
}

/* Parameters: `file`, `sha256` (of the file as it was when reading began), `offset`. */
void exports_control_read(struct control *control)
{
    const struct tip_control_request *request = control->request;
    const struct app_export *export = export_target(control);
    const struct bl_export_place *file = export ? export_file(control, export) : NULL;
    const char *digest = tip_param_get(request->params, request->n_params, "sha256");
    const char *offset = tip_param_get(request->params, request->n_params, "offset");
    char hex[2 * BL_EXPORT_DIGEST + 1];
    uint64_t from = offset ? strtoull(offset, NULL, 10) : 0;

    if (!file)
        return;
    (void)sodium_bin2hex(hex, sizeof(hex), file->digest, sizeof(file->digest));
    if ((digest && strcmp(digest, hex) != 0) || from > file->bytes) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "it has changed: begin again");
        return;
    }
    control_check(control, tip_buf_append_text(control_value(control, "sha256"), hex));
    control_check(control, tip_buf_append_text(control_value(control, "type"), file->media));
    export_read(control, export, file, from);
}

/* ---- run, release ---- */

/* At once, whatever its interval; nothing is changed that needs to be remembered. */
void exports_control_run(struct control *control)
{
    struct app_export *export = export_target(control);

    if (!export)
        return;
    (void)snprintf(control->result, sizeof(control->result), "%s", control->request->dry_run ? "would run" : "queued");
    if (control->request->dry_run)
        return;
    export->is_due = true;
    export->started_ms = 0;
    exports_tick(control->app);
}

void exports_control_release(struct control *control)
{
    struct app_export *export = export_target(control);
    struct tip_outbox_txn *txn;

    if (!export)
        return;
    if (export->end != EXPORT_HELD || !bl_export_loses(export->n_before, export->n_gone)) {
        control_fail(control, TIP_FAILURE_REFUSED,
                     export->end == EXPORT_HELD ? "it is not held for what it would lose" : "it is not held");
        return;
    }
    (void)snprintf(control->result, sizeof(control->result), "%s: %.150s",
                   control->request->dry_run ? "would be released" : "released", export->why);
    if (control->request->dry_run || !control_has_room(control))
        return;
    txn = app_begin(control->app);
    app_commit(control->app, &txn, control_applied(control, txn));
    export->is_released = export->is_due = true;
    export->started_ms = 0;
    exports_tick(control->app);
}
