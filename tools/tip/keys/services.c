#include "keys/services.h"

#include <stdlib.h>
#include <string.h>

#include <topics.h>

const struct service_rights services[] = {
    {.name = "tip",
     .role = KEYMAP_OPERATOR,
     .publish = {"v1.schedule.", TIP_TOPIC_CONTROL_APPLIED, TIP_TOPIC_SYSTEM_ALARM}}, /* the kinds of `tip pub` */
    {.name = "scheduler",
     .role = KEYMAP_SERVICE,
     .publish = {TIP_TOPIC_SCHEDULE_DUE, TIP_TOPIC_SCHEDULE_OVERDUE, TIP_TOPIC_CONTROL_APPLIED "scheduler."},
     .serve = {TIP_QUEUE_CONTROL "scheduler"}},
    {.name = "blacklist",
     .role = KEYMAP_SERVICE,
     .publish = {"v1.listing.", "v1.source.", "v1.verdict.", TIP_TOPIC_SCHEDULE_DONE "blacklist.",
                 TIP_TOPIC_SCHEDULE_FAILED "blacklist.", TIP_TOPIC_CONTROL_APPLIED "blacklist.",
                 TIP_TOPIC_CONTROL_ALLOW "blacklist."},
     .serve = {TIP_QUEUE_CONTROL "blacklist", "snapshot.verdict.", "snapshot.allow."}},
    {.name = "storage",
     .role = KEYMAP_SERVICE,
     .publish = {TIP_TOPIC_SCHEDULE_DONE "storage.", TIP_TOPIC_SCHEDULE_FAILED "storage."},
     .serve = {TIP_QUEUE_STORE_QUERY}},
    {.name = "web",
     .role = KEYMAP_SERVICE, /* as an operator's it could not serve its queue */
     .publish = {TIP_TOPIC_CONTROL_APPLIED "web."},
     .serve = {TIP_QUEUE_CONTROL "web"}},
    {.name = NULL},
};

const struct service_rights *services_find(const char *name)
{
    for (const struct service_rights *at = services; at->name; at++) {
        if (strcmp(at->name, name) == 0)
            return at;
    }
    return NULL;
}

static void services_prefixes(const char *const *from, struct keymap_prefixes *to)
{
    for (size_t i = 0; i < SERVICES_PREFIXES && from[i]; i++) {
        if (keymap_prefixes_add(to, from[i]))
            abort(); /* a row has fewer than a key may have */
    }
}

void services_key(const struct service_rights *rights, struct keymap_key *key)
{
    *key = (struct keymap_key){.roles = 1U << rights->role, .audience = KEYMAP_AMBER};
    strcpy(key->name, rights->name);
    services_prefixes(rights->publish, &key->publish);
    services_prefixes(rights->serve, &key->serve);
}
