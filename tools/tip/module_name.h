#pragma once
/* Is there a module of that name? A run of one that nobody serves would only be overdue in the end. */
#include "client.h"

/**
 * A module is known when a program of that name is or was on the bus, or a job of the scheduler starts it. Whoever does
 * not answer is no reason to refuse: the run itself will tell.
 *
 * @return CLI_OK, or CLI_NOT_FOUND after a sentence, or CLI_INTERRUPTED
 */
int module_name_look(struct client *client, const char *module);
