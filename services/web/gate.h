#pragma once
/*
 * Who asks, and what may be asked: tokens, cookies, logins, the link of a first start.
 */
#include "app.h"

/** Loads what is stored; makes the link when there is no token at all. @return 0 or a negative errno */
tip_nodiscard int gate_open(struct app *app);

enum { GATE_E_ANSWERED = 1 };

/**
 * Lets a request through to a route, or answers it.
 *
 * @param rightp  what its sender may; zero for routes that are open to everybody
 * @param idp     of the grant, for streams
 * @return 0, or GATE_E_ANSWERED: the request is gone
 */
tip_nodiscard int gate_enter(struct app *app, struct web_request **requestp, enum web_route_id route,
                             struct web_right *rightp, uint64_t *idp);

/** POST, GET and DELETE of /api/v1/session. */
void gate_login(struct app *app, struct web_request **requestp);
void gate_logout(struct app *app, struct web_request **requestp);

/** Tokens: stored, with what happened as an event. @return 0 or a negative errno: the process ends */
tip_nodiscard int gate_token_add(struct app *app, const uint8_t hash[static WEB_HASH_BYTES],
                                 const struct web_right *right, struct tip_outbox_txn *txn);

/** Token and sessions of that name. @return how many went, or a negative errno */
tip_nodiscard int gate_revoke(struct app *app, const char *name, struct tip_outbox_txn *txn);

/** Forgets what has expired. */
void gate_purge(struct app *app);
