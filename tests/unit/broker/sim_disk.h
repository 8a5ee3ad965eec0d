#pragma once
/*
 * A disk for journals under test: what was not flushed may be lost, torn at 512 bytes, or survive while earlier writes
 * do not; renames and creations may be lost from the newest back. It can fail on purpose, and lie.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <journal_disk.h>

enum { SIM_SECTOR = 512, SIM_FILES = 64, SIM_OPS = 256, SIM_NAME = 40 };

struct sim_file {
    uint8_t *now, *durable;
    size_t size, durable_size;
    bool *dirty; /* by sector */
    size_t room; /* of all three, in bytes */
};

struct sim_entry {
    char name[SIM_NAME];
    int file; /* -1: unused */
};

struct sim_op {
    char from[SIM_NAME], to[SIM_NAME]; /* create: only to; unlink: only from */
    int file;
};

struct sim_disk {
    struct journal_disk disk; /* first */
    pthread_mutex_t lock;
    struct sim_file files[SIM_FILES];
    int n_files;
    struct sim_entry now[SIM_FILES], durable[SIM_FILES];
    struct sim_op ops[SIM_OPS]; /* not yet durable */
    int n_ops;
    uint64_t n_io;         /* changes so far */
    uint64_t cut_at;       /* at that change the power goes; 0 never */
    bool dead;             /* it is gone */
    uint64_t fail_sync_at; /* the n-th sync returns -EIO; 0 never */
    uint64_t n_syncs;
    int write_error;                   /* each write and allocation returns this; 0 for none */
    int room_error;                    /* what makes a file longer returns this; 0 for none */
    int open_error;                    /* each opening of a file returns this; 0 for none */
    const struct sim_file *unreadable; /* each read of it returns -EIO; NULL for none */
    bool lie_sync;                     /* says it flushed a file, and did not */
    bool lie_sync_dir;                 /* likewise for names */
};

struct sim_disk *sim_disk_new(void);
void sim_disk_free(struct sim_disk **simp);

/** After the power came back. @param keep  decides for each dirty sector whether it reached the medium */
void sim_disk_crash(struct sim_disk *sim, bool (*keep)(void *ctx, int file, size_t sector), void *ctx,
                    unsigned keep_ops);

/** Direct access to a file's content as it is now; NULL when there is no such name. */
struct sim_file *sim_disk_file(struct sim_disk *sim, const char *name);

/** A copy of the whole disk as it is now, all of it durable. */
struct sim_disk *sim_disk_copy(const struct sim_disk *sim);
