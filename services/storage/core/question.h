#pragma once
/*
 * What a person asks about, as the keys under which tables can answer: itself, its address, the names above it.
 */
#include <stdint.h>

#include <tip/addr.h>
#include <tip/indicator.h>

enum { STORE_QUESTION_NAMES_MAX = 128 }; /* labels of 253 bytes */

struct store_question {
    struct tip_indicator indicator;
    uint64_t ikey;
    struct tip_prefix net; /* of an ip, net, endpoint, or a URL's address; else family 0 */

    /* A domain's ancestors, nearest first; for a URL with a name its host and that one's ancestors. */
    size_t n_names;
    const char *names[STORE_QUESTION_NAMES_MAX]; /* into `host` */
    uint64_t name_ikeys[STORE_QUESTION_NAMES_MAX];
    char host[TIP_INDICATOR_MAX + 1]; /* the domain itself, or a URL's host; "" if none */

    char below[TIP_INDICATOR_MAX +
               2]; /* a domain reversed with a dot behind: what all below it begin with; "" if none */
};

/**
 * Reads a question as people write it; nothing is resolved.
 *
 * @param kind  what it is meant to be, TIP_KIND_NONE to see by its shape
 * @return 0, or a code of tip_indicator_parse
 */
tip_nodiscard int store_question_read(struct store_question *question, const uint8_t ikey_key[static 16],
                                      enum tip_kind kind, const char *text, size_t len);
