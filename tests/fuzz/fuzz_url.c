/* Whatever parses is bounded, printable ASCII, and its canonical form parses to itself. */
#include "fuzz.h"

#include <tip/url.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tip_url url, again;
    char host[TIP_ADDR_TEXT];
    int r = tip_url_parse(&url, (const char *)data, size, TIP_URL_SCHEME_OPTIONAL);

    if (r) {
        assert(*tip_url_reason(r));
        return 0;
    }
    assert(url.len <= TIP_URL_MAX && strlen(url.text) == url.len);
    for (size_t i = 0; i < url.len; i++)
        assert(url.text[i] > ' ' && url.text[i] < 0x7f);
    assert(url.text[url.path_at] == '/' && url.port);
    assert(strstr(url.text, tip_url_host(&url, host)));
    assert(!tip_url_parse(&again, url.text, url.len, 0));
    assert(!strcmp(url.text, again.text) && again.path_at == url.path_at && again.port == url.port);
    return 0;
}
