#pragma once
/*
 * The directory of reference lists made into a table of exemptions, in the pool.
 */
#include <stdint.h>

#include "io/exempt.h"
#include "io/warninglists.h"
#include "work.h"

struct exempt_work {
    char dir[WORK_PATH]; /* of the tables */
    char *warninglists;  /* owned: the directory of the lists; NULL for none */
    uint64_t last;       /* number of the newest table; 0: none */
    bool is_lost;        /* and neither it nor the one in force can be read */
    uint64_t stamp;      /* of the directory as it was last read; 0: look into it */

    bool is_new;     /* set: a table last + 1 is kept, that says something else */
    bool is_waiting; /* set: a list may be being written: look again soon */
    struct bl_warninglists lists;
    int error;
};

void exempt_work_deinit(struct exempt_work *work);

/** For the pool. @param job  a struct exempt_work */
void exempt_work_run(void *job);
