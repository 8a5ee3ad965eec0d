#pragma once
/*
 * How a table of exemptions lies in its file: for exempt.c and exempt_build.c alone.
 */
#include "core/exempt.h"

#define EXEMPT_MAGIC   "TIPEXEM1"
#define EXEMPT_NO_LIST UINT16_MAX

enum { EXEMPT_CRC_FROM = 12 };

struct exempt_header {
    char magic[8];
    uint32_t crc, zero;
    uint64_t n6, n_lists, n_names, n_slots, n4, n_arena;
};

_Static_assert(sizeof(struct exempt_header) == 64 && sizeof(struct bl_exempt_range6) == 48 &&
                   sizeof(struct bl_exempt_list) == 8 && sizeof(struct bl_exempt_name) == 12 &&
                   sizeof(struct bl_exempt_range4) == 12,
               "the layout is the file's");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tables of exemptions are little-endian");

uint32_t exempt_hash(const char *text, size_t len);
