#pragma once
/*
 * How is a list written? Every kind is tried on pieces of the beginning of its body, and one is picked by a rule:
 *
 * An entry that may be scored counts two, a reject takes one away (not of a kind whose marks the body shows: json, rpz,
 * adblock, hosts, rbldnsd, range). Of the readings within a tenth of the best the most specific one: such a kind, then
 * one entry a line, then columns (csv, then lines), then kinds without their marks. Of equals the one with the fewest
 * rejects, then with the most entries, then the one that was tried first: the leftmost column. When nothing is worth
 * anything, what finds the most; `extract` only then, and when it finds twice as much.
 *
 * Rules of Snort, Suricata and kin are no list, whatever their commas look like: of them `extract` reads the addresses.
 *
 * Its type is that of all entries in that beginning.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>
#include <tip/indicator.h>

#include "core/format.h"

enum { BL_GUESS_BYTES = 256 * 1024, BL_GUESS_MORE = 4 * 1024 * 1024, BL_GUESSES_MAX = 96, BL_GUESS_COLUMNS = 12 };

enum bl_guess_rank { BL_GUESS_MARKED, BL_GUESS_LINE, BL_GUESS_COLUMN, BL_GUESS_UNMARKED, BL_GUESS_EXTRACT };

/** One reading. */
struct bl_guess {
    struct bl_format format;
    enum bl_guess_rank rank;
    uint64_t accepted, rejected; /* of the beginning; 0 accepted also when the body is none of the kind */
};

struct bl_guesses {
    struct bl_guess *items; /* in the order they were tried */
    size_t n;
    struct bl_guess best; /* with its type narrowed down; accepted 0: nothing reads it */
    bool is_rules;        /* of an intrusion detection */
};

/**
 * @param head      the first bytes of the unpacked body; a last line that is cut is left out
 * @param n         BL_GUESS_BYTES out of the first BL_GUESS_MORE are tried, in pieces; the type is that of all of
 *                  these
 * @param is_whole  they are all there are
 */
void bl_guess_run(struct bl_guesses *guesses, const char *head, size_t n, bool is_whole);
void bl_guesses_deinit(struct bl_guesses *guesses);

/** What a reading is worth by the rule. */
int64_t bl_guess_worth(const struct bl_guess *guess);
