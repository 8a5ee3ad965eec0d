#pragma once
/* The lab's DNS list: Debian's rbldnsd on the export of what is slow or worse. Without rbldnsd there is none. */
#include <stdbool.h>

struct lab_files;
struct sup;

#define LAB_DNS_VIEW "lab-dnsbl"
#define LAB_DNS_ZONE "dnsbl.test"

/** Starts it once there is something to serve. @return whether it has been started, now or before */
bool lab_dns_turn(bool is_started, const struct lab_files *files, struct sup *sup);
