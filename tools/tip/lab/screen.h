#pragma once
/*
 * What a lab shows: on a terminal one small screen drawn anew twice a second, else a line whenever a stage has
 * happened.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/stages.h"
#include "output.h"

enum { SCREEN_LINES = 8, SCREEN_LINE_BYTES = 256, SCREEN_SERVICES = 8, SCREEN_PAGE_BYTES = 200 };

struct screen_service {
    const char *name, *state; /* "ready", "running", "waiting", … */
    uint64_t n_restarts;
};

struct screen {
    struct out_config out;
    bool is_tty;                  /* human and a terminal */
    const char *tip;              /* full path of the command, for hints */
    const char *dir;              /* of the lab */
    char page[SCREEN_PAGE_BYTES]; /* where to look, once it is there; "" before */
    bool is_page_said;
    struct out *table; /* not human: a row a stage */
    bool is_said[LAB_STAGE_COUNT];
    char lines[SCREEN_LINES][SCREEN_LINE_BYTES]; /* the last events, a ring */
    size_t n_lines;
    size_t n_services;
    struct screen_service services[SCREEN_SERVICES];
    uint64_t n_events;
};

/** @return 0, or OUT_E_FIELD with badp set */
tip_nodiscard int screen_open(struct screen *screen, const struct out_config *out, const char **badp);

/** Gives the terminal back, says which stages are missing. */
void screen_close(struct screen *screen, const struct lab_stages *stages);

/** A line for people: an event, or news of a process. */
void screen_line(struct screen *screen, const char *text);

/** Says what is new in the stages, and draws. */
void screen_show(struct screen *screen, const struct lab_stages *stages, int64_t elapsed_ms);

/** It is drawn on a terminal that does not take it any more. */
bool screen_is_gone(const struct screen *screen);
