/*
 * For `ipset restore`: sets VIEW-4 and VIEW-6. They are filled beside the ones in force and change places with them, so
 * that rules which name them see the old entries or the new ones. `-exist` is for sets of the last time, or of a
 * restore that was interrupted: the same bound each time, or ipset would refuse them.
 */
#include "core/export_writers.h"

static void ipset_class(struct bl_out *out, const struct bl_export *export, enum bl_export_class class)
{
    const struct bl_export_view *view = &export->view;
    const char family = class == BL_EXPORT_IP4 ? '4' : '6';
    const char *inet = class == BL_EXPORT_IP4 ? "inet" : "inet6";
    char text[TIP_PREFIX_TEXT];

    for (unsigned i = 0; i < 2; i++)
        bl_out_format(out, "create %s-%c%s hash:net family %s maxelem %zu -exist\n", export->name, family,
                      i ? "-new" : "", inet, export->entries_max);
    bl_out_format(out, "flush %s-%c-new\n", export->name, family);
    for (size_t i = bl_export_first(export, class); i < view->n && view->items[i].class == class; i++)
        bl_out_format(out, "add %s-%c-new %s\n", export->name, family, bl_export_value(view, &view->items[i], text));
    bl_out_format(out, "swap %s-%c-new %s-%c\ndestroy %s-%c-new\n", export->name, family, export->name, family,
                  export->name, family);
}

void bl_export_ipset(struct bl_out *out, const struct bl_export *export)
{
    ipset_class(out, export, BL_EXPORT_IP4);
    ipset_class(out, export, BL_EXPORT_IP6);
}
