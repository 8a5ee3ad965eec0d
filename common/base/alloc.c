#include <tip/alloc.h>

#include <stdlib.h>
#include <string.h>

void *tip_alloc(size_t n, size_t size)
{
    void *pointer;

    pointer = calloc(n ? n : 1, size);
    if (!pointer)
        abort();
    return pointer;
}

void *tip_realloc(void *pointer, size_t n, size_t size)
{
    void *moved;

    moved = reallocarray(pointer, n ? n : 1, size);
    if (!moved)
        abort();
    return moved;
}

char *tip_strdup(const char *text)
{
    return text ? tip_strndup(text, strlen(text)) : NULL;
}

char *tip_strndup(const char *text, size_t n)
{
    char *copy;

    if (!text)
        return NULL;
    n = strnlen(text, n);
    copy = tip_alloc(n + 1, 1);
    memcpy(copy, text, n);
    return copy;
}

void *tip_memdup(const void *bytes, size_t n)
{
    void *copy;

    if (n == 0)
        return NULL;
    copy = tip_alloc(n, 1);
    memcpy(copy, bytes, n);
    return copy;
}
