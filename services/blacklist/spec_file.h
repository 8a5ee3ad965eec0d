#pragma once
/* One file of a source: spec.c reads it, specs.c all that there are. */
#include "spec.h"

/** Where the files lie, and what follows from that. */
struct spec_place {
    const struct bl_options *options;
    const char *dir;
    bool is_public;
    const char *option; /* that names the directory */
};

/**
 * What is wrong is listed in `conf` with file, line and column.
 *
 * @param spec  all zero; named afterwards unless the file cannot be read, and then it has to be freed
 * @return 0 or TIP_CONF_E_INVALID
 */
tip_nodiscard int spec_read(struct bl_spec *spec, const struct spec_place *place, const char *file,
                            struct tip_conf *conf);
