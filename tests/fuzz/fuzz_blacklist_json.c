/* Parser kind json: see bl_kind.h. */
#include "bl_kind.h"

static void with_options(struct bl_format *format, uint8_t choice)
{
    static const char *const pointers[] = {"/*", "/*/ip", "/ip", "", "/list/*", "/*/*/ip", "/a~1b/0"};

    strcpy(format->pointer, pointers[choice % 7]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return kind_fuzz(BL_KIND_JSON, with_options, data, size);
}
