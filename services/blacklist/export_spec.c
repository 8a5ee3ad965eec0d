#include "export_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/domain.h>

struct spec_row {
    struct tip_opt_at at;
    char *name, *title, *zone, *action;
    int format, audience, tier;
    bool is_public, can_shrink, has_special, has_subdomains;
    struct tip_opt_list families, types;
    int64_t entries_max, lifetime_ms;
};

static const char *const tlp_names[] = {"clear", "green", "amber", NULL};
static const char *const tier_names[] = {"watch", "slow", "block", NULL};
const char *const export_family_names[] = {"list", "trap", "flux", "smtp", "deny", NULL};
static const char *const class_names[] = {[BL_EXPORT_IP4] = "ip4",           [BL_EXPORT_IP6] = "ip6",
                                          [BL_EXPORT_NAME] = "domain",       [BL_EXPORT_URL] = "url",
                                          [BL_EXPORT_ENDPOINT] = "endpoint", [BL_EXPORT_ASN] = "asn",
                                          [BL_EXPORT_HASH] = "hash",         [BL_EXPORT_EMAIL_DOMAIN] = "email_domain",
                                          [BL_EXPORT_CLASS_COUNT] = NULL};

#define AT(member) offsetof(struct spec_row, member)

/* clang-format off */
static const struct tip_opt rows[] = {
    {.name = "at", .type = TIP_OPT_AT, .offset = AT(at)},
    {.name = "name", .type = TIP_OPT_STRING, .offset = AT(name), .flags = TIP_OPT_REQUIRED, .min = 1,
     .max = EXPORT_NAME, .help = "What the view is called: letters, digits and `-`, a letter first."},
    {.name = "format", .type = TIP_OPT_ENUM, .offset = AT(format), .fallback = "plain",
     .names = bl_export_format_names, .help = "What it is written for; see docs/exports.md."},
    {.name = "tier", .type = TIP_OPT_ENUM, .offset = AT(tier), .fallback = "block", .names = tier_names,
     .help = "Verdicts of this tier and above."},
    {.name = "audience", .type = TIP_OPT_ENUM, .offset = AT(audience), .fallback = "amber", .names = tlp_names,
     .help = "Computed from what this audience may see, and marked so."},
    {.name = "families", .type = TIP_OPT_LIST, .offset = AT(families), .max = 8,
     .help = "Verdicts that one of these has a share in: `list`, `trap`, `flux`, `smtp`, `deny` [all]."},
    {.name = "types", .type = TIP_OPT_LIST, .offset = AT(types), .max = 8,
     .help = "`ip4`, `ip6`, `domain`, `url`, `endpoint`, `asn`, `hash`, `email_domain` [all that the format can say]."},
    {.name = "title", .type = TIP_OPT_STRING, .offset = AT(title), .max = EXPORT_TITLE,
     .help = "What people read about it."},
    {.name = "zone", .type = TIP_OPT_STRING, .offset = AT(zone), .max = EXPORT_ZONE,
     .help = "rbldnsd, rpz: the zone that it is served as, for its SOA."},
    {.name = "action", .type = TIP_OPT_STRING, .offset = AT(action), .max = EXPORT_ACTION,
     .help = "postfix: what stands behind an entry [`REJECT listed in NAME`]."},
    {.name = "public", .type = TIP_OPT_BOOL, .offset = AT(is_public), .fallback = "false",
     .help = "Whoever asks may have it, without a token; only with the audience `clear`."},
    {.name = "can_shrink", .type = TIP_OPT_BOOL, .offset = AT(can_shrink), .fallback = "false",
     .help = "Also when more than half of its entries would go it is published at once."},
    {.name = "subdomains", .type = TIP_OPT_BOOL, .offset = AT(has_subdomains), .fallback = "false",
     .help = "Each name stands for all below it too, also where the lists name it alone."},
    {.name = "special_use", .type = TIP_OPT_BOOL, .offset = AT(has_special), .fallback = "false",
     .help = "For labs: special-use addresses and names (RFC 6890, RFC 6761) are let through."},
    {.name = "max_entries", .type = TIP_OPT_INT, .offset = AT(entries_max), .fallback = "500000", .min = 1,
     .max = 10e6, .help = "With more it is held. One takes 48 bytes, and its text, while it is written."},
    {.name = "lifetime", .type = TIP_OPT_DURATION, .offset = AT(lifetime_ms), .fallback = "7d", .min = TIP_HOUR_MS,
     .max = 366.0 * TIP_DAY_MS,
     .help = "stix: how long an indicator is valid behind the last publication; it is renewed in time."},
};
/* clang-format on */

