/* A warning list from anywhere: it is read, passed over or counted as damaged, never fatal, and what was taken up can
 * be asked. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/warninglists.h"

static char dir[] = "/tmp/tip-fuzz-XXXXXX";
static char path[sizeof(dir) + 16];

static void tidy(void)
{
    (void)unlink(path);
    (void)rmdir(dir);
}

static void begin(void)
{
    assert(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/sinkhole.json", dir);
    (void)atexit(tidy);
}

static void put(const uint8_t *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert(fd != -1 && write(fd, data, size) == (ssize_t)size && !close(fd));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tip_auto(bl_reference_destroy) struct bl_reference *reference = bl_reference_new();
    struct bl_warninglists counts = {0};
    unsigned roles;

    if (!*path)
        begin();
    put(data, size);
    assert(!bl_warninglists_load(reference, dir, &counts));
    assert(counts.n_files + counts.n_damaged <= 1);
    assert(counts.n_files || counts.n_damaged || counts.n_passed == 1); /* of a type that is passed over */
    assert(counts.n_files || !bl_reference_count(reference, BL_ROLE_SINKHOLE));
    assert(!bl_reference_finish(reference));
    roles = bl_reference_roles(reference, TIP_KIND_IP, "8.8.8.8", 7, 0);
    assert(!(roles & ~(1U << BL_ROLE_SINKHOLE)));
    assert(!roles || bl_reference_count(reference, BL_ROLE_SINKHOLE));
    return 0;
}
