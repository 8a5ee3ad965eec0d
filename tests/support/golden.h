#pragma once
/* The committed bytes of tests/data/golden, made by python3-protobuf. */
#include <stdint.h>
#include <stdio.h>

#include <tip/cleanup.h>
#include <tip/event.h>

#include "check.h"

enum { GOLDEN_MAX = 64 * 1024 };

/** 16 bytes counting up, as in generate.py. */
static inline struct tip_id golden_id(uint8_t first)
{
    struct tip_id id;

    for (unsigned i = 0; i < sizeof(id.bytes); i++)
        id.bytes[i] = (uint8_t)(first + i);
    return id;
}

/** Bytes of folder/name.hex; returns their number. */
static inline size_t golden_read(const char *folder, const char *name, uint8_t *bytes)
{
    char path[1024];
    size_t n = 0;
    unsigned byte;

    (void)snprintf(path, sizeof(path), "%s/%s/%s.hex", TIP_GOLDEN_DIR, folder, name);
    tip_auto(tip_file_close) FILE *in = fopen(path, "re");
    if (!in)
        fail_msg("%s is missing", path);
    while (n < GOLDEN_MAX && fscanf(in, "%2x", &byte) == 1)
        bytes[n++] = (uint8_t)byte;
    return n;
}
