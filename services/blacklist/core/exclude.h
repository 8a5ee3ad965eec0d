#pragma once
/*
 * What a list takes out of itself: blocks and names that wider entries would list. They may stand anywhere in the body,
 * so they are kept (24 bytes a block, 8 and its text a name) and applied at its end.
 *
 * A block is cut into what remains of it. A tree of names that has an exception is left as the name alone: the
 * exception is kept, and what else is below it is given up.
 */
#include <stddef.h>

#include <tip/addr.h>
#include <tip/cleanup.h>

#include "core/parse.h"

struct bl_exclude;

/** @param max  of each of the two kinds */
struct bl_exclude *bl_exclude_new(size_t max);
void bl_exclude_destroy(struct bl_exclude *exclude);

/** @return 0, or a negative errno when there is no room */
tip_nodiscard int bl_exclude_net(struct bl_exclude *exclude, const struct tip_prefix *prefix);
tip_nodiscard int bl_exclude_name(struct bl_exclude *exclude, const char *name, size_t len); /* canonical */

/** Takes them out of what the parser has built. Returns 0 or BL_PARSE_E_BODY. */
tip_nodiscard int bl_exclude_apply(struct bl_exclude *exclude, struct bl_parse *parse);
