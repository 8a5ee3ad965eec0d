/*
 * Data for rbldnsd(8): datasets ip4trie, ip6trie and dnset. An answer is 127.0.C.T: C is the number of the category (0
 * for others), T is 2 for block, 3 for slow, 4 for watch. RFC 5782 section 5: 127.0.0.2, ::ffff:127.0.0.2 and the name
 * `test` are listed, 127.0.0.1, ::ffff:127.0.0.1 and `invalid` never are.
 */
#include "core/export_writers.h"

#include <string.h>

#include <tip/domain.h>

static void rbldnsd_begin(struct bl_out *out, const struct bl_export *export)
{
    if (export->zone) /* no NS: it would want an address that nobody here knows */
        bl_out_format(out, "$SOA 300 %s hostmaster.%s %u 600 300 604800 300\n", export->zone, export->zone,
                      (unsigned)export->serial);
    bl_out_format(out, "$TTL 300\n:127.0.0.2:listed in %s\n", export->name);
}

/* What stands behind an entry. `$` would be the address that was asked for. */
static void rbldnsd_answer(struct bl_out *out, const struct bl_export *export, const struct bl_export_item *item)
{
    bl_out_format(out, " :127.0.%u.%u:%s: %s, %s, score %u.%02u: ", (unsigned)item->category, 5u - item->tier,
                  export->name, bl_export_tier(item), bl_export_category(export, item), item->score / 100u,
                  item->score % 100u);
    bl_export_lists(out, export, item, ",");
    bl_out_text(out, "\n");
}

/* Whether an entry would list what RFC 5782 says is never listed, or say otherwise of what always is. */
static bool rbldnsd_is_test(const struct bl_export_item *item)
{
    const struct tip_prefix prefix = bl_export_prefix(item);
    const struct tip_addr loopback = tip_addr_from4(0x7f000001);
    const struct tip_addr listed = tip_addr_from4(0x7f000002);

    return tip_prefix_contains(&prefix, &loopback) || tip_prefix_contains(&prefix, &listed);
}

static void rbldnsd_addresses(struct bl_out *out, const struct bl_export *export, enum bl_export_class class)
{
    const struct bl_export_view *view = &export->view;
    char text[TIP_PREFIX_TEXT];

    for (size_t i = bl_export_first(export, class); i < view->n && view->items[i].class == class; i++) {
        if (rbldnsd_is_test(&view->items[i])) {
            out->n_skipped++;
            continue;
        }
        bl_out_text(out, bl_export_value(view, &view->items[i], text));
        rbldnsd_answer(out, export, &view->items[i]);
    }
}

void bl_export_rbldnsd_ip4(struct bl_out *out, const struct bl_export *export)
{
    rbldnsd_begin(out, export);
    bl_out_text(out, "127.0.0.2 :127.0.0.2:test entry\n");
    rbldnsd_addresses(out, export, BL_EXPORT_IP4);
}

void bl_export_rbldnsd_ip6(struct bl_out *out, const struct bl_export *export)
{
    rbldnsd_begin(out, export);
    bl_out_text(out, "0:0:0:0:0:ffff:7f00:2 :127.0.0.2:test entry\n");
    rbldnsd_addresses(out, export, BL_EXPORT_IP6);
}

void bl_export_rbldnsd_names(struct bl_out *out, const struct bl_export *export)
{
    const struct bl_export_view *view = &export->view;
    char text[TIP_PREFIX_TEXT];

    rbldnsd_begin(out, export);
    bl_out_text(out, "test :127.0.0.2:test entry\n");
    for (size_t i = bl_export_first(export, BL_EXPORT_NAME); i < view->n && view->items[i].class == BL_EXPORT_NAME;
         i++) {
        const char *name = bl_export_value(view, &view->items[i], text);

        if (!strcmp(name, "test") || !strcmp(name, "invalid")) {
            out->n_skipped++;
            continue;
        }
        bl_out_format(out, "%s%s", view->items[i].is_subtree ? "." : "", name);
        rbldnsd_answer(out, export, &view->items[i]);
    }
}
