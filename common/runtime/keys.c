#include <tip/keys.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <czmq.h>
#include <sodium.h>

#include <tip/alloc.h>

enum { KEYS_PATH_BYTES = 241 /* zcert_load adds "_secret" in a buffer of 256 */ };

static const char *const keys_whys[] = {
    [TIP_KEYS_E_NAME] = "a key is called [a-z0-9_-], 1 to 48 characters",
    [TIP_KEYS_E_SECRET] =
        "its .cert_secret is not there, cannot be read, or holds no key pair: `tip keys init` makes the "
        "keys of TIP's own programs, `tip keys add` those of consumers",
    [TIP_KEYS_E_OPEN] = "its .cert_secret is open to other users: chmod o= it, and make a new key if somebody looked",
    [TIP_KEYS_E_BROKER] = "there is no broker.cert that holds a key: `tip keys init`",
    [TIP_KEYS_E_PATH] = "the path of the directory is too long",
};

const char *tip_keys_why(int code)
{
    return code > 0 && code <= TIP_KEYS_E_PATH ? keys_whys[code] : "unknown";
}

bool tip_keys_name_valid(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= TIP_KEYS_NAME_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

static bool keys_are_zero(const uint8_t *key)
{
    return sodium_is_zero(key, TIP_ZSOCK_KEY_BYTES);
}

/* czmq would catch SIGINT and SIGTERM when it starts; loading a certificate does not start it, and never shall. */
static zcert_t *keys_load(const char *path)
{
    zsys_handler_set(NULL);
    return zcert_load(path);
}

static int keys_load_own(struct tip_keys *keys, const char *dir)
{
    tip_auto(zcert_destroy) zcert_t *cert = NULL;
    char path[KEYS_PATH_BYTES + sizeof("_secret")];
    struct stat stat_of;

    if (snprintf(path, KEYS_PATH_BYTES, "%s/%s.cert", dir, keys->name) >= KEYS_PATH_BYTES)
        return TIP_KEYS_E_PATH;
    cert = keys_load(path);
    if (!cert || keys_are_zero(zcert_secret_key(cert)))
        return TIP_KEYS_E_SECRET;
    memcpy(keys->public_key, zcert_public_key(cert), sizeof(keys->public_key));
    memcpy(keys->secret_key, zcert_secret_key(cert), sizeof(keys->secret_key));
    strcat(path, "_secret");
    if (stat(path, &stat_of) == -1)
        return TIP_KEYS_E_SECRET;
    return stat_of.st_mode & S_IRWXO ? TIP_KEYS_E_OPEN : 0;
}

/* zcert_load would take broker.cert_secret first; the public file is what everybody has. */
static int keys_load_broker(struct tip_keys *keys, const char *dir)
{
    char path[KEYS_PATH_BYTES];
    zconfig_t *root;
    const char *text;
    bool is_key;

    if (snprintf(path, sizeof(path), "%s/" TIP_KEYS_BROKER ".cert", dir) >= KEYS_PATH_BYTES)
        return TIP_KEYS_E_PATH;
    root = zconfig_load(path);
    if (!root)
        return TIP_KEYS_E_BROKER;
    text = zconfig_get(root, "/curve/public-key", "");
    is_key = strlen(text) == 40 && zmq_z85_decode(keys->broker_key, text);
    zconfig_destroy(&root);
    return is_key ? 0 : TIP_KEYS_E_BROKER;
}

int tip_keys_open(struct tip_keys **keysp, const char *dir, const char *name)
{
    tip_auto(tip_keys_destroy) struct tip_keys *keys = NULL;
    int r;

    if (!tip_keys_name_valid(name))
        return TIP_KEYS_E_NAME;
    keys = tip_new(struct tip_keys);
    strcpy(keys->name, name);
    keys->client = (struct tip_zsock_keys){
        .public_key = keys->public_key, .secret_key = keys->secret_key, .server_key = keys->broker_key};
    r = keys_load_own(keys, dir);
    if (!r)
        r = keys_load_broker(keys, dir);
    if (r)
        return r;
    *keysp = tip_take(keys);
    return 0;
}

void tip_keys_destroy(struct tip_keys **keysp)
{
    struct tip_keys *keys = *keysp;

    if (!keys)
        return;
    sodium_memzero(keys, sizeof(*keys));
    free(keys);
    *keysp = NULL;
}

bool tip_keys_endpoint(const char *endpoint)
{
    return strncmp(endpoint, "tcp://", 6) == 0;
}

const struct tip_zsock_keys *tip_keys_client(const struct tip_keys *keys, const char *endpoint)
{
    return keys && tip_keys_endpoint(endpoint) ? &keys->client : NULL;
}
