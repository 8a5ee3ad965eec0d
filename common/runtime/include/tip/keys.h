#pragma once
/*
 * The keys of one program: its own pair and the broker's public key, from the directory `bus.keys`. The files are czmq
 * certificates: <name>.cert_secret (both halves, for nobody else's eyes) and <name>.cert (the public half).
 */
#include <stdint.h>

#include <tip/cleanup.h>
#include <tip/zsock.h>

#define TIP_KEYS_BROKER "broker"

enum { TIP_KEYS_NAME_MAX = 48 };

struct tip_keys {
    char name[TIP_KEYS_NAME_MAX + 1];
    uint8_t public_key[TIP_ZSOCK_KEY_BYTES];
    uint8_t secret_key[TIP_ZSOCK_KEY_BYTES];
    uint8_t broker_key[TIP_ZSOCK_KEY_BYTES];
    struct tip_zsock_keys client; /* of these */
};

enum {
    TIP_KEYS_E_NAME = 1,   /* not 1 to 48 of [a-z0-9_-] */
    TIP_KEYS_E_SECRET = 2, /* <name>.cert_secret is not there, cannot be read, or is no key pair */
    TIP_KEYS_E_OPEN = 3,   /* it can be read or written by other users */
    TIP_KEYS_E_BROKER = 4, /* broker.cert is not there or is no key */
    TIP_KEYS_E_PATH = 5    /* the path is too long for czmq: 240 bytes */
};

/** Loads the pair of `name`, and the broker's public key. @return 0 or one of TIP_KEYS_E_… */
tip_nodiscard int tip_keys_open(struct tip_keys **keysp, const char *dir, const char *name);

/** Wipes the secret. */
void tip_keys_destroy(struct tip_keys **keysp);

/** What is wrong and what to do, as a sentence. */
const char *tip_keys_why(int code);

/** [a-z0-9_-], 1 to 48 bytes. */
bool tip_keys_name_valid(const char *name);

/** What a client's socket needs for an endpoint: NULL when it is plain, since it is local or there are no keys. */
const struct tip_zsock_keys *tip_keys_client(const struct tip_keys *keys, const char *endpoint);

/** Whether a key is asked for at this endpoint, if there are any: tcp. */
bool tip_keys_endpoint(const char *endpoint);
