/* Parser kind rpz: see bl_kind.h. */
#include "bl_kind.h"

static void with_options(struct bl_format *format, uint8_t choice)
{
    if (choice % 2)
        strcpy(format->zone, "rpz.test");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return kind_fuzz(BL_KIND_RPZ, with_options, data, size);
}
