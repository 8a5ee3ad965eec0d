/* Parser kind rbldnsd: see bl_kind.h. */
#include "bl_kind.h"

static void with_options(struct bl_format *format, uint8_t choice)
{
    format->inline_comments = choice % 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return kind_fuzz(BL_KIND_RBLDNSD, with_options, data, size);
}
