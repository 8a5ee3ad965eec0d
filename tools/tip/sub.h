#pragma once
/* What the parts of `tip sub` share: cmd_sub.c (the command, and live), sub_print.c, sub_durable.c. */
#include <stdbool.h>
#include <stdint.h>

#include <topics.h>

#include "client.h"
#include "command.h"
#include "gap.h"
#include "position.h"
#include "reader.h"
#include "siem/doc.h"

enum { SUB_TOPICS_MAX = 32, SUB_LINE_BYTES = 512 * 1024, SUB_HOST_BYTES = 256 };

enum sub_format { SUB_PEOPLE, SUB_CSV, SUB_JSON, SUB_ECS, SUB_SYSLOG };

struct sub {
    const struct cli *cli;
    struct client client;
    enum sub_format format;
    char host[SUB_HOST_BYTES]; /* for syslog */
    char prefixes[SUB_TOPICS_MAX][TIP_TOPIC_MAX + 1];
    const char *list[SUB_TOPICS_MAX + 2]; /* the prefixes and, live, v1.bus.head. */
    size_t n_prefixes;
    struct out *csv;
    int64_t count, n_printed;
    uint64_t timeout_ms;
    struct reader reader;
    bool is_lossy, is_over, is_failed, is_gone; /* gone: nobody reads */

    struct gap gap; /* live */
    bool is_heard;  /* anything has come */

    struct position position; /* durable */
    struct tip_fetch *fetch;
    struct tip_timer taken; /* asks whether the reader has read on */
    struct tip_id next_journal;
    uint64_t next_seq; /* where it stands once that is so */
};

/* ---- sub_print.c ---- */

/** An event in the format asked for. One that cannot be read is told on stderr and, to programs, as a gap. */
void sub_print(struct sub *sub, const struct tip_record *record);

/** To programs a record among the events; people read stderr. */
void sub_print_gap(struct sub *sub, const struct siem_gap *gap);

/** Hands out what was printed; without a reader it is over. */
void sub_flush(struct sub *sub);

/** Nobody reads any more: it is over. */
void sub_on_gone(void *ctx);

/* ---- sub_durable.c ---- */

/**
 * Follows the journal from where `name` stood.
 *
 * @param state  the file that says where, or NULL for that of the name
 * @return an enum cli_exit
 */
int sub_durable(struct sub *sub, const char *name, const char *state);
