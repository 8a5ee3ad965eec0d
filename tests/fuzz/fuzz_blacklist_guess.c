/* Any body is guessed to be something or nothing; what is picked is one of what was tried, and reads what it says. */
#include "fuzz.h"

#include <tip/cleanup.h>

#include "core/guess.h"
#include "core/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tip_auto(bl_guesses_deinit) struct bl_guesses guesses = {.items = NULL};
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    const struct bl_guess *best = &guesses.best;

    bl_guess_run(&guesses, (const char *)data, size, true);
    assert(guesses.n && guesses.n < BL_GUESSES_MAX);
    if (!best->accepted)
        return 0;
    parse = bl_parse_new(&best->format);
    assert(!bl_parse_feed(parse, (const char *)data, size) && !bl_parse_end(parse));
    assert(bl_parse_report(parse)->n_valid);
    return 0;
}
