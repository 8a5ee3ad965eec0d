#include "admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <tip/fail.h>

enum { ADMIN_TIMEOUT_MS = 2000 };

static size_t admin_on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    return tip_buf_append(ctx, bytes, size * n) ? 0 : n;
}

int admin_get(const char *socket, const char *path, struct tip_buf *body, long *statusp)
{
    CURL *curl = curl_easy_init();
    char url[128];
    CURLcode code;

    if (!curl)
        return tip_fail(-ENOMEM);
    snprintf(url, sizeof(url), "http://localhost%s", path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ADMIN_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, admin_on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, statusp);
    curl_easy_cleanup(curl);
    return code == CURLE_OK ? 0 : -ECONNREFUSED;
}

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
