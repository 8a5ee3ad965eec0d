/*
 * tip-web: the page and the HTTP interface. app.c is the service.
 */
#include <tip/service.h>

#include "app.h"

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

static const struct tip_service_def definition = {
    .name = "web",
    .help = "Serves the page and the HTTP interface.",
    .options = &web_options_table,
    .check = web_options_check,
    .start = main_start,
    .stop = main_stop,
    .destroy = main_destroy,
    .reload = main_reload,
};

int main(int argc, char **argv)
{
    return tip_service_main(&definition, argc, argv);
}
