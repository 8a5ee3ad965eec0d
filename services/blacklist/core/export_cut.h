#pragma once
/*
 * What the allow list takes out of an export. It bears on networks and names inside wider entries too: a block that is
 * listed is cut around what is allowed in it, and of a name with all below it only the name stays when something below
 * is allowed. What reference lists exempt (core/exempt.h) is cut out likewise. So whoever uses an export blocks nothing
 * that is allowed, whether its format knows exceptions or not.
 */
#include "core/allow.h"
#include "core/exempt.h"
#include "core/export.h"

struct bl_cut;

/** @param allow  borrowed for the call; NULL is an empty list */
struct bl_cut *bl_cut_new(const struct bl_allow *allow);
void bl_cut_destroy(struct bl_cut **cutp);

/** Is there something allowed below the name? The name itself does not count. */
bool bl_cut_is_below(const struct bl_cut *cut, const char *name);

/** Is the name denied with all below it? */
bool bl_cut_is_denied_tree(const struct bl_cut *cut, const char *name, size_t len);

/** Is something inside the prefix, or all of it, allowed? */
bool bl_cut_is_within(const struct bl_cut *cut, const struct tip_prefix *prefix);

/**
 * Adds what is left of a prefix, in as few prefixes as there can be.
 *
 * @param exempt  what reference lists exempt wholly is taken out, too; NULL: nothing
 * @return as bl_export_add_prefix
 */
tip_nodiscard int bl_cut_add(const struct bl_cut *cut, const struct bl_exempt *exempt, struct bl_export_list *list,
                             const struct bl_export_item *item, const struct tip_prefix *prefix);
