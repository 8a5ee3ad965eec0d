#pragma once
/*
 * One supervisor a data directory, and who it is: a record lock on <data>/lock, which the kernel drops with its
 * process and tells the holder of. No other code of that process may open the file.
 */
#include <sys/types.h>

#include <tip/cleanup.h>

/**
 * @param fdp  set on success; keep it open
 * @return 0, -EBUSY when another one has it, or another negative errno
 */
tip_nodiscard int lock_take(const char *data_dir, int *fdp);

/** The supervisor that has it; 0 when there is none or we may not look. */
pid_t lock_holder(const char *data_dir);
