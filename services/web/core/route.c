#include "core/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const struct web_route web_routes[WEB_ROUTE_COUNT] = {
    [WEB_ROUTE_SEARCH] = {"search", WEB_GET, "/api/v1/search", WEB_SCOPE_READ},
    [WEB_ROUTE_INDICATOR] = {"indicator", WEB_GET, "/api/v1/indicators/*", WEB_SCOPE_READ},
    [WEB_ROUTE_VERDICTS] = {"verdicts", WEB_GET, "/api/v1/verdicts", WEB_SCOPE_READ},
    [WEB_ROUTE_SOURCES] = {"sources", WEB_GET, "/api/v1/sources", WEB_SCOPE_READ},
    [WEB_ROUTE_SOURCE] = {"source", WEB_GET, "/api/v1/sources/{}", WEB_SCOPE_READ},
    [WEB_ROUTE_ENTRIES] = {"entries", WEB_GET, "/api/v1/sources/{}/entries", WEB_SCOPE_READ},
    [WEB_ROUTE_WEIGHTS] = {"weights", WEB_GET, "/api/v1/sources/{}/weights", WEB_SCOPE_READ},
    [WEB_ROUTE_OVERLAPS] = {"overlaps", WEB_GET, "/api/v1/overlaps", WEB_SCOPE_READ},
    [WEB_ROUTE_RUNS] = {"runs", WEB_GET, "/api/v1/runs", WEB_SCOPE_READ},
    [WEB_ROUTE_AUDIT] = {"audit", WEB_GET, "/api/v1/audit", WEB_SCOPE_READ},
    [WEB_ROUTE_ALLOW] = {"allow", WEB_GET, "/api/v1/allow", WEB_SCOPE_READ},
    [WEB_ROUTE_STATUS] = {"status", WEB_GET, "/api/v1/status", WEB_SCOPE_READ},
    [WEB_ROUTE_OVERVIEW] = {"overview", WEB_GET, "/api/v1/overview", WEB_SCOPE_READ},
    [WEB_ROUTE_EVENTS] = {"events", WEB_GET, "/api/v1/events", WEB_SCOPE_READ},
    [WEB_ROUTE_CONTROL] = {"control", WEB_POST, "/api/v1/control", WEB_SCOPE_OPERATE},
    [WEB_ROUTE_LOGIN] = {"login", WEB_POST, "/api/v1/session", WEB_SCOPE_NONE},
    [WEB_ROUTE_SESSION] = {"session", WEB_GET, "/api/v1/session", WEB_SCOPE_ANY},
    [WEB_ROUTE_LOGOUT] = {"logout", WEB_DELETE, "/api/v1/session", WEB_SCOPE_ANY},
    [WEB_ROUTE_OPENAPI] = {"openapi", WEB_GET, "/api/v1/openapi.json", WEB_SCOPE_NONE},
    [WEB_ROUTE_EXPORTS] = {"exports", WEB_GET, "/api/v1/exports", WEB_SCOPE_READ},
    [WEB_ROUTE_EXPORT] = {"export", WEB_GET, "/export/*", WEB_SCOPE_OPEN},
};
/* clang-format on */

static const char *const route_methods[] = {
    [WEB_GET] = "GET, HEAD", [WEB_POST] = "POST", [WEB_DELETE] = "DELETE", [WEB_OTHER] = ""};

static bool route_matches(const char *pattern, const char *path, const char **valuep, size_t *lenp)
{
    *valuep = "";
    *lenp = 0;
    while (*pattern && *pattern != '{' && *pattern != '*' && *pattern == *path)
        pattern++, path++;
    if (!*pattern)
        return !*path;
    if (*pattern != '{' && *pattern != '*')
        return false;
    *valuep = path;
    *lenp = *pattern == '*' ? strlen(path) : strcspn(path, "/");
    return *lenp > 0 && !strcmp(*pattern == '*' ? "" : pattern + 2, path + *lenp);
}

int web_route_find(enum web_method method, const char *path, enum web_route_id *idp, const char **valuep, size_t *lenp)
{
    int r = WEB_ROUTE_E_NONE;

    for (int id = 0; id < WEB_ROUTE_COUNT; id++) {
        if (!route_matches(web_routes[id].path, path, valuep, lenp))
            continue;
        *idp = (enum web_route_id)id;
        if (web_routes[id].method == method)
            return 0;
        r = WEB_ROUTE_E_METHOD;
    }
    return r;
}

void web_route_methods(const char *path, char to[static 64])
{
    const char *value;
    size_t len, n = 0;

    to[0] = '\0';
    for (int id = 0; id < WEB_ROUTE_COUNT; id++) {
        if (route_matches(web_routes[id].path, path, &value, &len))
            n += (size_t)snprintf(to + n, 64 - n, "%s%s", n ? ", " : "", route_methods[web_routes[id].method]);
    }
}
