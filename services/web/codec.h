#pragma once
/*
 * Between what travels on the bus or is stored, JSON, and the core's structs.
 */
#include <jansson.h>

#include <tip/bus.h>

#include "core/auth.h"
#include "core/table.h"

enum { CODEC_COLUMNS_MAX = 64, CODEC_PARAMS_MAX = 32 };

enum { CODEC_E_FORM = 1 };

/** An answer as the core reads it; borrows from it. */
struct codec_table {
    struct web_table table;
    const char *names[CODEC_COLUMNS_MAX];
    enum web_type types[CODEC_COLUMNS_MAX];
};

void codec_table(struct codec_table *to, const struct tip_store_answer *answer);

/** The stored form of a token or session. Never NULL; the caller's. */
char *codec_right_text(const struct web_right *right);
tip_nodiscard int codec_right_read(struct web_right *right, const char *text, size_t len); /* 0 or CODEC_E_FORM */

/** What a client sees of it. */
json_t *codec_session_json(const struct web_right *right);

/** Milliseconds as in the whole interface: three digits; null for 0. */
json_t *codec_time(int64_t unix_ms);

/** An operator's action out of a request's body. */
struct codec_control {
    json_t *json; /* owns the texts */
    const char *service;
    struct tip_control_request request;
    struct tip_param params[CODEC_PARAMS_MAX];
};

/** @param whyp  set to a sentence when it is refused @return 0 or CODEC_E_FORM; free in both cases */
tip_nodiscard int codec_control_read(struct codec_control *control, const uint8_t *body, size_t n, const char **whyp);
void codec_control_free(struct codec_control *control);

json_t *codec_control_answer(const struct tip_control_answer *answer);

/** What operators have decided about a list, out of blacklist's answer to `show`; null without one. Never NULL. */
json_t *codec_operator_json(const struct tip_control_answer *answer);

/** The token in a login's body; the caller frees. NULL when there is none. */
char *codec_login_read(const uint8_t *body, size_t n);

/** A record as one Server-Sent Event. @return the same text as JSON in *jsonp, at its place within `out` */
tip_nodiscard int codec_record(const struct tip_record *record, struct tip_buf *out, size_t *json_atp,
                               size_t *json_lenp);

/** A heartbeat as a row of `services` in the status. */
json_t *codec_service_json(const struct tip_system_state *state, int64_t heard_unix_ms);
