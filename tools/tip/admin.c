#include "admin.h"

#include <stdlib.h>
#include <string.h>

double admin_metric(const char *text, const char *name, double fallback)
{
    const size_t len = strlen(name);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            return strtod(line + len, NULL);
    }
    return fallback;
}
