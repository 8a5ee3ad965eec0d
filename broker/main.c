/* tip-broker: the event bus. */
#include <tip/service.h>

#include "app.h"
#include "options.h"

static const struct tip_service_def broker = {
    .name = "broker",
    .help = "The event bus: a durable journal, a live feed, and calls between services.",
    .options = &broker_options_table,
    .check = broker_options_check,
    .start = app_start,
    .stop = app_stop,
    .destroy = app_destroy,
    .reload = app_reload,
};

int main(int argc, char **argv)
{
    return tip_service_main(&broker, argc, argv);
}
