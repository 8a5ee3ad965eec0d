#include "core/guard.h"

#include <string.h>
#include <strings.h>

struct guard_word {
    const char *text;
    const char *why;
};

static bool guard_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

const char *bl_guard_markup(const char *head, size_t n)
{
    static const struct guard_word starts[] = {
        {"<!doctype", "html"}, {"<html", "html"}, {"<head", "html"}, {"<body", "html"}, {"<title", "html"},
        {"<script", "html"},   {"<!--", "html"},  {"<?xml", "xml"},  {"<rss", "xml"},   {"<error", "xml"},
    };
    size_t len;

    if (n >= 3 && !memcmp(head, "\xef\xbb\xbf", 3)) {
        head += 3;
        n -= 3;
    }
    while (n && guard_is_space(*head)) {
        head++;
        n--;
    }
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        len = strlen(starts[i].text);
        if (n >= len && !strncasecmp(head, starts[i].text, len))
            return starts[i].why;
    }
    return NULL;
}

static bool guard_holds(const char *head, size_t n, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= n; i++) {
        if (!strncasecmp(head + i, word, len))
            return true;
    }
    return false;
}

/* Words of downloaders, proxies and rate limits, in a text that holds no entry. */
static bool guard_is_error(const char *head, size_t n)
{
    static const char *const words[] = {
        "error",       "could not", "cannot",  "forbidden", "denied",     "not found",   "unavailable",
        "timed out",   "timeout",   "refused", "blocked",   "rate limit", "too many",    "unauthorized",
        "bad gateway", "exception", "failed",  "invalid",   "expired",    "maintenance", "try again",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (guard_holds(head, n, words[i]))
            return true;
    }
    return false;
}

const char *bl_guard_why(const struct bl_delivery *delivery)
{
    size_t n = delivery->n_head < BL_GUARD_HEAD ? delivery->n_head : BL_GUARD_HEAD;
    const char *markup = bl_guard_markup(delivery->head, n);

    if (markup && !(delivery->reads_markup && delivery->n_entries))
        return markup;
    if (delivery->n_entries && !*delivery->parse_why)
        return "";
    if (!delivery->n_bytes || (!delivery->report->n_content && !*delivery->parse_why))
        return delivery->can_be_empty ? "" : "empty";
    if (!delivery->n_entries && guard_is_error(delivery->head, n))
        return "error_text";
    if (*delivery->parse_why)
        return delivery->parse_why;
    return delivery->can_be_empty && !delivery->report->n_rejected ? "" : "no_valid_entry";
}

const char *bl_guard_sentence(const char *why)
{
    static const struct guard_word sentences[] = {
        {"empty", "the delivery holds nothing but blanks and comments"},
        {"html", "the delivery is a web page, not a list"},
        {"xml", "the delivery is XML, not a list"},
        {"error_text", "the delivery is the text of an error, not a list"},
        {"no_valid_entry", "no line holds an acceptable entry"},
        {"bad_json", "the JSON breaks off or is malformed"},
        {"no_value", "the JSON holds nothing where the pointer looks"},
        {"too_deep", "the JSON is nested too deep"},
        {"line_too_long", "a JSON token is longer than 1 MiB"},
        {"no_column", "the header does not name the wanted column"},
        {"too_many_entries", "the list holds more entries than allowed"},
        {"too_large", "the list is larger than allowed"},
    };

    for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++) {
        if (!strcmp(sentences[i].text, why))
            return sentences[i].why;
    }
    return why;
}
