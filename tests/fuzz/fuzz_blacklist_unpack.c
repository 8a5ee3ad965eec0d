/*
 * A container from anywhere, with small caps: it ends with a known word, nothing beyond the caps is handed over, and it
 * says the same again. As the service has it: in a process that may take so much memory and no more; what libarchive
 * does with that memory is looked at within this one, where whatever asks for more is refused by the sanitizer.
 *
 * The first byte chooses the container.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/unpack.h"

enum { FUZZ_BYTES_MAX = 64 * 1024 };

/* libarchive asks for what a file says; that is an answer, and no finding. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=192";
}

static int count(void *ctx, const char *bytes, size_t n)
{
    size_t *sum = ctx;

    for (size_t i = 0; i < n; i++)
        *sum = *sum * 31 + (unsigned char)bytes[i];
    return 0;
}

static int run(const char *path, enum bl_container container, uint64_t *n_bytesp, size_t *sump)
{
    struct bl_unpack unpack = {.from = path,
                               .container = container,
                               .member = container == BL_CONTAINER_ZIP ? "*.txt" : NULL,
                               .bytes_max = FUZZ_BYTES_MAX,
                               .take = count,
                               .ctx = sump};
    int r = bl_unpack_here(&unpack);

    assert(r >= 0 && r < BL_UNPACK_E_END && unpack.n_bytes <= FUZZ_BYTES_MAX);
    assert(!r || *bl_unpack_sentence(r) || r == BL_UNPACK_E_STOPPED);
    assert(!r || *bl_unpack_reason(r, container) || r == BL_UNPACK_E_STOPPED);
    *n_bytesp = unpack.n_bytes;
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum bl_container container = BL_CONTAINER_GZIP;
    uint64_t n_first, n_again;
    size_t first = 0, again = 0;
    char path[64];
    int fd;
    int r;

    if (!size)
        return 0;
    container = (enum bl_container)(BL_CONTAINER_GZIP + data[0] % (BL_CONTAINER_COUNT - BL_CONTAINER_GZIP));
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(fd != -1 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    (void)bl_unpack_guess(path);
    r = run(path, container, &n_first, &first);
    assert(run(path, container, &n_again, &again) == r && n_again == n_first && again == first);
    assert(!close(fd));
    return 0;
}
