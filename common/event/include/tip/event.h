#pragma once
/*
 * Events as plain structs: what every program sees of proto/tip/v1/event.proto.
 *
 * To publish, fill a struct tip_event (its pointers are borrowed) and encode it. To read, decode: everything is
 * validated and bounded, and lives in one block that tip_event_destroy frees.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/cleanup.h>
#include <tip/indicator.h>

enum {
    TIP_EVENT_BYTES_MAX = 128 * 1024, /* the broker refuses more */
    TIP_EVENT_CAUSES_MAX = 4,
    TIP_BATCH_ENTRIES_MAX = 1000,
    TIP_BATCH_BYTES_MAX = 64 * 1024,
    TIP_RAW_MAX = 256,     /* evidence kept of a line */
    TIP_NAME_MAX = 64,     /* of sources, modules, services, jobs */
    TIP_TEXT_MAX = 1024,   /* of a sentence in an event */
    TIP_REJECTS_MAX = 100, /* the sample a source.* event carries */
    TIP_REJECT_COUNTS_MAX = 64,
    TIP_FAMILIES_MAX = 8,  /* of a verdict */
    TIP_ROLES_MAX = 16,    /* of a weight: what entries hit */
    TIP_OVERLAPS_MAX = 32, /* of a weight: other sources that are told */
    TIP_REASONS_MAX = 3,
    TIP_CLASSES_MAX = 64, /* a bus.head counts */
    TIP_DIGEST_TEXT = 64  /* SHA-256 in hex */
};

enum tip_tlp { TIP_TLP_NONE, TIP_TLP_CLEAR, TIP_TLP_GREEN, TIP_TLP_AMBER, TIP_TLP_COUNT };

enum tip_event_kind {
    TIP_EVENT_NONE, /* a payload this program does not know: header only */
    TIP_EVENT_SCHEDULE_DUE,
    TIP_EVENT_SCHEDULE_DONE,
    TIP_EVENT_SCHEDULE_FAILED,
    TIP_EVENT_SCHEDULE_OVERDUE,
    TIP_EVENT_LISTING_DELTA,
    TIP_EVENT_LISTING_BASELINE,
    TIP_EVENT_SOURCE_OK,
    TIP_EVENT_SOURCE_HELD,
    TIP_EVENT_SOURCE_FAILED,
    TIP_EVENT_SOURCE_WEIGHT,
    TIP_EVENT_VERDICT_CHANGES,
    TIP_EVENT_CONTROL_APPLIED,
    TIP_EVENT_CONTROL_ALLOW,
    TIP_EVENT_SYSTEM_HELLO,
    TIP_EVENT_SYSTEM_HEARTBEAT,
    TIP_EVENT_SYSTEM_GOODBYE,
    TIP_EVENT_SYSTEM_ALARM,
    TIP_EVENT_BUS_HEAD,
    TIP_EVENT_MAIL_SEEN,
    TIP_EVENT_FLUX_AGENT,
    TIP_EVENT_SMTP_BEHAVIOUR,
    TIP_EVENT_KIND_COUNT
};

/** 16 bytes compared as bytes: event ids, run ids, streams, journals. */
struct tip_id {
    uint8_t bytes[16];
};

struct tip_cause {
    struct tip_id event_id;
    uint32_t index;
    const char *source; /* the list whose listing it is; "" or NULL: it is no listing */
};

struct tip_schedule_due {
    struct tip_id run_id;
    const char *job, *module, *target; /* target "" for all that is due */
    int64_t due_unix_ms, deadline_unix_ms, expires_unix_ms;
    bool force;
};

struct tip_schedule_report { /* done and failed */
    struct tip_id run_id;
    const char *module, *summary;
    uint32_t n_ok, n_failed, n_skipped;
};

struct tip_schedule_overdue {
    struct tip_id run_id;
    const char *job, *module;
    int64_t deadline_unix_ms;
};

/** Bits of tip_listing_entry.flags; ListingFlag on the wire. */
enum tip_listing_flag {
    TIP_LISTING_SUBTREE = 1,
    TIP_LISTING_SPECIAL_USE = 2,
    TIP_LISTING_BAD_IDNA = 4,
    TIP_LISTING_HOST_BITS = 8,
    TIP_LISTING_PUBLIC_SUFFIX = 16,
    TIP_LISTING_NEVER_SCORED = TIP_LISTING_SPECIAL_USE | TIP_LISTING_PUBLIC_SUFFIX
};

