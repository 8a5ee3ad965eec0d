#pragma once
/* Why a text is no indicator, in words. */

/** "a number above 255 in an address" for "address_range" (tip_indicator_reason); another word as it is. */
const char *unreadable_phrase(const char *word);
