#pragma once
/* The private PostgreSQL of `tip up`, for as long as a restore needs it. */
#include <sys/types.h>

#include "backup/layout.h"
#include "up/user.h"

struct cluster {
    pid_t pid; /* 0: not ours */
};

/** Makes the cluster when there is none, starts it, waits until it answers. @return an enum cli_exit */
int cluster_start(struct cluster *cluster, const struct layout *layout, const struct user *user);

/** Ends it in order. */
void cluster_stop(struct cluster *cluster);
