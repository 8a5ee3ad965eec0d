#pragma once
/* An event as one line for people. */
#include <tip/buf.h>
#include <tip/event.h>

/**
 * Appends what happened, without time and topic: "lab-hosts 3 -> 4, part 1 of 1: +5 -4 ~0".
 *
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int line_event(const struct tip_event *event, struct tip_buf *out);

/** "listing." and "v1.listing." are the same to people: the full topic prefix. @param prefix  256 bytes */
tip_nodiscard int line_prefix(const char *text, char prefix[static 256]);
