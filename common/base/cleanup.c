#include <tip/cleanup.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void tip_free(void *pointerp)
{
    void *pointer;

    memcpy(&pointer, pointerp, sizeof(pointer));
    free(pointer);
    memset(pointerp, 0, sizeof(pointer));
}

void tip_file_close(FILE **filep)
{
    if (*filep)
        (void)fclose(*filep); /* a writer that cares closes by itself */
    *filep = NULL;
}

void tip_dir_close(DIR **dirp)
{
    if (*dirp)
        (void)closedir(*dirp); /* nothing to be done about it */
    *dirp = NULL;
}

void tip_fd_close(int *fdp)
{
    if (*fdp >= 0)
        (void)close(*fdp); /* a writer that cares syncs first */
    *fdp = -1;
}
