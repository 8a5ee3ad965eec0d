/* Parser kind csv: see bl_kind.h. */
#include "bl_kind.h"

static void with_options(struct bl_format *format, uint8_t choice)
{
    format->column = 1 + choice % 3;
    format->skip_space = choice / 3 % 2;
    format->header = choice / 6 % 2;
    if (choice / 12 % 2)
        strcpy(format->column_name, "ip");
    format->first_seen.number = choice % 4;
    format->last_seen.number = choice % 5;
    if (choice % 7 == 6)
        strcpy(format->last_seen.name, "last");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return kind_fuzz(BL_KIND_CSV, with_options, data, size);
}
