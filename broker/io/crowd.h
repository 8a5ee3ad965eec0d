#pragma once
/* How many peers are connected to a bound socket: libzmq tells it to a monitor only. */
#include <stddef.h>

#include <tip/cleanup.h>

struct crowd;
struct tip_loop;
struct tip_zsock;

/** Before the socket is bound. @return 0 or negative errno */
tip_nodiscard int crowd_open(struct crowd **crowdp, struct tip_loop *loop, struct tip_zsock *zsock);

/** Before the socket is destroyed. */
void crowd_destroy(struct crowd **crowdp);

size_t crowd_count(const struct crowd *crowd);
