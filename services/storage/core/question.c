#include "core/question.h"

#include <string.h>

#include <tip/url.h>

/* From `at` on, each tail of the host behind a dot; a single label is nobody's. */
static void question_names(struct store_question *question, const uint8_t *key, const char *at)
{
    while (at && strchr(at, '.') && question->n_names < STORE_QUESTION_NAMES_MAX) {
        question->names[question->n_names] = at;
        question->name_ikeys[question->n_names++] = tip_ikey(key, TIP_KIND_DOMAIN, at, strlen(at));
        at = strchr(at, '.') + 1;
    }
}

static void question_domain(struct store_question *question, const uint8_t *key)
{
    size_t n = question->indicator.len;
    const char *dot;

    memcpy(question->host, question->indicator.value, n + 1);
    for (size_t i = 0; i < n; i++)
        question->below[i] = question->indicator.value[n - 1 - i];
    question->below[n] = '.';
    dot = strchr(question->host, '.');
    question_names(question, key, dot ? dot + 1 : NULL);
}

static void question_url(struct store_question *question, const uint8_t *key)
{
    struct tip_url url;

    if (tip_url_parse(&url, question->indicator.value, question->indicator.len, 0))
        return;
    if (url.host_is_addr) {
        question->net = tip_prefix_of(&url.addr, (uint8_t)tip_addr_bits(&url.addr));
        return;
    }
    memcpy(question->host, url.domain.name, sizeof(url.domain.name));
    question_names(question, key, question->host);
}

static void question_endpoint(struct store_question *question)
{
    struct tip_endpoint endpoint;

    if (!tip_endpoint_parse(&endpoint, question->indicator.value, question->indicator.len))
        question->net = tip_prefix_of(&endpoint.addr, (uint8_t)tip_addr_bits(&endpoint.addr));
}

int store_question_read(struct store_question *question, const uint8_t ikey_key[static 16], enum tip_kind kind,
                        const char *text, size_t len)
{
    struct tip_indicator *indicator = &question->indicator;
    int r;

    memset(question, 0, sizeof(*question));
    r = tip_indicator_parse(indicator, kind, text, len);
    if (r)
        return r;
    question->ikey = tip_ikey(ikey_key, indicator->kind, indicator->value, indicator->len);
    switch (indicator->kind) {
    case TIP_KIND_IP:
    case TIP_KIND_NET:
        (void)!tip_prefix_parse(&question->net, NULL, indicator->value, indicator->len); /* canonical, so it parses */
        break;
    case TIP_KIND_DOMAIN:
        question_domain(question, ikey_key);
        break;
    case TIP_KIND_URL:
        question_url(question, ikey_key);
        break;
    case TIP_KIND_ENDPOINT:
        question_endpoint(question);
        break;
    case TIP_KIND_NONE:
    case TIP_KIND_ASN:
    case TIP_KIND_HASH:
    case TIP_KIND_EMAIL_DOMAIN: /* nothing lies around them */
    case TIP_KIND_COUNT:
        break;
    }
    return 0;
}
