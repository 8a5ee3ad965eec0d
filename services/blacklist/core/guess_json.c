/*
 * Where in a JSON text do entries stand? Each string is asked what it is, under the pointer that leads to it: arrays
 * are
 * `*`, and so are keys that look like numbers or like entries themselves. Where entries lie under many names, `*` for
 * the outermost, or for the second key, finds more of them.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tip/alloc.h>
#include <tip/crc32c.h>
#include <yajl/yajl_parse.h>

#include "core/guess_look.h"

enum { PLACES_MAX = 128, PLACES_DEPTH = 15, PLACES_KEY = 100, PLACES_MASKS = 3 };

struct places {
    unsigned mask; /* depths whose keys are `*` */
    size_t depth;  /* containers open; deeper than PLACES_DEPTH nothing is looked at */
    char keys[PLACES_DEPTH + 1][PLACES_KEY + 1];
    size_t n;
    struct guess_pointer items[PLACES_MAX];
};

/* RFC 6901 section 3. @return false when there is no room */
static bool places_pointer(const struct places *places, char to[static BL_FORMAT_POINTER])
{
    size_t n = 0;

    for (size_t i = 0; i < places->depth; i++) {
        if (n + 2 * strlen(places->keys[i]) + 2 > BL_FORMAT_POINTER)
            return false;
        to[n++] = '/';
        for (const char *at = places->keys[i]; *at; at++) {
            if (*at == '/' || *at == '~')
                to[n++] = '~';
            to[n++] = (char)(*at == '/' ? '1' : *at == '~' ? '0' : *at);
        }
    }
    to[n] = '\0';
    return true;
}

static struct guess_pointer *places_find(struct places *places)
{
    char pointer[BL_FORMAT_POINTER];

    if (places->depth > PLACES_DEPTH || !places_pointer(places, pointer))
        return NULL;
    for (size_t i = 0; i < places->n; i++) {
        if (!strcmp(places->items[i].pointer, pointer))
            return &places->items[i];
    }
    if (places->n == PLACES_MAX)
        return NULL;
    strcpy(places->items[places->n].pointer, pointer);
    return &places->items[places->n++];
}

static int places_string(void *ctx, const unsigned char *text, size_t len)
{
    struct guess_pointer *place = places_find(ctx);
    uint32_t crc = tip_crc32c(0, text, len);
    struct tip_indicator indicator;

    if (!place)
        return 1;
    if (!len || len > TIP_INDICATOR_MAX || tip_indicator_parse(&indicator, TIP_KIND_NONE, (const char *)text, len)) {
        place->n_other++;
    } else if (!place->n || crc != place->last) {
        place->n++;
        place->kinds[indicator.kind]++;
    }
    place->last = crc;
    return 1;
}

/* A number under such a key is that of a system. */
static int places_number(void *ctx, const char *text, size_t len)
{
    struct places *places = ctx;
    const char *key = places->depth && places->depth <= PLACES_DEPTH ? places->keys[places->depth - 1] : "";
    struct guess_pointer *place;

    (void)text;
    (void)len;
    if (strcasecmp(key, "asn") != 0 && strcasecmp(key, "as_number") != 0)
        return 1;
    place = places_find(places);
    if (place) {
        place->n++;
        place->kinds[TIP_KIND_ASN]++;
    }
    return 1;
}

static int places_enter(void *ctx, const char *key)
{
    struct places *places = ctx;

    if (places->depth <= PLACES_DEPTH)
        strcpy(places->keys[places->depth], key);
    places->depth++;
    return 1;
}

static int places_map(void *ctx)
{
    return places_enter(ctx, "");
}

static int places_array(void *ctx)
{
    return places_enter(ctx, "*");
}

static bool places_is_any(const char *key, size_t len)
{
    struct tip_indicator indicator;

    return len > PLACES_KEY || strspn(key, "0123456789abcdefABCDEF-") >= 16 || strspn(key, "0123456789") == len ||
           !tip_indicator_parse(&indicator, TIP_KIND_NONE, key, len);
}

static int places_key(void *ctx, const unsigned char *text, size_t len)
{
    struct places *places = ctx;
    char key[PLACES_KEY + 1] = "";
    size_t n = len < PLACES_KEY ? len : PLACES_KEY;
    size_t depth = places->depth - 1;

    if (depth > PLACES_DEPTH)
        return 1;
    memcpy(key, text, n);
    if (!n || places->mask >> depth & 1 || memchr(key, '\0', n) || places_is_any(key, len))
        strcpy(key, "*");
    strcpy(places->keys[depth], key);
    return 1;
}

static int places_leave(void *ctx)
{
    struct places *places = ctx;

    places->depth--;
    return 1;
}

static const yajl_callbacks places_callbacks = {
    .yajl_number = places_number,
    .yajl_string = places_string,
    .yajl_start_map = places_map,
    .yajl_map_key = places_key,
    .yajl_end_map = places_leave,
    .yajl_start_array = places_array,
    .yajl_end_array = places_leave,
};

/* Which one first? More entries, and of equals the one that was met first. */
static void places_keep(struct guess_pointer found[static GUESS_POINTERS], size_t *np,
                        const struct guess_pointer *place)
{
    size_t at = *np;

    for (size_t i = 0; i < *np; i++) {
        if (!strcmp(found[i].pointer, place->pointer))
            return;
    }
    while (at && found[at - 1].n < place->n)
        at--;
    if (!place->n || at == GUESS_POINTERS)
        return;
    *np += *np < GUESS_POINTERS;
    memmove(&found[at + 1], &found[at], (*np - at - 1) * sizeof(*found));
    found[at] = *place;
}

size_t guess_json(struct guess_pointer found[static GUESS_POINTERS], const char *head, size_t n)
{
    tip_auto(tip_free) struct places *places = tip_new(struct places);
    size_t n_found = 0;

    for (unsigned mask = 0; mask < PLACES_MASKS; mask++) {
        yajl_handle yajl;

        *places = (struct places){.mask = mask};
        yajl = yajl_alloc(&places_callbacks, NULL, places);
        yajl_config(yajl, yajl_allow_multiple_values, 1);
        yajl_config(yajl, yajl_dont_validate_strings, 1);
        (void)yajl_parse(yajl, (const unsigned char *)head, n); /* where it breaks off, what came before counts */
        yajl_free(yajl);
        for (size_t i = 0; i < places->n; i++)
            places_keep(found, &n_found, &places->items[i]);
    }
    return n_found;
}
