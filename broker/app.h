#pragma once
/* The broker as a service: journal and doors, joined. */
#include <tip/cleanup.h>
#include <tip/service.h>

struct app;

tip_nodiscard int app_start(struct tip_service *service, const void *options, void **appp);
void app_stop(void *app);
void app_destroy(void **appp);
int app_reload(void *app, const void *options, char *why);