struct tip_listing_entry {
    enum tip_kind kind;
    uint16_t value_len;
    uint16_t raw_len;
    uint32_t flags;
    uint64_t line;
    const char *value;      /* NUL-terminated in decoded events */
    const uint8_t *raw;     /* may be NULL when raw_len is 0 */
    int64_t stated_unix_ms; /* when the list itself says that it saw it; 0: nothing that counts */
};

struct tip_listing_delta {
    const char *source;
    struct tip_id stream;
    uint64_t from_version, to_version;
    uint32_t part, n_parts;
    size_t n_added, n_changed, n_removed;
    struct tip_listing_entry *added, *changed, *removed; /* removed: kind and value only */
    int64_t fetched_unix_ms;
    int64_t confirmed_unix_ms; /* when the source last named what it has removed; 0: not known */
};

struct tip_listing_baseline {
    const char *source;
    struct tip_id stream, baseline_id;
    uint64_t version;
    uint32_t part, n_parts;
    size_t n_entries;
    struct tip_listing_entry *entries;
    int64_t fetched_unix_ms;
};

struct tip_listing_reject {
    uint64_t line;
    const char *reason;
    const uint8_t *raw;
    uint16_t raw_len;
};

struct tip_reject_count {
    const char *reason;
    uint64_t n;
};

struct tip_source_state { /* ok, held, failed */
    const char *source, *reason, *detail, *url;
    struct tip_id stream;
    uint64_t version;
    uint64_t n_entries, n_added, n_removed, n_changed, n_lines, n_rejected, n_bytes, n_special;
    size_t n_rejects; /* the sample */
    struct tip_listing_reject *rejects;
    size_t n_counts;
    struct tip_reject_count *counts;
    double weight;
    uint32_t n_failures;
    int64_t next_unix_ms;
};

struct tip_role_hits {
    const char *role;
    double n;
};

struct tip_source_overlap {
    const char *source;
    double n_scored, n_shared, n_first, n_late;
};

struct tip_source_weight { /* proto/tip/v1/event.proto says what each number is */
    const char *source, *reason;
    double weight, before;
    int64_t measured_unix_ms; /* 0: the rest is empty */
    double measured;
    bool fixed;
    double trust, trust_low, trust_high;
    double n_entries, n_confirmed, exposure, penalties;
    size_t n_hits;
    struct tip_role_hits *hits;
    double independence;
    double n_scored, n_exclusive, n_copied;
    const char *copied_from;
    double lead;
    double n_shared, lead_sum;
    double freshness;
    int64_t ok_unix_ms;
    uint64_t interval_ms, half_life_ms;
    const char *half_life_basis;
    uint64_t n_known, n_removed, n_held_60d, n_removed_60d, observed_ms;
    uint64_t law_half_life_ms;
    const char *law_basis; /* "": not told */
    bool law_append;
    size_t n_overlaps; /* carried, at most TIP_OVERLAPS_MAX */
    struct tip_source_overlap *overlaps;
    uint32_t overlap_count; /* in all */
    int64_t overlaps_unix_ms;
    double overlaps_scored;
};

enum tip_tier { TIP_TIER_NONE, TIP_TIER_WATCH, TIP_TIER_SLOW, TIP_TIER_BLOCK, TIP_TIER_COUNT };

struct tip_family_share {
    const char *family;
    double share;
};

struct tip_verdict_reason {
    const char *source;
    double weight;
};

struct tip_verdict {
    enum tip_kind kind;
    uint16_t value_len;
    const char *value;
    double score;
    enum tip_tier tier;
    size_t n_families;
    struct tip_family_share *families;
    size_t n_reasons; /* carried, at most 3 */
    struct tip_verdict_reason *reasons;
    uint32_t reason_count; /* in all */
    int64_t next_change_unix_ms, expires_unix_ms;
    bool subtree, whole;
};

struct tip_verdict_changes {
    size_t n_verdicts;
    struct tip_verdict *verdicts;
    const char *cause_source;
    struct tip_id stream;
    uint64_t version;
    uint32_t part;
    int64_t scored_unix_ms;
};

struct tip_control_applied {
    const char *service, *actor, *action, *target, *reason, *result;
    struct tip_id call_id;
    bool ok;
};

