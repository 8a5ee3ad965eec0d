#pragma once
/* Asking the admin socket of a service. Blocks, 2 s at most. */
#include <tip/buf.h>

/** @return 0 with the HTTP status and the body, or -ECONNREFUSED when nobody answers there */
tip_nodiscard int admin_get(const char *socket, const char *path, struct tip_buf *body, long *statusp);

/** The value of a metric without labels in Prometheus text; `fallback` when it is not there. */
double admin_metric(const char *text, const char *name, double fallback);
