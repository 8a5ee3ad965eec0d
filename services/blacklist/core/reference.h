#pragma once
/*
 * What nobody's list should hold: reference lists by role, and which roles an entry hits. The lists are given; where
 * they come from is not known here.
 *
 * Addresses hit by lying inside; a network when it holds or touches one of them. A name hits as itself, or below a name
 * that was given with a leading dot; a top site only as itself, for much below it is not its own. Endpoints go by their
 * address. URLs hit nothing: what is on a host says little about one page of it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>
#include <tip/indicator.h>

/** In the order in which they are published; the first two come with an entry's flags, never from a list. */
enum bl_role {
    BL_ROLE_SPECIAL,        /* special-use addresses */
    BL_ROLE_SUFFIX,         /* public suffixes */
    BL_ROLE_INFRASTRUCTURE, /* mail of the large providers, crawlers, content networks */
    BL_ROLE_RESOLVER,       /* public name servers */
    BL_ROLE_SINKHOLE,
    BL_ROLE_TOP_SITE,
    BL_ROLE_PEER,    /* own known-good peers: mail delivered and accepted, signed */
    BL_ROLE_SCANNER, /* known research scanners: reported, never punished */
    BL_ROLE_COUNT
};

enum { BL_REFERENCE_NAMES_MAX = 2000000, BL_REFERENCE_RANGES_MAX = 4000000 };

/** What a hit counts as. */
double bl_role_penalty(enum bl_role role);

/** "special_use", "infrastructure", … */
const char *bl_role_name(enum bl_role role);

struct bl_reference;

struct bl_reference *bl_reference_new(void);
void bl_reference_destroy(struct bl_reference **referencep);

/** Neither an address, a prefix nor a name. */
enum { BL_REFERENCE_E_UNKNOWN = 1 };

/**
 * Adds an entry of a reference list, `.name` with all below it.
 *
 * @return 0, BL_REFERENCE_E_UNKNOWN, or -ENOBUFS
 */
tip_nodiscard int bl_reference_add(struct bl_reference *reference, enum bl_role role, const char *text, size_t len);

/** Before anything is asked, after all is added. Returns 0 or -ENOBUFS. */
tip_nodiscard int bl_reference_finish(struct bl_reference *reference);

/** Entries of a role, as added. */
size_t bl_reference_count(const struct bl_reference *reference, enum bl_role role);

/** The roles, as bits 1 << role, that an indicator hits. Flags of the entry (core/flag.h) add the first two. */
unsigned bl_reference_roles(const struct bl_reference *reference, enum tip_kind kind, const char *value, size_t len,
                            unsigned flags);

/** For IPv4 hosts in ascending order: cheaper. Zero it at first. */
struct bl_reference_walk {
    size_t at[BL_ROLE_COUNT];
};

unsigned bl_reference_next4(const struct bl_reference *reference, struct bl_reference_walk *walk, uint32_t addr,
                            unsigned flags);
