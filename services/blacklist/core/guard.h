#pragma once
/*
 * Is a delivery a list at all? What is refused here changes nothing: the last good version stays.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/report.h"

enum { BL_GUARD_HEAD = 1024 }; /* bytes of the body that are looked at */

/** A delivery that has been parsed. */
struct bl_delivery {
    const char *head; /* the first bytes of the body, at most BL_GUARD_HEAD are read */
    size_t n_head;
    uint64_t n_bytes;
    const char *parse_why; /* what the parser refused the body for; "" if it did not */
    const struct bl_report *report;
    size_t n_entries; /* distinct ones */
    bool can_be_empty;
    bool reads_markup; /* entries may be taken out of a web page */
};

/** Does a body start like HTML or XML? "html", "xml", or NULL. */
const char *bl_guard_markup(const char *head, size_t n);

/**
 * Why a delivery must not become a version.
 *
 * @return "" when it may, else a word: "empty", "html", "xml", "error_text", "no_valid_entry", or the parser's own
 */
const char *bl_guard_why(const struct bl_delivery *delivery);

/** A sentence for people about a word of bl_guard_why. */
const char *bl_guard_sentence(const char *why);
