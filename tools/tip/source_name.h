#pragma once
/* Is there a source of that name? Asked before anything is done to it, so that a wrong letter is exit code 4. */
#include "client.h"

/** Says that there is none, and how a new file is loaded. @return CLI_NOT_FOUND */
int source_name_unknown(const struct client *client, const char *name);

/**
 * Storage has none of that name: says what the collector's answer adds.
 *
 * @param r  of client_control: CLI_OK without a source in it, CLI_NOT_FOUND, or why it could not be asked
 * @return CLI_NOT_FOUND or CLI_INTERRUPTED
 */
int source_name_missing(const struct client *client, const char *name, int r);

/**
 * How a changed configuration is loaded here: "kill -HUP 4711", or in words where no `tip up` of ours runs.
 *
 * @param text  of at least SOURCE_RELOAD_BYTES
 */
enum { SOURCE_RELOAD_BYTES = 160 };
void source_reload_text(const struct options *options, char *text);

/**
 * Asks the collector, who knows every file that it has loaded. One that does not answer is no reason to refuse: what is
 * asked for waits until it is back.
 *
 * @return CLI_OK, or CLI_NOT_FOUND or CLI_INTERRUPTED
 */
int source_name_look(struct client *client, const char *name);

/** Asks storage first, who also knows lists that are gone. @return as above */
int source_name_stored(struct client *client, const char *name);

/** client_control of the blacklist for the source that is the request's target; of an unknown one it says more. */
int source_control(struct client *client, struct tip_control_request *request, struct tip_control_answer **answerp);
