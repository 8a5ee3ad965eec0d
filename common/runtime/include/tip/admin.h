#pragma once
/*
 * The admin HTTP of a service: GET and HEAD of /livez, /readyz, /metrics, /version on a unix socket, and on a tcp
 * address if asked. Headers <= 8 KiB, no bodies, <= 32 connections of <= 30 s each.
 */
#include <stdbool.h>

#include <tip/cleanup.h>

struct tip_admin;
struct tip_buf;
struct tip_loop;
struct tip_metrics;

struct tip_admin_options {
    const char *service;         /* its name, for /version */
    const char *socket;          /* path of the unix socket, mode 0666; a stale one is replaced */
    const char *listen;          /* `127.0.0.1:9550`; NULL or "": none */
    bool listen_anywhere;        /* whether `listen` may be other than loopback */
    struct tip_metrics *metrics; /* borrowed */
};

/** @return 0 or a negative errno: -EADDRINUSE when another process answers there, -EACCES for a refused address */
tip_nodiscard int tip_admin_open(struct tip_admin **adminp, struct tip_loop *loop,
                                 const struct tip_admin_options *options);

/** Removes the socket file too. */
void tip_admin_destroy(struct tip_admin **adminp);

/**
 * What a component says of itself. /readyz answers 200 when all that spoke are ok, else 503, always with
 * {"ready":…,"service":…,"components":[{"name":…,"ok":…,"text":…}]}. At most 32 names; texts are cut at 200 bytes.
 */
void tip_admin_ready(struct tip_admin *admin, const char *name, bool ok, const char *format, ...) tip_printf(4, 5);

/** Whether all are ok. */
bool tip_admin_is_ready(const struct tip_admin *admin);

/**
 * The other side: GET on the admin socket of a service. Blocks, 2 s at most.
 *
 * @param body  appended to; the caller's
 * @return 0 with the HTTP status, or -ECONNREFUSED when nobody answers there
 */
tip_nodiscard int tip_admin_ask(const char *socket, const char *path, struct tip_buf *body, long *statusp);
