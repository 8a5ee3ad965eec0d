#include "keys/setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <tip/fail.h>

#include "keys/services.h"
#include "up/tree.h"

static const char *const setup_result_names[SETUP_RESULT_COUNT] = {
    [SETUP_MADE] = "made",           [SETUP_ADOPTED] = "adopted", [SETUP_KEPT] = "kept",
    [SETUP_ELSEWHERE] = "elsewhere", [SETUP_NARROW] = "narrow",   [SETUP_WIDENED] = "widened"};

const char *setup_result_name(enum setup_result result)
{
    return setup_result_names[result];
}

int setup_dir(const char *dir)
{
    struct stat st;

    return stat(dir, &st) == 0 ? 0 : tree_make(dir, 0700);
}

static int setup_failed(int r, const char *what, char why[static KEYMAP_WHY_BYTES])
{
    snprintf(why, KEYMAP_WHY_BYTES, "%.200s: %s", what, strerror(-r));
    return r;
}

/* Its certificate, made when there is none. @param is_foundp  set to whether it was there */
static int setup_cert(const struct keyring *ring, const struct keymap_key *key, struct keyring_cert *cert,
                      bool *is_foundp, char why[static KEYMAP_WHY_BYTES])
{
    const char *audience = strcmp(key->name, KEYRING_BROKER) == 0 ? NULL : keymap_audience_names[key->audience];
    int r = keyring_look(ring, key->name, cert);

    *is_foundp = r != KEYRING_E_NONE;
    if (r == KEYRING_E_BAD) {
        snprintf(why, KEYMAP_WHY_BYTES, "%s.cert is no certificate: move it away", key->name);
        return -EINVAL;
    }
    if (r == 0)
        r = keyring_complete(ring, key->name, cert);
    else
        r = keyring_make(ring, key->name, audience, key->public_key[0] ? key->public_key : NULL, cert);
    return r ? setup_failed(r, ring->dir, why) : 0;
}

int setup_broker(const struct keyring *ring, bool is_dry, enum setup_result *resultp, char why[static KEYMAP_WHY_BYTES])
{
    const struct keymap_key broker = {.name = KEYRING_BROKER};
    struct keyring_cert cert;
    bool is_found = true;
    int r;

    if (is_dry) {
        r = ring ? keyring_look(ring, KEYRING_BROKER, &cert) : KEYRING_E_NONE;
        *resultp = r == KEYRING_E_NONE ? SETUP_MADE : cert.has_public ? SETUP_KEPT : SETUP_ADOPTED;
        return 0;
    }
    r = setup_cert(ring, &broker, &cert, &is_found, why);
    *resultp = is_found ? SETUP_KEPT : SETUP_MADE;
    if (r == 0 && !cert.has_secret) {
        snprintf(why, KEYMAP_WHY_BYTES, "there is broker.cert, but not its secret: this is not the broker's directory");
        r = -EINVAL;
    }
    return r;
}

/* It is in the map already. */
static int setup_keep(const struct keyring *ring, const struct keymap *map, struct keymap_key *key,
                      enum setup_result *resultp, char why[static KEYMAP_WHY_BYTES])
{
    const struct keymap_key *old = keymap_find(map, key->name);
    char lacks[KEYMAP_WHY_BYTES];
    struct keyring_cert cert;
    int r = keyring_look(ring, old->name, &cert);

    if (r == KEYRING_E_BAD || (r == 0 && strcmp(cert.public_key, old->public_key) != 0)) {
        snprintf(why, KEYMAP_WHY_BYTES, "%s.cert and line %zu of keys.yaml hold different keys", old->name,
                 old->first_line + 1);
        return -EINVAL;
    }
    strcpy(key->public_key, old->public_key);
    *resultp = services_narrow(map, old->name, lacks, sizeof(lacks)) ? SETUP_NARROW
               : r == 0 && cert.has_secret                           ? SETUP_KEPT
                                                                     : SETUP_ELSEWHERE;
    return 0;
}

