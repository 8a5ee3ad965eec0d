#include <tip/fail.h>

#include <stddef.h>

static void (*fail_hook)(const struct tip_fail_site *site);

void tip_fail_hook(void (*hook)(const struct tip_fail_site *site))
{
    fail_hook = hook;
}

int tip_fail_at(int r, const char *file, const char *function, int line)
{
    struct tip_fail_site site = {.file = file, .function = function, .line = line};

    site.code = r < 0 ? r : -ENOTRECOVERABLE;
    if (fail_hook)
        fail_hook(&site);
    return site.code;
}
