/*
 * tip-storage: what has happened, in PostgreSQL. app.c is the service, command.c what can be done by hand.
 */
#include <malloc.h>

#include <tip/service.h>

#include "app.h"
#include "command.h"

static int main_start(struct tip_service *service, const void *options, void **appp)
{
    struct app *app = NULL;
    int r = app_open(&app, service, options);

    *appp = app;
    return r;
}

static void main_stop(void *app)
{
    app_stop(app);
}

static void main_destroy(void **appp)
{
    struct app *app = *appp;

    app_destroy(&app);
    *appp = NULL;
}

static int main_reload(void *app, const void *options, char *why)
{
    return app_reload(app, options, why);
}

enum { MAIN_MMAP_BYTES = 128 * 1024 };

int main(int argc, char **argv)
{
    const struct tip_service_def definition = {
        .name = "storage",
        .help = "Stores every event in PostgreSQL, in order, exactly once, and answers questions about them.",
        .options = &store_options_table,
        .commands = store_commands,
        .n_commands = store_commands_n,
        .check = store_options_check,
        .start = main_start,
        .stop = main_stop,
        .destroy = main_destroy,
        .reload = main_reload,
    };

    /* Stated, so that it stays: else glibc raises it to the largest block freed, and its heap is left full of holes. */
    (void)mallopt(M_MMAP_THRESHOLD, MAIN_MMAP_BYTES); /* refused: only more memory */
    return tip_service_main(&definition, argc, argv);
}
