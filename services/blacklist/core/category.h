#pragma once
/*
 * What a source lists. What is known of a kind of abuse beforehand (how long a listing means something, …) goes by
 * this.
 */

enum bl_category {
    BL_CATEGORY_OTHER, /* mixed, or not said */
    BL_CATEGORY_SPAM,
    BL_CATEGORY_SCAN,
    BL_CATEGORY_ATTACK, /* who guesses passwords, exploits, floods */
    BL_CATEGORY_BOTNET, /* infected machines */
    BL_CATEGORY_C2,     /* what they are commanded from */
    BL_CATEGORY_MALWARE,
    BL_CATEGORY_PHISHING,
    BL_CATEGORY_FRAUD,
    BL_CATEGORY_HIJACKED, /* networks that are in criminal hands as a whole */
    BL_CATEGORY_PROXY,    /* Tor, VPN, open proxies */
    BL_CATEGORY_DISPOSABLE,
    BL_CATEGORY_TRACKER, /* advertising, tracking */
    BL_CATEGORY_BOGON,
    BL_CATEGORY_COUNT
};

/** NULL-terminated names in the order of the enum. */
extern const char *const bl_category_names[];
