#pragma once
/*
 * A list that is no source yet: how it is written is guessed in the pool, then it is read that way as a whole.
 */
#include "core/guess.h"
#include "work.h"

enum { GUESS_READINGS = 8, GUESS_READING_TEXT = 160 };

/** One way to read it, for people. */
struct guess_reading {
    char text[GUESS_READING_TEXT];
    uint64_t accepted, rejected;
};

/** @param parse  body and bounds are set; afterwards format, container and what was found */
struct guess_order {
    char name[TIP_NAME_MAX + 1];
    char url[TIP_INDICATOR_MAX + 1];
    struct work_parse parse;
    struct guess_reading readings[GUESS_READINGS]; /* set: the best ones of those that were tried */
    size_t n_readings;
};

void guess_run(void *order);

/** A name for a source: what was asked for, or one made of the URL. */
void guess_name(char name[static TIP_NAME_MAX + 1], const char *url, const char *asked);

/** A complete file of the source, with comments. @return 0 or -ENOBUFS */
tip_nodiscard int guess_file(const struct guess_order *order, const struct tip_prefix *allowed, size_t n_allowed,
                             struct tip_buf *out);
