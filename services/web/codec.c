#include "codec.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>

#include "core/header.h"

_Static_assert((int)WEB_BYTES == (int)TIP_COLUMN_BYTES && (int)WEB_TYPE_COUNT == (int)TIP_COLUMN_TYPE_COUNT,
               "the types of columns");
_Static_assert((int)WEB_CLEAR == (int)TIP_TLP_CLEAR && (int)WEB_AMBER == (int)TIP_TLP_AMBER, "the audiences");

void codec_table(struct codec_table *to, const struct tip_store_answer *answer)
{
    size_t n = answer->n_columns < CODEC_COLUMNS_MAX ? answer->n_columns : 0;

    for (size_t i = 0; i < n; i++) {
        to->names[i] = answer->columns[i].name;
        to->types[i] = (enum web_type)answer->columns[i].type;
    }
    to->table = (struct web_table){.n_columns = n,
                                   .n_rows = n ? answer->n_rows : 0,
                                   .names = to->names,
                                   .types = to->types,
                                   .cells = (const char *const *)answer->cells};
}

/* ---- tokens and sessions ---- */

static const char *const codec_scopes[] = {[WEB_SCOPE_NONE] = "",
                                           [WEB_SCOPE_OPEN] = "",
                                           [WEB_SCOPE_ANY] = "",
                                           [WEB_SCOPE_READ] = "read",
                                           [WEB_SCOPE_OPERATE] = "operate"};

json_t *codec_time(int64_t unix_ms)
{
    char text[TIP_CLOCK_TEXT];
    size_t len;

    if (!unix_ms)
        return json_null();
    len = tip_clock_format(unix_ms, text);
    return len == 20 ? json_sprintf("%.19s.000Z", text) : json_string(text);
}

char *codec_right_text(const struct web_right *right)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:I}", "name", right->name, "scope", codec_scopes[right->scope],
                             "audience", web_audience_names[right->audience], "made", (json_int_t)right->made_unix_ms,
                             "expires", (json_int_t)right->expires_unix_ms);
    char *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    return text;
}

static uint8_t codec_word(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 1; i < n; i++) {
        if (*words[i] && !strcmp(words[i], word))
            return (uint8_t)i;
    }
    return 0;
}

int codec_right_read(struct web_right *right, const char *text, size_t len)
{
    const char *name = "", *scope = "", *audience = "";
    json_int_t made = 0, expires = 0;
    json_t *json = json_loadb(text, len, 0, NULL);
    int r = json_unpack(json, "{s:s, s:s, s:s, s:I, s:I}", "name", &name, "scope", &scope, "audience", &audience,
                        "made", &made, "expires", &expires);

    *right = (struct web_right){.made_unix_ms = made, .expires_unix_ms = expires};
    right->scope = codec_word(codec_scopes, sizeof(codec_scopes) / sizeof(codec_scopes[0]), scope);
    right->audience = codec_word(web_audience_names, WEB_AUDIENCE_COUNT, audience);
    if (r || !web_token_name_is_good(name) || !right->scope || !right->audience)
        r = CODEC_E_FORM;
    else
        strcpy(right->name, name);
    json_decref(json);
    return r;
}

json_t *codec_session_json(const struct web_right *right)
{
    json_t *scopes = json_array();

    json_array_append_new(scopes, json_string("read"));
    if (right->scope == WEB_SCOPE_OPERATE)
        json_array_append_new(scopes, json_string("operate"));
    return json_pack("{s:s, s:o, s:s, s:o}", "name", right->name, "scopes", scopes, "audience",
                     web_audience_names[right->audience], "expires_at", codec_time(right->expires_unix_ms));
}

/* ---- an operator's action ---- */

static const char *codec_member(const json_t *json, const char *name, const char **whyp)
{
    const json_t *value = json_object_get(json, name);

    if (value && !json_is_string(value))
        *whyp = "service, action, target, reason and expires are texts";
    return json_is_string(value) ? json_string_value(value) : "";
}

static void codec_control_params(struct codec_control *control, const char **whyp)
{
    json_t *params = json_object_get(control->json, "params"), *value;
    const char *name;

    control->request.params = control->params;
    if (params && !json_is_object(params))
        *whyp = "params is an object of texts";
    json_object_foreach(params, name, value)
    {
        if (!json_is_string(value) || control->request.n_params == CODEC_PARAMS_MAX) {
            *whyp = "params are texts, at most 32";
            return;
        }
        control->params[control->request.n_params++] =
            (struct tip_param){.name = name, .value = json_string_value(value)};
    }
}

static const char *codec_control_unknown(const json_t *json)
{
    static const char *const known[] = {"service", "action", "target", "reason", "expires", "dry_run", "params"};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        n += json_object_get(json, known[i]) != NULL;
    return n == json_object_size(json) ? NULL : "there is a member that no action has";
}

static bool codec_is_name(const char *text)
{
    return *text && strlen(text) <= TIP_NAME_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(text);
}

