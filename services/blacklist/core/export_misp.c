/*
 * A MISP feed (the "MISP core format" and "MISP feed" of misp-standard.org): one event a view, whose id never changes
 * and whose timestamp rises, a manifest that names it, and the MD5 of every value, by which MISP finds out what it has.
 */
#include "core/export_writers.h"

#include <string.h>

#include <openssl/evp.h>

#include <tip/clock.h>

/* An e-mail domain is a sender `@example.com`: the standard has no type of its own for it. */
static const char *const misp_types[BL_EXPORT_CLASS_COUNT] = {[BL_EXPORT_IP4] = "ip-src",
                                                              [BL_EXPORT_IP6] = "ip-src",
                                                              [BL_EXPORT_NAME] = "domain",
                                                              [BL_EXPORT_URL] = "url",
                                                              [BL_EXPORT_ENDPOINT] = "ip-dst|port",
                                                              [BL_EXPORT_ASN] = "AS",
                                                              [BL_EXPORT_EMAIL_DOMAIN] = "email-src"};

static const char *misp_type(const struct bl_export_item *item)
{
    if (item->class != BL_EXPORT_HASH)
        return misp_types[item->class];
    return item->len == 32 ? "md5" : item->len == 40 ? "sha1" : "sha256";
}

enum { MISP_VALUE = TIP_PREFIX_TEXT + 8 };

/* MISP writes an endpoint as `address|port`, without brackets, a system as a number. `text` is for any address. */
static const char *misp_value(const struct bl_export *export, const struct bl_export_item *item,
                              char text[static MISP_VALUE])
{
    const char *value = bl_export_value(&export->view, item, text);
    tip_auto(tip_buf_deinit) struct tip_buf pair;
    struct tip_endpoint endpoint;
    char host[TIP_ADDR_TEXT];

    tip_buf_init(&pair, MISP_VALUE - 1);
    if (item->class == BL_EXPORT_ASN)
        return value + strlen("AS");
    if (item->class != BL_EXPORT_ENDPOINT || tip_endpoint_parse(&endpoint, value, strlen(value)))
        return value;
    (void)tip_addr_format(&endpoint.addr, host); /* its length */
    if (tip_buf_append_format(&pair, "%s|%u", host, (unsigned)endpoint.port))
        return value;
    return strcpy(text, tip_buf_text(&pair));
}

/* What manifest and event both say. */
static void misp_head(struct bl_out *out, const struct bl_export *export)
{
    char producer[TIP_UUID_TEXT], date[TIP_CLOCK_TEXT];

    bl_export_uuid(export, "producer", "", producer);
    (void)tip_clock_format((int64_t) export->since_unix_s * TIP_SECOND_MS, date); /* its length */
    bl_out_text(out, "\"info\":");
    bl_out_json(out, export->title);
    bl_out_text(out, ",\"Orgc\":{\"name\":");
    bl_out_json(out, export->producer);
    bl_out_format(out,
                  ",\"uuid\":\"%s\"},\"analysis\":\"2\",\"threat_level_id\":\"2\",\"timestamp\":\"%u\",\"date\":"
                  "\"%.10s\",\"Tag\":[{\"name\":\"tlp:%s\"}]",
                  producer, (unsigned)export->serial, date, export->audience);
}

void bl_export_misp_manifest(struct bl_out *out, const struct bl_export *export)
{
    char event[TIP_UUID_TEXT];

    bl_export_uuid(export, "event", "", event);
    bl_out_format(out, "{\"%s\":{", event);
    misp_head(out, export);
    bl_out_text(out, "}}\n");
}

static void misp_hash(struct bl_out *out, const char *value, size_t len, const char *event)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(value, len, digest, NULL, EVP_md5(), NULL) != 1) {
        out->n_skipped++; /* a machine that forbids MD5: MISP then reads the event to find out what is new */
        return;
    }
    for (size_t i = 0; i < 16; i++)
        bl_out_format(out, "%02x", digest[i]);
    bl_out_format(out, ",%s\n", event);
}

/* Each half of a pair by itself. */
void bl_export_misp_hashes(struct bl_out *out, const struct bl_export *export)
{
    char event[TIP_UUID_TEXT], text[MISP_VALUE];

    bl_export_uuid(export, "event", "", event);
    for (size_t i = 0; i < export->view.n; i++) {
        const struct bl_export_item *item = &export->view.items[i];
        const char *value = misp_value(export, item, text);
        size_t n = item->class == BL_EXPORT_ENDPOINT ? strcspn(value, "|") : strlen(value);

        misp_hash(out, value, n, event);
        if (value[n])
            misp_hash(out, value + n + 1, strlen(value + n + 1), event);
    }
}

static void misp_item(struct bl_out *out, const struct bl_export *export, const struct bl_export_item *item)
{
    char uuid[TIP_UUID_TEXT], text[MISP_VALUE];

    bl_export_item_uuid(export, item, uuid);
    bl_out_format(out, "{\"uuid\":\"%s\",\"type\":\"%s\",\"category\":\"%s\",\"to_ids\":true,\"value\":", uuid,
                  misp_type(item), item->class == BL_EXPORT_HASH ? "Payload delivery" : "Network activity");
    bl_out_json(out, misp_value(export, item, text));
    bl_out_format(out, ",\"timestamp\":\"%u\",\"comment\":\"%s, %s, score %u.%02u: ", (unsigned)item->changed_unix_s,
                  bl_export_tier(item), bl_export_category(export, item), item->score / 100u, item->score % 100u);
    bl_export_lists(out, export, item, ","); /* names of lists hold nothing that JSON would mind */
    bl_out_text(out, item->is_subtree ? " and all below it\"}" : "\"}");
}

/* Attribution: an attribute of its own, which no detection goes by. */
static void misp_credits(struct bl_out *out, const struct bl_export *export, const char **separator)
{
    char uuid[TIP_UUID_TEXT];

    for (size_t i = 0; i < export->n_sources; i++) {
        const struct bl_export_source *source = &export->sources[i];
        const char *credit = source->attribution ? source->attribution : source->licence;

        if (!source->has_part)
            continue;
        bl_export_uuid(export, "source", source->name, uuid);
        bl_out_format(out,
                      "%s{\"uuid\":\"%s\",\"type\":\"comment\",\"category\":\"Internal reference\",\"to_ids\":false,"
                      "\"value\":",
                      *separator, uuid);
        *separator = ",\n";
        bl_out_json(out, source->name);
        bl_out_format(out, ",\"timestamp\":\"%u\",\"comment\":", (unsigned)export->since_unix_s);
        bl_out_json(out, credit ? credit : "a list");
        bl_out_text(out, "}");
    }
}

void bl_export_misp(struct bl_out *out, const struct bl_export *export)
{
    const char *separator = "";
    char event[TIP_UUID_TEXT];

    bl_export_uuid(export, "event", "", event);
    bl_out_format(out, "{\"Event\":{\"uuid\":\"%s\",\"published\":true,\"publish_timestamp\":\"%u\",", event,
                  (unsigned)export->serial);
    misp_head(out, export);
    bl_out_text(out, ",\"Attribute\":[\n");
    misp_credits(out, export, &separator);
    for (size_t i = 0; i < export->view.n; i++) {
        bl_out_text(out, separator);
        separator = ",\n";
        misp_item(out, export, &export->view.items[i]);
    }
    bl_out_text(out, "\n]}}\n");
}
