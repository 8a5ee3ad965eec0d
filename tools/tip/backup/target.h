#pragma once
/* The directories that a restore fills: beside their place first, then all into it by renaming. */
#include "backup/layout.h"
#include "up/user.h"

enum { TARGETS_MAX = PROGRAMS + 8 };

struct target {
    const char *what;                          /* the directory in the backup, or the service of an outbox */
    char place[FILES_PATH], stage[FILES_PATH]; /* <place>.restored */
    bool is_outbox;
    bool is_empty; /* nothing of it is in the backup: what is there goes */
};

struct targets {
    struct target items[TARGETS_MAX];
    size_t n;
    const struct user *user; /* whose all of it will be */
};

/** All that this site has a place for. @return an enum cli_exit */
int targets_init(struct targets *targets, const struct layout *layout, const struct manifest *manifest,
                 const struct user *user);

/** The first place that is not empty; NULL when all are. */
const struct target *targets_occupied(const struct targets *targets);

/** Where a file of the backup goes for now; NULL when a restore does not put it anywhere. */
const char *targets_path(const struct targets *targets, const char *path, char full[static FILES_PATH]);

/** The target of that name. */
const struct target *targets_find(const struct targets *targets, const char *what, bool is_outbox);

/** Makes a directory and what is above it, for the user. @return 0 or negative errno */
int target_make_dir(const struct user *user, const char *path, unsigned mode);

/** @return an enum cli_exit; the reason has been said */
int targets_stage(const struct targets *targets);
int targets_own(const struct targets *targets);
int targets_swap(const struct targets *targets);
void targets_unstage(const struct targets *targets);
