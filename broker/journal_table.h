#pragma once
/*
 * What the journal remembers besides its records: how far each publisher came, and the counters of each class. Every
 * segment's header carries it as of the segment's start, so recovery reads one segment.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

#include "journal_format.h"

enum {
    JOURNAL_NAME_MAX = 64,
    JOURNAL_PUBLISHERS_MAX = 4096,
    JOURNAL_COUNTERS_MAX = 512, /* pairs of class and tlp */
    JOURNAL_TLP_MAX = 3
};

enum { JOURNAL_TABLE_E_FULL = 1, JOURNAL_TOPIC_MAX = 255 };

struct journal_publisher {
    char name[JOURNAL_NAME_MAX + 1];
    uint64_t epoch;          /* in force; 0: never heard of */
    uint64_t epoch_appended; /* the last one given to the journal, by itself or with an event */
    uint64_t epoch_durable;  /* the last one on disk */
    uint64_t appended;       /* highest pub_seq given to the journal */
    uint64_t appended_seq;   /* its seq */
    uint64_t durable;        /* highest pub_seq on disk */
    uint64_t durable_seq;
    unsigned refs;              /* sessions and groups that hold the pointer; such an entry is never dropped */
    uint64_t n_events, n_bytes; /* accepted since the journal was opened; counted by whoever appends */
    uint64_t n_dropped;         /* DATA that must come again; likewise */
};

struct journal_counter {
    char name[JOURNAL_NAME_MAX + 1]; /* of the class */
    uint8_t tlp;
    uint64_t count; /* the last class_seq given out */
    uint64_t told;  /* the last one on disk */
};

struct journal_table {
    struct journal_publisher **publishers; /* sorted by name */
    size_t n_publishers;
    struct journal_counter **counters; /* sorted by name and tlp */
    size_t n_counters;
    uint64_t n_evicted;
    struct {
        char topic[JOURNAL_TOPIC_MAX];
        size_t len; /* 0: none yet */
        uint8_t tlp;
        struct journal_counter *counter;
    } last; /* of journal_table_topic: the next event mostly has the same */
};

void journal_table_init(struct journal_table *table);
void journal_table_deinit(struct journal_table *table);

/** NULL when it is not known. */
struct journal_publisher *journal_table_find(const struct journal_table *table, const char *name, size_t len);

/**
 * Finds or makes an entry. In a full table the entry goes whose last event is the oldest and that nobody holds.
 *
 * @return 0, JOURNAL_TABLE_E_FULL when all are held, or -EINVAL for a name of 0 or more than 64 bytes
 */
tip_nodiscard int journal_table_publisher(struct journal_table *table, const char *name, size_t len,
                                          struct journal_publisher **publisherp);

/** Finds or makes the counter of (class, tlp): 0, JOURNAL_TABLE_E_FULL, or -EINVAL as above or for tlp not 1 to 3. */
tip_nodiscard int journal_table_counter(struct journal_table *table, const char *name, size_t len, uint8_t tlp,
                                        struct journal_counter **counterp);

/**
 * The counter of a topic's class: 0 or as above, -EINVAL also for a topic without a class. The topic of the call before
 * is found at once.
 */
tip_nodiscard int journal_table_topic(struct journal_table *table, const char *topic, size_t len, uint8_t tlp,
                                      struct journal_counter **counterp);

/** Whether that topic was the last one journal_table_topic had a counter for. */
bool journal_table_topic_again(const struct journal_table *table, const char *topic, size_t len, uint8_t tlp);

/** The class of a topic "v1.<class>.…": its place and length; false when the topic has none. */
bool journal_topic_class(const char *topic, size_t len, const char **classp, size_t *lenp);

/** Takes a valid record into account; one that does not fit is passed over. */
void journal_table_fold(struct journal_table *table, const struct journal_record *record);

/** Appends the table; sets the counts of the header. @return 0 or -ENOBUFS */
tip_nodiscard int journal_table_encode(const struct journal_table *table, struct tip_buf *out,
                                       struct journal_header *header);

/** Fills an empty table from what stands behind a header. @return 0 or -EBADMSG */
tip_nodiscard int journal_table_decode(struct journal_table *table, const struct journal_header *header,
                                       const uint8_t *bytes, size_t n);
