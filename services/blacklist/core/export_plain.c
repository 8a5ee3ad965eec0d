/* One indicator a line; a name with all below it as `*.name` behind the name. */
#include "core/export_writers.h"

void bl_export_plain(struct bl_out *out, const struct bl_export *export)
{
    char text[TIP_PREFIX_TEXT];

    for (size_t i = 0; i < export->view.n; i++) {
        const struct bl_export_item *item = &export->view.items[i];
        const char *value = bl_export_value(&export->view, item, text);

        bl_out_format(out, "%s\n", value);
        if (item->is_subtree)
            bl_out_format(out, "*.%s\n", value);
    }
}
