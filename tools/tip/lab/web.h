#pragma once
/* The simulated internet: a web root with lists that change, served by Debian's nginx on loopback. */
#include <stdbool.h>
#include <stdint.h>

#include "lab/lists.h"

struct lab_web {
    char *dir; /* own directory, absolute */
    uint64_t seed;
    int generation; /* written last; -1: none */
    enum lab_fault fault;
};

/** Where nginx is; NULL when it is not installed. */
const char *lab_web_program(void);

/**
 * Makes the directory, nginx' configuration and the first generation.
 *
 * @param dir     is taken over
 * @param listen  "127.0.0.1:8090"
 */
tip_nodiscard int lab_web_open(struct lab_web *web, char *dir, const char *listen, uint64_t seed);
void lab_web_deinit(struct lab_web *web);

/**
 * The internet as it is after this time. Writes only what differs.
 *
 * @param changedp  set to whether anything was written
 */
tip_nodiscard int lab_web_turn(struct lab_web *web, uint64_t elapsed_ms, bool *changedp);

/** A tcp port of 127.0.0.1 that nobody listens on, below the ephemeral range; 0 when there is none. */
uint16_t lab_free_port(void);

/** Whether nobody listens there on 127.0.0.1. */
bool lab_port_is_free(uint16_t port);