static int setup_write_line(const struct keyring *ring, const struct keymap *map, const struct keymap_key *key,
                            char why[static KEYMAP_WHY_BYTES])
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    int r;

    tip_buf_init(&text, KEYMAP_BYTES_MAX);
    r = keymap_append(map, key, &text, why);
    if (r)
        return r;
    r = keyring_map_write(ring, &text);
    return r ? setup_failed(r, KEYRING_MAP, why) : 0;
}

static int setup_same(const struct keymap *map, struct keymap_key *key, const struct keyring_cert *cert,
                      char why[static KEYMAP_WHY_BYTES])
{
    const struct keymap_key *same;

    if (key->public_key[0] && strcmp(key->public_key, cert->public_key) != 0) {
        snprintf(why, KEYMAP_WHY_BYTES, "%s.cert is there and holds another key: move it away", key->name);
        return -EINVAL;
    }
    strcpy(key->public_key, cert->public_key);
    same = keymap_find_public(map, key->public_key);
    if (!same)
        return 0;
    snprintf(why, KEYMAP_WHY_BYTES, "%s has this public key already", same->name);
    return -EINVAL;
}

static int setup_make(const struct keyring *ring, const struct keymap *map, struct keymap_key *key, bool is_dry,
                      enum setup_result *resultp, char why[static KEYMAP_WHY_BYTES])
{
    struct keyring_cert cert = {.has_secret = false};
    bool is_found = false;
    int r;

    if (key->public_key[0] && keymap_find_public(map, key->public_key)) {
        strcpy(cert.public_key, key->public_key);
        return setup_same(map, key, &cert, why);
    }
    if (is_dry) {
        is_found = keyring_look(ring, key->name, &cert) == 0;
        r = is_found ? setup_same(map, key, &cert, why) : 0;
    } else {
        r = setup_cert(ring, key, &cert, &is_found, why);
        if (r == 0)
            r = setup_same(map, key, &cert, why);
        if (r == 0)
            r = setup_write_line(ring, map, key, why);
    }
    *resultp = is_found ? SETUP_ADOPTED : SETUP_MADE;
    return r;
}

/* The map; `why` begins with the file. */
static int setup_map(const struct keyring *ring, struct keymap **mapp, char why[static KEYMAP_WHY_BYTES])
{
    char reason[KEYMAP_WHY_BYTES];
    int r = keyring_map(ring, mapp, reason);

    if (r)
        snprintf(why, KEYMAP_WHY_BYTES, "%.120s/" KEYRING_MAP ": %.110s", ring->dir,
                 r == -EINVAL ? reason : strerror(-r));
    return r;
}

/* The broker says no as well, to all of keys.yaml. In topics web.2 is web_2. */
static int setup_name(const struct keymap *map, const char *name, char why[static KEYMAP_WHY_BYTES])
{
    for (size_t i = 0; i < map->n; i++) {
        const char *other = map->keys[i].name;
        size_t n = strlen(name), n_other = strlen(other), shorter = n < n_other ? n : n_other;

        if (strncmp(name, other, shorter) != 0 || (n > shorter ? name : other)[shorter] != '_')
            continue;
        snprintf(why, KEYMAP_WHY_BYTES,
                 "\"%s\" and \"%s\" cannot both be keys: in topics one is an instance of the other", name, other);
        return -EINVAL;
    }
    return 0;
}

int setup_add(const struct keyring *ring, struct keymap_key *key, bool is_dry, enum setup_result *resultp,
              char why[static KEYMAP_WHY_BYTES])
{
    tip_auto(keymap_destroy) struct keymap *map = NULL;
    int r = setup_map(ring, &map, why);

    if (r)
        return r;
    if (keymap_find(map, key->name))
        return setup_keep(ring, map, key, resultp, why);
    r = setup_name(map, key->name, why);
    return r ? r : setup_make(ring, map, key, is_dry, resultp, why);
}

