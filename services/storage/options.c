#include "options.h"

#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include <tip/clock.h>
#include <tip/event.h>

#define AT(member) offsetof(struct store_options, member)

#define KEEP(option, class, days, what)                                                                       \
    {                                                                                                         \
        .name = (option), .type = TIP_OPT_DURATION, .offset = AT(keep_ms[class]), .fallback = (days),         \
        .min = TIP_DAY_MS, .max = 36500.0 * TIP_DAY_MS, .help = "How long events of class " what " are kept." \
    }

/* clang-format off */
static const struct tip_opt rows[] = {
    {.name = "database", .type = TIP_OPT_STRING, .offset = AT(database), .fallback = "dbname=tip", .max = 2000,
     .help = "PostgreSQL, as a libpq connection string; several hosts work. No password in here: see `password`."},
    {.name = "password", .type = TIP_OPT_STRING, .offset = AT(password), .max = 1000, .flags = TIP_OPT_SECRET,
     .help = "Of the database user; `password_file` reads it from a file. Without either, libpq looks into ~/.pgpass."},
    {.name = "consumer", .type = TIP_OPT_STRING, .offset = AT(consumer), .fallback = "storage", .min = 1,
     .max = TIP_NAME_MAX,
     .help = "Name under which the journal is read. Of two storages with one name, the second stands by."},
    {.name = "batch_bytes", .type = TIP_OPT_SIZE, .offset = AT(batch_bytes), .fallback = "4MiB", .min = 256 << 10,
     .max = 4 << 20, .help = "Most bytes of events in one transaction."},
    {.name = "batch_events", .type = TIP_OPT_INT, .offset = AT(batch_events), .fallback = "10000", .min = 1,
     .max = 100000, .help = "Most events in one transaction."},
    {.name = "batch_wait", .type = TIP_OPT_DURATION, .offset = AT(batch_wait_ms), .fallback = "200ms", .min = 1,
     .max = 30000, .help = "How long a fetch waits for the first event."},
    {.name = "answer_timeout", .type = TIP_OPT_DURATION, .offset = AT(answer_timeout_ms), .fallback = "5m", .min = 1000,
     .max = TIP_DAY_MS,
     .help = "A server that says nothing for so long is taken for gone: another connection is made. No statement takes as "
             "long."},
    {.name = "query_timeout", .type = TIP_OPT_DURATION, .offset = AT(query_timeout_ms), .fallback = "5s", .min = 100,
     .max = 60000, .help = "How long a named query may take."},
    {.name = "queries", .type = TIP_OPT_INT, .offset = AT(queries), .fallback = "16", .min = 1, .max = 256,
     .help = "Most queries waiting and running."},
    {.name = "readers", .type = TIP_OPT_INT, .offset = AT(readers), .fallback = "4", .min = 1, .max = 32,
     .help = "How many queries run at once, each on a connection of its own, which is made when it is first needed."},
    {.name = "partitions_ahead", .type = TIP_OPT_INT, .offset = AT(partitions_ahead), .fallback = "7", .min = 1,
     .max = 90, .unit = "days", .help = "How many days of event partitions are made ahead."},
    {.name = "keep_events", .type = TIP_OPT_DURATION, .offset = AT(keep_events_ms), .fallback = "90d",
     .min = TIP_DAY_MS, .max = 36500.0 * TIP_DAY_MS,
     .help = "How long events are kept; whole days are dropped. What they led to stays. No class is kept for longer."},
    {.name = "keep_history", .type = TIP_OPT_DURATION, .offset = AT(keep_history_ms), .fallback = "90d",
     .min = TIP_DAY_MS, .max = 36500.0 * TIP_DAY_MS,
     .help = "How long former verdicts and former times on a list are kept: how far back `--at` can look."},
    KEEP("keep_listing", STORE_CLASS_LISTING, "14d", "`listing` (what lists have said; their rows stay)"),
    KEEP("keep_verdict", STORE_CLASS_VERDICT, "14d", "`verdict` (the last word on each indicator stays)"),
    KEEP("keep_schedule", STORE_CLASS_SCHEDULE, "90d", "`schedule`, and runs,"),
    KEEP("keep_source", STORE_CLASS_SOURCE, "90d", "`source` (the history of versions stays)"),
    KEEP("keep_mail", STORE_CLASS_MAIL, "90d", "`mail`"),
    KEEP("keep_flux", STORE_CLASS_FLUX, "90d", "`flux`"),
    KEEP("keep_smtp", STORE_CLASS_SMTP, "90d", "`smtp`"),
    KEEP("keep_control", STORE_CLASS_CONTROL, "90d", "`control` (the audit log stays)"),
    KEEP("keep_watch", STORE_CLASS_WATCH, "90d", "`watch`"),
    KEEP("keep_system", STORE_CLASS_SYSTEM, "90d", "`system` (the last word on each alarm stays)"),
};
/* clang-format on */

static const char *const class_names[STORE_CLASS_COUNT] = {
    [STORE_CLASS_SCHEDULE] = "schedule", [STORE_CLASS_LISTING] = "listing", [STORE_CLASS_SOURCE] = "source",
    [STORE_CLASS_VERDICT] = "verdict",   [STORE_CLASS_MAIL] = "mail",       [STORE_CLASS_FLUX] = "flux",
    [STORE_CLASS_SMTP] = "smtp",         [STORE_CLASS_CONTROL] = "control", [STORE_CLASS_WATCH] = "watch",
    [STORE_CLASS_SYSTEM] = "system",
};

const char *store_class_name(enum store_class class)
{
    return class_names[class];
}

const struct tip_opt_table store_options_table = {
    .section = "storage",
    .rows = rows,
    .n_rows = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct store_options),
    .help = "Where everything is stored.",
};

static bool options_has_password(const PQconninfoOption *options)
{
    for (; options->keyword; options++) {
        if (!strcmp(options->keyword, "password") && options->val && options->val[0])
            return true;
    }
    return false;
}

void store_options_check(const void *opaque, struct tip_conf *conf)
{
    const struct store_options *options = opaque;
    char *why = NULL;
    PQconninfoOption *parsed = PQconninfoParse(options->database ? options->database : "", &why);

    if (!parsed)
        tip_conf_refuse(conf, "storage.database", "%.*s", (int)strcspn(why ? why : "", "\n"), why ? why : "");
    else if (options_has_password(parsed))
        tip_conf_refuse(conf, "storage.database", "holds a password: use storage.password_file");
    PQconninfoFree(parsed);
    PQfreemem(why);
}
