#include "core/reference.h"

#include <stdlib.h>
#include <string.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/domain.h>
#include <tip/names.h>
#include <tip/ranges.h>

#include "core/flag.h"

enum { REFERENCE_BYTES_MAX = 256 * 1024 * 1024 };

struct reference_role {
    struct tip_ranges4_build build4;
    struct tip_ranges6_build build6;
    struct tip_ranges4 set4;
    struct tip_ranges6 set6;
    struct tip_names names;
    size_t n;
};

struct bl_reference {
    struct reference_role roles[BL_ROLE_COUNT];
};

double bl_role_penalty(enum bl_role role)
{
    static const double penalties[BL_ROLE_COUNT] = {
        [BL_ROLE_SPECIAL] = 1,  [BL_ROLE_SUFFIX] = 1,     [BL_ROLE_INFRASTRUCTURE] = 1, [BL_ROLE_RESOLVER] = 1,
        [BL_ROLE_SINKHOLE] = 1, [BL_ROLE_TOP_SITE] = 0.5, [BL_ROLE_PEER] = 1,           [BL_ROLE_SCANNER] = 0,
    };

    return penalties[role];
}

const char *bl_role_name(enum bl_role role)
{
    static const char *const names[BL_ROLE_COUNT] = {
        [BL_ROLE_SPECIAL] = "special_use",
        [BL_ROLE_SUFFIX] = "public_suffix",
        [BL_ROLE_INFRASTRUCTURE] = "infrastructure",
        [BL_ROLE_RESOLVER] = "resolver",
        [BL_ROLE_SINKHOLE] = "sinkhole",
        [BL_ROLE_TOP_SITE] = "top_site",
        [BL_ROLE_PEER] = "peer",
        [BL_ROLE_SCANNER] = "scanner",
    };

    return names[role];
}

struct bl_reference *bl_reference_new(void)
{
    struct bl_reference *reference = tip_new(struct bl_reference);

    for (size_t i = 0; i < BL_ROLE_COUNT; i++) {
        struct reference_role *role = &reference->roles[i];

        tip_ranges4_build_init(&role->build4, BL_REFERENCE_RANGES_MAX);
        tip_ranges6_build_init(&role->build6, BL_REFERENCE_RANGES_MAX);
        tip_names_init(&role->names, BL_REFERENCE_NAMES_MAX, REFERENCE_BYTES_MAX);
    }
    return reference;
}

void bl_reference_destroy(struct bl_reference **referencep)
{
    struct bl_reference *reference = tip_take(*referencep);

    if (!reference)
        return;
    for (size_t i = 0; i < BL_ROLE_COUNT; i++) {
        tip_ranges4_build_deinit(&reference->roles[i].build4);
        tip_ranges6_build_deinit(&reference->roles[i].build6);
        tip_names_deinit(&reference->roles[i].names);
    }
    free(reference);
}

/* ---- adding ---- */

static int reference_add_prefix(struct reference_role *role, const struct tip_prefix *prefix)
{
    struct tip_addr last = tip_prefix_last(prefix);

    if (prefix->addr.family == 4)
        return tip_ranges4_add(&role->build4, tip_addr_to4(&prefix->addr), tip_addr_to4(&last));
    return tip_ranges6_add(&role->build6, tip_addr_to6(&prefix->addr), tip_addr_to6(&last));
}

static int reference_add_name(struct reference_role *role, enum bl_role which, const char *text, size_t len)
{
    struct tip_indicator indicator;
    bool is_tree;

    if (tip_indicator_parse(&indicator, TIP_KIND_DOMAIN, text, len))
        return BL_REFERENCE_E_UNKNOWN;
    is_tree = (indicator.flags & TIP_INDICATOR_SUBTREE) && which != BL_ROLE_TOP_SITE;
    return tip_names_add(&role->names, indicator.value, indicator.len,
                         is_tree ? TIP_NAMES_SELF | TIP_NAMES_BELOW : TIP_NAMES_SELF);
}