/* The map's text with one key's line replaced. */
static int setup_replace(const struct keymap *map, const struct keymap_key *key, struct tip_buf *text,
                         char why[static KEYMAP_WHY_BYTES])
{
    tip_auto(keymap_destroy) struct keymap *without = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf rest;
    int r;

    tip_buf_init(&rest, KEYMAP_BYTES_MAX);
    r = keymap_remove(map, key->name, &rest, why);
    if (r == 0)
        r = keymap_parse(&without, (const char *)rest.data, rest.len, why);
    return r ? r : keymap_append(without, key, text, why);
}

int setup_widen(const struct keyring *ring, const char *name, bool is_dry, enum setup_result *resultp,
                char why[static KEYMAP_WHY_BYTES])
{
    tip_auto(keymap_destroy) struct keymap *map = NULL;
    tip_auto(keymap_key_deinit) struct keymap_key key = {.roles = 0};
    tip_auto(tip_buf_deinit) struct tip_buf text;
    char lacks[KEYMAP_WHY_BYTES];
    int r = setup_map(ring, &map, why);

    tip_buf_init(&text, KEYMAP_BYTES_MAX);
    *resultp = SETUP_KEPT;
    if (r || !services_narrow(map, name, lacks, sizeof(lacks)))
        return r;
    *resultp = SETUP_WIDENED;
    services_widened(services_find(name), keymap_find(map, name), &key);
    r = setup_replace(map, &key, &text, why);
    if (r || is_dry)
        return r;
    r = keyring_map_write(ring, &text);
    return r ? setup_failed(r, ring->dir, why) : 0;
}

bool setup_narrow(const char *dir, char *text, size_t size)
{
    tip_auto(keymap_destroy) struct keymap *map = NULL;
    struct keyring ring = {.fd = -1};
    char why[KEYMAP_WHY_BYTES];
    bool is_narrow = false;

    if (keyring_open(&ring, dir, false) == 0 && keyring_map(&ring, &map, why) == 0)
        is_narrow = services_narrow(map, NULL, text, size);
    keyring_close(&ring);
    return is_narrow;
}

int setup_revoke(const struct keyring *ring, const char *name, bool is_dry, char why[static KEYMAP_WHY_BYTES])
{
    tip_auto(keymap_destroy) struct keymap *map = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf text;
    int r = setup_map(ring, &map, why);

    tip_buf_init(&text, KEYMAP_BYTES_MAX);
    if (r == 0)
        r = keymap_remove(map, name, &text, why);
    if (r || is_dry)
        return r;
    r = keyring_map_write(ring, &text);
    if (r == 0)
        r = keyring_revoke(ring, name);
    return r ? setup_failed(r, ring->dir, why) : 0;
}

/* @param is_wholep  set to whether nothing was missing */
static int setup_all(const struct keyring *ring, bool is_dry, bool *is_wholep, char why[static KEYMAP_WHY_BYTES])
{
    enum setup_result result = SETUP_KEPT;
    struct keymap_key key;
    int r = setup_broker(ring, is_dry, &result, why);

    *is_wholep = result == SETUP_KEPT;
    for (const struct service_rights *at = services; at->name && r == 0; at++) {
        services_key(at, &key);
        r = setup_add(ring, &key, is_dry, &result, why);
        *is_wholep = *is_wholep && (result == SETUP_KEPT || result == SETUP_ELSEWHERE || result == SETUP_NARROW);
        keymap_key_deinit(&key);
    }
    return r;
}

/* @param is_change  false: only looks */
static int setup_perform(const char *dir, bool is_change, bool *is_wholep, char why[static KEYMAP_WHY_BYTES])
{
    struct keyring ring = {.fd = -1};
    int r = is_change ? setup_dir(dir) : 0;

    if (r == 0)
        r = keyring_open(&ring, dir, is_change);
    r = r ? setup_failed(r, dir, why) : setup_all(&ring, !is_change, is_wholep, why);
    keyring_close(&ring);
    return r;
}

int setup_site(const char *dir, char why[static KEYMAP_WHY_BYTES])
{
    bool is_whole = false;

    if (setup_perform(dir, false, &is_whole, why) == 0 && is_whole)
        return 0; /* so that a directory which this user may only read is fine */
    return setup_perform(dir, true, &is_whole, why);
}
