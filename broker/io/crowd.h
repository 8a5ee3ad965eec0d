#pragma once
/*
 * The connections of a bound socket, as libzmq tells a monitor of them. Counts them, and ends those over tcp that send
 * parts of one message without end (core/hoard.h), which libzmq has no bound for; and, when it is told to, those that
 * do not take what they are sent. Peers over ipc are local and trusted: their bytes are not counted.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

struct crowd;
struct tip_loop;
struct tip_metric;
struct tip_zsock;

struct crowd_options {
    const char *name;           /* of the socket, in the log; borrowed */
    uint64_t message_bytes_max; /* the largest legal message, with all its parts */
    struct tip_metric *cut;     /* counts who was cut off; borrowed */
};

/** Before the socket is bound. @return 0 or negative errno */
tip_nodiscard int crowd_open(struct crowd **crowdp, struct tip_loop *loop, struct tip_zsock *zsock,
                             const struct crowd_options *options);

/** Before the socket is destroyed. */
void crowd_destroy(struct crowd **crowdp);

size_t crowd_count(const struct crowd *crowd);

/** A connection, and what it holds or was given: for the log. */
struct crowd_line {
    int fd;
    uint64_t cookie;
    uint64_t n_bytes;
};

/** Ends one of them, with a line in the log and counted. @return what line_cut says (io/line.h) */
int crowd_end_line(struct crowd *crowd, const struct crowd_line *line, const char *why);

/** Notes how much the kernel was given for each connection over tcp. */
void crowd_note_given(struct crowd *crowd);

/** Ends those that have not even taken that by now, and for which the kernel takes no more. @return how many */
size_t crowd_end_deaf(struct crowd *crowd);

/** From here on crowd_taken_bytes counts. */
void crowd_note_taken(struct crowd *crowd);

/** Bytes that libzmq has taken since then off all connections over tcp, also those that are gone. Asks the kernel. */
uint64_t crowd_taken_bytes(struct crowd *crowd);

/** What malloc has given out in this process: libzmq does not say what it holds. */
int64_t crowd_memory_bytes(void);
