#pragma once
/*
 * systemd's notification protocol (sd_notify(3)): one datagram to NOTIFY_SOCKET; nothing without it.
 */
#include <stdint.h>

/** "READY=1", "STOPPING=1", "WATCHDOG=1", … Lost in silence when nobody listens. */
void notify_send(const char *state);

/** "RELOADING=1" with the time it must carry. */
void notify_reloading(void);

/** How often to send WATCHDOG=1: half of what systemd asked this process for; 0: it did not. */
int64_t notify_watchdog_ms(void);
