#pragma once
/*
 * A command that talks to a site: finds it, opens loop and bus, and waits for one thing at a time. Functions return an
 * enum cli_exit; when it is not CLI_OK, the reason has been said on stderr.
 */
#include <stdbool.h>

#include <tip/bus.h>

#include "options.h"

enum { CLIENT_CALLS = 1, CLIENT_FEED = 2, CLIENT_FETCH = 4, CLIENT_PUBLISH = 8 };

/** With CLIENT_FEED: CLIENT_DOOR times the door's marking; 0 times: the one that the key's audience may hear. */
enum { CLIENT_DOOR = 16 };

enum { CLIENT_DEADLINE_MS = 10000, CLIENT_WHY_BYTES = 1024 };

struct client {
    struct options options;
    struct tip_loop *loop;
    struct tip_bus *bus;
    struct tip_keys *keys;     /* of `tip`, when the site has keys */
    struct tip_outbox *outbox; /* CLIENT_PUBLISH: a temporary one */
    char outbox_dir[64];
    struct tip_signal interrupt, terminate;
    struct tip_timer timer;
    uint64_t deadline_ms; /* of calls; CLIENT_DEADLINE_MS */
    bool is_interrupted, is_late;
    char *why; /* CLIENT_WHY_BYTES where the reason of a failed call goes instead of stderr; NULL: there */
};

/** @param needs  CLIENT_… or-ed: which sockets. @param client  to be closed in any case */
int client_open(struct client *client, const char *config, unsigned needs);
void client_close(struct client *client);

/**
 * Runs the loop until client_wake, an interrupt (CLI_INTERRUPTED, silent), or the deadline; then is_late is set and the
 * result is CLI_OK.
 *
 * @param deadline_ms  0 for none
 */
int client_wait(struct client *client, uint64_t deadline_ms);

/** Ends client_wait; from a callback. */
void client_wake(struct client *client);

/** store.query. @param answerp  the caller frees it with tip_call_free */
int client_query(struct client *client, const struct tip_store_query *query, struct tip_store_answer **answerp);

/** bus.query, the broker about itself. @param answerp  as above */
int client_bus_query(struct client *client, const struct tip_store_query *query, struct tip_store_answer **answerp);

/** What --door says, NULL for nothing (TIP_TLP_NONE). @return 0, or CLI_E_USAGE after a sentence */
tip_nodiscard int client_door_of(const char *name, enum tip_tlp *doorp);

/**
 * The key's own audience in place of TIP_TLP_NONE; a wider door is refused.
 *
 * @return CLI_OK, or CLI_DENIED after a sentence
 */
tip_nodiscard int client_door(const struct client *client, enum tip_tlp *doorp);

/** verdict.lookup.<audience>. @param answerp  as above */
int client_lookup(struct client *client, enum tip_tlp audience, const struct tip_verdict_lookup *lookup,
                  struct tip_verdict_answer **answerp);

/** control.<service>; the actor is filled in. @param answerp  as above */
int client_control(struct client *client, const char *service, struct tip_control_request *request,
                   struct tip_control_answer **answerp);

/** Whose key is used, also where there are none: the first part of the names we go by on the bus. */
const char *client_key(void);

/** Who asks: the login name, for the audit log. Static. */
const char *client_actor(void);
