#include <tip/hash.h>

#include <sodium/crypto_shorthash.h>

static uint8_t hash_key[crypto_shorthash_KEYBYTES];

void tip_hash_seed(const uint8_t key[static 16])
{
    memcpy(hash_key, key, sizeof(hash_key));
}

uint64_t tip_hash(const void *bytes, size_t n)
{
    uint64_t hash;

    crypto_shorthash((unsigned char *)&hash, bytes, n, hash_key);
    return hash;
}
