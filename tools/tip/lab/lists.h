#pragma once
/*
 * The lists of the simulated internet: documentation addresses (RFC 5737, RFC 3849) and .test names (RFC 6761) in the
 * forms that real publishers use. Pure: a list is a function of seed and generation.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>

enum lab_list_id { LAB_HOSTS, LAB_RANGES, LAB_TABLE, LAB_FEED, LAB_NAMES, LAB_URLS, LAB_PORTS, LAB_LIST_COUNT };

enum { LAB_LIST_BYTES = 64 * 1024 };

/** What a source file in sources.d says of a list, and how it is written. */
struct lab_list {
    const char *source;  /* its name */
    const char *file;    /* below the web root */
    const char *options; /* lines of its file in sources.d: kind, type, fields */
    const char *weight;
    bool is_gzip;
};

extern const struct lab_list lab_lists[LAB_LIST_COUNT];

/** The address that every demonstration asks about: LAB_HOSTS and LAB_TABLE always list it, LAB_FEED from 3 on. */
#define LAB_ADDRESS "192.0.2.7"

/**
 * Appends a list as it is in one generation.
 *
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int lab_list_write(enum lab_list_id id, uint64_t seed, unsigned generation, struct tip_buf *out);

/** What the breaking list, LAB_PORTS, answers with. */
enum lab_fault { LAB_FAULT_NONE, LAB_FAULT_HTTP_503, LAB_FAULT_EMPTY, LAB_FAULT_COUNT };

/** Healthy at first, broken from the 6th second on, healthy again; anew each 40 s. */
enum lab_fault lab_fault_at(uint64_t elapsed_ms);

/** Generations are 6 s long. */
unsigned lab_generation_at(uint64_t elapsed_ms);
