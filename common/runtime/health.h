#pragma once
/* `tip-NAME --health`: what a container's health check asks. */

/** Asks /readyz of the service that runs. @return the exit code: 0 when it is ready, else 1, and stdout says why */
int health_tell(const char *run, const char *name);
