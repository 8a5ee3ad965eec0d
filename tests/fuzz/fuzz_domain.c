/* Whatever parses is bounded, made of DNS bytes, no address, and its canonical form parses to itself. */
#include "fuzz.h"

#include <tip/addr.h>
#include <tip/domain.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tip_domain domain, again;
    const char *registrable;
    struct tip_addr addr;
    int r = tip_domain_parse(&domain, (const char *)data, size);

    if (r) {
        assert(*tip_domain_reason(r));
        return 0;
    }
    assert(domain.len <= TIP_DOMAIN_MAX && strlen(domain.name) == domain.len);
    assert(strspn(domain.name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == domain.len);
    assert(tip_addr_parse(&addr, domain.name, domain.len));
    assert(!tip_domain_parse(&again, domain.name, domain.len));
    assert(!strcmp(domain.name, again.name));
    assert(!again.subtree && again.bad_idna == domain.bad_idna && again.public_suffix == domain.public_suffix);
    registrable = tip_domain_registrable(domain.name);
    assert(!registrable || tip_domain_is_under(domain.name, registrable));
    return 0;
}
