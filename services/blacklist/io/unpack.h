#pragma once
/*
 * The body of a list as it came, in a file: read as it is, or unpacked by libarchive into another file, apart from the
 * service (unpack_apart.c). Blocking.
 *
 * Members of an archive are read one after the other, each ending in a line end, as one body.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

enum bl_container {
    BL_CONTAINER_AUTO, /* by the first bytes; what looks like none is read as it is */
    BL_CONTAINER_NONE,
    BL_CONTAINER_GZIP,
    BL_CONTAINER_ZIP,
    BL_CONTAINER_XZ,
    BL_CONTAINER_BZIP2,
    BL_CONTAINER_ZSTD,
    BL_CONTAINER_TAR, /* as it is, or within one of the four above */
    BL_CONTAINER_7Z,
    BL_CONTAINER_COUNT
};

/** NULL-terminated names in the order of the enum: for option tables. */
extern const char *const bl_container_names[];

enum { BL_MEMBERS_MAX = 1000 }; /* of an archive, whether they are wanted or not */

/** Facts of bl_unpack; bl_unpack_reason has the words of a failed source. */
enum {
    BL_UNPACK_E_DAMAGED = 1, /* not that container, cut short, or a wrong checksum */
    BL_UNPACK_E_TOO_LARGE,   /* more than bytes_max */
    BL_UNPACK_E_STOPPED,     /* `take` wanted no more */
    BL_UNPACK_E_RATIO,       /* more than 200 times what was packed */
    BL_UNPACK_E_MEMBERS,     /* more than BL_MEMBERS_MAX */
    BL_UNPACK_E_NO_MEMBER,   /* none that is wanted */
    BL_UNPACK_E_NESTED,      /* a container within the container */
    BL_UNPACK_E_ENCRYPTED,
    BL_UNPACK_E_MEMORY, /* more than 192 MiB to unpack it */
    BL_UNPACK_E_ENDED,  /* the process that unpacked it was killed, hung, crashed, or failed */
    BL_UNPACK_E_END
};

struct bl_unpack {
    const char *from;
    const char *to; /* where the unpacked body is written; NULL: nowhere */
    enum bl_container container;
    const char *member; /* glob of the members that are wanted; NULL or "": all */
    uint64_t bytes_max;
    int (*take)(void *ctx, const char *bytes, size_t n); /* not 0: stop */
    void *ctx;
    uint64_t n_bytes; /* set: how many were taken */
};

/** What the file starts like; BL_CONTAINER_NONE for everything else. */
enum bl_container bl_unpack_guess(const char *path);

/**
 * Of a container, by a process of its own, which takes no more than 192 MiB; `take` is called in this one.
 *
 * @return 0, BL_UNPACK_E_…, what a negative `take` returned, or a negative errno
 */
tip_nodiscard int bl_unpack(struct bl_unpack *unpack);

/** The same of a container, in this process and with whatever memory it takes; `to` is not written. */
tip_nodiscard int bl_unpack_here(struct bl_unpack *unpack);

/** "damaged_zip", "too_large", "bomb", "too_many_members", "no_member", "nested", "encrypted",
 *  "too_much_memory", "unpack_ended"; and a sentence. */
const char *bl_unpack_reason(int code, enum bl_container container);
const char *bl_unpack_sentence(int code);
