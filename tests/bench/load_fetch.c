/*
 * Reads the last EVENTS events of tip-broker's journal by long poll, in batches of 256 KiB, and looks at each record's
 * length: load_fetch [-n EVENTS] [-k KEYS] FETCH. Prints {"per_s": …}.
 *
 * The next batch is asked for as soon as the one before it has begun to come: one on the way, one being read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "load_zmq.h"

enum { FETCH_BATCH_BYTES = 256 * 1024, FETCH_WAIT_MS = 1000 };

struct fetch_reader {
    void *socket;
    uint64_t next, head, n_read;
    uint32_t n_records;
};

static void fetch_ask(struct fetch_reader *reader, uint32_t events_max)
{
    Tip__V1__Fetch fetch;
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;

    tip__v1__fetch__init(&fetch);
    frame.body_case = TIP__V1__FRAME__BODY_FETCH;
    frame.fetch = &fetch;
    fetch.from_seq = reader->next;
    fetch.max_bytes = FETCH_BATCH_BYTES;
    fetch.max_events = events_max;
    fetch.max_wait_ms = FETCH_WAIT_MS;
    load_frame_send(reader->socket, &frame, NULL, 0);
}

static void fetch_head(struct fetch_reader *reader)
{
    Tip__V1__Frame *frame = load_frame_receive(reader->socket, 0);

    if (frame->body_case != TIP__V1__FRAME__BODY_BATCH)
        load_die("fetch", "is answered with something else than BATCH");
    reader->next = frame->batch->next_seq;
    reader->head = frame->batch->head_seq;
    reader->n_records = frame->batch->n;
    load_frame_free(frame);
}

static void fetch_body(struct fetch_reader *reader)
{
    zmq_msg_t body;
    const uint8_t *at, *end;
    uint32_t len;

    zmq_msg_init(&body);
    if (zmq_msg_recv(&body, reader->socket, 0) < 0)
        load_die("fetch", "a batch without its records");
    at = zmq_msg_data(&body);
    end = at + zmq_msg_size(&body);
    for (uint32_t i = 0; i < reader->n_records; i++) {
        if (end - at < 4)
            load_die("fetch", "a batch that is too short");
        memcpy(&len, at, sizeof(len));
        at += 4 + len;
        reader->n_read++;
    }
    if (at != end)
        load_die("fetch", "a batch that is too long");
    zmq_msg_close(&body);
}

/* Reads up to the head as it was at the beginning. */
static void fetch_all(struct fetch_reader *reader, uint64_t n)
{
    reader->n_read = 0;
    fetch_ask(reader, 0);
    for (;;) {
        bool last;

        fetch_head(reader);
        last = reader->n_read + reader->n_records >= n;
        if (!last)
            fetch_ask(reader, 0);
        fetch_body(reader);
        if (last)
            return;
    }
}

int main(int argc, char **argv)
{
    struct fetch_reader reader = {.next = 0};
    const char *keys = NULL;
    uint64_t n = 100000;
    double began_s;
    int option;

    while ((option = getopt(argc, argv, "n:k:")) != -1) {
        if (option == 'n')
            n = strtoull(optarg, NULL, 10);
        else if (option == 'k')
            keys = optarg;
    }
    if (argc - optind != 1 || !n) {
        fprintf(stderr, "usage: load_fetch [-n EVENTS] [-k KEYS] FETCH\n");
        return 2;
    }
    reader.socket = load_socket(ZMQ_DEALER, keys);
    load_connect(reader.socket, argv[optind]);
    fetch_ask(&reader, 1);
    fetch_head(&reader);
    fetch_body(&reader);
    if (reader.head < n)
        load_die("fetch", "the journal has fewer events");
    reader.next = reader.head - n + 1;
    began_s = load_now_s();
    fetch_all(&reader, n);
    printf("{\"per_s\": %.0f}\n", (double)n / (load_now_s() - began_s));
    return 0;
}
