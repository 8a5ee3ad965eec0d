#pragma once
/*
 * The places a service needs on disk: its data directory, locked, and the directory of sockets.
 */
#include <sys/types.h>

#include <tip/cleanup.h>

enum { PLACE_E_LOCKED = 1 };

/** One directory; its name is on the medium when this returns. One that exists stays as it is. @return 0 or -errno */
tip_nodiscard int place_mkdir(const char *path, mode_t mode);

/** The directory with its missing parents (0755). One that exists stays as it is. @return 0 or a negative errno */
tip_nodiscard int place_make(const char *path, mode_t mode);

/** As place_make with 0700, and takes the rights of others from one that exists and is ours. */
tip_nodiscard int place_make_private(const char *path);

/**
 * Holds `dir`/lock until the descriptor is closed or the process ends.
 *
 * @param pidp  set with PLACE_E_LOCKED: who has it, 0 if that cannot be read
 * @return 0, PLACE_E_LOCKED, or a negative errno
 */
tip_nodiscard int place_lock(const char *dir, int *fdp, long *pidp);
