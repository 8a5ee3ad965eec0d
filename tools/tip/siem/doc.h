#pragma once
/*
 * Events as a SIEM wants them: one document for one thing. A batch of entries becomes a document an entry, each with an
 * id that is the same whenever it is read again. ecs.c and syslog.c are its two forms. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/event.h>

/** As syslog numbers them (RFC 5424, section 6.2.1). */
enum siem_severity { SIEM_ERROR = 3, SIEM_WARNING = 4, SIEM_NOTICE = 5, SIEM_INFO = 6 };

/** What ECS calls an event of a kind: a row a kind. Words of the ECS vocabulary, NULL for none. */
struct siem_row {
    const char *kind;     /* event.kind */
    const char *category; /* event.category */
    const char *type;     /* event.type */
    const char *action;   /* event.action, unless its entries have their own */
    const char *outcome;  /* event.outcome, unless the event says */
    enum siem_severity severity;
};

enum { SIEM_ID_BYTES = 64, SIEM_MESSAGE_BYTES = 512, SIEM_FIELDS_MAX = 12 };

/** A field of ours: tip.<name> in ECS, a parameter in syslog. */
struct siem_field {
    const char *name;
    const char *text; /* or NULL: the number */
    uint64_t number;
};

struct siem_doc {
    const struct siem_row *row;
    const struct tip_event *event; /* NULL for a gap */
    const struct tip_stamp *stamp; /* of a gap: the journal and where reading goes on */
    char id[SIEM_ID_BYTES];        /* "<event id>", "<event id>/<index>" */
    const char *kind_name;         /* "listing.delta", "gap" */
    const char *action, *outcome;
    enum siem_severity severity;

    enum tip_kind indicator; /* TIP_KIND_NONE: the document is about none */
    const char *value;
    uint16_t value_len;
    const char *source;                /* the list, or NULL */
    const struct tip_verdict *verdict; /* of a verdict, else NULL */
    int64_t seen_unix_ms;              /* when the list was fetched; 0: not said */

    const char *user, *service, *reason; /* who did it; whose; why; NULL */
    size_t n_fields;
    struct siem_field fields[SIEM_FIELDS_MAX];
    char message[SIEM_MESSAGE_BYTES];
};

/** Calls fn for each document of an event; stops at the first that does not return 0, and returns that. */
tip_nodiscard int siem_each(const struct tip_event *event, const struct tip_stamp *stamp,
                            int (*fn)(void *ctx, const struct siem_doc *doc), void *ctx);

/** What a reader of the journal has missed. */
struct siem_gap {
    const char *reason;        /* trimmed, new_journal, damaged, unreadable */
    struct tip_id journal_id;  /* that is read from now on */
    struct tip_id before_id;   /* that was read before: another one after new_journal */
    uint64_t from_seq, to_seq; /* 0: not known */
    uint64_t next_seq;         /* reading goes on there */
    int64_t now_unix_ms;
};

/** Its document; stamp is filled and borrowed. */
void siem_gap_doc(const struct siem_gap *gap, struct tip_stamp *stamp, struct siem_doc *doc);

/** {"gap": {...}} on one line, no newline: among the events of `tip sub -o ndjson`. */
tip_nodiscard int siem_gap_json(const struct siem_gap *gap, struct tip_buf *out);

/** One JSON object with the names of the Elastic Common Schema, on one line, no newline. */
tip_nodiscard int siem_ecs(const struct siem_doc *doc, struct tip_buf *out);

enum { SIEM_SYSLOG_BYTES = 8192 };

/**
 * One syslog message (RFC 5424), no newline, at most SIEM_SYSLOG_BYTES octets: its text is cut before that, an
 * indicator never.
 *
 * @param host  HOSTNAME, "-" for none
 */
tip_nodiscard int siem_syslog(const struct siem_doc *doc, const char *host, struct tip_buf *out);

/** "ipv4-addr", "domain-name", …: what STIX and ECS call an indicator. */
const char *siem_indicator_type(enum tip_kind kind, const char *value, size_t len);

const char *siem_severity_name(enum siem_severity severity);
