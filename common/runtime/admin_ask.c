#include <tip/admin.h>

#include <errno.h>
#include <stdio.h>

#include <curl/curl.h>

#include <tip/buf.h>
#include <tip/fail.h>

enum { ASK_TIMEOUT_MS = 2000 };

static size_t ask_on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    return tip_buf_append(ctx, bytes, size * n) ? 0 : n;
}

int tip_admin_ask(const char *socket, const char *path, struct tip_buf *body, long *statusp)
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
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ASK_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ask_on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, statusp);
    curl_easy_cleanup(curl);
    return code == CURLE_OK ? 0 : -ECONNREFUSED;
}
