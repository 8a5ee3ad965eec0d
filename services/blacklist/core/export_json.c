/* JSON lines: an object an entry. */
#include "core/export_writers.h"

static void json_lists(struct bl_out *out, const struct bl_export *export, const struct bl_export_item *item)
{
    const char *comma = "";

    for (size_t i = 0; i < BL_EXPORT_LISTS; i++) {
        if (item->lists[i] >= export->n_sources)
            continue;
        bl_out_text(out, comma);
        bl_out_json(out, export->sources[item->lists[i]].name);
        comma = ",";
    }
}

static void json_item(struct bl_out *out, const struct bl_export *export, const struct bl_export_item *item)
{
    char text[TIP_PREFIX_TEXT];

    bl_out_text(out, "{\"indicator\":");
    bl_out_json(out, bl_export_value(&export->view, item, text));
    bl_out_format(out, ",\"type\":\"%s\",\"scope\":\"%s\",\"tier\":\"%s\",\"score\":%u.%02u,\"first_seen\":\"",
                  tip_kind_name(bl_export_kind(item)), item->is_subtree ? "subtree" : "exact", bl_export_tier(item),
                  item->score / 100u, item->score % 100u);
    bl_out_time(out, item->since_unix_s);
    bl_out_text(out, "\",\"last_changed\":\"");
    bl_out_time(out, item->changed_unix_s);
    bl_out_format(out, "\",\"source_count\":%u,\"sources\":[", (unsigned)item->n_lists);
    json_lists(out, export, item);
    bl_out_text(out, "],\"category\":");
    bl_out_json(out, bl_export_category(export, item));
    bl_out_text(out, "}\n");
}

void bl_export_json(struct bl_out *out, const struct bl_export *export)
{
    for (size_t i = 0; i < export->view.n; i++)
        json_item(out, export, &export->view.items[i]);
}
