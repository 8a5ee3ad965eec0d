#include "keys/services.h"

#include <stdio.h>
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
     .serve = {TIP_QUEUE_CONTROL "blacklist", "snapshot.verdict.", "snapshot.allow.", TIP_QUEUE_LOOKUP}},
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

static bool services_covers(const struct keymap_prefixes *have, const char *want)
{
    for (size_t i = 0; i < have->n; i++) {
        if (strncmp(want, have->texts[i], strlen(have->texts[i])) == 0)
            return true;
    }
    return false;
}

void services_widened(const struct service_rights *rights, const struct keymap_key *old, struct keymap_key *key)
{
    const struct keymap_prefixes *const from[] = {&old->publish, &old->serve};

    services_key(rights, key);
    key->roles |= old->roles;
    key->audience = old->audience;
    strcpy(key->public_key, old->public_key);
    for (size_t k = 0; k < 2; k++) {
        struct keymap_prefixes *to = k ? &key->serve : &key->publish;

        for (size_t i = 0; i < from[k]->n; i++) {
            if (!services_covers(to, from[k]->texts[i]))
                (void)!keymap_prefixes_add(to,
                                           from[k]->texts[i]); /* it has more than there is room for: it keeps ours */
        }
    }
}

struct services_text {
    char *text;
    size_t size, len;
    const char *name; /* the key that was spoken of last */
};

static void services_say(struct services_text *out, const char *name, const char *what, const char *prefix)
{
    bool is_new = !out->name || strcmp(out->name, name) != 0;
    int n = snprintf(out->text + out->len, out->size - out->len, "%s%s%s%s %s", out->name ? is_new ? "; " : ", " : "",
                     is_new ? name : "", is_new ? ": " : "", what, prefix);

    out->name = name;
    out->len += (size_t)n < out->size - out->len ? (size_t)n : out->size - out->len - 1;
}

static void services_compare(struct services_text *out, const struct service_rights *rights,
                             const struct keymap_key *have)
{
    if (!(have->roles & 1U << rights->role))
        services_say(out, rights->name, "role", keymap_role_names[rights->role]);
    for (size_t i = 0; i < SERVICES_PREFIXES && rights->publish[i]; i++) {
        if (!services_covers(&have->publish, rights->publish[i]))
            services_say(out, rights->name, "publish", rights->publish[i]);
    }
    for (size_t i = 0; i < SERVICES_PREFIXES && rights->serve[i]; i++) {
        if (!services_covers(&have->serve, rights->serve[i]))
            services_say(out, rights->name, "serve", rights->serve[i]);
    }
}

bool services_narrow(const struct keymap *map, const char *name, char *text, size_t size)
{
    struct services_text out = {.text = text, .size = size};

    text[0] = '\0';
    for (const struct service_rights *at = services; at->name; at++) {
        const struct keymap_key *have = keymap_find(map, at->name);

        if (have && (!name || strcmp(name, at->name) == 0))
            services_compare(&out, at, have);
    }
    return out.name != NULL;
}
