#pragma once
/* The writers that the table of formats names, and what some of them share. */
#include <tip/uuid.h>

#include "core/export.h"

void bl_export_csv(struct bl_out *out, const struct bl_export *export);
void bl_export_ipset(struct bl_out *out, const struct bl_export *export);
void bl_export_json(struct bl_out *out, const struct bl_export *export);
void bl_export_misp(struct bl_out *out, const struct bl_export *export);
void bl_export_misp_hashes(struct bl_out *out, const struct bl_export *export);
void bl_export_misp_manifest(struct bl_out *out, const struct bl_export *export);
void bl_export_nftables(struct bl_out *out, const struct bl_export *export);
void bl_export_plain(struct bl_out *out, const struct bl_export *export);
void bl_export_postfix_cidr(struct bl_out *out, const struct bl_export *export);
void bl_export_postfix_texthash(struct bl_out *out, const struct bl_export *export);
void bl_export_rbldnsd_ip4(struct bl_out *out, const struct bl_export *export);
void bl_export_rbldnsd_ip6(struct bl_out *out, const struct bl_export *export);
void bl_export_rbldnsd_names(struct bl_out *out, const struct bl_export *export);
void bl_export_rpz(struct bl_out *out, const struct bl_export *export);
void bl_export_rspamd(struct bl_out *out, const struct bl_export *export);
void bl_export_stix(struct bl_out *out, const struct bl_export *export);

/**
 * An id that depends on its words alone: UUID version 5 (RFC 9562) of `producer`, a word for what it is, the view, and
 * a value, in a namespace of our own.
 */
void bl_export_uuid(const struct bl_export *export, const char *what, const char *value,
                    char text[static TIP_UUID_TEXT]);

/** The same of an entry: its kind stands for what it is. */
void bl_export_item_uuid(const struct bl_export *export, const struct bl_export_item *item,
                         char text[static TIP_UUID_TEXT]);

/** "drop,feodo" and, when there are more than can be named, ",+2". */
void bl_export_lists(struct bl_out *out, const struct bl_export *export, const struct bl_export_item *item,
                     const char *separator);

/** "watch", "slow", "block" */
const char *bl_export_tier(const struct bl_export_item *item);
const char *bl_export_category(const struct bl_export *export, const struct bl_export_item *item);

/** `for (i = bl_export_first(...); i < export->view.n && items[i].class == class; i++)` */
size_t bl_export_first(const struct bl_export *export, enum bl_export_class class);
