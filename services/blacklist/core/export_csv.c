/* RFC 4180, with LF and a header. */
#include "core/export_writers.h"

#include <string.h>

static void csv_field(struct bl_out *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        bl_out_text(out, text);
        return;
    }
    bl_out_text(out, "\"");
    for (; *text; text++)
        bl_out_format(out, *text == '"' ? "\"\"" : "%c", *text);
    bl_out_text(out, "\"");
}

static void csv_item(struct bl_out *out, const struct bl_export *export, const struct bl_export_item *item)
{
    char text[TIP_PREFIX_TEXT];

    csv_field(out, bl_export_value(&export->view, item, text));
    bl_out_format(out, ",%s,%s,%s,%u.%02u,", tip_kind_name(bl_export_kind(item)),
                  item->is_subtree ? "subtree" : "exact", bl_export_tier(item), item->score / 100u, item->score % 100u);
    bl_out_time(out, item->since_unix_s);
    bl_out_text(out, ",");
    bl_out_time(out, item->changed_unix_s);
    bl_out_text(out, ",");
    bl_export_lists(out, export, item, ";");
    bl_out_format(out, ",%s\n", bl_export_category(export, item));
}

void bl_export_csv(struct bl_out *out, const struct bl_export *export)
{
    bl_out_text(out, "indicator,type,scope,tier,score,first_seen,last_changed,sources,category\n");
    for (size_t i = 0; i < export->view.n; i++)
        csv_item(out, export, &export->view.items[i]);
}