enum tip_allow_rule { TIP_ALLOW_NONE, TIP_ALLOW_ALLOW, TIP_ALLOW_DENY, TIP_ALLOW_RULE_COUNT };

enum tip_allow_scope { TIP_ALLOW_ANY, TIP_ALLOW_EXACT, TIP_ALLOW_SUBTREE, TIP_ALLOW_SCOPE_COUNT };

struct tip_allow_entry {
    enum tip_kind kind; /* ip, net or domain */
    enum tip_allow_rule rule;
    enum tip_allow_scope scope;
    uint16_t value_len;
    bool configured;
    const char *value, *reason, *actor;
    int64_t since_unix_ms, until_unix_ms; /* until 0: for good */
};

struct tip_allow_changes {
    size_t n_added, n_removed;
    struct tip_allow_entry *added, *removed;
    struct tip_id stream;
    uint64_t change;
    bool full;
};

struct tip_system_state { /* hello, heartbeat, goodbye */
    const char *service, *version, *instance, *detail;
    uint64_t pid, uptime_ms, rss_bytes, outbox_events;
    bool ready, insecure, simulated;
};

struct tip_system_alarm {
    const char *service, *name, *detail;
    bool raised;
};

struct tip_class_head {
    const char *class_name;
    enum tip_tlp tlp;
    uint64_t class_seq;
};

struct tip_bus_head {
    struct tip_id journal_id;
    uint64_t head_seq, first_available;
    size_t n_classes;
    struct tip_class_head *classes;
};

enum tip_mail_role { TIP_MAIL_ROLE_NONE, TIP_MAIL_SENDER, TIP_MAIL_ADVERTISED, TIP_MAIL_ROLE_COUNT };

struct tip_mail_entry {
    enum tip_kind kind; /* of a sender: ip; else url or domain */
    enum tip_mail_role role;
    uint16_t value_len;
    const char *value;
};

struct tip_mail_seen {
    const char *trap, *digest;
    int64_t received_unix_ms;
    size_t n_entries;
    struct tip_mail_entry *entries;
};

struct tip_flux_agent {
    enum tip_kind kind; /* ip */
    uint16_t value_len;
    const char *value, *prefix;
    uint32_t asn;
    int64_t seen_unix_ms;
    size_t n_causes;
    struct tip_cause *causes;
};

struct tip_flux_agents {
    const char *domain, *network;
    size_t n_agents;
    struct tip_flux_agent *agents;
};

struct tip_smtp_behaviour {
    enum tip_kind kind; /* ip */
    uint16_t value_len;
    bool caused_by_treatment;
    const char *value, *behaviour;
    uint32_t n;
    int64_t seen_unix_ms;
    size_t n_causes;
    struct tip_cause *causes;
};

struct tip_smtp_behaviours {
    size_t n_entries;
    struct tip_smtp_behaviour *entries;
};

struct tip_event {
    struct tip_id id;
    enum tip_event_kind kind;
    const char *kind_name; /* as it came; "" to let encode fill it */
    int64_t observed_unix_ms;
    uint32_t schema; /* 0 encodes as 1 */
    uint32_t depth;
    size_t n_causes;
    struct tip_cause causes[TIP_EVENT_CAUSES_MAX];
    union {
        struct tip_schedule_due schedule_due;
        struct tip_schedule_report schedule_report;
        struct tip_schedule_overdue schedule_overdue;
        struct tip_listing_delta listing_delta;
        struct tip_listing_baseline listing_baseline;
        struct tip_source_state source_state;
        struct tip_source_weight source_weight;
        struct tip_verdict_changes verdict_changes;
        struct tip_control_applied control_applied;
        struct tip_allow_changes allow_changes;
        struct tip_system_state system_state;
        struct tip_system_alarm system_alarm;
        struct tip_bus_head bus_head;
        struct tip_mail_seen mail_seen;
        struct tip_flux_agents flux_agents;
        struct tip_smtp_behaviours smtp_behaviours;
    };
};

/** The broker's stamp of a record, decoded. */
struct tip_stamp {
    struct tip_id journal_id;
    uint64_t seq, class_seq, epoch, pub_seq;
    int64_t commit_unix_us;
    enum tip_tlp tlp;
    char publisher[TIP_NAME_MAX + 1];
    char topic[256];
};

