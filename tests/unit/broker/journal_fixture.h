#pragma once
/*
 * A journal on a simulated disk, three publishers with the client's rules (resume behind what is durable), and a book
 * of everything that was told: acks and records. check() compares the journal with the book.
 */
#include <stdbool.h>
#include <stdint.h>

#include <journal.h>

#include "sim_disk.h"

enum { FIX_PUBLISHERS = 3, FIX_SEQS = 20000, FIX_SEGMENT = 16 * 1024 };

struct fixture {
    struct sim_disk *sim;
    struct journal *journal; /* NULL when it did not open or died */
    struct journal_config config;
    uint64_t now_ms;
    uint64_t next[FIX_PUBLISHERS];  /* pub_seq to be appended next */
    uint64_t acked[FIX_PUBLISHERS]; /* told by on_publisher */
    uint64_t epoch[FIX_PUBLISHERS]; /* likewise: the one on disk */
    uint64_t told[FIX_SEQS];        /* hash of each record told, by seq; 0: not */
    uint64_t told_head;
    unsigned notices[JOURNAL_NOTICE_KIND_COUNT];
    struct journal_notice last; /* of any kind; its text is not kept */
    const char *trouble;        /* the first rule found broken; NULL for none */
    uint64_t trouble_seq;
    unsigned damages; /* met by the last check */
};

void fixture_init(struct fixture *fix);
void fixture_deinit(struct fixture *fix);

/** Opens and lets the publishers say hello: 0 or what journal_open says. */
int fixture_open(struct fixture *fix);
void fixture_close(struct fixture *fix);

/** Appends the publisher's next event with about that many bytes. What journal_begin says. */
int fixture_put(struct fixture *fix, unsigned publisher, size_t bytes);

/** A younger process of that publisher says hello. What journal_epoch says. */
int fixture_adopt(struct fixture *fix, unsigned publisher);

/** Submits and collects; true when a group became durable. */
bool fixture_flush(struct fixture *fix);
void fixture_tick(struct fixture *fix, uint64_t ms);

/**
 * Reads the whole journal and compares. Rules broken go to `trouble`.
 *
 * @param damage_allowed  then what is told as damaged counts as answered
 */
void fixture_check(struct fixture *fix, bool damage_allowed);

/** Reads from `from` over all that is there: the number of records, and what stopped it (0 or a JOURNAL_E_…). */
uint64_t fixture_count(struct fixture *fix, uint64_t from, const char *prefix, int *endp);
