#include "core/export.h"

#include <string.h>

#include <openssl/evp.h>

#include "core/export_writers.h"

#define ADDRESSES  (1u << BL_EXPORT_IP4 | 1u << BL_EXPORT_IP6)
#define NAMES      (1u << BL_EXPORT_NAME)
#define EVERYTHING ((1u << BL_EXPORT_CLASS_COUNT) - 1)
#define TEXT       "text/plain; charset=utf-8"
#define CSV        "text/csv; charset=utf-8"
#define JSON       "application/json"

/* clang-format off */
const char *const bl_export_format_names[] = {
    [BL_EXPORT_PLAIN] = "plain", [BL_EXPORT_CSV] = "csv", [BL_EXPORT_JSON] = "json",
    [BL_EXPORT_RBLDNSD_IP4] = "rbldnsd-ip4", [BL_EXPORT_RBLDNSD_IP6] = "rbldnsd-ip6",
    [BL_EXPORT_RBLDNSD_NAMES] = "rbldnsd-names", [BL_EXPORT_RPZ] = "rpz", [BL_EXPORT_IPSET] = "ipset",
    [BL_EXPORT_NFTABLES] = "nftables", [BL_EXPORT_POSTFIX_CIDR] = "postfix-cidr",
    [BL_EXPORT_POSTFIX_TEXTHASH] = "postfix-texthash", [BL_EXPORT_RSPAMD] = "rspamd", [BL_EXPORT_STIX] = "stix",
    [BL_EXPORT_MISP] = "misp", [BL_EXPORT_FORMAT_COUNT] = NULL,
};

const struct bl_export_format bl_export_formats[BL_EXPORT_FORMAT_COUNT] = {
    [BL_EXPORT_PLAIN] = {EVERYTHING, "# ", {{"txt", NULL, TEXT, bl_export_plain}}},
    [BL_EXPORT_CSV] = {EVERYTHING, NULL, {{"csv", NULL, CSV, bl_export_csv}}},
    [BL_EXPORT_JSON] = {EVERYTHING, NULL, {{"ndjson", NULL, "application/x-ndjson", bl_export_json}}},
    [BL_EXPORT_RBLDNSD_IP4] = {1u << BL_EXPORT_IP4, "# ", {{"rbldnsd", NULL, TEXT, bl_export_rbldnsd_ip4}}},
    [BL_EXPORT_RBLDNSD_IP6] = {1u << BL_EXPORT_IP6, "# ", {{"rbldnsd", NULL, TEXT, bl_export_rbldnsd_ip6}}},
    [BL_EXPORT_RBLDNSD_NAMES] = {NAMES, "# ", {{"rbldnsd", NULL, TEXT, bl_export_rbldnsd_names}}},
    [BL_EXPORT_RPZ] = {ADDRESSES | NAMES, "; ", {{"rpz", NULL, TEXT, bl_export_rpz}}},
    [BL_EXPORT_IPSET] = {ADDRESSES, "# ", {{"ipset", NULL, TEXT, bl_export_ipset}}},
    [BL_EXPORT_NFTABLES] = {ADDRESSES, "# ", {{"nft", NULL, TEXT, bl_export_nftables}}},
    [BL_EXPORT_POSTFIX_CIDR] = {ADDRESSES, "# ", {{"cidr", NULL, TEXT, bl_export_postfix_cidr}}},
    [BL_EXPORT_POSTFIX_TEXTHASH] = {NAMES, "# ", {{"texthash", NULL, TEXT, bl_export_postfix_texthash}}},
    [BL_EXPORT_RSPAMD] = {ADDRESSES | NAMES, "# ", {{"map", NULL, TEXT, bl_export_rspamd}}},
    [BL_EXPORT_STIX] = {EVERYTHING, NULL, {{"stix.json", NULL, "application/stix+json;version=2.1", bl_export_stix}}},
    [BL_EXPORT_MISP] = {EVERYTHING, NULL, {{NULL, "manifest.json", JSON, bl_export_misp_manifest},
                                           {NULL, "hashes.csv", CSV, bl_export_misp_hashes},
                                           {NULL, NULL, JSON, bl_export_misp}}},
};
/* clang-format on */

void bl_export_file_name(const struct bl_export_file *file, const struct bl_export *export,
                         char name[static BL_EXPORT_FILE_NAME])
{
    char uuid[TIP_UUID_TEXT];
    tip_auto(tip_buf_deinit) struct tip_buf text;
    int r;

    tip_buf_init(&text, BL_EXPORT_FILE_NAME - 1);
    bl_export_uuid(export, "event", "", uuid);
    if (file->suffix)
        r = tip_buf_append_format(&text, "%s.%s", export->name, file->suffix);
    else if (file->name)
        r = tip_buf_append_text(&text, file->name);
    else
        r = tip_buf_append_format(&text, "%s.json", uuid);
    strcpy(name, r ? "" : tip_buf_text(&text)); /* names of views are short: it fits */
}