/**
 * Appends the encoded event to `out`.
 *
 * @return 0; -ENOBUFS when `out` is full; -EMSGSIZE above TIP_EVENT_BYTES_MAX; -EINVAL when the struct breaks a bound
 */
tip_nodiscard int tip_event_encode(const struct tip_event *event, struct tip_buf *out);

/** What encoding would append, in bytes: to fill a batch up to TIP_BATCH_BYTES_MAX, entry by entry. */
size_t tip_listing_entry_size(const struct tip_listing_entry *entry);
size_t tip_verdict_size(const struct tip_verdict *verdict);

enum {
    TIP_EVENT_E_MALFORMED = 1, /* not protobuf, or no Event */
    TIP_EVENT_E_INVALID = 2    /* a field outside its bounds: reasonp says which */
};

/**
 * Reads an event. A payload of a kind this program does not know is no error: kind is TIP_EVENT_NONE.
 *
 * Texts are valid UTF-8 without control characters, ids have 16 bytes, batches are within their bounds, indicators
 * are of a known kind, at most TIP_INDICATOR_MAX bytes and printable (their canonical form is the publisher's promise).
 *
 * @param eventp   set on success; the caller destroys it
 * @param reasonp  set on TIP_EVENT_E_*, a static sentence; may be NULL
 * @return 0, TIP_EVENT_E_*, or negative errno
 */
tip_nodiscard int tip_event_decode(const uint8_t *bytes, size_t n, struct tip_event **eventp, const char **reasonp);
void tip_event_destroy(struct tip_event **eventp);

/**
 * Splits a Record without copying: the stamp, and where the event's bytes are within `bytes`.
 *
 * @return 0 or TIP_EVENT_E_MALFORMED
 */
tip_nodiscard int tip_record_read(const uint8_t *bytes, size_t n, struct tip_stamp *stamp, const uint8_t **eventp,
                                  size_t *event_lenp);

/** Encodes a stamp and the event's bytes as a Record: what the broker does, and test publishers. */
tip_nodiscard int tip_record_write(const struct tip_stamp *stamp, const uint8_t *event, size_t event_len,
                                   struct tip_buf *out);

/** "listing.delta", …; "" for TIP_EVENT_NONE. */
const char *tip_event_kind_name(enum tip_event_kind kind);
enum tip_event_kind tip_event_kind_of(const char *name);

/**
 * Does a topic say the kind of the event that came under it? Rights are given by topic, so an event under another one
 * is nothing its publisher may say. No topic is that of a kind which this version does not know.
 */
bool tip_event_is_under(const struct tip_event *event, const char *topic);

const char *tip_tier_name(enum tip_tier tier);
const char *tip_tlp_name(enum tip_tlp tlp);

/** "sender", "advertised"; "none" for 0. */
const char *tip_mail_role_name(enum tip_mail_role role);

/** "allow", "deny"; "exact", "subtree"; "none" for 0. */
const char *tip_allow_rule_name(enum tip_allow_rule rule);
const char *tip_allow_scope_name(enum tip_allow_scope scope);

/** The tier of a score: none < 0.3 <= watch < 0.6 <= slow < 0.9 <= block. */
enum tip_tier tip_tier_of(double score);

/**
 * A topic from its prefix in proto/topics.h and a name: "v1.source.ok." + "drop.v4" -> "v1.source.ok.drop_v4.".
 * Upper case becomes lower case, anything outside [a-z0-9_-] becomes '_'.
 *
 * @param topic  at least 256 bytes
 * @return 0, or -EMSGSIZE
 */
tip_nodiscard int tip_topic(char *topic, const char *prefix, const char *name);

/** True if it may travel: 1 to 255 bytes of [a-z0-9_.-], "v1." first, a dot last, class and kind there. */
bool tip_topic_valid(const char *topic, size_t n);

/**
 * One JSON object on one line, no newline: the one form in which events appear as text (tip sub, API, logs of
 * consumers). Ids are hex (event and run ids as UUID text), times RFC 3339 UTC, raw lines escaped text.
 *
 * @param stamp  may be NULL
 */
tip_nodiscard int tip_event_json(const struct tip_event *event, const struct tip_stamp *stamp, struct tip_buf *out);

bool tip_id_equal(const struct tip_id *a, const struct tip_id *b);
bool tip_id_is_zero(const struct tip_id *id);