int bl_reference_add(struct bl_reference *reference, enum bl_role which, const char *text, size_t len)
{
    struct reference_role *role = &reference->roles[which];
    struct tip_prefix prefix;
    int r;

    if (!tip_prefix_parse(&prefix, NULL, text, len))
        r = reference_add_prefix(role, &prefix);
    else
        r = reference_add_name(role, which, text, len);
    role->n += !r;
    return r;
}

int bl_reference_finish(struct bl_reference *reference)
{
    int r = 0;

    for (size_t i = 0; !r && i < BL_ROLE_COUNT; i++) {
        struct reference_role *role = &reference->roles[i];

        r = tip_ranges4_build_finish(&role->build4, &role->set4);
        r = r ? r : tip_ranges6_build_finish(&role->build6, &role->set6);
    }
    return r;
}

size_t bl_reference_count(const struct bl_reference *reference, enum bl_role role)
{
    return reference->roles[role].n;
}

/* ---- asking ---- */

static unsigned reference_flags(unsigned flags)
{
    return (flags & BL_FLAG_SPECIAL_USE ? 1u << BL_ROLE_SPECIAL : 0) |
           (flags & BL_FLAG_PUBLIC_SUFFIX ? 1u << BL_ROLE_SUFFIX : 0);
}

static bool reference_touches4(const struct tip_ranges4 *set, uint32_t lo, uint32_t hi)
{
    size_t at = tip_ranges4_find(set, lo);

    return at < set->n && set->at[at].lo <= hi;
}

static bool reference_touches6(const struct tip_ranges6 *set, tip_u128 lo, tip_u128 hi)
{
    size_t at = tip_ranges6_find(set, lo);

    return at < set->n && set->at[at].lo <= hi;
}

static bool reference_hits_prefix(const struct reference_role *role, const struct tip_prefix *prefix)
{
    struct tip_addr last = tip_prefix_last(prefix);

    if (prefix->addr.family == 4)
        return reference_touches4(&role->set4, tip_addr_to4(&prefix->addr), tip_addr_to4(&last));
    return reference_touches6(&role->set6, tip_addr_to6(&prefix->addr), tip_addr_to6(&last));
}

/* The block of an address, network or endpoint. */
static bool reference_prefix(enum tip_kind kind, const char *value, size_t len, struct tip_prefix *prefix)
{
    struct tip_endpoint endpoint;

    if (kind == TIP_KIND_IP || kind == TIP_KIND_NET)
        return !tip_prefix_parse(prefix, NULL, value, len);
    if (kind != TIP_KIND_ENDPOINT || tip_endpoint_parse(&endpoint, value, len))
        return false;
    *prefix = tip_prefix_of(&endpoint.addr, (uint8_t)tip_addr_bits(&endpoint.addr));
    return true;
}

unsigned bl_reference_roles(const struct bl_reference *reference, enum tip_kind kind, const char *value, size_t len,
                            unsigned flags)
{
    unsigned roles = reference_flags(flags);
    struct tip_prefix prefix;
    bool is_block = reference_prefix(kind, value, len, &prefix);

    for (size_t i = 0; i < BL_ROLE_COUNT; i++) {
        const struct reference_role *role = &reference->roles[i];

        if (role->n && ((is_block && reference_hits_prefix(role, &prefix)) ||
                        (kind == TIP_KIND_DOMAIN && tip_names_cover(&role->names, value, len))))
            roles |= 1u << i;
    }
    return roles;
}

unsigned bl_reference_next4(const struct bl_reference *reference, struct bl_reference_walk *walk, uint32_t addr,
                            unsigned flags)
{
    unsigned roles = reference_flags(flags);

    for (size_t i = 0; i < BL_ROLE_COUNT; i++) {
        const struct tip_ranges4 *set = &reference->roles[i].set4;
        size_t at = walk->at[i];

        while (at < set->n && set->at[at].hi < addr)
            at++;
        walk->at[i] = at;
        if (at < set->n && set->at[at].lo <= addr)
            roles |= 1u << i;
    }
    return roles;
}
