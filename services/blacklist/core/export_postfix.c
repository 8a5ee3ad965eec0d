/* Tables for Postfix: cidr_table(5), where the first match counts, and texthash (DATABASE_README). */
#include "core/export_writers.h"

static void postfix_action(struct bl_out *out, const struct bl_export *export)
{
    bl_out_text(out, "\t");
    bl_out_line(out, export->action);
    bl_out_text(out, "\n");
}

static void postfix_bits(struct bl_out *out, const struct bl_export *export, enum bl_export_class class, unsigned bits)
{
    const struct bl_export_view *view = &export->view;
    char text[TIP_PREFIX_TEXT];

    for (size_t i = bl_export_first(export, class); i < view->n && view->items[i].class == class; i++) {
        if (view->items[i].bits != bits)
            continue;
        bl_out_text(out, bl_export_value(view, &view->items[i], text));
        postfix_action(out, export);
    }
}

/* Longest prefixes first. */
static void postfix_class(struct bl_out *out, const struct bl_export *export, enum bl_export_class class)
{
    const struct bl_export_view *view = &export->view;
    bool is_there[129] = {false};

    for (size_t i = bl_export_first(export, class); i < view->n && view->items[i].class == class; i++)
        is_there[view->items[i].bits] = true;
    for (unsigned bits = 128; bits > 0; bits--) {
        if (is_there[bits])
            postfix_bits(out, export, class, bits);
    }
}

void bl_export_postfix_cidr(struct bl_out *out, const struct bl_export *export)
{
    postfix_class(out, export, BL_EXPORT_IP4);
    postfix_class(out, export, BL_EXPORT_IP6);
}

void bl_export_postfix_texthash(struct bl_out *out, const struct bl_export *export)
{
    const struct bl_export_view *view = &export->view;
    char text[TIP_PREFIX_TEXT];

    for (size_t i = bl_export_first(export, BL_EXPORT_NAME); i < view->n && view->items[i].class == BL_EXPORT_NAME;
         i++) {
        const char *name = bl_export_value(view, &view->items[i], text);

        bl_out_text(out, name);
        postfix_action(out, export);
        if (!view->items[i].is_subtree)
            continue;
        bl_out_format(out, ".%s", name);
        postfix_action(out, export);
    }
}
