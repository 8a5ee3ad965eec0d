#include "lab/dns.h"

#include <stdio.h>
#include <unistd.h>

#include "lab/files.h"
#include "up/supervisor.h"

static const char dns_program[] = "/usr/sbin/rbldnsd";

/* It ends at once when its file is not there yet, so it comes when the first export does. */
bool lab_dns_turn(bool is_started, const struct lab_files *files, struct sup *sup)
{
    char path[256], zone[320], bind[32];

    snprintf(path, sizeof(path), "%s/blacklist/exports/" LAB_DNS_VIEW "/" LAB_DNS_VIEW ".rbldnsd", files->data);
    if (is_started || access(dns_program, X_OK) == -1 || access(path, R_OK) == -1)
        return is_started;
    snprintf(zone, sizeof(zone), LAB_DNS_ZONE ":ip4trie:%s", path);
    snprintf(bind, sizeof(bind), "127.0.0.1/%u", (unsigned)files->ports[LAB_PORT_DNS]);
    sup_keep(sup, &(struct sup_spec){.name = "rbldnsd",
                                     .path = dns_program,
                                     .args = (const char *const[]){"-n", "-b", bind, "-c", "1s", zone, NULL},
                                     .rank = SUP_RANKS - 1});
    return true;
}
