#pragma once
/* What each part of a site may do on the bus: one row a program, as its README says what it publishes and serves. */
#include "keys/keymap.h"

enum { SERVICES_PREFIXES = 8 };

struct service_rights {
    const char *name;
    enum keymap_role role;
    const char *publish[SERVICES_PREFIXES]; /* up to the first NULL; a service may always publish v1.system. */
    const char *serve[SERVICES_PREFIXES];
};

/** Up to the one without a name. */
extern const struct service_rights services[];

const struct service_rights *services_find(const char *name);

/**
 * What keys of a map lack, since a newer version of a program asks for more: "web: publish v1.x.; blacklist: serve y".
 *
 * @param name  only of this key; NULL: of all
 * @return whether any does; text is "" when not
 */
bool services_narrow(const struct keymap *map, const char *name, char *text, size_t size);

/** The rights with whatever else the key has: nothing that somebody gave it goes. */
void services_widened(const struct service_rights *rights, const struct keymap_key *old, struct keymap_key *key);

/** A key with these rights: name, role, prefixes; amber. Its public key is left empty. */
void services_key(const struct service_rights *rights, struct keymap_key *key);
