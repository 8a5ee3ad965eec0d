#pragma once
/* What the admin socket of a service says in /metrics. */

/** The value of a metric without labels in Prometheus text; `fallback` when it is not there. */
double admin_metric(const char *text, const char *name, double fallback);
