#include "exports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <tip/alloc.h>

#include "ask.h"
#include "core/header.h"

enum {
    EXPORTS_BYTES_MAX = 32 << 20, /* of a file; larger ones are taken from the disk */
    EXPORTS_GZIP_MAX = 4 << 20,   /* more would hold up the others while it is compressed */
    EXPORTS_AT_ONCE = 4,
    EXPORTS_TRIES = 3,
    EXPORTS_PIECE = 4096,
    EXPORTS_DIGEST = 2 * crypto_hash_sha256_BYTES
};

/* A file as it grows; or the list, page by page. */
struct ask_export {
    char view[TIP_NAME_MAX + 1], file[TIP_NAME_MAX + 1]; /* file "": the first */
    char digest[EXPORTS_DIGEST + 1], type[64];
    char offset[24];
    unsigned n_tries;
    struct tip_buf body;
    json_t *items;
};

void exports_free(struct ask *ask)
{
    if (!ask->export)
        return;
    ask->app->n_exports--;
    tip_buf_deinit(&ask->export->body);
    json_decref(ask->export->items);
    free(ask->export);
    ask->export = NULL;
}

static bool exports_new(struct ask *ask)
{
    if (ask->app->n_exports == EXPORTS_AT_ONCE) {
        ask_problem(ask, 503, "four exports are being read already: try again");
        return false;
    }
    ask->app->n_exports++;
    ask->export = tip_new(struct ask_export);
    tip_buf_init(&ask->export->body, EXPORTS_BYTES_MAX);
    return true;
}

/* The same slot for one question after the other. */
static void exports_ask(struct ask *ask, struct tip_control_request *request, void (*finish)(struct ask *ask))
{
    struct ask_slot *slot = &ask->slots[0];

    tip_call_free(&slot->control);
    slot->control = NULL;
    slot->failure = TIP_FAILURE_NONE;
    request->actor = request->reason = "";
    ask_control(ask, 0, "blacklist", request);
    ask_go(ask, finish);
}

/* ---- who may see a view ---- */

static bool exports_may(const struct ask *ask, const json_t *shown)
{
    const char *audience = json_string_value(json_object_get(shown, "audience"));

    if (json_is_true(json_object_get(shown, "public")))
        return true;
    for (int i = WEB_CLEAR; audience && ask->right.scope >= WEB_SCOPE_READ && i <= (int)ask->right.audience; i++) {
        if (!strcmp(web_audience_names[i], audience))
            return true;
    }
    return false;
}

/* Whether it is not there, or not for who asks, is not told. */
static void exports_hide(struct ask *ask)
{
    if (ask->right.scope >= WEB_SCOPE_READ)
        ask_problem(ask, 404, "there is no such export for this audience");
    else
        ask_problem(ask, 401, "log in, or send a token: `tip web token add` makes one");
}

/* ---- a file ---- */

static void exports_show(struct ask *ask);
static void exports_on_page(struct ask *ask);

static void exports_page(struct ask *ask)
{
    struct ask_export *export = ask->export;
    struct tip_param params[] = {{"file", export->file}, {"sha256", export->digest}, {"offset", export->offset}};
    struct tip_control_request request = {
        .action = "export_read", .target = export->view, .n_params = 3, .params = params};

    exports_ask(ask, &request, exports_on_page);
}

/* @return 0, or a negative errno */
static int exports_take(struct ask_export *export, const struct tip_control_answer *answer)
{
    unsigned char bytes[EXPORTS_PIECE];
    char name[16];
    size_t n;
    int r = 0;

    for (unsigned i = 0; !r; i++) {
        const char *text;

        snprintf(name, sizeof(name), "data.%02u", i);
        text = tip_param_get(answer->values, answer->n_values, name);
        if (!text)
            return 0;
        r = sodium_base642bin(bytes, sizeof(bytes), text, strlen(text), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL);
        r = r ? r : tip_buf_append(&export->body, bytes, n);
    }
    return r;
}

static bool exports_is_whole(const struct ask_export *export)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[EXPORTS_DIGEST + 1];

    (void)crypto_hash_sha256(digest, export->body.data, export->body.len); /* cannot fail */
    return !strcmp(sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest)), export->digest);
}

static void exports_send(struct ask *ask)
{
    const struct ask_export *export = ask->export;
    char etag[EXPORTS_DIGEST + 3];
    struct app_body body = {.status = 200, .type = export->type, .etag = etag};

    snprintf(etag, sizeof(etag), "\"%s\"", export->digest);
    body.bytes = export->body.data;
    body.len = export->body.len;
    app_content(&ask->request, &body, export->body.len > EXPORTS_GZIP_MAX);
    ask_destroy(&ask);
}