/* ---- what stands in the comments ---- */

static void export_credit(struct bl_out *out, const struct bl_export_source *source)
{
    if (source->attribution) {
        bl_out_text(out, ": ");
        bl_out_line(out, source->attribution);
    }
    if (source->licence) {
        bl_out_text(out, " (");
        bl_out_line(out, source->licence);
        bl_out_text(out, ")");
    }
}

static void export_head(struct bl_out *out, const struct bl_export *export, const char *comment)
{
    bl_out_format(out, "%sview: %s\n%stitle: ", comment, export->name, comment);
    bl_out_line(out, export->title);
    bl_out_format(out, "\n%stlp: %s\n%sgenerated: ", comment, export->audience, comment);
    bl_out_time(out, export->generated_unix_s);
    bl_out_format(out, "\n%sentries: %zu\n", comment, export->view.n);
    if (export->body_sha256)
        bl_out_format(out, "%ssha256: %s\n", comment, export->body_sha256);
    for (size_t i = 0; i < export->n_sources; i++) {
        if (!export->sources[i].has_part)
            continue;
        bl_out_format(out, "%ssource: %s", comment, export->sources[i].name);
        export_credit(out, &export->sources[i]);
        bl_out_text(out, "\n");
    }
}

void bl_export_about(struct bl_out *out, const struct bl_export *export)
{
    export_head(out, export, "");
}

void bl_export_write(struct bl_out *out, const struct bl_export_format *format, const struct bl_export_file *file,
                     const struct bl_export *export)
{
    if (format->comment && export->body_sha256)
        export_head(out, export, format->comment);
    file->write(out, export);
}

/* ---- what the writers share ---- */

/* A random one, made for TIP. */
static const uint8_t export_namespace[16] = {0x6b, 0x1f, 0x0c, 0x52, 0x9a, 0x3d, 0x4e, 0x87,
                                             0xb0, 0x44, 0x2e, 0x71, 0xc8, 0x95, 0xd3, 0x0a};

static void export_uuid_of(const struct bl_export *export, const char *what, const char *value, bool is_ours,
                           char text[static TIP_UUID_TEXT])
{
    const char *const words[] = {export->producer, what, is_ours ? "" : export->name, value};
    unsigned char digest[EVP_MAX_MD_SIZE];
    tip_auto(tip_buf_deinit) struct tip_buf name;
    struct tip_uuid uuid;
    int r;

    tip_buf_init(&name, 16 * 1024);
    r = tip_buf_append(&name, export_namespace, sizeof(export_namespace));
    for (size_t i = 0; !r && i < sizeof(words) / sizeof(*words); i++)
        r = tip_buf_append(&name, words[i], strlen(words[i]) + 1);
    if (r || EVP_Digest(name.data, name.len, digest, NULL, EVP_sha1(), NULL) != 1)
        memset(digest, 0, sizeof(digest));
    memcpy(uuid.bytes, digest, sizeof(uuid.bytes));
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x50);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    tip_uuid_format(&uuid, text);
}

void bl_export_uuid(const struct bl_export *export, const char *what, const char *value,
                    char text[static TIP_UUID_TEXT])
{
    export_uuid_of(export, what, value, !strcmp(what, "producer"), text);
}

void bl_export_item_uuid(const struct bl_export *export, const struct bl_export_item *item,
                         char text[static TIP_UUID_TEXT])
{
    char value[TIP_PREFIX_TEXT];

    bl_export_uuid(export, tip_kind_name(bl_export_kind(item)), bl_export_value(&export->view, item, value), text);
}

void bl_export_lists(struct bl_out *out, const struct bl_export *export, const struct bl_export_item *item,
                     const char *separator)
{
    unsigned n = 0;

    for (size_t i = 0; i < BL_EXPORT_LISTS; i++) {
        if (item->lists[i] >= export->n_sources)
            continue;
        bl_out_text(out, n++ ? separator : "");
        bl_out_text(out, export->sources[item->lists[i]].name);
    }
    if (item->n_lists > n)
        bl_out_format(out, "%s+%u", n ? separator : "", (unsigned)item->n_lists - n);
}

const char *bl_export_tier(const struct bl_export_item *item)
{
    static const char *const names[] = {"none", "watch", "slow", "block"};

    return names[item->tier & 3];
}

const char *bl_export_category(const struct bl_export *export, const struct bl_export_item *item)
{
    return export->categories[item->category];
}

size_t bl_export_first(const struct bl_export *export, enum bl_export_class class)
{
    size_t low = 0;
    size_t high = export->view.n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (export->view.items[middle].class < class)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