int codec_control_read(struct codec_control *control, const uint8_t *body, size_t n, const char **whyp)
{
    struct tip_control_request *request = &control->request;
    const char *expires;

    *control = (struct codec_control){.json = json_loadb((const char *)body, n, JSON_REJECT_DUPLICATES, NULL)};
    *whyp = json_is_object(control->json) ? codec_control_unknown(control->json) : "the body is no JSON object";
    if (*whyp)
        return CODEC_E_FORM;
    control->service = codec_member(control->json, "service", whyp);
    request->action = codec_member(control->json, "action", whyp);
    request->target = codec_member(control->json, "target", whyp);
    request->reason = codec_member(control->json, "reason", whyp);
    request->dry_run = json_is_true(json_object_get(control->json, "dry_run"));
    expires = codec_member(control->json, "expires", whyp);
    codec_control_params(control, whyp);
    if (!codec_is_name(control->service) || !codec_is_name(request->action))
        *whyp = "service and action are names";
    if (*expires && tip_clock_parse(&request->expires_unix_ms, expires, strlen(expires)))
        *whyp = "expires is no time like 2026-11-22T04:00:00.000Z";
    return *whyp ? CODEC_E_FORM : 0;
}

void codec_control_free(struct codec_control *control)
{
    json_decref(control->json);
    control->json = NULL;
}

json_t *codec_control_answer(const struct tip_control_answer *answer)
{
    json_t *values = json_object();

    for (size_t i = 0; i < answer->n_values; i++)
        json_object_set_new(values, answer->values[i].name, web_json_text(answer->values[i].value));
    return json_pack("{s:b, s:o, s:o}", "ok", answer->ok, "result", web_json_text(answer->result), "values", values);
}

json_t *codec_operator_json(const struct tip_control_answer *answer)
{
    const char *text = answer ? tip_param_get(answer->values, answer->n_values, "source") : NULL;
    json_t *shown = text ? json_loads(text, 0, NULL) : NULL, *out;
    const char *reason = "", *override = "", *until;
    int held, enabled;
    int64_t until_unix_ms = 0;

    if (json_unpack(shown, "{s:b, s:b, s:s, s:s}", "held", &held, "enabled", &enabled, "hold_reason", &reason,
                    "override", &override)) {
        json_decref(shown);
        return json_null();
    }
    until = json_string_value(json_object_get(shown, "held_until"));
    if (until && tip_clock_parse(&until_unix_ms, until, strlen(until)))
        until_unix_ms = 0;
    out = json_pack("{s:b, s:o, s:s, s:b, s:s}", "held", held, "held_until", codec_time(until_unix_ms), "hold_reason",
                    held ? reason : "", "enabled", enabled, "override", override);
    json_decref(shown);
    return out;
}

char *codec_login_read(const uint8_t *body, size_t n)
{
    json_t *json = json_loadb((const char *)body, n, JSON_REJECT_DUPLICATES, NULL);
    char *token = tip_strdup(json_string_value(json_object_get(json, "token")));

    json_decref(json);
    return token;
}

/* ---- events ---- */

/* The broker's word on a record: what every client needs, at the top of the object. Unmarked is amber. */
static int codec_record_head(const struct tip_stamp *stamp, struct tip_buf *out)
{
    json_t *head = json_pack("{s:I, s:s, s:s, s:s, s:o}", "seq", (json_int_t)stamp->seq, "topic", stamp->topic,
                             "publisher", stamp->publisher, "tlp", stamp->tlp ? tip_tlp_name(stamp->tlp) : "amber",
                             "commit_time", codec_time(stamp->commit_unix_us / 1000));
    int r = web_json_write(head, out);

    json_decref(head);
    return r;
}

/* The head's object goes on as the event's: both were written by the JSON library, and share no member. */
static int codec_record_json(const struct tip_record *record, struct tip_buf *out)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf body;
    int r = tip_event_decode(record->event, record->event_len, &event, NULL);

    tip_buf_init(&body, out->cap);
    r = r ? tip_buf_append_text(&body, "{\"kind\":\"\"}") : tip_event_json(event, NULL, &body);
    if (!r)
        r = codec_record_head(&record->stamp, out);
    if (r)
        return r;
    out->len--; /* its closing brace */
    r = tip_buf_append_text(out, ",");
    return r ? r : tip_buf_append(out, body.data + 1, body.len - 1);
}

int codec_record(const struct tip_record *record, struct tip_buf *out, size_t *json_atp, size_t *json_lenp)
{
    struct web_position position = {.seq = record->stamp.seq};
    char id[WEB_POSITION_TEXT];
    int r;

    memcpy(position.journal_id, record->stamp.journal_id.bytes, sizeof(position.journal_id));
    web_position_format(&position, id);
    r = tip_buf_append_format(out, "event: record\nid: %s\ndata: ", id);
    *json_atp = out->len;
    if (!r)
        r = codec_record_json(record, out);
    *json_lenp = out->len - *json_atp;
    return r ? r : tip_buf_append_text(out, "\n\n");
}

json_t *codec_service_json(const struct tip_system_state *state, int64_t heard_unix_ms)
{
    return json_pack("{s:o, s:b, s:o, s:o, s:I, s:I, s:I, s:b, s:b, s:o}", "name", web_json_text(state->service),
                     "ready", state->ready, "detail", web_json_text(state->detail), "version",
                     web_json_text(state->version), "uptime_s", (json_int_t)(state->uptime_ms / 1000), "rss_bytes",
                     (json_int_t)state->rss_bytes, "outbox_events", (json_int_t)state->outbox_events, "insecure",
                     state->insecure, "simulated", state->simulated, "heard_at", codec_time(heard_unix_ms));
}
