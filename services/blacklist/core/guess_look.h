#pragma once
/* What can be seen of a list before anybody reads it: marks of kinds and of tables. For guess*.c only. */
#include "core/guess.h"

enum { GUESS_POINTERS = 6 };

/** Of the first few hundred lines that are neither blank nor comments. */
struct guess_look {
    size_t n_lines;
    size_t n_sinks;        /* start with a sink and a name */
    size_t n_ranges;       /* `a-b`, `name:a-b`, `a b` */
    size_t n_adblock;      /* `||…^` */
    size_t n_rpz;          /* … CNAME … */
    size_t n_rbldnsd;      /* `!…`, `:127.0.0.2:…` */
    size_t n_rules;        /* `alert … -> …`: of Snort, Suricata and kin */
    size_t n_prefixed;     /* start with the first word of the first line */
    size_t n_columned;     /* hold several words */
    size_t n_delimited[4]; /* hold a delimiter, in the order of guess_delimiters */
    size_t n_spaced[4];    /* hold one with a blank behind it */
    size_t columns[4];     /* most of them in a line, at most BL_GUESS_COLUMNS */
    char prefix[BL_FORMAT_TEXT];
    const char *first; /* the first of these lines; NULL for none */
    size_t first_len;
};

extern const char guess_delimiters[4];

void guess_look(struct guess_look *look, const char *head, size_t n);

/** Column `column`, from 1, of a line of a table, without its quotes. @return false when it has none that fits */
bool guess_field(const char *line, size_t len, char delimiter, unsigned column, char field[static BL_FORMAT_TEXT]);

/** A place in JSON where entries stand. */
struct guess_pointer {
    char pointer[BL_FORMAT_POINTER];
    uint64_t n, n_other; /* entries, other values */
    uint64_t kinds[TIP_KIND_COUNT];
    uint32_t last; /* of the value before: what never changes is one entry */
};

/** The places with the most entries, best first. @return how many */
size_t guess_json(struct guess_pointer found[static GUESS_POINTERS], const char *head, size_t n);
