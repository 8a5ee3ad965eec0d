#pragma once
/*
 * What is known of an entry besides its value. The numbers are those of ListingFlag in proto/tip/v1/event.proto; the
 * codec asserts it.
 */
enum bl_flag {
    BL_FLAG_SUBTREE = 1,        /* a domain and all below it */
    BL_FLAG_SPECIAL_USE = 2,    /* RFC 6890 and kin */
    BL_FLAG_BAD_IDNA = 4,       /* valid in DNS, not in IDNA2008 */
    BL_FLAG_HOST_BITS = 8,      /* host bits of a prefix were cut */
    BL_FLAG_PUBLIC_SUFFIX = 16, /* `co.uk` and the like */
    BL_FLAG_NEVER_SCORED = BL_FLAG_SPECIAL_USE | BL_FLAG_PUBLIC_SUFFIX
};
