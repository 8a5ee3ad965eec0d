/*
 * A map for rspamd's multimap: an address, a prefix or a name a line. A map holds either the ones or the others: the
 * types of the view say which. `*.name` is a glob (`glob = true`).
 */
#include "core/export_writers.h"

void bl_export_rspamd(struct bl_out *out, const struct bl_export *export)
{
    bl_export_plain(out, export);
}
