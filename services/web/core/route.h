#pragma once
/*
 * What is answered, and who may ask: the table of services/web/openapi.json.
 */
#include <stddef.h>

#include <tip/cleanup.h>

enum web_method { WEB_GET, WEB_POST, WEB_DELETE, WEB_OTHER };

/** OPEN: whoever asks, and a token that is sent counts. */
enum web_scope { WEB_SCOPE_NONE, WEB_SCOPE_OPEN, WEB_SCOPE_ANY, WEB_SCOPE_READ, WEB_SCOPE_OPERATE };

enum web_route_id {
    WEB_ROUTE_SEARCH,
    WEB_ROUTE_INDICATOR,
    WEB_ROUTE_VERDICTS,
    WEB_ROUTE_SOURCES,
    WEB_ROUTE_SOURCE,
    WEB_ROUTE_ENTRIES,
    WEB_ROUTE_WEIGHTS,
    WEB_ROUTE_OVERLAPS,
    WEB_ROUTE_RUNS,
    WEB_ROUTE_AUDIT,
    WEB_ROUTE_ALLOW,
    WEB_ROUTE_STATUS,
    WEB_ROUTE_OVERVIEW,
    WEB_ROUTE_EVENTS,
    WEB_ROUTE_CONTROL,
    WEB_ROUTE_LOGIN,
    WEB_ROUTE_SESSION,
    WEB_ROUTE_LOGOUT,
    WEB_ROUTE_OPENAPI,
    WEB_ROUTE_EXPORTS,
    WEB_ROUTE_EXPORT,
    WEB_ROUTE_COUNT
};

struct web_route {
    const char *name; /* label in metrics */
    enum web_method method;
    const char *path; /* one part may be "{}"; a "*" at the end takes the rest */
    enum web_scope scope;
};

extern const struct web_route web_routes[WEB_ROUTE_COUNT];

enum { WEB_ROUTE_E_NONE = 1, WEB_ROUTE_E_METHOD };

/** Where the API begins, and what is exported; everything else is a page or a file. */
#define WEB_API    "/api/"
#define WEB_EXPORT "/export/"

/**
 * @param path    encoded, as it came
 * @param valuep  set to what stood for "{}" or "*" in it, encoded; its length in *lenp
 * @return 0, WEB_ROUTE_E_NONE, or WEB_ROUTE_E_METHOD: the path is there, but not with that method
 */
tip_nodiscard int web_route_find(enum web_method method, const char *path, enum web_route_id *idp, const char **valuep,
                                 size_t *lenp);

/** "GET, HEAD, POST": what a path answers to. @param to  at least 64 bytes */
void web_route_methods(const char *path, char to[static 64]);