static void exports_on_page(struct ask *ask)
{
    const struct tip_control_answer *answer = ask->slots[0].control;
    struct ask_export *export = ask->export;
    const char *next;

    if (ask->slots[0].failure == TIP_FAILURE_UNAVAILABLE && export->n_tries < EXPORTS_TRIES) {
        exports_show(ask); /* it was written anew in between */
        return;
    }
    if (ask_failed(ask, 0))
        return;
    next = tip_param_get(answer->values, answer->n_values, "@next");
    if (exports_take(export, answer) || (!next && !exports_is_whole(export))) {
        ask_problem(ask, 503, "it cannot be read: try again");
        return;
    }
    snprintf(export->offset, sizeof(export->offset), "%s", next ? next : "");
    if (next)
        exports_page(ask);
    else
        exports_send(ask);
}

/* What the view says of the file that is wanted; NULL when there is none. */
static const json_t *exports_file(const struct ask_export *export, const json_t *shown)
{
    const json_t *file;
    size_t i;

    json_array_foreach(json_object_get(shown, "files"), i, file)
    {
        const char *name = json_string_value(json_object_get(file, "name"));

        if (!*export->file || (name && !strcmp(name, export->file)))
            return file;
    }
    return NULL;
}

static bool exports_is_known(struct ask *ask, const char *digest)
{
    struct app_body body = {.status = 200, .type = ask->export->type};
    char etag[EXPORTS_DIGEST + 3];

    snprintf(etag, sizeof(etag), "\"%s\"", digest);
    body.etag = etag;
    if (!web_etag_matches(web_request_header(ask->request, "If-None-Match"), etag))
        return false;
    app_content(&ask->request, &body, true);
    ask_destroy(&ask);
    return true;
}

static void exports_read(struct ask *ask, const json_t *file)
{
    const char *digest = json_string_value(json_object_get(file, "sha256"));
    const char *type = json_string_value(json_object_get(file, "type"));
    struct ask_export *export = ask->export;

    if (!digest || strlen(digest) != EXPORTS_DIGEST || !type) {
        ask_problem(ask, 404, "it has not been published yet, or has no such file");
        return;
    }
    snprintf(export->type, sizeof(export->type), "%s", type);
    if (exports_is_known(ask, digest))
        return;
    if (json_integer_value(json_object_get(file, "bytes")) > EXPORTS_BYTES_MAX) {
        ask_problem(ask, 503, "it is larger than 32 MiB: take the file, or `tip export get`");
        return;
    }
    snprintf(export->digest, sizeof(export->digest), "%s", digest);
    strcpy(export->offset, "0");
    tip_buf_clear(&export->body);
    export->n_tries++;
    exports_page(ask);
}

static void exports_on_shown(struct ask *ask)
{
    const struct ask_slot *slot = &ask->slots[0];
    json_t *shown;

    if (slot->failure == TIP_FAILURE_NOT_FOUND) {
        exports_hide(ask);
        return;
    }
    if (ask_failed(ask, 0))
        return;
    shown = json_loads(slot->control->n_values ? slot->control->values[0].value : "{}", 0, NULL);
    if (exports_may(ask, shown))
        exports_read(ask, exports_file(ask->export, shown));
    else
        exports_hide(ask);
    json_decref(shown);
}

static void exports_show(struct ask *ask)
{
    struct tip_control_request request = {.action = "export_show", .target = ask->export->view};

    exports_ask(ask, &request, exports_on_shown);
}

void exports_get(struct ask *ask)
{
    const char *slash = strchr(ask->value, '/');
    size_t n = slash ? (size_t)(slash - ask->value) : strlen(ask->value);

    if (!n || n > TIP_NAME_MAX || (slash && strlen(slash + 1) > TIP_NAME_MAX)) {
        exports_hide(ask);
        return;
    }
    if (!exports_new(ask))
        return;
    memcpy(ask->export->view, ask->value, n);
    strcpy(ask->export->file, slash ? slash + 1 : "");
    exports_show(ask);
}

/* ---- the list ---- */

static void exports_on_listed(struct ask *ask);

static void exports_list_page(struct ask *ask)
{
    struct tip_param after = {"after", ask->export->offset};
    struct tip_control_request request = {
        .action = "export_list", .target = "", .n_params = *ask->export->offset ? 1 : 0, .params = &after};

    exports_ask(ask, &request, exports_on_listed);
}

static void exports_on_listed(struct ask *ask)
{
    const struct tip_control_answer *answer = ask->slots[0].control;
    struct ask_export *export = ask->export;
    const char *next;

    if (ask_failed(ask, 0))
        return;
    for (size_t i = 0; i < answer->n_values; i++) {
        json_t *shown = answer->values[i].name[0] == '@' ? NULL : json_loads(answer->values[i].value, 0, NULL);

        if (shown && exports_may(ask, shown))
            json_array_append(export->items, shown);
        json_decref(shown);
    }
    next = tip_param_get(answer->values, answer->n_values, "@next");
    snprintf(export->offset, sizeof(export->offset), "%s", next ? next : "");
    if (next)
        exports_list_page(ask);
    else
        ask_json(ask, json_pack("{s:O}", "items", export->items));
}

void exports_list(struct ask *ask)
{
    if (!exports_new(ask))
        return;
    ask->export->items = json_array();
    exports_list_page(ask);
}
