#pragma once
/* Why a text is no indicator, in words. */

/** "it names an interface behind %, …" for "zone_id" (tip_indicator_reason); another word as it is. */
const char *unreadable_phrase(const char *word);