const struct tip_opt_table export_spec_table = {
    .rows = rows,
    .n_rows = sizeof(rows) / sizeof(*rows),
    .size = sizeof(struct spec_row),
    .help = "One view: what is in it, for whom, and in which format.",
};

static bool spec_is_name(const char *name)
{
    return *name >= 'a' && *name <= 'z' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

/* The words of a list as bits in the order of names; 0 when one is none of them. */
static unsigned spec_bits(const struct tip_opt_list *list, const char *const *names)
{
    unsigned bits = 0;

    for (size_t i = 0; i < list->n; i++) {
        size_t k = 0;

        while (names[k] && strcmp(names[k], list->items[i]) != 0)
            k++;
        if (!names[k])
            return 0;
        bits |= 1u << k;
    }
    return bits;
}

static const char *spec_sets(struct export_spec *spec, const struct spec_row *row)
{
    const struct bl_export_format *format = &bl_export_formats[row->format];
    const unsigned addresses = 1u << BL_EXPORT_IP4 | 1u << BL_EXPORT_IP6;

    spec->families = row->families.n ? spec_bits(&row->families, export_family_names) : UINT32_MAX;
    if (!spec->families)
        return "a family is none of list, trap, flux, smtp, deny";
    spec->classes = row->types.n ? spec_bits(&row->types, class_names) : format->classes;
    if (!spec->classes)
        return "a type is none of ip4, ip6, domain, url, endpoint, asn, hash, email_domain";
    if (spec->classes & ~format->classes)
        return "its format cannot say one of the types";
    if (spec->format == BL_EXPORT_RSPAMD && spec->classes & addresses && spec->classes & ~addresses)
        return "a map of rspamd holds addresses or names: say which by types";
    return NULL;
}

static const char *spec_zone(struct export_spec *spec, const char *zone)
{
    struct tip_domain domain;

    if (!zone)
        return NULL;
    if (tip_domain_parse(&domain, zone, strlen(zone)) || domain.subtree || domain.len > EXPORT_ZONE)
        return "zone is no domain name";
    strcpy(spec->zone, domain.name);
    return NULL;
}

static void spec_texts(struct export_spec *spec, const struct spec_row *row)
{
    strcpy(spec->name, row->name); /* lengths are in the table */
    if (row->title)
        strcpy(spec->title, row->title);
    else
        (void)snprintf(spec->title, sizeof(spec->title), "TIP: %s, %s and above", row->name, tier_names[row->tier]);
    if (row->action)
        strcpy(spec->action, row->action);
    else
        (void)snprintf(spec->action, sizeof(spec->action), "REJECT listed in %s", row->name);
}

/* @return NULL, or what is wrong with it */
static const char *spec_make(struct export_spec *spec, const struct spec_row *row)
{
    const char *why;

    if (!row->name || !spec_is_name(row->name))
        return "a name is 1 to 24 of a-z, 0-9 and `-`, a letter first";
    *spec = (struct export_spec){.format = (enum bl_export_format_id)row->format,
                                 .audience = (enum tip_tlp)(row->audience + TIP_TLP_CLEAR),
                                 .tier = (unsigned)row->tier + 1,
                                 .is_public = row->is_public,
                                 .can_shrink = row->can_shrink,
                                 .has_special = row->has_special,
                                 .has_subdomains = row->has_subdomains,
                                 .entries_max = row->entries_max,
                                 .lifetime_ms = row->lifetime_ms};
    spec_texts(spec, row);
    if (spec->is_public && spec->audience != TIP_TLP_CLEAR)
        return "what is public has the audience clear";
    why = spec_zone(spec, row->zone);
    return why ? why : spec_sets(spec, row);
}

static bool specs_has(const struct export_specs *specs, const char *name)
{
    for (size_t i = 0; i < specs->n; i++) {
        if (!strcmp(specs->items[i].name, name))
            return true;
    }
    return false;
}

int export_specs_make(struct export_specs *specs, const struct tip_opt_records *records, struct tip_conf *conf)
{
    const struct spec_row *from = records->items;
    int r = 0;

    *specs = (struct export_specs){.items = tip_new_array(records->n, struct export_spec)};
    for (size_t i = 0; i < records->n; i++) {
        const char *why = spec_make(&specs->items[specs->n], &from[i]);

        if (!why && specs_has(specs, from[i].name))
            why = "another view has this name";
        if (!why) {
            specs->n++;
            continue;
        }
        if (conf)
            tip_conf_refuse_at(conf, &from[i].at, "export %s: %s", from[i].name ? from[i].name : "?", why);
        r = TIP_CONF_E_INVALID;
    }
    return r;
}

void export_specs_deinit(struct export_specs *specs)
{
    free(specs->items);
    *specs = (struct export_specs){0};
}
