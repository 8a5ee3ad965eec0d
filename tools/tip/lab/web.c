#include "lab/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "up/tree.h"

/* One process: nothing is left when it is killed. What breaks is switched by the presence of a file. */
static const char web_nginx_conf[] = "daemon off;\n"
                                     "master_process off;\n"
                                     "pid %1$s/nginx.pid;\n"
                                     "error_log stderr warn;\n"
                                     "events { worker_connections 64; }\n"
                                     "http {\n"
                                     "    access_log off;\n"
                                     "    server_tokens off;\n"
                                     "    default_type text/plain;\n"
                                     "    client_body_temp_path %1$s/tmp;\n"
                                     "    proxy_temp_path %1$s/tmp;\n"
                                     "    fastcgi_temp_path %1$s/tmp;\n"
                                     "    uwsgi_temp_path %1$s/tmp;\n"
                                     "    scgi_temp_path %1$s/tmp;\n"
                                     "    server {\n"
                                     "        listen %2$s;\n"
                                     "        root %1$s/www;\n"
                                     "        error_page 503 /503.html;\n"
                                     "        location = /503.html { internal; default_type text/html; }\n"
                                     "        location = /%3$s {\n"
                                     "            if (-f %1$s/broken) { return 503; }\n"
                                     "        }\n"
                                     "    }\n"
                                     "}\n";

static const char web_503[] = "<!doctype html>\n<html><head><title>503 Service Temporarily Unavailable</title></head>\n"
                              "<body><h1>SIMULATED fault: this server is down for maintenance</h1></body></html>\n";

const char *lab_web_program(void)
{
    static const char *const places[] = {"/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (access(places[i], X_OK) == 0)
            return places[i];
    }
    return NULL;
}

bool lab_port_is_free(uint16_t port)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    tip_auto(tip_fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;

    return fd != -1 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
           bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
}

uint16_t lab_free_port(void)
{
    uint16_t port = 0;

    for (int i = 0; i < 1000; i++) {
        if (getrandom(&port, sizeof(port), 0) != sizeof(port))
            return 0;
        port = (uint16_t)(20000 + port % 12000);
        if (lab_port_is_free(port))
            return port;
    }
    return 0;
}

static int web_gzip(const struct tip_buf *plain, void *packed, size_t room, size_t *lenp)
{
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    int ok;

    ok = archive_write_set_format_raw(archive) == ARCHIVE_OK && archive_write_add_filter_gzip(archive) == ARCHIVE_OK &&
         archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK &&
         archive_write_open_memory(archive, packed, room, lenp) == ARCHIVE_OK;
    archive_entry_set_filetype(entry, AE_IFREG); /* the only kind that raw can hold */
    ok = ok && archive_write_header(archive, entry) == ARCHIVE_OK &&
         archive_write_data(archive, plain->data, plain->len) == (la_ssize_t)plain->len &&
         archive_write_close(archive) == ARCHIVE_OK;
    archive_entry_free(entry);
    archive_write_free(archive);
    return ok ? 0 : tip_fail(-EIO);
}

static int web_put(const struct lab_web *web, const char *name, const void *bytes, size_t n)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", web->dir, name) >= (int)sizeof(path))
        return tip_fail(-ENAMETOOLONG);
    return tree_write(path, bytes, n);
}

static int web_put_list(const struct lab_web *web, enum lab_list_id id, unsigned generation)
{
    const struct lab_list *list = &lab_lists[id];
    tip_auto(tip_buf_deinit) struct tip_buf text;
    char name[128], packed[LAB_LIST_BYTES];
    size_t len = 0;
    int r;

    tip_buf_init(&text, LAB_LIST_BYTES);
    r = lab_list_write(id, web->seed, generation, &text);
    snprintf(name, sizeof(name), "www/%s", list->file);
    if (r == 0 && list->is_gzip)
        r = web_gzip(&text, packed, sizeof(packed), &len);
    if (r)
        return tip_fail(r);
    return web_put(web, name, list->is_gzip ? packed : (const char *)text.data, list->is_gzip ? len : text.len);
}

static int web_put_generation(struct lab_web *web, unsigned generation)
{
    int r = 0;

    for (int id = 0; id < LAB_LIST_COUNT && r == 0; id++) {
        if (id != LAB_PORTS || web->fault == LAB_FAULT_NONE)
            r = web_put_list(web, (enum lab_list_id)id, generation);
    }
    web->generation = (int)generation;
    return r;
}

/* 503 by the file `broken`, empty by an empty list, healed by neither. */
static int web_put_fault(struct lab_web *web, enum lab_fault fault)
{
    char path[PATH_MAX];
    int r;

    web->fault = fault;
    if (fault == LAB_FAULT_HTTP_503)
        return web_put(web, "broken", "", 0);
    r = fault == LAB_FAULT_EMPTY ? web_put(web, "www/ports.txt", "", 0)
                                 : web_put_list(web, LAB_PORTS, (unsigned)web->generation);
    snprintf(path, sizeof(path), "%s/broken", web->dir);
    if (r == 0 && unlink(path) == -1 && errno != ENOENT)
        return tip_fail(-errno);
    return r;
}

static int web_make_dirs(const struct lab_web *web)
{
    static const char *const names[] = {"", "/www", "/tmp"};
    char path[PATH_MAX];
    int r = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && r == 0; i++) {
        if (snprintf(path, sizeof(path), "%s%s", web->dir, names[i]) >= (int)sizeof(path))
            return tip_fail(-ENAMETOOLONG);
        r = tree_make(path, 0755);
    }
    return r;
}

int lab_web_open(struct lab_web *web, char *dir, const char *listen, uint64_t seed)
{
    tip_auto(tip_free) char *conf = NULL;
    int r, len;

    *web = (struct lab_web){.dir = dir, .seed = seed, .generation = -1};
    len = asprintf(&conf, web_nginx_conf, dir, listen, lab_lists[LAB_PORTS].file);
    if (len == -1)
        return tip_fail(-ENOMEM);
    r = web_make_dirs(web);
    if (r == 0)
        r = web_put(web, "nginx.conf", conf, (size_t)len);
    if (r == 0)
        r = web_put(web, "www/503.html", web_503, sizeof(web_503) - 1);
    return r ? r : web_put_generation(web, 0);
}

void lab_web_deinit(struct lab_web *web)
{
    free(web->dir);
    *web = (struct lab_web){.generation = -1};
}

int lab_web_turn(struct lab_web *web, uint64_t elapsed_ms, bool *changedp)
{
    unsigned generation = lab_generation_at(elapsed_ms);
    enum lab_fault fault = lab_fault_at(elapsed_ms);
    int r = 0;

    *changedp = (int)generation != web->generation || fault != web->fault;
    if ((int)generation != web->generation)
        r = web_put_generation(web, generation);
    if (r == 0 && fault != web->fault)
        r = web_put_fault(web, fault);
    return r;
}
