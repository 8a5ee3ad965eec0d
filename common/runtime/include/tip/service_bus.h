#pragma once
/*
 * A service's place on the bus: its outbox in <data>/outbox and its bus client, opened together. From then on it says
 * system.hello once it is ready, system.heartbeat every two seconds, system.goodbye when it drains; shows the component
 * "bus" in /readyz and the outbox in /metrics; and ends the process when another one publishes under its name.
 *
 *     r = tip_service_bus_open(&app->place, service);   in start
 *     tip_service_bus_bus(app->place), tip_service_bus_outbox(app->place)
 *     tip_service_bus_drain(app->place);                in stop, as its last step
 *     tip_service_bus_destroy(&app->place);             in destroy, after fetches and served queues
 */
#include <tip/bus.h>
#include <tip/outbox.h>
#include <tip/service.h>

struct tip_service_bus;

/** @return 0, or a negative errno after an error line */
tip_nodiscard int tip_service_bus_open(struct tip_service_bus **placep, struct tip_service *service);

/** The same for a service of which several may run: each publishes as `<service>.<8 hex digits of its outbox>`. */
tip_nodiscard int tip_service_bus_open_instance(struct tip_service_bus **placep, struct tip_service *service);
void tip_service_bus_destroy(struct tip_service_bus **placep);

struct tip_bus *tip_service_bus_bus(struct tip_service_bus *place);
struct tip_outbox *tip_service_bus_outbox(struct tip_service_bus *place);

/** Calls tip_service_stopped once everything is acked, or after 2 s: what is left goes out at the next start. */
void tip_service_bus_drain(struct tip_service_bus *place);

/** What goes on, for heartbeats: a sentence, copied; "" for nothing. */
void tip_service_bus_detail(struct tip_service_bus *place, const char *detail);
