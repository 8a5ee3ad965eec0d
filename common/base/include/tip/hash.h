#pragma once
/*
 * Hash tables: the only door to uthash, with SipHash-2-4 under a key of this process, so that a list of names made to
 * collide collides nowhere. A struct becomes an item by a member `UT_hash_handle hh`; a table is a pointer to its first
 * item, NULL when empty. Iteration follows insertion.
 *
 *     struct host { char name[254]; unsigned n; UT_hash_handle hh; };
 *     struct host *hosts = NULL, *host, *next;
 *
 *     tip_hash_find_text(hosts, "example.com", host);
 *     tip_hash_add_text(hosts, name, host);
 *     tip_hash_each(hosts, host, next)
 *         …
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** Sets the key; once, before the first table is filled. Without it the key is zero: for pure tests only. */
void tip_hash_seed(const uint8_t key[static 16]);

/** SipHash-2-4 of n bytes under the key of this process. */
uint64_t tip_hash(const void *bytes, size_t n);

#define HASH_FUNCTION(key, n, hash) ((hash) = (unsigned)tip_hash((key), (n)))
#define uthash_fatal(message)       abort()
#include <uthash.h>

/** Adds an item whose key is the string in (or pointed to by) its member; unique by the caller's care. */
#define tip_hash_add_text(table, member, item) HASH_ADD_KEYPTR(hh, table, (item)->member, strlen((item)->member), item)

/** Adds an item whose key is the n bytes that its member points to. */
#define tip_hash_add_bytes(table, member, n, item) HASH_ADD_KEYPTR(hh, table, (item)->member, n, item)

/** Adds an item whose key is the whole member, of fixed size and without padding. */
#define tip_hash_add_key(table, member, item) HASH_ADD(hh, table, member, sizeof((item)->member), item)

/** Sets `item` to the one with that key, or to NULL. */
#define tip_hash_find_text(table, text, item)      HASH_FIND(hh, table, text, strlen(text), item)
#define tip_hash_find_bytes(table, bytes, n, item) HASH_FIND(hh, table, bytes, n, item)
#define tip_hash_find_key(table, keyp, item)       HASH_FIND(hh, table, keyp, sizeof(*(keyp)), item)

/** Takes the item out; the caller still owns it. */
#define tip_hash_remove(table, item) HASH_DEL(table, item)

/** Every item; the current one may be removed. `next` is a second variable of its type. */
#define tip_hash_each(table, item, next) HASH_ITER(hh, table, item, next)

#define tip_hash_count(table) ((size_t)HASH_COUNT(table))

/** Forgets all items without freeing them. */
#define tip_hash_clear(table) HASH_CLEAR(hh, table)

/** Sorts the iteration order; compare(a, b) of two items as in qsort. */
#define tip_hash_sort(table, compare) HASH_SRT(hh, table, compare)
