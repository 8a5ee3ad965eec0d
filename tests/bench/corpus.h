#pragma once
/*
 * Lists with the shapes of public ones: sizes fall as 1 / rank, two of three are sorted, each begins with comments.
 * Of twelve lists one holds networks of /16 to /30 in order, as those of countries do; one is an aggregate, of whose
 * lines nineteen of twenty come from half a million addresses that many lists share, in others two of five; the rest
 * are addresses from 20,000 crowded networks. Names and IPv6 are left out, so that programs which know neither can
 * read all of it.
 */
#include <stddef.h>

enum { CORPUS_LISTS = 180, CORPUS_PATH = 64 };

struct corpus {
    char dir[CORPUS_PATH];
    char paths[CORPUS_LISTS][CORPUS_PATH]; /* largest list first */
};

/** Writes about `lines` lines in all into a directory of its own. From TIP_SEED. Ends the program when it cannot. */
void corpus_make(struct corpus *corpus, size_t lines);

/** Removes them. */
void corpus_remove(struct corpus *corpus);
