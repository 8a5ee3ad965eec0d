#include "lab/files.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/fail.h>

#include "lab/dns.h"
#include "lab/lists.h"
#include "lab/web.h"
#include "up/tree.h"

enum { FILES_PAGE_PORT = 8080 };

static const char files_tip_yaml[] =
    "# SIMULATED: made by `tip lab`, gone when it ends. Nothing in here is about the real internet.\n"
    "tip:\n"
    "  run: %1$s\n"
    "  simulated: true\n"
    "bus:\n"
    "  keys: %10$s\n"
    "  ingest: tcp://127.0.0.1:%3$u\n"
    "  feed: tcp://127.0.0.1:%4$u\n"
    "  fetch: tcp://127.0.0.1:%5$u\n"
    "  work: tcp://127.0.0.1:%6$u\n"
    "  feed_green: tcp://127.0.0.1:%8$u\n"
    "  feed_clear: tcp://127.0.0.1:%9$u\n"
    "up:\n"
    "  data: %2$s\n"
    "broker:\n"
    "  data: %2$s/broker\n"
    "storage:\n"
    "  data: %2$s/storage\n"
    "blacklist:\n"
    "  data: %2$s/blacklist\n"
    "  sources: %7$s\n"
    "  interval_floor: 1s\n"
    "  export_interval: 1s\n"
    "  exports: # rbldnsd serves it on UDP port %12$u\n"
    "    - {name: " LAB_DNS_VIEW ", format: rbldnsd-ip4, tier: slow, zone: " LAB_DNS_ZONE ", special_use: true}\n"
    "web:\n"
    "  data: %2$s/web\n"
    "  listen: 127.0.0.1:%11$u\n"
    "scheduler:\n"
    "  data: %2$s/scheduler\n"
    "  jobs:\n"
    "    - {name: lab-lists, module: blacklist, every: 2s, deadline: 20s}\n"
    "    - {name: lab-upkeep, module: storage, every: 1m, deadline: 50s}\n";

static const char files_source_yaml[] = "# SIMULATED\n"
                                        "url: http://127.0.0.1:%1$u/%2$s\n"
                                        "%3$s"
                                        "weight: %4$s\n"
                                        "half_life: 0\n"
                                        "interval: 2s\n"
                                        "redistribute: true\n"
                                        "allow_private: [127.0.0.0/8]\n"
                                        "allow_special: [192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, "
                                        "\"2001:db8::/32\"]\n";

/* A free port that is none of the first n; 0 when there is none. */
static uint16_t files_port(const struct lab_files *files, int n)
{
    for (int tries = 0; tries < 100; tries++) {
        uint16_t port = lab_free_port();
        bool is_taken = false;

        for (int i = 0; i < n; i++)
            is_taken = is_taken || files->ports[i] == port;
        if (!is_taken)
            return port;
    }
    return 0;
}

int lab_files_init(struct lab_files *files, const char *dir)
{
    *files = (struct lab_files){.ports = {0}};
    if (strlen(dir) >= sizeof(files->dir))
        return tip_fail(-ENAMETOOLONG);
    strcpy(files->dir, dir);
    snprintf(files->config, sizeof(files->config), "%s/tip.yaml", dir);
    snprintf(files->run, sizeof(files->run), "%s/run", dir);
    snprintf(files->data, sizeof(files->data), "%s/data", dir);
    snprintf(files->sources, sizeof(files->sources), "%s/sources.d", dir);
    snprintf(files->keys, sizeof(files->keys), "%s/keys", dir);
    for (int i = 0; i < LAB_PORTS_COUNT; i++) {
        files->ports[i] = files_port(files, i);
        if (!files->ports[i])
            return tip_fail(-EADDRNOTAVAIL);
    }
    if (lab_port_is_free(FILES_PAGE_PORT))
        files->ports[LAB_PORT_PAGE] = FILES_PAGE_PORT;
    return 0;
}

static int files_put(const char *path, char *text, int len)
{
    int r = len == -1 ? -ENOMEM : tree_write(path, text, (size_t)len);

    if (len != -1)
        free(text);
    return r;
}

static int files_put_source(const struct lab_files *files, const struct lab_list *list)
{
    char path[192], *text = NULL;
    int len;

    snprintf(path, sizeof(path), "%s/%s.yaml", files->sources, list->source);
    len = asprintf(&text, files_source_yaml, (unsigned)files->ports[LAB_PORT_WEB], list->file, list->options,
                   list->weight);
    return files_put(path, text, len);
}

int lab_files_write(const struct lab_files *files)
{
    const char *const dirs[] = {files->run, files->data, files->sources};
    const uint16_t *ports = files->ports;
    char *text = NULL;
    int r = 0, len;

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && r == 0; i++)
        r = tree_make(dirs[i], 0755);
    for (int id = 0; id < LAB_LIST_COUNT && r == 0; id++)
        r = files_put_source(files, &lab_lists[id]);
    if (r)
        return r;
    len = asprintf(&text, files_tip_yaml, files->run, files->data, (unsigned)ports[LAB_PORT_INGEST],
                   (unsigned)ports[LAB_PORT_FEED], (unsigned)ports[LAB_PORT_FETCH], (unsigned)ports[LAB_PORT_WORK],
                   files->sources, (unsigned)ports[LAB_PORT_FEED_GREEN], (unsigned)ports[LAB_PORT_FEED_CLEAR],
                   files->keys, (unsigned)ports[LAB_PORT_PAGE], (unsigned)ports[LAB_PORT_DNS]);
    return files_put(files->config, text, len);
}
