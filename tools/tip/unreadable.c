#include "unreadable.h"

#include <stddef.h>
#include <string.h>

/* clang-format off */
static const struct {
    const char *word, *phrase;
} unreadable_phrases[] = {
    {"address_syntax", "it looks like an address, but is not written like one"},
    {"leading_zero", "a number in it begins with 0, which some read as octal: leave the 0 out"},
    {"address_range", "a number in the address is above 255, or above ffff"},
    {"zone_id", "it names an interface behind %, which means nothing elsewhere: leave that out"},
    {"prefix_length", "the length behind / is above 32, or above 128 for IPv6"},
    {"address_port", "the port is missing, or not from 1 to 65535"},
    {"mixed_families", "it goes from an IPv4 to an IPv6 address"},
    {"range_order", "it ends before it begins"},
    {"netmask", "its netmask has ones behind a zero"},
    {"empty_domain", "there is no name in it"},
    {"domain_too_long", "a name has at most 253 characters"},
    {"label_length", "two dots stand together, or more than 63 characters between two"},
    {"domain_character", "a name has letters, digits, - and _ only"},
    {"idna", "it has letters that no name may have (IDNA 2008)"},
    {"single_label", "a name has a dot in it: example.com, not example"},
    {"numeric_tld", "it ends with a number, as no name does, and is no address either"},
    {"bad_tld", "no name ends like that"},
    {"no_scheme", "a URL begins with http://, https:// or ftp://"},
    {"scheme", "a URL begins with http://, https:// or ftp://"},
    {"userinfo", "what stands before the @ can be read in two ways: leave it out"},
    {"url_host", "its host is neither a name nor an address"},
    {"url_port", "its port is not from 1 to 65535"},
    {"url_character", "it has a control character"},
    {"url_too_long", "a URL has at most 2048 characters"},
    {"empty", "nothing is written there"},
    {"other_kind", "an address, network, name, URL, address:port, AS number, file hash or @name is what can be asked about"},
    {"asn_syntax", "it is no number of an autonomous system: AS1 to AS4294967294"},
    {"hash_syntax", "a hash has 32, 40 or 64 hexadecimal digits"},
};
/* clang-format on */

const char *unreadable_phrase(const char *word)
{
    for (size_t i = 0; i < sizeof(unreadable_phrases) / sizeof(unreadable_phrases[0]); i++) {
        if (strcmp(unreadable_phrases[i].word, word) == 0)
            return unreadable_phrases[i].phrase;
    }
    return word;
}
