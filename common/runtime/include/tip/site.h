#pragma once
/*
 * Where `tip` finds a running system. `tip up` and `tip lab` write the path of their tip.yaml into a pointer file:
 * root /run/tip-site/site (readable by all), a user $XDG_RUNTIME_DIR/tip/site or, without one, /tmp/tip-<uid>/site.
 * TIP_SITE_DIR names another directory instead of all these, so that several sites of one user, tests among them, do
 * not meet. A pointer file is believed only when its directory belongs to this user or to root and nobody else may
 * write to it.
 */
#include <tip/cleanup.h>

enum { TIP_SITE_E_NONE = 1 }; /* nothing runs here and nothing is configured */

/**
 * Writes the pointer file, over an older one.
 *
 * @param config  absolute path of tip.yaml
 */
tip_nodiscard int tip_site_write(const char *config);

/** Removes the own pointer file if it still points at `config`. */
void tip_site_remove(const char *config);

/**
 * The tip.yaml to use: `option` (--config) if not NULL, TIP_CONFIG, ./tip.yaml, the own pointer file,
 * /run/tip-site/site, /etc/tip/tip.yaml. The first two are taken as they are; of the others, the first that can be
 * read.
 *
 * @param configp  set on success: a path, the caller frees
 * @return 0 or TIP_SITE_E_NONE
 */
tip_nodiscard int tip_site_find(const char *option, char **configp);
