#pragma once
/*
 * A source being collected, for the files that share it: collect.c moves it, collect_end.c tells how it ended,
 * collect_retire.c ends what it lists, pace.c says how often it may be asked.
 */
#include "app.h"
#include "io/fetch.h"

/** Steps the machine and performs what it wants. */
void collect_step(struct app_source *source, enum bl_source_event event);

/** The files are durable: from here on the version will be published, whatever happens. */
void collect_changed(struct app_source *source, const struct work_parse *job);

/** How it ended; collect_settle tells it as soon as the outbox has room. */
void collect_end(struct app_source *source, bool ok, const char *reason, const char *detail);
void collect_settle(struct app_source *source);

/** Foreign text for events and people: one line, no control characters. */
void collect_text(char *to, size_t room, const char *text);

/** Is a list of that host being fetched, or tried out? */
bool pace_host_is_busy(struct app *app, const char *host);

/**
 * A server has answered, whoever asked: until when it wants to be left alone is noted, not stored.
 *
 * @return how long, 0 when it does not say so
 */
int64_t pace_heard(struct app_source *source, const struct bl_fetched *fetched);

/** Stores what is noted of it outside of a collection: a restart must not forget it. */
void pace_keep(struct app_source *source);

/** Until the next fetch, chance included. */
int64_t collect_interval(const struct app_source *source);
uint64_t collect_chance(void);
