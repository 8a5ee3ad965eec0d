#pragma once
/*
 * What an indicator inherits, as a sentence: "inherits 0.62 from 192.0.2.0/22 (list drop): watch". The blacklist is
 * asked, which knows what is exempt and what is allowed; where it cannot be, or of the past, the rows of storage have
 * to do.
 */
#include <tip/call.h>

struct client;

enum { INHERITED_TEXT = TIP_INDICATOR_MAX + 256, INHERITED_DEADLINE_MS = 2000 };

/** Fill in the answers, then one of the two below; they are borrowed until the end. */
struct inherited {
    const struct tip_store_answer *searched; /* of `search` of it */
    const struct tip_store_answer *allow;    /* of `allow_on`, what decides first; NULL: none */
    double left;                       /* of what is inherited: a list, or the operators, may have taken from it */
    bool is_allowed;                   /* by the operators: it inherits nothing */
    bool is_sure;                      /* the blacklist has said so */
    struct tip_inherited is;           /* `from` is a row of `searched`; n_rows: the verdict is of none of them */
    char value[TIP_INDICATOR_MAX + 1]; /* what it inherits from, by the blacklist's word; "": a row has to say it */
    char source[TIP_NAME_MAX + 1];     /* its first reason; "": none */
};

/** By the rows alone. @param own  rows of `explain` of it */
void inherited_of_rows(struct inherited *inherited, const struct tip_indicator *indicator,
                       const struct tip_store_answer *own);

/** The same, and if the blacklist answers soon what that says. */
void inherited_ask(struct inherited *inherited, struct client *client, const struct tip_indicator *indicator,
                   const struct tip_store_answer *own);

/** By what the blacklist has found of it, after inherited_of_rows. */
void inherited_by_word(struct inherited *inherited, const struct tip_indicator *indicator,
                       const struct tip_verdict_found *found);

/** Whose verdict decides, and what list is the first reason of it; NULL: nobody has said. */
const char *inherited_value(const struct inherited *inherited);
const char *inherited_source(const struct inherited *inherited);

/** Does another verdict than its own decide? */
bool inherited_is(const struct inherited *inherited);

/** @return false when there is nothing to say */
bool inherited_text(const struct inherited *inherited, char text[static INHERITED_TEXT]);
