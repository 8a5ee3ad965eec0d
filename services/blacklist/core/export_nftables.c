/* For `nft -f`, which takes a file as one change: sets VIEW-4 and VIEW-6 of table `inet tip`, emptied and filled. */
#include "core/export_writers.h"

enum { NFT_ELEMENTS = 1000 }; /* in one command, so that no line of it is long */

static void nft_class(struct bl_out *out, const struct bl_export *export, enum bl_export_class class)
{
    const struct bl_export_view *view = &export->view;
    const char family = class == BL_EXPORT_IP4 ? '4' : '6';
    char text[TIP_PREFIX_TEXT];
    size_t n = 0;

    bl_out_format(out, "add set inet tip %s-%c { type ipv%c_addr; flags interval; auto-merge; }\n", export->name,
                  family, family);
    bl_out_format(out, "flush set inet tip %s-%c\n", export->name, family);
    for (size_t i = bl_export_first(export, class); i < view->n && view->items[i].class == class; i++, n++) {
        if (n % NFT_ELEMENTS == 0)
            bl_out_format(out, "%sadd element inet tip %s-%c {\n", n ? " }\n" : "", export->name, family);
        bl_out_format(out, "%s%s", n % NFT_ELEMENTS ? ",\n" : "", bl_export_value(view, &view->items[i], text));
    }
    bl_out_text(out, n ? " }\n" : "");
}

void bl_export_nftables(struct bl_out *out, const struct bl_export *export)
{
    bl_out_text(out, "add table inet tip\n");
    nft_class(out, export, BL_EXPORT_IP4);
    nft_class(out, export, BL_EXPORT_IP6);
}
