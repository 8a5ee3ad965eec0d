/* Any text, detected or asked for as each kind: what comes out is bounded and its own canonical form. */
#include "fuzz.h"

#include <tip/indicator.h>

static void fuzz_as(enum tip_kind kind, const char *text, size_t len)
{
    static const uint8_t key[16];
    struct tip_indicator found, again;
    int r = tip_indicator_parse(&found, kind, text, len);

    if (r) {
        assert(*tip_indicator_reason(r));
        return;
    }
    assert(found.len <= TIP_INDICATOR_MAX && strlen(found.value) == found.len);
    assert(!tip_indicator_parse(&again, found.kind, found.value, found.len));
    assert(again.kind == found.kind && !strcmp(again.value, found.value));
    assert(!tip_indicator_parse(&again, TIP_KIND_NONE, found.value, found.len));
    assert(again.kind == found.kind && !strcmp(again.value, found.value));
    assert(tip_ikey(key, found.kind, found.value, found.len) == tip_ikey(key, again.kind, again.value, again.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int kind = TIP_KIND_NONE; kind <= TIP_KIND_COUNT; kind++)
        fuzz_as((enum tip_kind)kind, (const char *)data, size);
    return 0;
}
