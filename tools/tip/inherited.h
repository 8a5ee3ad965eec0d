#pragma once
/* What an indicator inherits, as a sentence: "inherits 0.62 from 192.0.2.0/22 (list drop): watch". */
#include <tip/call.h>

enum { INHERITED_TEXT = TIP_INDICATOR_MAX + 256 };

/**
 * @param searched  rows of `search` of it; `is` is tip_store_inherited of them
 * @param allow     rows of `allow_on`, what decides first; NULL: none
 * @return false when there is nothing to say
 */
bool inherited_text(const struct tip_store_answer *searched, const struct tip_store_answer *allow,
                    const struct tip_inherited *is, char text[static INHERITED_TEXT]);

/** Does an entry of the allow list decide, so that nothing is inherited? */
bool inherited_is_allowed(const struct tip_store_answer *allow);
