#pragma once
/*
 * Topics: "v1.<class>.<kind>.<...>." A topic ends with a dot, so that a prefix matches whole parts. At most 255 bytes
 * of [a-z0-9_.-]; a dot inside a name becomes '_'.
 */
#define TIP_TOPIC_MAX 255

#define TIP_TOPIC_SCHEDULE_DUE     "v1.schedule.due."     /* + module */
#define TIP_TOPIC_SCHEDULE_DONE    "v1.schedule.done."    /* + module */
#define TIP_TOPIC_SCHEDULE_FAILED  "v1.schedule.failed."  /* + module */
#define TIP_TOPIC_SCHEDULE_OVERDUE "v1.schedule.overdue." /* + module */
#define TIP_TOPIC_LISTING_DELTA    "v1.listing.delta."    /* + source */
#define TIP_TOPIC_LISTING_BASELINE "v1.listing.baseline." /* + source */
#define TIP_TOPIC_SOURCE_OK        "v1.source.ok."        /* + source */
#define TIP_TOPIC_SOURCE_HELD      "v1.source.held."      /* + source */
#define TIP_TOPIC_SOURCE_FAILED    "v1.source.failed."    /* + source */
#define TIP_TOPIC_SOURCE_WEIGHT    "v1.source.weight."    /* + source */
#define TIP_TOPIC_VERDICT_CHANGES  "v1.verdict.changes."  /* + family: list */
#define TIP_TOPIC_CONTROL_APPLIED  "v1.control.applied."  /* + service */
#define TIP_TOPIC_CONTROL_ALLOW    "v1.control.allow."    /* + service */
#define TIP_TOPIC_SYSTEM_HELLO     "v1.system.hello."     /* + service */
#define TIP_TOPIC_SYSTEM_HEARTBEAT "v1.system.heartbeat." /* + service; live only */
#define TIP_TOPIC_SYSTEM_GOODBYE   "v1.system.goodbye."   /* + service */
#define TIP_TOPIC_SYSTEM_ALARM     "v1.system.alarm."     /* + service */
#define TIP_TOPIC_BUS_HEAD         "v1.bus.head."         /* live only */
#define TIP_TOPIC_MAIL_SEEN        "v1.mail.seen."        /* + trap */
#define TIP_TOPIC_FLUX_AGENT       "v1.flux.agent."       /* + service */
#define TIP_TOPIC_SMTP_BEHAVIOUR   "v1.smtp.behaviour."   /* + service */

#define TIP_QUEUE_STORE_QUERY "store.query"
#define TIP_QUEUE_BUS_QUERY   "bus.query"
#define TIP_QUEUE_CONTROL     "control."        /* + service */
#define TIP_QUEUE_SNAPSHOT    "snapshot."       /* + stream + ".clear", ".green" or ".amber" */
#define TIP_QUEUE_LOOKUP      "verdict.lookup." /* + "clear", "green" or "amber" */
