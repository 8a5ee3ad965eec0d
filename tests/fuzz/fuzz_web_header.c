/* Header fields of strangers: any bytes, and what is taken keeps its form. */
#include "fuzz.h"

#include <stdlib.h>

#include "core/header.h"

static void check_secret(int r, const char *value)
{
    assert(r || (*value && strlen(value) < WEB_SECRET_TEXT));
    for (const char *at = value; *at && !r; at++)
        assert(*at > ' ' && *at <= '~' && !strchr("\",;\\", *at));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), value[WEB_SECRET_TEXT], again[WEB_POSITION_TEXT];
    struct web_position position, back;

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    check_secret(web_cookie_get(text, "tip_session", value), value);
    check_secret(web_bearer_get(text, value), value);
    assert(web_accept_weight(text, "text/csv") <= 1000);
    (void)web_accepts_gzip(text);
    (void)web_etag_matches(text, "\"0123\"");
    if (!web_position_parse(&position, text)) {
        web_position_format(&position, again);
        assert(!web_position_parse(&back, again) && back.seq == position.seq);
        assert(!memcmp(back.journal_id, position.journal_id, sizeof(back.journal_id)));
    }
    if (web_origin_is_ours(&(struct web_from){.origin = text, .host = "127.0.0.1:8080"}))
        assert(!strcmp(text, "http://127.0.0.1:8080"));
    free(text);
    return 0;
}
