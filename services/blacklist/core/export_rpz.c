/*
 * A response policy zone (draft-vixie-dnsop-dns-rpz, version 3): names and addresses whose answer becomes NXDOMAIN.
 * Owners are relative to the zone, so the file fits any.
 */
#include "core/export_writers.h"

#include <string.h>

#include <tip/domain.h>

enum { RPZ_ZONE_ROOM = 100 }; /* for a zone that is not named here: `*.name.zone` must fit 253 bytes */

/* `24.0.2.0.192.rpz-ip`: bytes from the last to the first behind the length. */
static void rpz_ip4(struct bl_out *out, const struct bl_export_item *item)
{
    bl_out_format(out, "%u.%u.%u.%u.%u.rpz-ip CNAME .\n", (unsigned)item->bits, item->addr[3], item->addr[2],
                  item->addr[1], item->addr[0]);
}

/* The longest run of zero groups, at least two long, in reversed order: it becomes `zz`. */
static size_t rpz_zeros(const unsigned groups[static 8], size_t *lenp)
{
    size_t best = 8;
    size_t n = 0;

    *lenp = 1;
    for (size_t i = 0; i < 8; i++) {
        n = groups[i] ? 0 : n + 1;
        if (n > *lenp) {
            *lenp = n;
            best = i + 1 - n;
        }
    }
    return best;
}

/* `48.zz.1.db8.2001.rpz-ip` */
static void rpz_ip6(struct bl_out *out, const struct bl_export_item *item)
{
    unsigned groups[8];
    size_t run_len;
    size_t run;

    for (size_t i = 0; i < 8; i++)
        groups[7 - i] = (unsigned)item->addr[2 * i] << 8 | item->addr[2 * i + 1];
    run = rpz_zeros(groups, &run_len);
    bl_out_format(out, "%u", (unsigned)item->bits);
    for (size_t i = 0; i < 8; i++) {
        if (i == run)
            bl_out_text(out, ".zz");
        if (i < run || i >= run + run_len)
            bl_out_format(out, ".%x", groups[i]);
    }
    bl_out_text(out, ".rpz-ip CNAME .\n");
}

/* A name that fits, and that does not pose as one of the zone's own triggers. */
static bool rpz_may_say(const struct bl_export *export, const struct bl_export_item *item, const char *name)
{
    size_t zone = export->zone ? strlen(export->zone) : RPZ_ZONE_ROOM;
    const char *last = strrchr(name, '.');

    last = last ? last + 1 : name;
    return item->len + zone + strlen("*..") <= TIP_DOMAIN_MAX && strncmp(last, "rpz-", 4) != 0;
}

static void rpz_name(struct bl_out *out, const struct bl_export *export, const struct bl_export_item *item)
{
    char text[TIP_PREFIX_TEXT];
    const char *name = bl_export_value(&export->view, item, text);

    if (!rpz_may_say(export, item, name)) {
        out->n_skipped++;
        return;
    }
    bl_out_format(out, "%s CNAME .\n", name);
    if (item->is_subtree)
        bl_out_format(out, "*.%s CNAME .\n", name);
}

void bl_export_rpz(struct bl_out *out, const struct bl_export *export)
{
    bl_out_text(out, "$TTL 300\n");
    if (export->zone)
        bl_out_format(out, "$ORIGIN %s.\n", export->zone);
    bl_out_format(out, "@ SOA localhost. hostmaster.localhost. %u 300 60 604800 60\n@ NS localhost.\n",
                  (unsigned)export->serial);
    for (size_t i = 0; i < export->view.n; i++) {
        const struct bl_export_item *item = &export->view.items[i];

        if (item->class == BL_EXPORT_IP4)
            rpz_ip4(out, item);
        else if (item->class == BL_EXPORT_IP6)
            rpz_ip6(out, item);
        else if (item->class == BL_EXPORT_NAME)
            rpz_name(out, export, item);
    }
}
