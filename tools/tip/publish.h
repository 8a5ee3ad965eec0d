#pragma once
/* Events made by hand, for `tip pub`: fields by name, as they are called in the JSON form of events. */
#include <jansson.h>

#include <tip/event.h>

enum { PUBLISH_WHY_BYTES = 256, PUBLISH_E_INVALID = 1 };

/** What can be made: "schedule.due", …; NULL-terminated. */
extern const char *const publish_kinds[];

/**
 * Fills an event of a kind from a JSON object of its fields. Texts point into the object. What is not named is empty,
 * a new run id, or (times) now.
 *
 * @param event  id and observed time are set already
 * @param topic  at least 256 bytes
 * @param why    set on PUBLISH_E_INVALID; PUBLISH_WHY_BYTES
 */
tip_nodiscard int publish_make(const char *kind, json_t *fields, struct tip_event *event, char *topic, char *why);
