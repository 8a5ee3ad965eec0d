#pragma once
/* Who a supervisor runs as: root gives itself up for user `tip` or, without one, `nobody`. */
#include <stdbool.h>
#include <sys/types.h>

#include <tip/cleanup.h>

struct user {
    char name[64];
    uid_t uid;
    gid_t gid;
    bool is_other; /* than the one we run as now */
};

/** @return 0, or -ENOENT when there is neither user */
tip_nodiscard int user_find(struct user *user);

/** Becomes that user for good; nothing when it is not another one. */
tip_nodiscard int user_become(const struct user *user);

/** Would that user find this path, for reading and (directories, programs) for searching or running? */
bool user_can_reach(const struct user *user, const char *path);
