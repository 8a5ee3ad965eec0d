/*
 * A bundle of STIX 2.1: an identity, the marking of the view's audience, an indicator an entry. Ids depend on producer,
 * view and value alone, so that an indicator keeps its id from one publication to the next. `created` is since when it
 * stands in the view, `modified` when something of it changed.
 */
#include "core/export_writers.h"

#include <stdlib.h>
#include <string.h>

/* STIX 2.1 section 7.2.1.4: the ids of these are given. TLP's CLEAR was WHITE then. */
static const struct stix_marking {
    const char *audience, *id, *name, *tlp;
} stix_markings[] = {
    {"clear", "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "TLP:WHITE", "white"},
    {"green", "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", "TLP:GREEN", "green"},
    {"amber", "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", "TLP:AMBER", "amber"},
};

static const struct stix_marking *stix_marking(const struct bl_export *export)
{
    const struct stix_marking *marking = stix_markings + 2; /* what has no name is for few */

    for (size_t i = 0; i < 2; i++) {
        if (!strcmp(stix_markings[i].audience, export->audience))
            marking = &stix_markings[i];
    }
    return marking;
}

/* ---- patterns: a text in quotes within a string of JSON ---- */

/* In a pattern `'` and `\` are escaped by `\`; in JSON that `\` once more. What is let in is printable ASCII. */
static void stix_quoted(struct bl_out *out, const char *text)
{
    bl_out_text(out, "'");
    for (; *text; text++) {
        if (*text == '\'')
            bl_out_text(out, "\\\\'");
        else if (*text == '\\')
            bl_out_text(out, "\\\\\\\\");
        else
            bl_out_format(out, *text == '"' ? "\\\"" : "%c", *text);
    }
    bl_out_text(out, "'");
}

static void stix_address(struct bl_out *out, const struct bl_export_item *item, const char *value)
{
    bl_out_format(out, "[ipv%c-addr:value %s ", item->class == BL_EXPORT_IP4 ? '4' : '6',
                  bl_export_kind(item) == TIP_KIND_NET ? "ISSUBSET" : "=");
    stix_quoted(out, value);
    bl_out_text(out, "]");
}

/* All below a name: a regular expression without anything that would have to be escaped twice. */
static void stix_name(struct bl_out *out, const struct bl_export_item *item, const char *value)
{
    bl_out_text(out, "[domain-name:value = ");
    stix_quoted(out, value);
    if (item->is_subtree) {
        bl_out_text(out, " OR domain-name:value MATCHES '[.]");
        for (; *value; value++)
            bl_out_format(out, *value == '.' ? "[.]" : "%c", *value);
        bl_out_text(out, "$'");
    }
    bl_out_text(out, "]");
}

static void stix_endpoint(struct bl_out *out, const char *value)
{
    char host[TIP_ADDR_TEXT] = "";
    struct tip_endpoint endpoint;

    if (tip_endpoint_parse(&endpoint, value, strlen(value))) {
        out->n_skipped++;
        bl_out_text(out, "[network-traffic:dst_port = 0]"); /* cannot be: it was canonical when it came */
        return;
    }
    (void)tip_addr_format(&endpoint.addr, host); /* its length */
    bl_out_format(out,
                  "[network-traffic:dst_ref.type = 'ipv%c-addr' AND network-traffic:dst_ref.value = '%s' AND "
                  "network-traffic:dst_port = %u]",
                  endpoint.addr.family == 4 ? '4' : '6', host, (unsigned)endpoint.port);
}

static void stix_url(struct bl_out *out, const char *value)
{
    bl_out_text(out, "[url:value = ");
    stix_quoted(out, value);
    bl_out_text(out, "]");
}

/* Names of hashes: section 10.6. One with a dash stands in quotes. */
static void stix_hash(struct bl_out *out, const char *value)
{
    size_t len = strlen(value);

    bl_out_format(out, "[file:hashes.%s = '%s']", len == 32 ? "MD5" : len == 40 ? "'SHA-1'" : "'SHA-256'", value);
}

/* An address there: what stands behind its @. */
static void stix_email_domain(struct bl_out *out, const char *value)
{
    bl_out_text(out, "[email-addr:value MATCHES '");
    for (; *value; value++)
        bl_out_format(out, *value == '.' ? "[.]" : "%c", *value);
    bl_out_text(out, "$']");
}

static void stix_pattern(struct bl_out *out, const struct bl_export_item *item, const char *value)
{
    switch ((enum bl_export_class)item->class) {
    case BL_EXPORT_NAME:
        stix_name(out, item, value);
        return;
    case BL_EXPORT_URL:
        stix_url(out, value);
        return;
    case BL_EXPORT_ENDPOINT:
        stix_endpoint(out, value);
        return;
    case BL_EXPORT_ASN:
        bl_out_format(out, "[autonomous-system:number = %s]", value + strlen("AS"));
        return;
    case BL_EXPORT_HASH:
        stix_hash(out, value);
        return;
    case BL_EXPORT_EMAIL_DOMAIN:
        stix_email_domain(out, value);
        return;
    case BL_EXPORT_IP4:
    case BL_EXPORT_IP6:
    case BL_EXPORT_CLASS_COUNT:
        break;
    }
    stix_address(out, item, value);
}

/* ---- objects ---- */

static void stix_times(struct bl_out *out, uint32_t created_unix_s, uint32_t modified_unix_s)
{
    bl_out_text(out, "\"created\":\"");
    bl_out_time_ms(out, created_unix_s);
    bl_out_text(out, "\",\"modified\":\"");
    bl_out_time_ms(out, modified_unix_s);
    bl_out_text(out, "\"");
}

/* Whom the entries are from: their attribution, or their licence. */
static void stix_references(struct bl_out *out, const struct bl_export *export)
{
    size_t n = 0;

    for (size_t i = 0; i < export->n_sources; i++) {
        const struct bl_export_source *source = &export->sources[i];

        if (!source->has_part)
            continue;
        bl_out_text(out, n++ ? ",{\"source_name\":" : ",\"external_references\":[{\"source_name\":");
        bl_out_json(out, source->name);
        bl_out_text(out, ",\"description\":");
        bl_out_json(out, source->attribution ? source->attribution : source->licence ? source->licence : "a list");
        bl_out_text(out, "}");
    }
    bl_out_text(out, n ? "]" : "");
}

static void stix_identity(struct bl_out *out, const struct bl_export *export, const char *id)
{
    bl_out_format(out, "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--%s\",", id);
    stix_times(out, export->since_unix_s, export->generated_unix_s);
    bl_out_text(out, ",\"name\":");
    bl_out_json(out, export->producer);
    bl_out_text(out, ",\"identity_class\":\"system\",\"description\":");
    bl_out_json(out, export->title);
    stix_references(out, export);
    bl_out_text(out, "}");
}

static void stix_definition(struct bl_out *out, const struct stix_marking *marking)
{
    bl_out_format(out,
                  ",\n{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":"
                  "\"2017-01-20T00:00:00.000Z\",\"definition_type\":\"tlp\",\"name\":\"%s\",\"definition\":{\"tlp\":"
                  "\"%s\"}}",
                  marking->id, marking->name, marking->tlp);
}

/* When it ends: when it is known to; else a while after the last publication, so that a copy does not live for ever. */
static uint32_t stix_until(const struct bl_export *export, const struct bl_export_item *item)
{
    uint32_t until = item->until_unix_s;

    if (!until && export->lifetime_s)
        until = export->generated_unix_s + export->lifetime_s;
    return until > item->since_unix_s ? until : 0;
}

static void stix_item(struct bl_out *out, const struct bl_export *export, const struct bl_export_item *item,
                      const char *identity)
{
    char uuid[TIP_UUID_TEXT], text[TIP_PREFIX_TEXT];
    const char *value = bl_export_value(&export->view, item, text);
    uint32_t until = stix_until(export, item);
    bool is_renewed = until && !item->until_unix_s;

    bl_export_item_uuid(export, item, uuid);
    bl_out_format(out,
                  ",\n{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--%s\",\"created_by_ref\":"
                  "\"identity--%s\",",
                  uuid, identity);
    stix_times(out, item->since_unix_s, is_renewed ? export->generated_unix_s : item->changed_unix_s);
    bl_out_text(out, ",\"name\":");
    bl_out_json(out, value);
    bl_out_text(out, ",\"indicator_types\":[\"malicious-activity\"],\"pattern_type\":\"stix\",\"pattern_version\":"
                     "\"2.1\",\"pattern\":\"");
    stix_pattern(out, item, value);
    bl_out_text(out, "\",\"valid_from\":\"");
    bl_out_time_ms(out, item->since_unix_s);
    if (until) {
        bl_out_text(out, "\",\"valid_until\":\"");
        bl_out_time_ms(out, until);
    }
    bl_out_format(out, "\",\"confidence\":%u,\"labels\":[\"%s\",\"%s\"],\"object_marking_refs\":[\"%s\"]}",
                  (unsigned)item->score, bl_export_tier(item), bl_export_category(export, item),
                  stix_marking(export)->id);
}

void bl_export_stix(struct bl_out *out, const struct bl_export *export)
{
    char bundle[TIP_UUID_TEXT], identity[TIP_UUID_TEXT];

    bl_export_uuid(export, "bundle", "", bundle);
    bl_export_uuid(export, "producer", "", identity);
    bl_out_format(out, "{\"type\":\"bundle\",\"id\":\"bundle--%s\",\"objects\":[\n", bundle);
    stix_identity(out, export, identity);
    stix_definition(out, stix_marking(export));
    for (size_t i = 0; i < export->view.n; i++)
        stix_item(out, export, &export->view.items[i], identity);
    bl_out_text(out, "\n]}\n");
}
