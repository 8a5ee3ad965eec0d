/* Parser kind lines: see bl_kind.h. */
#include "bl_kind.h"

static void with_options(struct bl_format *format, uint8_t choice)
{
    static const char separators[] = " ,|;\t";

    format->column = choice % 3;
    format->separator = separators[choice / 3 % 5];
    if (choice / 15 % 2)
        strcpy(format->prefix, "ip ");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return kind_fuzz(BL_KIND_LINES, with_options, data, size);
}
